"""The verdict table, and how far it may be relied on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from belonging_llm.auditing.record import Audit, CodeVerdict, Criterion, Verdict
from belonging_llm.report.audit.sections.names import name_of
from belonging_llm.report.audit.words import joined

ORDER: tuple[Verdict, ...] = ("replace", "assist", "human only", "insufficient evidence")
STANDINGS = {
    "final": ("Final", "The figures come from the part of the study that was kept sealed for this."),
    "provisional": ("Provisional", "These verdicts are for trying out. They are not evidence for a paper."),
    "void": ("Void", "Do not use these verdicts. Something changed that they rest on."),
}


@dataclass(frozen=True)
class VerdictRow:
    """One code's verdict.

    Attributes:
        criteria: Those not met come first, then those that could not be told.
        summary: How many were met, in words.
    """

    name: str
    verdict: Verdict
    slug: str
    in_words: str
    positives: int
    summary: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Verdicts:
    """The section.

    Attributes:
        kind: Of standing; `title` and `meaning` are what it is called and means.
        tally: How many codes have which verdict, in words.
    """

    kind: str
    title: str
    meaning: str
    reasons: tuple[str, ...]
    tally: str
    rows: tuple[VerdictRow, ...]


def present(audit: Audit) -> Verdicts:
    """What the section shows."""
    title, meaning = STANDINGS[audit.standing.kind]
    counts = Counter(v.verdict for v in audit.verdicts)
    tally = joined([f"{verdict} for {counts[verdict]}" for verdict in ORDER if counts[verdict]], "no code was judged")
    rows = tuple(_row(audit, v) for v in audit.verdicts)
    return Verdicts(audit.standing.kind, title, meaning, audit.standing.reasons, tally, rows)


def state(criterion: Criterion) -> str:
    """Whether a criterion was met, in words."""
    return {True: "met", False: "not met", None: "unknown"}[criterion.met]


def _row(audit: Audit, given: CodeVerdict) -> VerdictRow:
    order = {False: 0, None: 1, True: 2}
    counts = Counter(state(c) for c in given.criteria)
    parts = [f"{counts[word]} {word}" for word in ("met", "not met", "unknown") if counts[word]]
    return VerdictRow(
        name=given.name or name_of(audit, given.code),
        verdict=given.verdict,
        slug=given.verdict.replace(" ", "-"),
        in_words=given.in_words,
        positives=given.positives,
        summary=", ".join(parts) or "no criterion was judged",
        criteria=tuple(sorted(given.criteria, key=lambda c: order[c.met])),
    )
