"""Look at a batch: novelty, sentinels, distribution of codes; keep what was found, and raise alarms."""

from __future__ import annotations

from typing import Any

import numpy as np

from belonging_llm.analysis import Workbench
from belonging_llm.asking import Question, Sampling
from belonging_llm.drift.distribution import distribution, past_counts, tallies
from belonging_llm.drift.expecting import Expected, expected, flag_counts
from belonging_llm.drift.novelty import MISFITS, POCKETED, Placed, close_together, novelty
from belonging_llm.drift.record import Distribution, Drift, Kind, Novelty, Sentinels
from belonging_llm.drift.sentinels import ask, due, judge
from belonging_llm.embeddings import Vectors
from belonging_llm.evaluation import Watch
from belonging_llm.store import Alarm, Run, WatchCount
from belonging_llm.study import Study


def watch(bench: Workbench, run_id: str) -> Drift:
    """What drifts with a batch whose segments are placed and coded; once kept, it is what it was.

    Args:
        bench: The batch's own: its segments are those of the batch.

    Raises:
        Incomplete: the model's endpoint is gone, or the limit is reached; a rerun continues.
        ConsentError: words would leave this machine whose speaker did not agree to that.
    """
    records = bench.store.drift
    if (kept := records.found(run_id)) is not None:
        return Drift.model_validate(kept)
    run = bench.store.runs.get(run_id)
    level = Watch(bench.settings.drift.error, bench.settings.drift.batches)
    known = expected(bench, run.base_id or run.id)
    placed, misfits = _placed(bench, run, known)
    counted = flag_counts(placed.participants, placed.fits, placed.pocketed)
    speakers = {s.id: s.participant for s in bench.segments}
    counted += tallies(bench.store.batches.codings(run_id), speakers)
    found = Drift(
        run_id=run_id,
        error=level.error,
        batches=level.batches,
        novelty=_novelty(bench, run, placed, level),
        sentinels=_sentinels(bench, run_id, level),
        distribution=_distribution(bench, run, counted, level),
        misfits=misfits,
    )
    records.close(run_id, found.model_dump(mode="json"), counted, [(str(k), s, f) for k, s, f in found.alarms()])
    return found


def questions(bench: Workbench, run_id: str) -> list[tuple[Question[Any], Sampling]]:
    """What `watch` would ask the model for a batch, each with what makes it a question of this batch's.

    Raises:
        ConsentError: words would leave this machine whose speaker did not agree to that.
    """
    return [] if bench.store.drift.found(run_id) is not None else due(bench, run_id, _series_of(bench))


def found_with(study: Study, run_id: str) -> Drift | None:
    """What was found with a batch; None where it was not looked at."""
    kept = study.store.drift.found(run_id)
    return None if kept is None or "novelty" not in kept else Drift.model_validate(kept)


def _placed(bench: Workbench, run: Run, known: Expected) -> tuple[Placed, tuple[str, ...]]:
    """The batch's segments that could be placed, and ids of those that fit nowhere."""
    out = {*run.counts.get("too_short", ()), *bench.store.batches.retried(run.id)}
    nowhere = set(run.counts.get("outliers", ()))
    rows = [i for i, s in enumerate(bench.segments) if s.id not in out]
    fits = np.array([bench.segments[i].id not in nowhere for i in rows], bool)
    lost = [i for i, fit in zip(rows, fits, strict=True) if not fit]
    pocketed = np.zeros(len(rows), bool)
    earlier, as_many = _earlier(bench, run, known), len(known.misfits)
    pocketed[~fits] = close_together(bench.vectors[lost], earlier, known.near, among=as_many)
    people = [bench.segments[i].participant for i in rows]
    return Placed(people, fits, pocketed, run.base_id or run.id), tuple(bench.segments[i].id for i in lost)


def _earlier(bench: Workbench, run: Run, known: Expected) -> Vectors:
    """Vectors of earlier segments that fit nowhere, the newest first, as many as are remembered."""
    ids = list(known.misfits)
    for ident in _batches_before(bench, run):
        kept = bench.store.drift.found(ident)
        ids = [*(kept or {}).get("misfits", ()), *ids]
    chosen = ids[: len(known.misfits)]
    said = {s.id: s.text for s in bench.store.corpus.segments_with(chosen)}
    texts = [said[ident] for ident in chosen if ident in said]
    return bench.embed(texts) if texts else bench.vectors[:0]


def _batches_before(bench: Workbench, run: Run) -> list[str]:
    """Batches on the same base that were looked at before this one, the first first."""
    return [r.id for r in bench.store.batches.of(run.base_id or run.id) if r.ordinal < run.ordinal]


def _compared(bench: Workbench, run: Run, kind: Kind, subject: str) -> list[str]:
    """Runs whose counts say what is to be expected: those with an alarm nobody has looked into are left out."""
    raised = {a.run_id for a in bench.store.drift.alarms() if a.open and (a.kind, a.subject) == (kind, subject)}
    return [ident for ident in (run.base_id or run.id, *_batches_before(bench, run)) if ident not in raised]


def _novelty(bench: Workbench, run: Run, placed: Placed, level: Watch) -> Novelty:
    runs = _compared(bench, run, Kind.NOVELTY, placed.base)
    past = bench.store.drift.past(runs, without=set(placed.participants))
    return novelty(placed, past_counts(past, MISFITS), past_counts(past, POCKETED), level)


def _distribution(bench: Workbench, run: Run, counted: list[WatchCount], level: Watch) -> Distribution:
    here = {c.participant for c in counted}
    every = [code.id for code in bench.framework.assignable]
    raised = {a.subject for a in bench.store.drift.alarms() if a.open and a.kind == Kind.DISTRIBUTION}
    past = bench.store.drift.past(_compared(bench, run, Kind.DISTRIBUTION, ""), without=here)
    for code in sorted(raised & set(every)):
        name = f"code {code}"
        own = bench.store.drift.past(_compared(bench, run, Kind.DISTRIBUTION, code), without=here)
        past = [p for p in past if p.measure != name] + [p for p in own if p.measure == name]
    return distribution(counted, past, every, level)


def _sentinels(bench: Workbench, run_id: str, level: Watch) -> Sentinels:
    series = _series_of(bench)
    asked = ask(bench, run_id, series)
    return asked if isinstance(asked, Sentinels) else judge(bench, run_id, asked, series, level)


def _series_of(bench: Workbench) -> list[str]:
    return _series(bench.store.drift.alarms(), [ident for ident, _, _ in bench.store.drift.history()])


def _series(alarms: list[Alarm], runs: list[str]) -> list[str]:
    """Runs whose answers belong together: since the last change that somebody has looked into, less open alarms.

    A batch whose alarm is open is left out, so that the next ones are still compared with what was before.
    """
    told = [a for a in alarms if a.kind == Kind.SENTINELS]
    place = {ident: i for i, ident in enumerate(runs)}
    since = max((place.get(a.run_id, -1) for a in told if not a.open), default=-1)
    raised = {a.run_id for a in told if a.open}
    return [ident for ident in runs[since + 1 :] if ident not in raised]
