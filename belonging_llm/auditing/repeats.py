"""The same segments coded again: stability between runs, and sentinels over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from belonging_llm.auditing.gold import Candidate, Gold, marks_of
from belonging_llm.auditing.record import DriftRow, Repeats, RunShown
from belonging_llm.evaluation import Resampling, bootstrap, stability
from belonging_llm.evaluation.estimate import Floats, estimate, ratio
from belonging_llm.evaluation.intervals import Intervals
from belonging_llm.evaluation.ratings import Marks, Ratings
from belonging_llm.evaluation.tallies import by_cluster, cells_between
from belonging_llm.evaluation.two_coders import kappas
from belonging_llm.store import WHOLE, Run
from belonging_llm.study import Study

ONCE = "one finished run with this codebook: nothing was coded twice"
NO_RUN = "a coder's codings were brought in, not made by a run: nothing was coded twice"


def repeats(study: Study, judged: Candidate, gold: Gold) -> Repeats:
    """How alike the finished runs with the same codebook are, on the audited segments."""
    if judged.run is None:
        return Repeats((), {}, NO_RUN)
    runs = _comparable(study, judged.run)
    if len(runs) < 2:
        return Repeats((), {}, ONCE)
    marks = np.stack([_marks(study, run, gold) for run in runs])
    by_code = dict(zip(gold.humans.codes, stability(marks), strict=True))
    return Repeats(tuple(_shown(study, run, judged.run) for run in runs), by_code)


def drift(study: Study, gold: Gold, how: Resampling) -> tuple[DriftRow, ...]:
    """Every finished run on those sentinels that are among the gold's segments, the first run first."""
    sentinels = set(study.store.audits.sentinels())
    rows = np.array([unit in sentinels for unit in gold.humans.units], dtype=bool)
    if not rows.any():
        return ()
    humans, settled = gold.humans.among(rows), gold.settled[rows]
    found: list[DriftRow] = []
    first: Marks | None = None
    for run in _whole(study):
        marks = _marks(study, run, gold)[rows]
        first = marks if first is None else first
        right = _share(settled == marks, (settled >= 0) & (marks >= 0), humans, how)
        flipped = _share(first != marks, (first >= 0) & (marks >= 0), humans, how)
        kappa = bootstrap(cells_between(settled, marks, humans).sum(1), kappas, how)
        found.append(
            DriftRow(
                run_id=run.id,
                finished_at=run.finished_at or "",
                model=str(run.settings.get("llm", "")),
                n=int(rows.sum()),
                right=right.around(estimate(float(right.point), "nothing judged by both")),
                kappa=kappa.around(estimate(float(kappa.point), "no variation, or nothing judged by both")),
                flipped=flipped.around(estimate(float(flipped.point), "nothing judged by both runs")),
            )
        )
    return tuple(found)


def _share(yes: np.ndarray, among: np.ndarray, ratings: Ratings, how: Resampling) -> Intervals:
    """A share over segment × code with its interval."""
    tallies = by_cluster(ratings, np.stack([(yes & among).sum(1), among.sum(1)], axis=1).astype(float))

    def of(sums: Floats) -> Floats:
        return ratio(sums[:, 0], sums[:, 1])

    return bootstrap(tallies, of, how)


def _comparable(study: Study, judged: Run) -> list[Run]:
    wanted = judged.settings.get("codebook", {}).get("digest")
    return [run for run in _whole(study) if run.settings.get("codebook", {}).get("digest") == wanted]


def _whole(study: Study) -> list[Run]:
    """Finished runs that coded everything themselves; a batch repeats what its base said."""
    return [run for run in study.store.runs.finished() if run.kind == WHOLE]


def _marks(study: Study, run: Run, gold: Gold) -> Marks:
    return marks_of(study.store.findings.codings(run.id), gold.humans.units, gold.humans.codes)


def _shown(study: Study, run: Run, judged: Run) -> RunShown:
    inputs = study.store.runs.inputs
    differs = tuple(differences(inputs(run), inputs(judged))) if run.id != judged.id else ()
    return RunShown(run.id, run.finished_at or "", str(run.settings.get("llm", "")), differs)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Sequence[str]:
    """Names of the inputs in which two runs differ; versions of packages are no input."""
    found = []
    for name in sorted((one.keys() | other.keys()) - {"versions"}):
        a, b = one.get(name), other.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += [f"{name}: {key}" for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)]
        elif a != b:
            found.append(name)
    return found
