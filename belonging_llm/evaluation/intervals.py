"""Intervals by resampling participants: all of a participant's units, coders and codes come and go together.

Units of one participant resemble each other; resampling them one by one gives intervals that are too
narrow (Field & Welsh 2007). Every statistic here is a function of counts that add up over
participants, so that a resample is a row of weights and all resamples are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from belonging_llm.evaluation.estimate import Estimate, Floats, Interval

DRAWS = 2000
LEVEL = 0.95
FEW_CLUSTERS = 10
MOSTLY_DEGENERATE = 0.5

Statistic = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Attributes:
        method: `percentile`, or `bca`: bias-corrected and accelerated (Efron 1987), with a jackknife over clusters.
    """

    draws: int = DRAWS
    level: float = LEVEL
    seed: int = 0
    method: str = "percentile"

    def __post_init__(self) -> None:
        if self.method not in ("percentile", "bca"):
            raise ValueError(f"method {self.method!r} is neither percentile nor bca")


@dataclass(frozen=True)
class Intervals:
    """Intervals for a whole array of statistics; NaN where there is none.

    Attributes:
        low: Same shape as the statistic; likewise `high`, `degenerate` and `point`.
        degenerate: Share of resamples on which the statistic was undefined.
        draws: Every resample's value, shape (draws, …).
    """

    point: Floats
    low: Floats
    high: Floats
    degenerate: Floats
    draws: Floats
    level: float
    method: str

    def at(self, *place: int) -> Interval | None:
        """The interval of one statistic; None where too few resamples define it."""
        if not np.isfinite(self.low[place]):
            return None
        return Interval(
            float(self.low[place]), float(self.high[place]), self.level, self.method, float(self.degenerate[place])
        )

    def around(self, found: Estimate, *place: int) -> Estimate:
        """An estimate with its interval."""
        return found.within(self.at(*place))


def cluster_weights(n_clusters: int, resampling: Resampling) -> Floats:
    """How often each cluster is drawn, float64, shape (draws, n_clusters); each row sums to n_clusters."""
    draw = np.random.default_rng(resampling.seed)
    return draw.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=resampling.draws).astype(float)


def bootstrap(tallies: Floats, statistic: Statistic, resampling: Resampling | None = None) -> Intervals:
    """Intervals of a statistic of summed tallies.

    Args:
        tallies: float64, shape (n_clusters, …); see `evaluation.tallies`.
        statistic: From sums (b, …) to values (b, …), vectorised over b; NaN where undefined.

    Returns:
        Intervals of the statistic's shape less b. With one cluster there is none.
    """
    how = resampling or Resampling()
    n = len(tallies)
    flat = tallies.reshape(n, int(np.prod(tallies.shape[1:])))

    def of(weights: Floats) -> Floats:
        return np.asarray(statistic((weights @ flat).reshape(len(weights), *tallies.shape[1:])))

    point = of(np.ones((1, n)))[0]
    if n < 2:
        nothing = np.full(point.shape, np.nan)
        return Intervals(point, nothing, nothing, np.ones(point.shape), np.empty((0, *point.shape)), how.level, "")
    draws = of(cluster_weights(n, how))
    tails = _bca(point, draws, of(1 - np.eye(n)), how.level) if how.method == "bca" else _plain(point, how.level)
    return between(point, draws, tails, how)


def between(point: Floats, draws: Floats, tails: tuple[Floats, Floats], how: Resampling) -> Intervals:
    """Intervals between two quantiles of the draws on which the statistic exists."""
    degenerate = np.isnan(draws).mean(0)
    low, high = _quantile(draws, tails[0]), _quantile(draws, tails[1])
    unusable = np.isnan(point) | (degenerate > MOSTLY_DEGENERATE)
    name = f"participant bootstrap, {how.method}, {how.draws} resamples, seed {how.seed}"
    return Intervals(
        point, np.where(unusable, np.nan, low), np.where(unusable, np.nan, high), degenerate, draws, how.level, name
    )


def warnings(n_clusters: int, clustered_by: str | None) -> list[str]:
    """What a reader of the intervals must be told."""
    if clustered_by is None:
        return [
            "no participant or document was given for the units: each counts as its own, which makes intervals "
            "too narrow where units of one participant resemble each other"
        ]
    if n_clusters < 2:
        return [f"one {clustered_by} only: no interval can be made"]
    if n_clusters < FEW_CLUSTERS:
        return [f"{n_clusters} clusters ({clustered_by}): intervals from fewer than {FEW_CLUSTERS} are unreliable"]
    return []


def _plain(point: Floats, level: float) -> tuple[Floats, Floats]:
    tail = (1 - level) / 2
    return np.full(point.shape, tail), np.full(point.shape, 1 - tail)


def _bca(point: Floats, draws: Floats, left_out: Floats, level: float) -> tuple[Floats, Floats]:
    """The quantiles to take (Efron 1987, eq. 6.8), percentile's own where bias or skew cannot be told."""
    defined = np.maximum((~np.isnan(draws)).sum(0), 1)
    below = ((draws < point).sum(0) + 0.5 * (draws == point).sum(0)) / defined
    bias = stats.norm.ppf(np.clip(below, 1 / (defined + 1), 1 - 1 / (defined + 1)))
    with np.errstate(invalid="ignore"):
        pull = _mean(left_out) - left_out
        skew = np.nansum(pull**3, 0) / np.maximum(6 * np.nansum(pull**2, 0) ** 1.5, 1e-12)
    tail = stats.norm.ppf((1 - level) / 2)
    low = stats.norm.cdf(bias + (bias + tail) / (1 - skew * (bias + tail)))
    high = stats.norm.cdf(bias + (bias - tail) / (1 - skew * (bias - tail)))
    return low, high


def _mean(values: Floats) -> Floats:
    there = ~np.isnan(values)
    return np.asarray(np.where(there, values, 0).sum(0) / np.maximum(there.sum(0), 1))


def _quantile(draws: Floats, at: Floats) -> Floats:
    """Quantiles of each column's defined values, by linear interpolation; NaN for a column without any."""
    ranked = np.sort(draws, axis=0)  # NaN comes last
    defined: NDArray[np.intp] = (~np.isnan(draws)).sum(0)
    place = np.clip(at, 0, 1) * np.maximum(defined - 1, 0)
    floor = np.floor(place).astype(np.intp)
    ceil = np.minimum(floor + 1, np.maximum(defined - 1, 0))
    lower = np.take_along_axis(ranked, floor[None], 0)[0]
    upper = np.take_along_axis(ranked, ceil[None], 0)[0]
    return np.asarray(lower + (upper - lower) * (place - floor))
