"""Confidence, evidence and time: may the candidate's certainty, quotes and steadiness be trusted?"""

from __future__ import annotations

import numpy as np

from belonging_llm.auditing.gold import Gold
from belonging_llm.auditing.record import Confidence, Evidence, TimeShare
from belonging_llm.codes import Outcome
from belonging_llm.evaluation import Resampling, bootstrap, calibration, risk_coverage
from belonging_llm.evaluation.estimate import estimate
from belonging_llm.evaluation.tallies import cells_between
from belonging_llm.evaluation.two_coders import kappas
from belonging_llm.store import Run
from belonging_llm.study import Study

RISKS = (0.02, 0.05, 0.10, 0.20)
THIRDS = ("first third", "middle third", "last third")
TENTHS = 10


def confidence(gold: Gold) -> Confidence:
    """Calibration of every judgement that carries a confidence, over all codes and by code."""
    told = (gold.settled >= 0) & (gold.candidate >= 0) & ~np.isnan(gold.confidence)
    right = gold.settled == gold.candidate
    risk = risk_coverage(gold.confidence[told], right[told])
    everything = sum(gold.outcomes.values())
    return Confidence(
        overall=calibration(gold.confidence[told], right[told]),
        by_code={
            code: calibration(gold.confidence[told[:, k], k], right[told[:, k], k])
            for k, code in enumerate(gold.humans.codes)
        },
        risk=risk,
        workload=tuple((accepted, risk.coverage_at(accepted)) for accepted in RISKS if len(risk.coverage)),
        abstained=gold.outcomes[Outcome.ABSTAINED] / everything if everything else None,
    )


def evidence(study: Study, gold: Gold, run: Run | None) -> Evidence:
    """Whether every quote stands where it is said to, and where in the interviews quotes come from."""
    assigned = [c for c in gold.codings if c.outcome is Outcome.ASSIGNED]
    lengths = {s.transcript_id: 0 for s in gold.segments.values()}
    for transcript_id in lengths:
        lengths[transcript_id] = max(len(study.store.corpus.transcript(transcript_id).text), 1)
    places = np.zeros(TENTHS, int)
    verbatim = quoted = repaired = 0
    for coding in assigned:
        segment = gold.segments[coding.segment_id]
        quoted += bool(coding.evidence)
        repaired += any(span.repaired for span in coding.evidence)
        verbatim += bool(coding.evidence) and all(0 <= e.start < e.end <= len(segment.text) for e in coding.evidence)
        for span in coding.evidence[:1]:
            place = (segment.start + span.start) / lengths[segment.transcript_id]
            places[min(int(place * TENTHS), TENTHS - 1)] += 1
    return Evidence(
        assigned=len(assigned),
        quoted=quoted,
        verbatim=verbatim,
        repaired=repaired,
        dropped=_counted(run, "unlocated"),
        demoted=_counted(run, "demoted"),
        places=tuple(int(n) for n in places),
    )


def _counted(run: Run | None, what: str) -> int | None:
    """What the run's coding batches counted, summed; None where no batch says."""
    if run is None:
        return None
    counts = [v[what] for k, v in run.counts.items() if k.startswith("batch ") and what in v]
    return sum(counts) if counts else None


def over_time(gold: Gold, how: Resampling) -> tuple[TimeShare, ...]:
    """Kappa with what people settled on in each third of the interviews, codes together, by participant."""
    order = _thirds(gold)
    found = []
    for k, name in enumerate(THIRDS):
        rows = order == k
        if not rows.any():
            continue
        humans = gold.humans.among(rows)
        cells = cells_between(gold.settled[rows], gold.candidate[rows], humans).sum(1)
        kappa = bootstrap(cells, kappas, how)
        value = estimate(float(kappa.point), "no variation, or nothing judged by both")
        found.append(TimeShare(name, int(rows.sum()), kappa.around(value)))
    return tuple(found)


def _thirds(gold: Gold) -> np.ndarray:
    """The third of its interview in which each unit begins, among the units that were audited."""
    place = np.zeros(len(gold.humans.units), int)
    units = list(gold.segments.values())
    for document in {s.document for s in units}:
        rows = [i for i, s in enumerate(units) if s.document == document]
        rows.sort(key=lambda i: units[i].start)
        for rank, i in enumerate(rows):
            place[i] = rank * len(THIRDS) // len(rows)
    return place
