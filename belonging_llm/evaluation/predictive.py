"""Is a count among new clusters what past clusters make one expect? Beta-binomial prediction.

Segments of one interview resemble each other, so a new interview is one draw from a distribution of shares, not as
many draws as it has segments. Each cluster's share is taken as Beta with mean μ and intraclass correlation ρ (the
beta-binomial of Skellam 1948; Williams 1975). Neither is known: the prediction averages over what the past leaves
possible (Geisser 1993, ch. 3; Aitchison & Dunsmore 1975), so that few past clusters predict widely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import betainc, gammaln

from belonging_llm.evaluation.estimate import Estimate, Floats, Interval, undefined

# Fewer past clusters say next to nothing of how clusters differ.
FEWEST = 5
# Intraclass correlations of what people say, before anything is known: Beta(1, 8), of mean 1/9, below .31 in 95 %.
USUAL = 8.0
LARGE = 2000
_MEANS, _CORRELATIONS = 50, 30
_NEGLIGIBLE = 1e-12
TOO_FEW_PAST = f"fewer than {FEWEST} participants before this batch"
NOTHING_NEW = "nothing new to count"
ALONE = "one participant: how participants of this batch differ cannot be told"


@dataclass(frozen=True)
class Counts:
    """Clusters with so many units, of which so many have what is counted; int64, shape (n_clusters,) each.

    Attributes:
        weight: How many clusters have this pair of numbers; None for one each.
    """

    n: np.ndarray
    k: np.ndarray
    weight: np.ndarray | None = None

    def __post_init__(self) -> None:
        if ((self.k < 0) | (self.k > self.n) | (self.n < 1)).any():
            raise ValueError("a cluster has at least one unit, and no more with the mark than units")

    @property
    def weights(self) -> np.ndarray:
        """Of each row, as whole numbers."""
        return np.ones(len(self.n), np.int64) if self.weight is None else self.weight

    @property
    def clusters(self) -> int:
        """How many there are."""
        return int(self.weights.sum())

    @property
    def units(self) -> int:
        """Units in all clusters together; `marked` those that have what is counted."""
        return int((self.n * self.weights).sum())

    @property
    def marked(self) -> int:
        """Units that have it."""
        return int((self.k * self.weights).sum())


def counts(n: ArrayLike, k: ArrayLike) -> Counts:
    """Counts from any two sequences; clusters without units are left out."""
    units, marked = np.asarray(n, np.int64), np.asarray(k, np.int64)
    return Counts(units[units > 0], marked[units > 0])


@dataclass(frozen=True)
class Expectation:
    """What the past leaves possible: weights on a grid of means and intraclass correlations.

    Attributes:
        mean: μ of each grid point, shape (n_points,); likewise `correlation` and `weight` (which adds up to 1).
        clusters: How many past clusters it rests on.
    """

    mean: Floats
    correlation: Floats
    weight: Floats
    clusters: int

    def tails(self, units: ArrayLike) -> tuple[Floats, Floats]:
        """Chances of at most, and of at least, each possible count among new clusters of these sizes.

        The sum over clusters is taken as one beta-binomial of the same mean and variance: exact for one cluster.

        Args:
            units: Size of each new cluster.

        Returns:
            `lower` and `upper`, shape (total + 1,): P(K ≤ k) and P(K ≥ k) for k = 0 … total.
        """
        sizes = np.asarray(units, float)
        total = int(sizes.sum())
        rho = _pooled(self.correlation, sizes)
        chance = _chances(total, self.mean, rho, self.weight)
        upper = np.minimum(np.cumsum(chance[::-1])[::-1], 1)
        return np.minimum(np.cumsum(chance), 1), upper

    def share(self, level: float = 0.95) -> Interval:
        """Where the mean over clusters lies, by equal tails."""
        order = np.argsort(self.mean, kind="stable")
        mass = np.cumsum(self.weight[order])
        low, high = (float(self.mean[order][np.searchsorted(mass, q)]) for q in ((1 - level) / 2, (1 + level) / 2))
        return Interval(low, high, level, "beta-binomial, averaged over what the past leaves possible")


def expectation(past: Counts) -> Expectation:
    """Learn from past clusters.

    The prior is Beta(1, 8) in ρ and Jeffreys' Beta(½, ½) in μ.

    Raises:
        ValueError: fewer than `FEWEST` clusters.
    """
    if past.clusters < FEWEST:
        raise ValueError(f"{past.clusters} past clusters; at least {FEWEST} are needed to tell how they differ")
    mean, rho, prior = _grid(past)
    a, b = mean * (1 / rho - 1), (1 - mean) * (1 / rho - 1)
    found = _rising(a, past.k, past.weights) + _rising(b, past.n - past.k, past.weights)
    found += prior - _rising(a + b, past.n, past.weights)
    weight = np.exp(found - found.max())
    weight /= weight.sum()
    kept = weight > _NEGLIGIBLE
    return Expectation(mean[kept], rho[kept], weight[kept] / weight[kept].sum(), past.clusters)


@dataclass(frozen=True)
class Surprise:
    """New clusters beside past ones.

    Attributes:
        p_value: Of a share as far from what is expected, on either side (twice the smaller tail) or above alone; None
            where there is too little to test with (`reason`).
        expected: Mean share over past clusters, with its interval.
        difference: New share less the past one, Welch's interval on the variance between clusters.
        least: Counts from here down would pass the level; None where no count would. `most`: from here up.
    """

    p_value: float | None
    reason: str
    expected: Estimate
    difference: Estimate
    least: int | None
    most: int | None


def surprise(new: Counts, past: Counts, level: float, *, above_only: bool = False) -> Surprise:
    """Whether the new clusters' count is what the past ones make one expect.

    Args:
        level: What the p-value will be compared with; for `least` and `most`.
    """
    if past.clusters < FEWEST or not new.units:
        why = NOTHING_NEW if not new.units else TOO_FEW_PAST
        return Surprise(None, why, undefined(why), undefined(why), None, None)
    found = expectation(past)
    lower, upper = found.tails(np.repeat(new.n, new.weights))
    p = upper if above_only else np.minimum(2 * np.minimum(lower, upper), 1)
    noticed = np.flatnonzero(p <= level)
    middle = int(np.searchsorted(lower, 0.5))
    low, high = noticed[noticed < middle], noticed[noticed > middle]
    return Surprise(
        p_value=float(p[new.marked]),
        reason="",
        expected=Estimate(float(found.weight @ found.mean), interval=found.share()),
        difference=difference(new, past),
        least=int(low.max()) if len(low) else None,
        most=int(high.min()) if len(high) else None,
    )


def difference(new: Counts, past: Counts, level: float = 0.95) -> Estimate:
    """Difference of two shares, each a ratio of totals over clusters (Cochran 1977, eq. 2.46), Welch's t interval."""
    if not new.units or not past.units:
        return undefined(NOTHING_NEW)
    point = new.marked / new.units - past.marked / past.units
    if min(new.clusters, past.clusters) < 2:
        return Estimate(point, flag=ALONE)
    (first, n), (second, m) = _between(new), _between(past)
    error = first + second
    if error <= 0:
        return Estimate(point, flag="no participant differs from another: no interval can be had")
    df = error**2 / (first**2 / (n - 1) + second**2 / (m - 1))
    reach = float(stats.t.ppf((1 + level) / 2, df) * np.sqrt(error))
    return Estimate(
        point,
        se=float(np.sqrt(error)),
        interval=Interval(
            max(point - reach, -1.0), min(point + reach, 1.0), level, f"Welch, between participants, {df:.1f} df"
        ),
    )


def _between(one: Counts) -> tuple[float, int]:
    """Variance of a share by how clusters differ, and how many there are."""
    pull = one.k - one.n * one.marked / one.units
    n = one.clusters
    return float((one.weights * pull**2).sum() / one.units**2 * n / (n - 1)), n


def _grid(past: Counts) -> tuple[Floats, Floats, Floats]:
    """Means (even in the arcsine scale, around what was seen), correlations, and the logarithm of the prior's mass.

    In the arcsine scale Jeffreys' prior of the mean is flat.
    """
    seen = (past.marked + 0.5) / (past.units + 1)
    centre = np.arcsin(np.sqrt(seen))
    # Were every cluster all or nothing, this is how far the mean could be off.
    reach = 4 * 0.5 / np.sqrt(past.clusters) + 0.02
    low, high = max(centre - reach, 1e-3), min(centre + reach, np.pi / 2 - 1e-3)
    mean = np.sin(np.linspace(low, high, _MEANS)) ** 2
    # Denser near 0, where most interviews are: cells of unequal width, each with its own mass of the prior.
    edges = np.linspace(0.0, np.sqrt(0.98), _CORRELATIONS + 1) ** 2
    rho, mass = (edges[1:] + edges[:-1]) / 2, -np.diff((1 - edges) ** USUAL)
    grid_mean, grid_rho = (part.ravel() for part in np.meshgrid(mean, rho, indexing="ij"))
    return grid_mean, grid_rho, np.log(np.tile(mass, len(mean)))


def _rising(start: Floats, steps: np.ndarray, weights: np.ndarray) -> Floats:
    """Σ over clusters of log(start · (start + 1) ⋯ (start + steps − 1)), shape as `start`.

    Counted by step rather than by cluster: the cost does not grow with the number of clusters.
    """
    longest = int(steps.max(initial=0))
    if not longest:
        return np.zeros_like(start)
    ending = np.bincount(steps, weights, longest + 1)
    still = ending[::-1].cumsum()[::-1][1:]
    found = np.zeros_like(start)
    for r in np.flatnonzero(still):
        found += still[r] * np.log(start + r)
    return found


def _pooled(rho: Floats, sizes: Floats) -> Floats:
    """The correlation at which one cluster of all units has the variance of the sum over clusters."""
    total = sizes.sum()
    if total < 2:
        return rho
    return np.asarray(np.maximum((sizes * (sizes - 1)).sum() * rho / (total * (total - 1)), 1e-9))


def _chances(total: int, mean: Floats, rho: Floats, weight: Floats) -> Floats:
    """P(K = k), k = 0 … total, averaged over the grid."""
    a, b = mean * (1 / rho - 1), (1 - mean) * (1 / rho - 1)
    k = np.arange(total + 1)
    if total > LARGE:
        # The binomial part no longer matters: the share is Beta itself, with the variance of the beta-binomial.
        below = sum(w * betainc(x, y, (k + 1) / (total + 1)) for x, y, w in zip(a, b, weight, strict=True))
        return np.diff(np.concatenate([[0.0], np.asarray(below)]))
    found = np.zeros(total + 1)
    choose = gammaln(total + 1) - gammaln(k + 1) - gammaln(total - k + 1)
    for part in np.array_split(np.arange(len(a)), max(1, len(a) * (total + 1) // 500_000)):
        yes, no, both = (_steps(one[part], total) for one in (a, b, a + b))
        found += weight[part] @ np.exp(choose + yes + no[:, ::-1] - both[:, -1:])
    return found


def _steps(start: Floats, most: int) -> Floats:
    """Logarithms of start · (start + 1) ⋯ (start + r − 1), r = 0 … most, shape (n, most + 1); quicker than gammas."""
    logs = np.log(start[:, None] + np.arange(most))
    return np.concatenate([np.zeros((len(start), 1)), np.cumsum(logs, axis=1)], axis=1)
