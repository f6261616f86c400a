"""Several codes on one unit at once: distances between sets, and alpha over them.

The empty set is a judgement (none of the codes applies) and differs from a missing one; two empty
sets agree fully.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from belonging_llm.evaluation.alpha import NO_PAIRS, NO_VARIATION
from belonging_llm.evaluation.estimate import Estimate, Floats, estimate
from belonging_llm.evaluation.ratings import Ratings


def jaccard_distance(one: Collection[str], other: Collection[str]) -> float:
    """1 − shared/all (Jaccard 1912); 0 between two empty sets."""
    either = set(one) | set(other)
    return 1 - len(set(one) & set(other)) / len(either) if either else 0.0


def masi_distance(one: Collection[str], other: Collection[str]) -> float:
    """1 − J·M (Passonneau 2006): M is 1 for equal sets, ⅔ for nested, ⅓ for overlapping, 0 for disjoint ones."""
    first, second = set(one), set(other)
    if first == second:
        return 0.0
    shared = first & second
    if not shared:
        return 1.0
    monotone = 2 / 3 if shared in (first, second) else 1 / 3
    return 1 - (1 - jaccard_distance(first, second)) * monotone


@dataclass(frozen=True)
class SetAlpha:
    """Krippendorff's alpha over the sets of codes that coders gave each unit."""

    masi: Estimate
    jaccard: Estimate


@dataclass(frozen=True)
class SetTallies:
    """What set-valued alpha needs, by unit; everything adds up over units.

    Attributes:
        values: Distinct sets as rows of 0/1, shape (v, n_codes).
        counts: How often each set occurs in a pairable unit, float64, shape (n_units, v).
        observed: Observed disagreement of each unit by MASI and by Jaccard, shape (n_units, 2).
        distances: Squared distances between the sets, MASI and Jaccard, shape (2, v, v). Both are used as they
            are: a set distance takes the place of the squared difference.
    """

    values: Floats
    counts: Floats
    observed: Floats
    distances: Floats


def set_alpha(ratings: Ratings) -> SetAlpha:
    """Alpha with MASI and with Jaccard distance; a coder judges a unit if every code was judged."""
    tallies = set_tallies(ratings)
    if tallies.counts.sum() == 0:
        return SetAlpha(*(estimate(np.nan, NO_PAIRS),) * 2)
    masi, jaccard = set_alphas(tallies, np.ones((1, len(ratings.units))))[0]
    return SetAlpha(estimate(masi, NO_VARIATION), estimate(jaccard, NO_VARIATION))


def set_tallies(ratings: Ratings) -> SetTallies:
    """Group a study's judgements by the sets they are made of."""
    judged = (ratings.marks >= 0).all(2)
    judged &= judged.sum(0) > 1
    coder, unit = np.nonzero(judged)
    values, kind = np.unique(ratings.marks[coder, unit], axis=0, return_inverse=True)
    distances = _distances(values.astype(float))
    counts = np.zeros((len(ratings.units), len(values)))
    np.add.at(counts, (unit, kind.reshape(-1)), 1)
    over = np.maximum(counts.sum(1) - 1, 1)
    observed = np.stack([((counts @ d) * counts).sum(1) for d in distances], axis=1) / over[:, None]
    return SetTallies(
        values.astype(float), counts * ratings.weights[:, None], observed * ratings.weights[:, None], distances
    )


def set_alphas(tallies: SetTallies, weights: Floats) -> Floats:
    """Alpha by MASI and by Jaccard for each row of unit weights (b, n_units); shape (b, 2), NaN where undefined."""
    totals = weights @ tallies.counts
    n = totals.sum(1)
    observed = weights @ tallies.observed
    expected = np.stack([((totals @ d) * totals).sum(1) for d in tallies.distances], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1 - observed * (n - 1)[:, None] / expected
    return np.where(expected > 0, found, np.nan)


def _distances(values: Floats) -> Floats:
    """MASI and Jaccard between rows of 0/1: shape (2, v, v)."""
    shared = values @ values.T
    sizes = values.sum(1)
    either = sizes[:, None] + sizes[None, :] - shared
    likeness = np.divide(shared, either, out=np.ones_like(shared), where=either > 0)
    equal = either == shared
    nested = shared == np.minimum(sizes[:, None], sizes[None, :])
    monotone = np.select([equal, shared == 0, nested], [1.0, 0.0, 2 / 3], 1 / 3)
    return np.stack([1 - likeness * monotone, 1 - likeness])
