"""The alternative annotator test: may the model stand in for one of the human coders?

Calderon, Reichart & Dror (2025): leave out one human, and ask whether the model agrees with the
remaining ones at least as well as the human who was left out did, less a margin ε for what the
model saves. A coder who never assigns a rare code also agrees with most people on most segments:
therefore trivial baselines take the same test, and where one of them passes there is no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, undefined
from belonging_llm.evaluation.multiplicity import adjusted_by_yekutieli

FEW_UNITS = 30
FEW_CLUSTERS = 5
PASS = 0.5
EPSILONS = tuple(round(0.025 * k, 3) for k in range(13))
NO_COMPANY = "fewer than two humans judged the same units as the model"

Labels = NDArray[np.intp]


@dataclass(frozen=True)
class LeftOut:
    """One human, left out.

    Attributes:
        n: Units that this human, the model and at least one other human judged.
        clusters: Participants that they come from.
        rho: Share of units on which the model agrees with the others at least as well as the human does.
        difference: Mean of 1[human at least as well] − 1[model at least as well]; negative favours the model.
        p_value: One-sided, that `difference` is below ε: units taken as independent.
        p_clustered: The same with participants as the independent units.
        method: `t` or, under 30 units, `wilcoxon` (for the naive test alone).
    """

    coder: str
    n: int
    clusters: int
    rho: float
    difference: float
    p_value: float
    p_clustered: float | None
    method: str


@dataclass(frozen=True)
class Passing:
    """The test's answer at one ε: shares of humans over whom the model wins, after Benjamini & Yekutieli."""

    epsilon: float
    winning_rate: float
    winning_rate_clustered: float | None

    @property
    def passes(self) -> bool:
        """Naive test: the model wins over at least half of the humans."""
        return self.winning_rate >= PASS

    @property
    def passes_clustered(self) -> bool:
        """With participants as the independent units."""
        return self.winning_rate_clustered is not None and self.winning_rate_clustered >= PASS


@dataclass(frozen=True)
class Candidate:
    """The model, or a trivial baseline, before the test."""

    name: str
    advantage: Estimate
    left_out: tuple[LeftOut, ...]
    at: Passing
    curve: tuple[Passing, ...]


@dataclass(frozen=True)
class AltTest:
    """The model's test with the trivial baselines beside it.

    Attributes:
        epsilon: The margin decided beforehand: .2 for experts, .15 for skilled coders, .1 for crowd workers.
        trivial: Baselines that pass the clustered test or the naive one at ε; with any of them the test cannot
            tell the model from one that has not read the text.
        refused: Why there is no verdict; empty when there is one.
    """

    epsilon: float
    model: Candidate | None
    baselines: tuple[Candidate, ...]
    trivial: tuple[str, ...]
    refused: str

    @property
    def passes(self) -> bool:
        """The clustered test passes, and no trivial baseline does."""
        return not self.refused and self.model is not None and self.model.at.passes_clustered


def alternative_annotator_test(
    humans: ArrayLike,
    model: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    coders: Sequence[str] = (),
    epsilon: float = 0.2,
    q: float = 0.05,
    at_least: int = 2,
) -> AltTest:
    """Test a model's labels against several humans' on one question.

    Args:
        humans: Categories as integers, shape (n_humans, n_units); -1 where a human did not judge.
        model: The model's categories, shape (n_units,); -1 where it gave none.
        clusters: Participant of each unit, as integers; without them there is no clustered test.
        q: False discovery rate over the humans.
        at_least: Humans who must have judged a unit for it to count.
    """
    judged = np.asarray(humans, np.intp)
    said = np.asarray(model, np.intp)
    names = list(coders) or [f"human {j + 1}" for j in range(len(judged))]
    groups = None if clusters is None else np.asarray(clusters, np.intp)
    usable = ((judged >= 0).sum(0) >= at_least) & (said >= 0)
    if len(judged) < 2 or not usable.any():
        return AltTest(epsilon, None, (), (), NO_COMPANY)
    judged, said = judged[:, usable], said[usable]
    groups = groups[usable] if groups is not None else None
    found = _candidate("model", judged, said, groups, names, epsilon, q)
    if not found.left_out:
        return AltTest(epsilon, None, (), (), NO_COMPANY)
    baselines = tuple(
        _candidate(name, judged, np.full_like(said, label), groups, names, epsilon, q)
        for name, label in _trivial_labels(judged).items()
    )
    trivial = tuple(b.name for b in baselines if b.at.passes or b.at.passes_clustered)
    refused = f"trivial_baseline_also_passes: {', '.join(trivial)}" if trivial else ""
    return AltTest(epsilon, found, baselines, trivial, refused)


def _trivial_labels(judged: Labels) -> dict[str, int]:
    """Labels that need no reading: the most frequent one and, for yes or no, each constant answer."""
    seen, counts = np.unique(judged[judged >= 0], return_counts=True)
    majority = int(seen[counts.argmax()])
    constant = {"never assigns": 0, "always assigns": 1} if set(seen.tolist()) <= {0, 1} else {}
    return constant | {"majority": majority}


def _candidate(
    name: str, judged: Labels, said: Labels, groups: Labels | None, coders: Sequence[str], epsilon: float, q: float
) -> Candidate:
    differences = [_differences(judged, said, j) for j in range(len(judged))]
    there = [(coder, d) for coder, d in zip(coders, differences, strict=True) if len(d.rows)]
    left_out = tuple(_left_out(coder, d, groups, epsilon) for coder, d in there)
    rho = float(np.mean([one.rho for one in left_out])) if left_out else np.nan
    curve = tuple(_passing([_left_out(c, d, groups, e) for c, d in there], e, q) for e in EPSILONS)
    return Candidate(name, estimate(rho, NO_COMPANY), left_out, _passing(left_out, epsilon, q), curve)


@dataclass(frozen=True)
class _Differences:
    """Unit by unit: where (rows), the human's advantage over the model (−1, 0, 1), and ρ's indicator."""

    rows: Labels
    advantage: Floats
    model_holds: Floats


def _differences(judged: Labels, said: Labels, j: int) -> _Differences:
    others = np.delete(judged, j, axis=0)
    company = (others >= 0).sum(0)
    rows = np.flatnonzero((judged[j] >= 0) & (company > 0))
    others, company = others[:, rows], company[rows]
    of_model = (others == said[rows]).sum(0) / company
    of_human = (others == judged[j, rows]).sum(0) / company
    model_holds = (of_model >= of_human).astype(float)
    return _Differences(rows, (of_human >= of_model).astype(float) - model_holds, model_holds)


def _left_out(coder: str, found: _Differences, groups: Labels | None, epsilon: float) -> LeftOut:
    gap = found.advantage - epsilon
    few = len(gap) < FEW_UNITS
    own = groups[found.rows] if groups is not None else None
    return LeftOut(
        coder=coder,
        n=len(gap),
        clusters=len(np.unique(own)) if own is not None else 0,
        rho=float(found.model_holds.mean()),
        difference=float(found.advantage.mean()),
        p_value=_wilcoxon(gap) if few else _t_test(gap),
        p_clustered=_clustered(gap, own) if own is not None else None,
        method="wilcoxon" if few else "t",
    )


def _passing(left_out: Sequence[LeftOut], epsilon: float, q: float) -> Passing:
    if not left_out:
        return Passing(epsilon, 0.0, None)
    clustered = [one.p_clustered for one in left_out if one.p_clustered is not None]
    rate = float((adjusted_by_yekutieli([one.p_value for one in left_out]) <= q).mean())
    if len(clustered) < len(left_out):
        return Passing(epsilon, rate, None)
    return Passing(epsilon, rate, float((adjusted_by_yekutieli(clustered) <= q).mean()))


def _t_test(gap: Floats) -> float:
    """One-sided t test that the mean is below 0; certain where nothing varies."""
    spread = gap.std(ddof=1) if len(gap) > 1 else np.nan
    if not spread > 0:
        return _certain(gap)
    return float(stats.t.cdf(gap.mean() / (spread / np.sqrt(len(gap))), len(gap) - 1))


def _wilcoxon(gap: Floats) -> float:
    """One-sided signed-rank test (Wilcoxon 1945) that gaps lie below 0, exact over all signs, zeros left out.

    Gaps have three values at most: scipy's tables know no ties, and its permutations take minutes for a curve.
    """
    there = gap[gap != 0]
    ranks = np.rint(2 * stats.rankdata(np.abs(there))).astype(np.intp)  # doubled: tied ranks are halves
    chance = np.ones(1)  # that the ranks of positive gaps add up to 0, 1, …
    for rank in ranks:
        chance = (np.pad(chance, (0, rank)) + np.pad(chance, (rank, 0))) / 2
    return float(min(chance[: ranks[there > 0].sum() + 1].sum(), 1.0))


def _clustered(gap: Floats, groups: Labels) -> float | None:
    """The same with participants as units: the mean's variance from participants' totals, t with G − 1 df.

    None with fewer than five participants, whose agreement by chance would pass for certainty.
    """
    _, index = np.unique(groups, return_inverse=True)
    g = int(index.max()) + 1
    if g < FEW_CLUSTERS:
        return None
    totals = np.bincount(index, gap - gap.mean(), g)
    error = np.sqrt(g / (g - 1) * (totals**2).sum()) / len(gap)
    return float(stats.t.cdf(gap.mean() / error, g - 1)) if error > 1e-12 else _certain(gap)


def _certain(gap: Floats) -> float:
    return 0.0 if len(gap) > 1 and gap.mean() < 0 else 1.0


def no_test(reason: str, epsilon: float) -> AltTest:
    """A test that could not be made, and why."""
    return AltTest(epsilon, None, (), (), reason)


def advantage(found: AltTest) -> Estimate:
    """ρ: the mean share of units on which the model does at least as well as the human left out."""
    return found.model.advantage if found.model else undefined(found.refused)
