"""Gold and candidate on the same units: people's raw codings, what they settled on, and what the model said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from belonging_llm.auditing.silence import Asked
from belonging_llm.codes import Coding, Judgement, Outcome
from belonging_llm.errors import StudyError
from belonging_llm.evaluation import Ratings, consensus, ratings
from belonging_llm.evaluation.estimate import Floats, ratio
from belonging_llm.evaluation.ratings import MISSING, Marks
from belonging_llm.segments import Segment
from belonging_llm.store import Run
from belonging_llm.study import Study

NONE = "none"


@dataclass(frozen=True)
class Candidate:
    """Who is judged: the model of a run, or any coder whose codings were brought in.

    Attributes:
        run: The run whose codings these are; None for a coder's.
        name: What reports call it.
    """

    name: str
    run: Run | None
    codings: Sequence[Coding]

    @property
    def key(self) -> str:
        """What names it in a log."""
        return f"run {self.run.id}" if self.run else f"coder {self.name}"

    def is_coder(self, name: str) -> bool:
        """Whether the candidate is this coder; a run never is, whatever its model is called."""
        return self.run is None and name == self.name


@dataclass(frozen=True)
class Gold:
    """Judgements on the units of one part of a study.

    Attributes:
        humans: Raw coders, each for themselves, clustered by participant; never the adjudicator, never anyone who
            had seen the model's codings.
        settled: What people settled on, shape (n_units, n_codes): the adjudicator where there is one, else what most
            of them said; -1 where they did not settle.
        settled_by: `adjudicated`, or `majority`.
        candidate: The candidate's marks, shape (n_units, n_codes): -1 where it abstained, failed or said nothing.
        outcomes: The candidate's outcomes on these units, counted.
        confidence: Of the candidate's judgements, shape (n_units, n_codes); NaN where there is none.
        segments: By id, in the order of `humans.units`.
        anchored: Judgements left out because the coder had seen the model's; `anchored_decisions` of them are the
            adjudicator's, and what the coders said counts instead.
        codings: The candidate's codings on these units.
    """

    humans: Ratings
    settled: Marks
    settled_by: str
    candidate: Marks
    outcomes: Counter[str]
    confidence: Floats
    segments: Mapping[str, Segment]
    anchored: int
    codings: tuple[Coding, ...]
    anchored_decisions: int = 0

    @cached_property
    def together(self) -> Ratings:
        """People and the candidate, who comes last."""
        return self.humans.joined("model", self.candidate)

    @cached_property
    def shares(self) -> Floats:
        """Of people who judged, the share who assigned, shape (n_units, n_codes); NaN where nobody judged."""
        judged = (self.humans.marks >= 0).sum(0)
        ones = (self.humans.marks == 1).sum(0)
        return ratio(ones, np.where(judged > 0, judged, np.nan))


def candidate(study: Study, wanted: str | None) -> Candidate:
    """Who is judged.

    Args:
        wanted: The beginning of a run's id, or a coder's name; None takes the last finished run.

    Raises:
        StudyError: there is no such run or coder.
    """
    store = study.store
    if wanted is None:
        run = store.runs.latest()
        if run is None:
            raise StudyError(f"{study.folder}: no analysis has finished yet; run `belonging analyse`")
        return Candidate(_model(run), run, store.findings.codings(run.id))
    if wanted in store.findings.coders():
        return Candidate(wanted, None, [c for c in store.findings.codings() if c.coder == wanted])
    runs = [run for run in store.runs.finished() if run.id.startswith(wanted)]
    if len(runs) != 1:
        coders = ", ".join(store.findings.coders()) or "none"
        known = ", ".join(run.id[:8] for run in store.runs.finished()) or "none"
        what = "several runs begin with it" if runs else "no such run or coder"
        raise StudyError(f"{wanted}: {what}; runs: {known}; coders: {coders}")
    return Candidate(_model(runs[0]), runs[0], store.findings.codings(runs[0].id))


def gold(study: Study, judged: Candidate, participants: Collection[str]) -> Gold:
    """Line up people and candidate on the segments of some participants that people judged.

    Raises:
        StudyError: no raw coder judged any of these segments.
    """
    store, settings = study.store, study.settings.audit
    codes = [code.id for code in study.framework().assignable]
    segments = {s.id: s for s in store.corpus.segments() if s.participant in participants}
    judgements = [j for j in store.findings.judgements() if j.segment_id in segments and not judged.is_coder(j.coder)]
    free = [j for j in judgements if not j.saw_model]
    raw = [j for j in free if j.coder != settings.adjudicator]
    if not raw:
        raise StudyError(
            f"{study.folder}: nobody judged a segment of these participants without having seen the model's codings"
        )
    asked = Asked(study.store.codebooks, codes)
    who = {ident: s.participant for ident, s in segments.items()}
    humans = _raw(raw, store.findings.codings(), codes, who, asked)
    settled, by = _settled(study, humans, judged, asked)
    own = tuple(c for c in judged.codings if c.segment_id in set(humans.units) and c.code in codes)
    seen = () if judged.run else {j.segment_id for j in store.findings.judgements() if j.coder == judged.name}
    return Gold(
        humans=humans,
        settled=settled,
        settled_by=by,
        candidate=marks_of(own, humans.units, codes, seen),
        outcomes=Counter(str(c.outcome) for c in own),
        confidence=_confidences(own, humans.units, codes),
        segments={unit: segments[unit] for unit in humans.units},
        anchored=len(judgements) - len(free),
        codings=own,
        anchored_decisions=sum(j.saw_model and j.coder == settings.adjudicator for j in judgements),
    )


def settled(study: Study, who: Mapping[str, str]) -> tuple[Ratings, Marks]:
    """People's codings of some segments, and what they settled on; without a candidate nobody is left out.

    Args:
        who: Participant of each segment.

    Raises:
        StudyError: nobody judged any of them.
    """
    codes = [code.id for code in study.framework().assignable]
    judgements = [j for j in study.store.findings.judgements() if j.segment_id in who and not j.saw_model]
    raw = [j for j in judgements if j.coder != study.settings.audit.adjudicator]
    if not raw:
        raise StudyError(f"{study.folder}: nobody judged any of these segments")
    asked = Asked(study.store.codebooks, codes)
    humans = _raw(raw, study.store.findings.codings(), codes, who, asked)
    return humans, _settled(study, humans, Candidate("", None, []), asked)[0]


def _raw(
    judgements: Sequence[Judgement],
    codings: Sequence[Coding],
    codes: Sequence[str],
    who: Mapping[str, str],
    asked: Asked,
) -> Ratings:
    """Each person's own word on each unit; what they abstained on, or were never asked, they did not judge."""
    looked: dict[str, list[str]] = {}
    for j in judgements:
        looked.setdefault(j.coder, []).append(j.segment_id)
    pairs = {(j.segment_id, j.coder) for j in judgements}
    given = [c for c in codings if (c.segment_id, c.coder) in pairs and c.code in codes]
    open_ = (Outcome.ABSTAINED, Outcome.FAILED)
    said = {(c.segment_id, c.coder, c.code) for c in given}
    silent = {(j.segment_id, j.coder, code) for j in judgements for code in asked.not_about(j)} - said
    return ratings(
        looked,
        [(c.segment_id, c.coder, c.code) for c in given if c.outcome is Outcome.ASSIGNED],
        codes=codes,
        clusters=who,
        clustered_by="participant",
        withheld=[*((c.segment_id, c.coder, c.code) for c in given if c.outcome in open_), *sorted(silent)],
    )


def _settled(study: Study, humans: Ratings, judged: Candidate, asked: Asked) -> tuple[Marks, str]:
    """The adjudicator's word where there is one, else the majority's; nobody is judged by their own word."""
    found = consensus(humans)
    name = study.settings.audit.adjudicator
    if judged.is_coder(name):
        return found, "majority"
    place = {unit: i for i, unit in enumerate(humans.units)}
    column = {code: k for k, code in enumerate(humans.codes)}
    ruled = {
        j.segment_id: j
        for j in study.store.findings.judgements()
        if j.coder == name and j.segment_id in place and not j.saw_model
    }
    for unit, j in ruled.items():
        about = [column[code] for code in humans.codes if code not in asked.not_about(j)]
        found[place[unit], about] = 0
    for c in study.store.findings.codings():
        if c.coder == name and c.segment_id in ruled and c.code in column and c.outcome is Outcome.ASSIGNED:
            found[place[c.segment_id], column[c.code]] = 1
    return found, name if ruled else "majority"


def marks_of(
    codings: Sequence[Coding], units: Sequence[str], codes: Sequence[str], judged: Collection[str] = ()
) -> Marks:
    """Outcomes as marks, shape (n_units, n_codes): abstained, failed and unsaid are all -1.

    Args:
        judged: Segments on which silence means that none of the codes applies, as for people.
    """
    place, column = {unit: i for i, unit in enumerate(units)}, {code: k for k, code in enumerate(codes)}
    marks = np.full((len(units), len(codes)), MISSING, np.int8)
    marks[[place[unit] for unit in judged if unit in place]] = 0
    value = {Outcome.ASSIGNED: 1, Outcome.NOT_ASSIGNED: 0, Outcome.ABSTAINED: -1, Outcome.FAILED: -1}
    for c in codings:
        if c.segment_id in place and c.code in column:
            marks[place[c.segment_id], column[c.code]] = value[c.outcome]
    return marks


def _confidences(codings: Sequence[Coding], units: Sequence[str], codes: Sequence[str]) -> Floats:
    place, column = {unit: i for i, unit in enumerate(units)}, {code: k for k, code in enumerate(codes)}
    found = np.full((len(units), len(codes)), np.nan)
    for c in codings:
        if c.confidence is not None:
            found[place[c.segment_id], column[c.code]] = c.confidence
    return found


def _model(run: Run) -> str:
    return str(run.settings.get("llm", "model"))
