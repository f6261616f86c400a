"""What the model may learn from people: the development split's codings, and calibration's; never test's."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.auditing.silence import Asked
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.codes import NO_LESSONS, Lessons, Outcome, Polarity
from belonging_llm.errors import StudyError
from belonging_llm.provenance import digest
from belonging_llm.segments import Segment
from belonging_llm.study import Study

ABSENCE = {Polarity.ABSENT: 1.0, Polarity.MIXED: 0.5, Polarity.EXPERIENCED: 0.0}


@dataclass(frozen=True)
class Teaching:
    """Human codings that may shape the coding of everything else.

    Attributes:
        development: To learn from; `calibration` to calibrate on.
        polar_rows: Development segments that somebody gave a code with a polarity, one entry a coding.
        polar_absent: What they said: 1 absent, 0.5 mixed, 0 experienced.
    """

    development: Lessons
    calibration: Lessons
    polar_rows: np.ndarray
    polar_absent: np.ndarray

    def shares(self, n_segments: int, n_codes: int) -> np.ndarray | None:
        """What people said of every segment, shape (n_segments, n_codes); NaN where they said nothing."""
        if not len(self.development):
            return None
        return _spread((self.development, self.calibration), n_segments, n_codes)

    def checked(self, n_segments: int, n_codes: int) -> np.ndarray | None:
        """The same of calibration alone: chances were learned from development and explain it too well."""
        return _spread((self.calibration,), n_segments, n_codes) if len(self.calibration) else None

    @property
    def digest(self) -> str:
        """Names what was learned from."""
        polar = [self.polar_rows.tolist(), self.polar_absent.tolist()]
        return digest([_plain(self.development), _plain(self.calibration), polar])


def _spread(parts: Sequence[Lessons], n_segments: int, n_codes: int) -> np.ndarray:
    found = np.full((n_segments, n_codes), np.nan)
    for part in parts:
        if len(part):
            found[part.rows] = part.shares
    return found


NOTHING = Teaching(NO_LESSONS, NO_LESSONS, np.empty(0, np.intp), np.empty(0))


def teaching(study: Study, segments: Sequence[Segment], *, everything: bool = False) -> Teaching:
    """People's codings of the development and calibration splits, as rows of `segments`.

    Args:
        everything: Learn from all human codings; for tables that nobody will audit against.
    """
    if not study.store.findings.judgements():
        return NOTHING
    if everything:
        return _teaching(study, segments, {s.participant for s in segments}, ())
    try:
        where = parts(study)
    except StudyError:
        # Too few participants to keep any apart: learning from them would leave nobody to judge by.
        return NOTHING
    people = {part: {who for who, p in where.items() if p is part} for part in Part}
    return _teaching(study, segments, people[Part.DEVELOPMENT], people[Part.CALIBRATION])


def _teaching(
    study: Study, segments: Sequence[Segment], development: Collection[str], calibration: Collection[str]
) -> Teaching:
    place = {s.id: i for i, s in enumerate(segments)}
    judges = _judges(study, {s.id for s in segments if s.participant in development})
    rows, absent = [], []
    for c in study.store.findings.codings():
        if c.polarity and c.coder in judges.get(c.segment_id, ()) and c.outcome is Outcome.ASSIGNED:
            rows.append(place[c.segment_id])
            absent.append(ABSENCE[c.polarity])
    return Teaching(
        _lessons(study, segments, development),
        _lessons(study, segments, calibration),
        np.array(rows, np.intp),
        np.array(absent),
    )


def _lessons(study: Study, segments: Sequence[Segment], participants: Collection[str]) -> Lessons:
    """Shares of the coders who judged each segment."""
    place = {s.id: i for i, s in enumerate(segments) if s.participant in participants}
    codes = [code.id for code in study.framework().assignable]
    raw = _judges(study, place)
    if not raw:
        return NO_LESSONS
    units = sorted(raw, key=lambda unit: place[unit])
    row = {unit: i for i, unit in enumerate(units)}
    counts = np.zeros((len(units), len(codes)))
    judged = np.repeat([[float(len(raw[unit]))] for unit in units], len(codes), axis=1)
    silent = _silent(study, raw, codes)
    for c in study.store.findings.codings():
        if c.code in codes and c.coder in raw.get(c.segment_id, ()):
            where = row[c.segment_id], codes.index(c.code)
            counts[where] += c.outcome is Outcome.ASSIGNED
            # Whoever abstained on a code judged the others.
            judged[where] -= c.outcome in (Outcome.ABSTAINED, Outcome.FAILED)
            silent.discard((c.segment_id, c.coder, c.code))
    for unit, _, code in silent:
        judged[row[unit], codes.index(code)] -= 1
    people = {name: g for g, name in enumerate(sorted({segments[place[u]].participant for u in units}))}
    return Lessons(
        rows=np.array([place[unit] for unit in units], np.intp),
        shares=np.divide(counts, judged, out=np.full_like(counts, np.nan), where=judged > 0),
        groups=np.array([people[segments[place[unit]].participant] for unit in units], np.intp),
    )


def _silent(study: Study, raw: dict[str, set[str]], codes: Sequence[str]) -> set[tuple[str, str, str]]:
    """Segment, coder and code where the code was not there when they judged."""
    asked = Asked(study.store.codebooks, codes)
    judgements = [j for j in study.store.findings.judgements() if j.coder in raw.get(j.segment_id, ())]
    return {(j.segment_id, j.coder, code) for j in judgements for code in asked.not_about(j)}


def _judges(study: Study, units: Container[str]) -> dict[str, set[str]]:
    """Who judged each of these units without the model's word; the adjudicator only where nobody else did."""
    adjudicator = study.settings.audit.adjudicator
    judged: dict[str, set[str]] = {}
    for j in study.store.findings.judgements():
        if j.segment_id in units and not j.saw_model:
            judged.setdefault(j.segment_id, set()).add(j.coder)
    return {unit: (coders - {adjudicator}) or coders for unit, coders in judged.items()}


def _plain(lessons: Lessons) -> list[object]:
    # JSON has no NaN: what nobody judged is null.
    shares = [[None if np.isnan(one) else one for one in row] for row in lessons.shares.round(6).tolist()]
    return [lessons.rows.tolist(), shares]
