"""Candidate themes: dense groups of segments, found the same way whatever order they come in."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from belonging_llm.embeddings import Vectors

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]

SMALLEST = 6
NEIGHBOURS = 10
TINY = 12
DIMENSIONS = 8
DOMINANT = 0.4
SAME = 1e-6


class Belongs(StrEnum):
    """How a segment came to a group.

    Clustering finds `core`, `near` and `also` (a second group besides its own); `placed` ones came later and were put
    where they fit; `person` ones were put there by hand.
    """

    CORE = "core"
    NEAR = "near"
    PLACED = "placed"
    PERSON = "person"
    ALSO = "also"


@dataclass(frozen=True)
class Member:
    """A segment's place in a cluster.

    Attributes:
        index: Row of the segment in the input.
        strength: Cosine to the centroid over the core's median cosine, cut to 0..1.
    """

    index: int
    strength: float
    belongs: Belongs


@dataclass(frozen=True)
class Cluster:
    """One group.

    Attributes:
        members: Core first, then near, then also; by falling strength, then input key.
        centroid: Unit mean of the core's vectors, float32, shape (dim,).
    """

    members: tuple[Member, ...]
    centroid: Vectors

    @property
    def core(self) -> list[int]:
        """Rows of its core; of all that are at home in it where it has none."""
        core = [m.index for m in self.members if m.belongs is Belongs.CORE]
        return core or self.home

    @property
    def home(self) -> list[int]:
        """Rows of the segments at home in it: all but those that have their home in another group."""
        return [m.index for m in self.members if m.belongs is not Belongs.ALSO]


@dataclass(frozen=True)
class Clustering:
    """All groups, largest core first, and the rows that joined none."""

    clusters: tuple[Cluster, ...]
    outliers: tuple[int, ...]
    method: str


def recentred(found: Clustering, vectors: Vectors) -> Clustering:
    """The same groups with centroids in another space, such as the one that names are compared in."""
    moved = []
    for cluster in found.clusters:
        moved.append(replace(cluster, centroid=_unit(vectors[cluster.core].mean(axis=0))))
    return replace(found, clusters=tuple(moved))


def find(vectors: Vectors, keys: Sequence[str], *, seed: int = 0, min_size: int | None = None) -> Clustering:
    """Group vectors by density: UMAP (or PCA for few texts), then HDBSCAN.

    Equal keys are one text said more than once: it is placed once, and every occurrence follows.
    Rows are sorted by key before anything random, so that input order changes nothing.

    Args:
        vectors: Unit length, float32, shape (n, dim).
        keys: Content digests, length n.
        seed: For UMAP's layout.
        min_size: Fewest texts that make a group; by default grows with the root of n.

    Returns:
        Groups and outliers; HDBSCAN labels noise -1, noise near a group joins it as `near`.
    """
    unique, first, inverse = np.unique(np.asarray(keys).astype(str), return_index=True, return_inverse=True)
    if len(unique) < SMALLEST:
        return Clustering((), tuple(range(len(keys))), "too few texts to group")
    points = vectors[first]
    size = min_size or smallest(len(unique))
    if np.ptp(points, axis=0).max() < SAME:
        everyone, method = np.zeros(len(points), dtype=np.int64), "all texts have the same vector"
        return _describe(points, everyone, inverse, np.asarray(keys).astype(str), method)
    reduced, method = _reduce(points, seed)
    labels = _dense(reduced, size)
    return _describe(points, labels, inverse, np.asarray(keys).astype(str), f"{method}, HDBSCAN({size})")


def smallest(texts: int) -> int:
    """Fewest texts that make a group among so many different ones."""
    return max(3, round(0.6 * math.sqrt(texts)))


def _reduce(points: Vectors, seed: int) -> tuple[Floats, str]:
    from sklearn.decomposition import PCA

    n = len(points)
    dims = min(DIMENSIONS, n // 4)
    flat = PCA(n_components=max(2, dims), random_state=seed).fit_transform(points)
    if n < TINY:
        return flat, f"PCA({max(2, dims)})"
    neighbours = min(NEIGHBOURS, max(3, n // 6))
    return _umap(points, flat, neighbours, seed), f"UMAP({neighbours}, {dims})"


def _umap(points: Vectors, start: Floats, neighbours: int, seed: int) -> Floats:
    """UMAP from exact neighbours and a PCA start: reproducible, and no approximate search to tune."""
    from umap import UMAP

    layout = UMAP(
        n_neighbors=neighbours,
        n_components=start.shape[1],
        min_dist=0.0,
        metric="cosine",
        init=(10 * start / np.abs(start).max()).astype(np.float32),
        n_epochs=500 if len(points) < 2000 else 200,
        random_state=seed,
        n_jobs=1,
        precomputed_knn=(*_neighbours(points, neighbours), None),
        force_approximation_algorithm=True,
    )
    with warnings.catch_warnings():
        # It says that a fixed seed means one thread, and that new points cannot be transformed: both are meant.
        warnings.simplefilter("ignore", UserWarning)
        return np.asarray(layout.fit_transform(points))


def _neighbours(points: Vectors, k: int, rows: int = 2048) -> tuple[Ints, Floats]:
    """Exact nearest rows by cosine distance, each row its own first neighbour; shapes (n, k)."""
    index = np.empty((len(points), k), dtype=np.int32)
    distance = np.empty((len(points), k), dtype=np.float32)
    for start in range(0, len(points), rows):
        block = 1 - points[start : start + rows] @ points.T
        np.put_along_axis(block, np.arange(start, start + len(block))[:, None], -1.0, axis=1)
        order = np.argsort(block, axis=1, kind="stable")[:, :k]
        index[start : start + len(block)] = order
        distance[start : start + len(block)] = np.maximum(np.take_along_axis(block, order, axis=1), 0)
    return index, distance


def _dense(points: Floats, size: int) -> Ints:
    """HDBSCAN labels, -1 for noise; finer groups when one would swallow the corpus."""
    labels = _hdbscan(points, size, "eom")
    grouped = labels[labels >= 0]
    if len(grouped) and np.bincount(grouped).max() > DOMINANT * len(labels):
        finer = _hdbscan(points, size, "leaf")
        return finer if finer.max() > labels.max() else labels
    return labels


def _hdbscan(points: Floats, size: int, selection: str) -> Ints:
    from hdbscan import HDBSCAN

    model = HDBSCAN(min_cluster_size=size, min_samples=2, cluster_selection_method=selection, core_dist_n_jobs=1)
    return np.asarray(model.fit(points.astype(np.float64)).labels_)


def _describe(points: Vectors, labels: Ints, inverse: Ints, keys: npt.NDArray[np.str_], method: str) -> Clustering:
    count = int(labels.max()) + 1
    if count == 0:
        return Clustering((), tuple(range(len(keys))), method)
    centroids = np.stack([_unit(points[labels == c].mean(axis=0)) for c in range(count)])
    closeness = points @ centroids.T
    core = [closeness[labels == c, c] for c in range(count)]
    median = np.array([np.median(c) for c in core])
    joins = _joins(labels, closeness, np.array([np.quantile(c, 0.25) for c in core]), median)
    strength = np.clip(closeness / median, 0, 1)
    clusters = [_cluster(c, joins, strength, inverse, keys, centroids) for c in range(count)]
    clusters.sort(key=lambda c: (-sum(m.belongs is Belongs.CORE for m in c.members), keys[c.members[0].index]))
    lonely = {point for point in range(len(points)) if not any((point, c) in joins for c in range(count))}
    outliers = [row for row in range(len(keys)) if int(inverse[row]) in lonely]
    return Clustering(tuple(clusters), tuple(outliers), method)


def _joins(labels: Ints, closeness: Floats, near: Floats, median: Floats) -> dict[tuple[int, int], Belongs]:
    """Which point is in which cluster, and how: (point, cluster) → core, near or also."""
    found = {(point, int(label)): Belongs.CORE for point, label in enumerate(labels) if label >= 0}
    for point in range(len(labels)):
        best = int(np.argmax(closeness[point]))
        if labels[point] < 0 and closeness[point, best] >= near[best]:
            found[point, best] = Belongs.NEAR
        if labels[point] >= 0:
            for other in np.flatnonzero(closeness[point] >= median):
                found.setdefault((point, int(other)), Belongs.ALSO)
    return found


def _cluster(
    number: int,
    joins: dict[tuple[int, int], Belongs],
    strength: Floats,
    inverse: Ints,
    keys: npt.NDArray[np.str_],
    centroids: Vectors,
) -> Cluster:
    rank = list(Belongs)
    members = [
        Member(row, round(float(strength[point, number]), 4), joins[point, number])
        for row, point in enumerate(inverse.tolist())
        if (point, number) in joins
    ]
    members.sort(key=lambda m: (rank.index(m.belongs), -m.strength, keys[m.index]))
    return Cluster(tuple(members), centroids[number])


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
