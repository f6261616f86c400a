"""The candidate beside people, code by code, all intervals from the same resamples of participants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from belonging_llm.auditing.gold import Gold
from belonging_llm.auditing.record import AgainstHumans, Paradox
from belonging_llm.evaluation import AltTest, Estimate, Resampling, alternative_annotator_test, bootstrap, consensus
from belonging_llm.evaluation import panel as panel_of
from belonging_llm.evaluation.alpha import binary_alphas, binary_tallies
from belonging_llm.evaluation.alt_test import no_test
from belonging_llm.evaluation.estimate import Floats, estimate, ratio, undefined
from belonging_llm.evaluation.intervals import Intervals
from belonging_llm.evaluation.ratings import Marks
from belonging_llm.evaluation.scores import precisions, recalls
from belonging_llm.evaluation.tallies import by_cluster, cells_between, pair_cells
from belonging_llm.evaluation.two_coders import kappas

NO_PAIR = "kappa is undefined for every pair"
NO_RECALL = "nobody's reference ever has the code, or nobody assigns it"
ONE_HUMAN = "one person only: nothing to compare with"


def against_humans(gold: Gold, how: Resampling) -> tuple[AgainstHumans, ...]:
    """Kappa, recall and precision of people among themselves and of the candidate with them, by code."""
    humans, both = gold.humans, gold.together
    h = len(humans.coders)
    inner = pair_cells(humans, humans.pairs)
    outer = pair_cells(both, [(j, h) for j in range(h)])
    kappa = bootstrap(np.concatenate([inner, outer], axis=1), _kappas_of(inner.shape[1]), how)
    scores = bootstrap(_references(gold), _scores_of, how) if h > 1 else None
    found = []
    for k, code in enumerate(humans.codes):
        each = {name: _one(outer.sum(0)[j, k], kappa, (3 + j, k)) for j, name in enumerate(humans.coders)}
        found.append(
            AgainstHumans(
                code=code,
                among_humans=_shown(kappa, (0, k), NO_PAIR if h > 1 else ONE_HUMAN),
                with_model=_shown(kappa, (1, k), NO_PAIR),
                difference=_shown(kappa, (2, k), NO_PAIR if h > 1 else ONE_HUMAN),
                each=each,
                assigned=int((gold.candidate[:, k] == 1).sum()),
                left_open=int((gold.candidate[:, k] < 0).sum()),
                **{name: _score(scores, (row, k)) for row, name in enumerate(_SCORES)},
            )
        )
    return tuple(found)


_SCORES = (
    *("recall_humans", "recall_model", "recall_difference"),
    *("precision_humans", "precision_model", "precision_difference"),
)


def _kappas_of(n_inner: int) -> Callable[[Floats], Floats]:
    """From cells (b, pairs, codes, 4) to (b, 3 + people, codes): among people, with the model, gap, each."""

    def statistic(cells: Floats) -> Floats:
        every = kappas(cells)
        among, with_model = _mean(every[:, :n_inner]), _mean(every[:, n_inner:])
        return np.concatenate([np.stack([among, with_model, with_model - among], axis=1), every[:, n_inner:]], axis=1)

    return statistic


def _references(gold: Gold) -> Floats:
    """Cells of each person, and of the model, with what the others said: (clusters, 2, people, codes, 4)."""
    humans = gold.humans
    found = []
    for j, name in enumerate(humans.coders):
        others = consensus(humans.by([c for c in humans.coders if c != name]))
        # The same units for both: those that this person and the model judged.
        shared = np.where((humans.marks[j] >= 0) & (gold.candidate >= 0), others, -1).astype(np.int8)
        found.append([cells_between(shared, marks, humans) for marks in (humans.marks[j], gold.candidate)])
    return np.stack([np.stack(pair, axis=1) for pair in found], axis=2)


def _scores_of(cells: Floats) -> Floats:
    """From cells (b, 2, people, codes, 4) to (b, 6, codes): recall and precision of people, of the model, gap."""
    parts = []
    for score in (recalls, precisions):
        people, model = _mean(score(cells[:, 0])), _mean(score(cells[:, 1]))
        parts += [people, model, model - people]
    return np.stack(parts, axis=1)


def _mean(values: Floats) -> Floats:
    """Mean over axis 1 of what is defined; NaN where nothing is."""
    there = np.isfinite(values)
    n = there.sum(1)
    total = np.where(there, values, 0).sum(1)
    return ratio(total, n)


def _shown(found: Intervals, place: tuple[int, int], why: str) -> Estimate:
    return found.around(estimate(float(found.point[place]), why), *place)


def _score(found: Intervals | None, place: tuple[int, int]) -> Estimate:
    return undefined(ONE_HUMAN) if found is None else _shown(found, place, NO_RECALL)


def _one(cells: Floats, found: Intervals, place: tuple[int, int]) -> Estimate:
    return found.around(panel_of(cells).kappa, *place)


def paradox(gold: Gold, how: Resampling) -> tuple[Paradox, ...]:
    """Every coefficient of the candidate with what people settled on, and of coders who read nothing."""
    humans = gold.humans
    settled = np.where(gold.candidate >= 0, gold.settled, -1).astype(np.int8)
    cells = cells_between(settled, gold.candidate, humans)
    found = bootstrap(cells, kappas, how)
    two = np.stack([settled, np.where(settled >= 0, gold.candidate, -1)]).astype(np.int8)
    tallies = by_cluster(humans, binary_tallies(two))
    alphas = bootstrap(tallies, binary_alphas, how)
    rows = []
    for k, code in enumerate(humans.codes):
        mine = panel_of(cells.sum(0)[k])
        rows.append(
            Paradox(
                code=code,
                model=replace(mine, kappa=found.around(mine.kappa, k)),
                alpha=alphas.around(estimate(float(alphas.point[k]), "no variation, or nothing judged by both"), k),
                never=panel_of(_constant(settled, 0, gold)[k]),
                always=panel_of(_constant(settled, 1, gold)[k]),
            )
        )
    return tuple(rows)


def _constant(settled: Marks, value: int, gold: Gold) -> Floats:
    return np.asarray(cells_between(settled, np.full_like(settled, value), gold.humans).sum(0))


def alternative_tests(gold: Gold, epsilon: float) -> dict[str, AltTest]:
    """The alternative annotator test on each code; refused with fewer than two people."""
    humans = gold.humans
    if len(humans.coders) < 2:
        return {code: no_test(ONE_HUMAN, epsilon) for code in humans.codes}
    return {
        code: alternative_annotator_test(
            humans.marks[:, :, k],
            gold.candidate[:, k],
            clusters=humans.clusters,
            coders=humans.coders,
            epsilon=epsilon,
        )
        for k, code in enumerate(humans.codes)
    }
