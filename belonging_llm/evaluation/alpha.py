"""Krippendorff's alpha: 1 − observed over expected disagreement, for any coders, gaps and kinds of value.

Units judged by fewer than two coders hold no pair and are left out (Krippendorff 2011). Without
variation, or without pairs, there is no expected disagreement and alpha is undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, ratio, undefined

NO_PAIRS = "no unit was judged by two coders, so there are no pairs of values"
NO_VARIATION = "every pairable value is the same, so no disagreement could have been expected"

Distance = Callable[[Sequence[Any], Floats], Floats]


@dataclass(frozen=True)
class Alpha:
    """Alpha with what it rests on.

    Attributes:
        pairable: Values in units judged at least twice.
        units_left_out: Units judged once or never.
    """

    alpha: Estimate
    pairable: int
    units_left_out: int


def krippendorff_alpha(ratings: Sequence[Sequence[Any]], level: str | Distance = "nominal") -> Alpha:
    """Alpha (Krippendorff 2011, eq. 1) from values as people wrote them.

    Args:
        ratings: Coders × units; None where a coder did not judge. Values are hashable; numbers for the
            levels `interval` and `ratio`, sortable for `ordinal`, frozensets for set distances.
        level: `nominal`, `ordinal`, `interval`, `ratio`, or a function that gives the distances between the
            distinct values, shape (v, v), from the values and how often each occurs.

    Raises:
        ValueError: an unknown level.
    """
    distance = level if callable(level) else LEVELS.get(level)
    if distance is None:
        raise ValueError(f"level {level!r} is not one of {', '.join(LEVELS)}")
    units = list(zip(*ratings, strict=True))
    kept = [given for given in units if sum(v is not None for v in given) > 1]
    left_out = len(units) - len(kept)
    found = sorted({v for given in kept for v in given if v is not None}, key=_order)
    pairable = sum(v is not None for given in kept for v in given)
    if not kept:
        return Alpha(undefined(NO_PAIRS), 0, left_out)
    row = {value: i for i, value in enumerate(found)}
    counts = np.zeros((len(kept), len(found)))
    for i, given in enumerate(kept):
        for value in given:
            if value is not None:
                counts[i, row[value]] += 1
    pairs = coincidences(counts)
    value = alpha_of(pairs, distance(found, pairs.sum(0)))
    return Alpha(estimate(value, NO_VARIATION), pairable, left_out)


def coincidences(counts: Floats) -> Floats:
    """The coincidence matrix (Krippendorff 2011, section B), shape (v, v), from counts (n_units, v)."""
    judged = counts.sum(1)
    counts = counts[judged > 1] / np.sqrt(judged[judged > 1] - 1)[:, None]
    scale = np.sqrt(judged[judged > 1] - 1)[:, None]
    return counts.T @ counts - np.diag((counts / scale).sum(0))


def alpha_of(pairs: Floats, distances: Floats) -> float:
    """Alpha from a coincidence matrix and squared distances, both (v, v); NaN where undefined."""
    totals = pairs.sum(0)
    n = totals.sum()
    observed = float((pairs * distances).sum())
    expected = float(totals @ distances @ totals) / (n - 1)
    return float(1 - ratio(observed, expected))


def binary_tallies(marks: NDArray[np.int8], weights: Floats | None = None) -> Floats:
    """What each unit adds to a binary coincidence matrix, for all codes at once.

    Args:
        marks: (n_coders, n_units, n_codes): 1, 0, or -1 for not judged.
        weights: Size of each unit, (n_units,).

    Returns:
        float64, shape (n_units, n_codes, 3): coincidences assigned–assigned, assigned–not (one triangle),
        not–not. They add up over units, so that resampling means summing.
    """
    judged = (marks >= 0).sum(0, dtype=float)
    ones = (marks == 1).sum(0, dtype=float)
    zeros = judged - ones
    over = np.where(judged > 1, judged - 1, np.inf)
    found = np.stack([ones * (ones - 1) / over, ones * zeros / over, zeros * (zeros - 1) / over], axis=-1)
    return found if weights is None else np.asarray(found * weights[:, None, None])


def binary_alphas(tallies: Floats) -> Floats:
    """Alpha from summed tallies (…, 3); NaN without pairs or variation. Shape (…,)."""
    one = tallies[..., 0] + tallies[..., 1]
    zero = tallies[..., 2] + tallies[..., 1]
    return np.asarray(1 - ratio((one + zero - 1) * tallies[..., 1], one * zero))


def _nominal(values: Sequence[Any], _: Floats) -> Floats:
    return 1.0 - np.eye(len(values))


def _ordinal(_: Sequence[Any], totals: Floats) -> Floats:
    """Squared number of values between two ranks, the ends counted half."""
    upto = np.cumsum(totals) - totals / 2
    return np.asarray((upto[:, None] - upto[None, :]) ** 2)


def _interval(values: Sequence[Any], _: Floats) -> Floats:
    numbers = np.asarray(values, float)
    return np.asarray((numbers[:, None] - numbers[None, :]) ** 2)


def _ratio(values: Sequence[Any], _: Floats) -> Floats:
    numbers = np.asarray(values, float)
    over, under = numbers[:, None] - numbers[None, :], numbers[:, None] + numbers[None, :]
    return np.nan_to_num(ratio(over, under)) ** 2


LEVELS: dict[str, Distance] = {"nominal": _nominal, "ordinal": _ordinal, "interval": _interval, "ratio": _ratio}


def _order(value: Any) -> tuple[int, Any]:
    """Numbers by size, anything else by its spelling; the order of sets carries no meaning."""
    if isinstance(value, int | float | np.number):
        return 0, value
    return 1, str(sorted(value, key=str)) if isinstance(value, frozenset | set) else str(value)
