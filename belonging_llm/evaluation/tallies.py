"""Counts by cluster: what a statistic needs, added up per participant, so that a resample is one product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from belonging_llm.evaluation.alpha import binary_tallies
from belonging_llm.evaluation.estimate import Floats
from belonging_llm.evaluation.ratings import Marks, Ratings


def by_cluster(ratings: Ratings, per_unit: Floats) -> Floats:
    """Sum figures of units (n_units, …) over their clusters: (n_clusters, …)."""
    found = np.zeros((ratings.n_clusters, *per_unit.shape[1:]))
    np.add.at(found, ratings.clusters, per_unit)
    return found


def pair_cells(ratings: Ratings, pairs: Sequence[tuple[int, int]]) -> Floats:
    """2 × 2 cells `a b c d` of pairs of coders: shape (n_clusters, n_pairs, n_codes, 4)."""
    found = np.zeros((ratings.n_clusters, len(pairs), len(ratings.codes), 4))
    order = np.argsort(ratings.clusters, kind="stable")
    there, starts = np.unique(ratings.clusters[order], return_index=True)
    for k, (first, second) in enumerate(pairs):
        marks = ratings.marks[first][order], ratings.marks[second][order]
        found[there, k] = _cells(*marks, ratings.weights[order], starts)
    return found


def cells_between(first: Marks, second: Marks, ratings: Ratings) -> Floats:
    """Cells of any two marks on the same units: shape (n_clusters, n_codes, 4)."""
    order = np.argsort(ratings.clusters, kind="stable")
    there, starts = np.unique(ratings.clusters[order], return_index=True)
    found = np.zeros((ratings.n_clusters, len(ratings.codes), 4))
    found[there] = _cells(first[order], second[order], ratings.weights[order], starts)
    return found


def coincidence_cells(ratings: Ratings) -> Floats:
    """Coincidences for alpha over all coders: shape (n_clusters, n_codes, 3)."""
    return by_cluster(ratings, binary_tallies(ratings.marks, ratings.weights))


def _cells(first: Marks, second: Marks, weights: Floats, starts: np.ndarray) -> Floats:
    """Cells summed over runs of rows that begin at `starts`, none of them empty: (n_runs, n_codes, 4)."""
    kinds = [(1, 1), (1, 0), (0, 1), (0, 0)]
    whole = [((first == x) & (second == y)) * weights[:, None] for x, y in kinds]
    return np.stack([np.add.reduceat(part, starts, axis=0) for part in whole], axis=-1)
