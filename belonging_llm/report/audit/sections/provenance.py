"""Where the figures come from, and how segments came into the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belonging_llm.auditing.record import Audit, PartFlow
from belonging_llm.report.audit.tables import Cell, Table, count, row, share, table, words
from belonging_llm.report.audit.words import counted, flatten, joined, moment, plain

OUTCOMES = {
    "assigned": "Assigned",
    "not_assigned": "Not assigned",
    "abstained": "Left to people (abstained)",
    "failed": "Failed: no usable reply",
}


@dataclass(frozen=True)
class Made:
    """Provenance: tables beside what the record holds as it is."""

    facts: Table
    coders: Table
    openings: Table | None
    split: Table
    demanded: Table
    settings: Table
    versions: Table


@dataclass(frozen=True)
class FlowShown:
    """How segments came into the audit."""

    parts: Table
    outcomes: Table
    strata: Table | None


def present(audit: Audit) -> Made:
    """What the section shows."""
    given = audit.provenance
    return Made(
        facts=_pairs("facts", "Model and codebook", _facts(audit)),
        coders=_coders(audit),
        openings=_openings(audit),
        split=table(
            "split",
            "Participants by part of the split; each participant is in one part only.",
            ("Part", "Participants", "Who"),
            [row(part, count(len(who)), words(", ".join(who) or "nobody")) for part, who in given.split.items()],
        ),
        demanded=_pairs("demanded", "What the verdicts demand, fixed before the test split is opened", given.demanded),
        settings=_pairs("settings", "Settings of the run", given.settings),
        versions=_pairs("versions", "Versions", given.versions),
    )


def flow(audit: Audit) -> FlowShown:
    """What the section on the sample shows."""
    return FlowShown(parts=_parts(audit), outcomes=_outcomes(audit), strata=_strata(audit))


def _facts(audit: Audit) -> dict[str, str]:
    given = audit.provenance
    return {
        "Judged here": given.judged,
        "Run": given.run_id or "none: the codings were brought in",
        "Model": "no language model was asked" if given.without_model else given.model or "not recorded",
        "Encoder": given.encoder or "not recorded",
        "Codebook": given.codebook or "not recorded",
        "Digest of the codebook": given.codebook_digest or "not recorded",
        "Digest of the split": given.split_digest or "not recorded",
        "Coding prompts tried": counted(given.prompts_tried, "text"),
        "Codebooks tried": counted(given.codebooks_tried, "version"),
        "Finished runs of this study": f"{given.runs:,}",
        "Openings of the test split": f"{len(given.openings):,}",
        "Search for gold in the prompts": given.leaks_searched or "not recorded",
    }


def _pairs(key: str, caption: str, given: Mapping[str, Any]) -> Table:
    rows = [row(name, words(text)) for name, text in flatten(given).items()]
    return table(key, caption, ("What", "Value"), rows, kind="facts")


def _coders(audit: Audit) -> Table:
    return table(
        "coders",
        "People who coded this part. Judgements made after seeing the model’s are left out of every figure.",
        ("Person", "Role", "Segments judged", "After seeing the model’s", "First", "Last"),
        [
            row(
                c.name,
                words(c.role),
                count(c.judged),
                count(c.saw_model),
                words(moment(c.first_at)),
                words(moment(c.last_at)),
            )
            for c in audit.provenance.coders
        ],
    )


def _openings(audit: Audit) -> Table | None:
    if not audit.provenance.openings:
        return None
    return table(
        "openings",
        "Every opening of the test split. What changed after one makes its verdicts void.",
        ("When", "Who", "For", "Changed since"),
        [
            row(moment(o.at), words(o.who), words(o.candidate), words(joined(o.changed_since, "nothing")))
            for o in audit.provenance.openings
        ],
    )


def _parts(audit: Audit) -> Table:
    return table(
        "parts",
        "Each part of the split. Segments judged by two or three people also count among those judged by one.",
        ("Part", "Participants", "Segments", "Judged by one person", "By two", "By three"),
        [row(*_part(audit, part)) for part in audit.flow.parts],
    )


def _part(audit: Audit, part: PartFlow) -> tuple[Any, ...]:
    name = f"{part.part} (audited here)" if part.part == audit.split else part.part
    figures = (part.participants, part.segments, part.judged_once, part.judged_twice, part.judged_thrice)
    return (name, *(count(n) for n in figures))


def _outcomes(audit: Audit) -> Table:
    whole = sum(audit.flow.outcomes.values())
    return table(
        "outcomes",
        "What the model answered on the audited segments; each segment counts once for every code.",
        ("Outcome", "Judgements", "Share"),
        [
            row(OUTCOMES.get(str(name), str(name)), count(n), share(n / whole if whole else None, "There are none."))
            for name, n in audit.flow.outcomes.items()
        ],
    )


def _strata(audit: Audit) -> Table | None:
    strata = audit.flow.strata
    if not strata:
        return None
    keys = list(dict.fromkeys(str(key) for one in strata for key in one))
    caption = "The audit sample by stratum: how large it is, how many were drawn, and with what probability."
    head = [key.replace("_", " ").capitalize() for key in keys]
    return table("strata", caption, head, [row(*_stratum(one, keys)) for one in strata])


def _stratum(given: Mapping[str, Any], keys: list[str]) -> tuple[Any, ...]:
    first, *rest = keys
    return (plain(given.get(first)), *(_any_cell(given.get(key)) for key in rest))


def _any_cell(given: Any) -> Cell:
    number = isinstance(given, int | float) and not isinstance(given, bool)
    return Cell(f"{given:,}" if isinstance(given, int) and number else plain(given), kind="num" if number else "")
