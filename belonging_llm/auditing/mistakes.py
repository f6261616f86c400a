"""Where the candidate errs: scores, what it mistakes for what, and every disagreement verbatim."""

from __future__ import annotations

from collections import Counter

import numpy as np

from belonging_llm.auditing.gold import NONE, Gold
from belonging_llm.auditing.record import Disagreement, Errors, Unanimity
from belonging_llm.codes import Coding
from belonging_llm.evaluation import scores
from belonging_llm.evaluation.scores import macro, micro
from belonging_llm.evaluation.tallies import cells_between


def errors(gold: Gold) -> Errors:
    """The candidate against what people settled on."""
    cells = cells_between(gold.settled, gold.candidate, gold.humans).sum(0)
    found = {code: scores(cells[k]) for k, code in enumerate(gold.humans.codes)}
    return Errors(
        scores=found,
        macro_precision=macro([s.precision for s in found.values()]),
        macro_recall=macro([s.recall for s in found.values()]),
        macro_f1=macro([s.f1 for s in found.values()]),
        micro=micro(cells),
        confused=_confused(gold),
        unanimity=tuple(_unanimity(gold, k) for k in range(len(gold.humans.codes))),
        disagreements=_disagreements(gold),
    )


def _confused(gold: Gold) -> tuple[tuple[str, str, int], ...]:
    """Which code the candidate has where it lacks one; each lacking code meets each extra one of its segment."""
    counts: Counter[tuple[str, str]] = Counter()
    codes = gold.humans.codes
    for people, model in zip(gold.settled, gold.candidate, strict=True):
        judged = (people >= 0) & (model >= 0)
        missing = [codes[k] for k in np.flatnonzero(judged & (people == 1) & (model == 0))]
        extra = [codes[k] for k in np.flatnonzero(judged & (people == 0) & (model == 1))]
        for one in missing or ([NONE] if extra else []):
            for other in extra or [NONE]:
                counts[one, other] += 1
    return tuple((a, b, n) for (a, b), n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _unanimity(gold: Gold, k: int) -> Unanimity:
    share = gold.shares[:, k]
    judged = (gold.settled[:, k] >= 0) & (gold.candidate[:, k] >= 0)
    wrong = judged & (gold.settled[:, k] != gold.candidate[:, k])
    at_one = judged & ((share == 0) | (share == 1))
    return Unanimity(
        code=gold.humans.codes[k],
        unanimous=int(at_one.sum()),
        unanimous_wrong=int((at_one & wrong).sum()),
        split=int((judged & ~at_one).sum()),
        split_wrong=int((judged & ~at_one & wrong).sum()),
    )


def _disagreements(gold: Gold) -> tuple[Disagreement, ...]:
    """Every one, by code; what all people agreed on comes first, then in the order of the interviews."""
    said = {(c.segment_id, c.code): c for c in gold.codings}
    found = []
    rows, columns = np.nonzero((gold.settled >= 0) & (gold.candidate >= 0) & (gold.settled != gold.candidate))
    for row, k in zip(rows.tolist(), columns.tolist(), strict=True):
        found.append(_disagreement(gold, row, k, said.get((gold.humans.units[row], gold.humans.codes[k]))))
    order = {code: k for k, code in enumerate(gold.humans.codes)}
    place = {ident: (s.participant, s.document, s.start) for ident, s in gold.segments.items()}
    return tuple(sorted(found, key=lambda d: (order[d.code], not d.unanimous, place[d.segment_id])))


def _disagreement(gold: Gold, row: int, k: int, coding: Coding | None) -> Disagreement:
    unit, marks = gold.humans.units[row], gold.humans.marks[:, row, k]
    segment = gold.segments[unit]
    quote = segment.text[coding.evidence[0].start : coding.evidence[0].end] if coding and coding.evidence else ""
    return Disagreement(
        segment_id=unit,
        participant=segment.participant,
        text=segment.text,
        code=gold.humans.codes[k],
        kind="missing" if gold.settled[row, k] == 1 else "extra",
        assigned_by=tuple(c for c, m in zip(gold.humans.coders, marks, strict=True) if m == 1),
        judged_by=tuple(c for c, m in zip(gold.humans.coders, marks, strict=True) if m >= 0),
        unanimous=bool(gold.shares[row, k] in (0, 1)),
        quote=quote,
        rationale=coding.rationale if coding else "",
        confidence=coding.confidence if coding else None,
    )
