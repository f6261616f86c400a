"""Which groups of a new clustering are which themes of old."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.embeddings import Vectors
from belonging_llm.themes.lineage import Overlap

# Least share of common segments in all segments of both (Jaccard) for a group to be called the same theme.
SAME = 0.25
# Where no segment was known before: least cosine of the centres.
ALIKE = 0.9
# What a group must have of another to be its part, or its heir.
MOST = 0.5


@dataclass(frozen=True)
class Group:
    """Segments at home together: a theme of an earlier run, or a cluster of this one.

    Attributes:
        centre: Unit length, shape (dim,); None where it is not known, or of another encoder.
    """

    name: str
    segments: frozenset[str]
    centre: Vectors | None = None


@dataclass(frozen=True)
class Match:
    """Themes and groups held against each other.

    Attributes:
        pairs: Position of the theme by position of the group that continues it.
        overlaps: Of every theme with every group that shares a segment with it, or is its pair: (theme, group).
    """

    pairs: dict[int, int]
    overlaps: dict[tuple[int, int], Overlap]


def match(old: Sequence[Group], new: Sequence[Group], known: Collection[str], kept: Collection[str]) -> Match:
    """Pair themes with groups so that the pairs have most in common together (optimal assignment; Kuhn 1955).

    A pair counts by the Jaccard index of its segments, over segments of both runs; closeness of centres decides
    between equals, and alone where no segment of a group was known before. Pairs below the floor are none.

    Args:
        old: Themes of the earlier run.
        new: Groups of this one.
        known: Segments that the earlier run had, in themes or not.
        kept: Segments that this run has.
    """
    from scipy.optimize import linear_sum_assignment

    if not old or not new:
        return Match({}, {})
    before, after = [g.segments & frozenset(kept) for g in old], [g.segments & frozenset(known) for g in new]
    table = [
        [_overlap(one, other, old[i].centre, new[j].centre) for j, other in enumerate(after)]
        for i, one in enumerate(before)
    ]
    worth = np.array([[_worth(overlap) for overlap in row] for row in table])
    rows, columns = linear_sum_assignment(worth, maximize=True)
    pairs = {int(j): int(i) for i, j in zip(rows, columns, strict=True) if _same(table[i][j])}
    chosen = {(i, j) for j, i in pairs.items()}
    overlaps = {
        (i, j): overlap
        for i, row in enumerate(table)
        for j, overlap in enumerate(row)
        if overlap.shared or (i, j) in chosen
    }
    return Match(pairs, overlaps)


def _overlap(one: frozenset[str], other: frozenset[str], here: Vectors | None, there: Vectors | None) -> Overlap:
    comparable = here is not None and there is not None and here.shape == there.shape
    likeness = round(float(here @ there), 4) if comparable and here is not None and there is not None else None
    return Overlap(before=len(one), after=len(other), shared=len(one & other), likeness=likeness)


def _worth(overlap: Overlap) -> float:
    """Jaccard first; centres weigh a hundredth of it, unless nothing else can be compared."""
    likeness = max(0.0, overlap.likeness or 0.0)
    if not overlap.after:
        return SAME * likeness if likeness >= ALIKE else 0.0
    return overlap.jaccard + likeness / 100


def _same(overlap: Overlap) -> bool:
    if not overlap.after:
        return (overlap.likeness or 0.0) >= ALIKE
    return overlap.jaccard >= SAME
