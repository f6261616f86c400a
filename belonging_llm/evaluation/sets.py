"""Several codes on one unit at once: distances between sets, and alpha over them.

The empty set is a judgement (none of the codes applies) and differs from a missing one; two empty
sets agree fully.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from belonging_llm.evaluation.alpha import NO_PAIRS, NO_VARIATION
from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, ratio
from belonging_llm.evaluation.ratings import Marks, Ratings

BLOCK = 256


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


def set_alpha(ratings: Ratings) -> SetAlpha:
    """Alpha with MASI and with Jaccard distance; a coder judges a unit if every code was judged.

    Krippendorff (2011, eq. 1) with the set distance in the place of the squared difference.
    """
    judged = (ratings.marks >= 0).all(2)
    judged &= judged.sum(0) > 1
    if not judged.any():
        return SetAlpha(*(estimate(np.nan, NO_PAIRS),) * 2)
    coder, unit = np.nonzero(judged)
    sets, kind = np.unique(ratings.marks[coder, unit], axis=0, return_inverse=True)
    totals = np.asarray(np.bincount(kind.reshape(-1), ratings.weights[unit], len(sets)), float)
    distances = _distances(int((ratings.marks == 1).sum(2).max()))
    expected = _expected(sets, totals, distances)
    masi, jaccard = 1 - ratio(_observed(ratings, judged, distances) * (totals.sum() - 1), expected)
    return SetAlpha(estimate(masi, NO_VARIATION), estimate(jaccard, NO_VARIATION))


def _distances(largest: int) -> Floats:
    """MASI and Jaccard by two sets' sizes, 0 … largest, and by what they share: shape (2, *3 × (largest + 1))."""
    first, second, shared = np.indices((largest + 1,) * 3).astype(float)
    either = first + second - shared
    likeness = np.divide(shared, either, out=np.ones_like(shared), where=either > 0)
    monotone = np.select([either == shared, shared == 0, shared == np.minimum(first, second)], [1.0, 0.0, 2 / 3], 1 / 3)
    return np.stack([1 - likeness * monotone, 1 - likeness])


def _observed(ratings: Ratings, judged: NDArray[np.bool_], distances: Floats) -> Floats:
    """Distances between coders summed over units, both ways round: MASI and Jaccard, shape (2,)."""
    share = ratings.weights / np.maximum(judged.sum(0) - 1, 1)
    marks, sizes = ratings.marks == 1, (ratings.marks == 1).sum(2)
    found = np.zeros(2)
    for a, b in combinations(range(len(marks)), 2):
        both = judged[a] & judged[b]
        apart = distances[:, sizes[a, both], sizes[b, both], (marks[a, both] & marks[b, both]).sum(1)]
        found += 2 * apart @ share[both]
    return found


def _expected(sets: Marks, totals: Floats, distances: Floats) -> Floats:
    """Distances between all sets, each as often as it occurs: MASI and Jaccard, shape (2,).

    Block by block and one triangle only: coders who differ give thousands of distinct sets, whose distances
    would fill gigabytes.
    """
    width = distances.shape[1]
    values = sets.astype(np.float32)
    sizes = sets.sum(1, dtype=np.int32)
    found = np.zeros(2)
    for start in range(0, len(sets), BLOCK):
        own = slice(start, start + BLOCK)
        place = (values[own] @ values[start:].T).astype(np.int32)
        place += (sizes[own, None] * width + sizes[start:]) * width
        # Pairs within the block come both ways round already; those with later sets count twice.
        twice = totals[start:] * np.where(np.arange(start, len(sets)) < start + BLOCK, 1, 2)
        found += [totals[own] @ (table.ravel()[place] @ twice) for table in distances]
    return found
