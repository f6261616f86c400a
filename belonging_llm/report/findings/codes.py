"""The codes: where each was assigned, on what evidence, and what was left to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from belonging_llm.codebook import Code, Framework
from belonging_llm.codes.coding import Coding, Outcome, Polarity
from belonging_llm.report.findings.corpus import Corpus, pick
from belonging_llm.report.findings.lists import Listed, cut
from belonging_llm.report.findings.passages import Passage, show
from belonging_llm.report.findings.share import Share
from belonging_llm.segments import Span

DETERMINANT = "determinant"


@dataclass(frozen=True)
class CodeView:
    """A code's outcomes; `polarities` counts experienced, absent, mixed and not judged, in that order."""

    code: Code
    kind: str
    anchor: str
    outcomes: Mapping[Outcome, int]
    polarities: tuple[int, ...]
    segments: Share
    participants: Share
    assigned: Listed[Passage]
    abstained: Listed[Passage]


@dataclass(frozen=True)
class CodeTable:
    """Codes that are read alike; `headings` name their polarities."""

    caption: str
    headings: tuple[str, ...]
    codes: tuple[CodeView, ...]


def tabulate(framework: Framework, corpus: Corpus) -> tuple[CodeTable, ...]:
    """Determinants enable or constrain, all other codes are experienced or absent: two tables."""
    views = _views(framework, corpus)
    states = tuple(v for v in views if v.code.kind != DETERMINANT)
    determinants = tuple(v for v in views if v.code.kind == DETERMINANT)
    kinds = ", ".join(dict.fromkeys(v.code.kind for v in states))
    tables = (
        _table(f"Codes that are experienced or absent ({kinds})", "experienced", "absent", states),
        _table("Determinants, which enable or constrain", "enables", "constrains", determinants),
    )
    return tuple(table for table in tables if table.codes)


def _table(caption: str, positive: str, negative: str, codes: tuple[CodeView, ...]) -> CodeTable:
    return CodeTable(caption, (positive, negative, "mixed", "not judged"), codes)


def _views(framework: Framework, corpus: Corpus) -> list[CodeView]:
    by_code: dict[str, list[Coding]] = {code.id: [] for code in framework.assignable}
    for coding in corpus.codings:
        by_code[coding.code].append(coding)
    return [_view(corpus.codes[code], codings, corpus) for code, codings in by_code.items()]


def _view(code: Code, codings: Sequence[Coding], corpus: Corpus) -> CodeView:
    assigned = sorted(pick(codings, Outcome.ASSIGNED), key=_sureness, reverse=True)
    abstained = sorted(pick(codings, Outcome.ABSTAINED), key=_sureness, reverse=True)
    polarity = Counter(c.polarity for c in assigned)
    return CodeView(
        code=code,
        kind=f"{code.kind} of {corpus.codes[code.parent].name}" if code.parent else code.kind,
        anchor=corpus.anchor(code.id),
        outcomes={outcome: len(pick(codings, outcome)) for outcome in Outcome},
        polarities=tuple(polarity[p] for p in (*Polarity, None)),
        segments=Share(len(assigned), len(codings)),
        participants=Share(len(corpus.speakers(c.segment_id for c in assigned)), len(corpus.people)),
        assigned=cut(assigned, lambda coding: _passage(coding, code, corpus)),
        abstained=cut(abstained, lambda coding: _passage(coding, code, corpus)),
    )


def _sureness(coding: Coding) -> float:
    """A key for sorting; codings without confidence come after all others."""
    return -1 if coding.confidence is None else coding.confidence


def _passage(coding: Coding, code: Code, corpus: Corpus) -> Passage:
    sure = "confidence not recorded" if coding.confidence is None else f"confidence {coding.confidence:.2f}"
    notes: tuple[str, ...] = (sure,)
    if coding.outcome is Outcome.ABSTAINED and coding.provenance.chance is not None:
        notes = (f"chance {coding.provenance.chance:.2f} that a person gives the code",)
    if coding.outcome is Outcome.ASSIGNED:
        mended = ("evidence repaired",) if any(span.repaired for span in coding.evidence) else ()
        notes = (_polarity(coding.polarity, code), sure, *mended)
    spans = [Span(e.start, e.end) for e in coding.evidence]
    rationale = coding.rationale or "rationale not recorded"
    return show(corpus.segments[coding.segment_id], spans, notes, rationale)


def _polarity(polarity: Polarity | None, code: Code) -> str:
    if polarity is None:
        return "polarity not judged"
    effects = {Polarity.EXPERIENCED: "enables", Polarity.ABSENT: "constrains"}
    return effects.get(polarity, polarity.value) if code.kind == DETERMINANT else polarity.value
