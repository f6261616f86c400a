"""Planted groups are found, in whatever order they come, and no row is lost."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm.clusters import SMALLEST, Belongs, Clustering, find
from belonging_llm.embeddings import Vectors

DIM = 48
# Rows: number and group of each planted point, by key.
Planted = tuple[Vectors, list[str], npt.NDArray[np.int_]]


def unit(points: npt.NDArray[np.float64]) -> Vectors:
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), dtype=np.float32)


@cache
def planted(groups: int, n: int, noise: float = 0.35) -> Planted:
    """Points around random centres; keys are digests, so that their order says nothing of the groups."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(groups, DIM))
    group = np.arange(n) % groups
    points = unit(centres[group] + noise * rng.normal(size=(n, DIM)))
    return points, [sha256(f"{groups}/{n}/{i}".encode()).hexdigest() for i in range(n)], group


def by_key(found: Clustering, keys: list[str]) -> tuple[list[list[tuple[str, float, str]]], list[str]]:
    """What was found, told by keys instead of rows; members of equal key may come in any order."""
    clusters = [[(keys[m.index], m.strength, m.belongs.value) for m in c.members] for c in found.clusters]
    return clusters, sorted(keys[row] for row in found.outliers)


def assert_every_row_has_one_place(found: Clustering, n: int) -> None:
    held = {m.index for c in found.clusters for m in c.members}
    assert len(set(found.outliers)) == len(found.outliers)
    assert held.isdisjoint(found.outliers)
    assert held | set(found.outliers) == set(range(n))
    for cluster in found.clusters:
        rows = [m.index for m in cluster.members]
        assert len(set(rows)) == len(rows)
        assert cluster.members[0].belongs is Belongs.CORE
        assert all(0 <= m.strength <= 1 for m in cluster.members)
        ranks = [(list(Belongs).index(m.belongs), -m.strength) for m in cluster.members]
        assert ranks == sorted(ranks)
        assert cluster.centroid.dtype == np.float32
        assert np.linalg.norm(cluster.centroid) == pytest.approx(1, abs=1e-5)
    cores = [m.index for c in found.clusters for m in c.members if m.belongs is Belongs.CORE]
    assert len(set(cores)) == len(cores)


@pytest.mark.parametrize(("groups", "n"), [(2, 8), (3, 30), (6, 300)])
def test_planted_groups_are_found(groups: int, n: int) -> None:
    points, keys, group = planted(groups, n)
    found = find(points, keys)
    assert_every_row_has_one_place(found, n)
    assert len(found.clusters) == groups
    for cluster in found.clusters:
        assert len({int(group[m.index]) for m in cluster.members if m.belongs is Belongs.CORE}) == 1
    placed = sum(m.belongs is not Belongs.ALSO for c in found.clusters for m in c.members)
    assert placed >= 0.95 * n


def test_the_largest_group_comes_first() -> None:
    points, keys, group = planted(4, 64)
    sizes = [8, 15, 10, 12]
    kept = [int(i) for g, size in enumerate(sizes) for i in np.flatnonzero(group == g)[:size]]
    found = find(points[kept], [keys[i] for i in kept])
    cores = [[m.index for m in c.members if m.belongs is Belongs.CORE] for c in found.clusters]
    assert [len(core) for core in cores] == sorted(sizes, reverse=True)


@pytest.mark.parametrize("n", [10, 30, 300])
def test_the_order_of_rows_changes_nothing(n: int) -> None:
    points, keys, _ = planted(3, n, 0.8)
    first = by_key(find(points, keys), keys)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(n)
        shuffled = [keys[i] for i in order]
        assert by_key(find(points[order], shuffled), shuffled) == first


def test_a_run_again_is_the_same_to_the_last_digit() -> None:
    points, keys, _ = planted(3, 30, 0.8)
    one, two = find(points, keys, seed=3), find(points, keys, seed=3)
    assert (by_key(one, keys), one.method) == (by_key(two, keys), two.method)
    assert all(np.array_equal(a.centroid, b.centroid) for a, b in zip(one.clusters, two.clusters, strict=True))


def test_what_is_said_more_than_once_shares_its_fate() -> None:
    points, keys, _ = planted(3, 30, 0.8)
    copies = [*range(30), 0, 7, 7, 7, 29]
    found = find(points[copies], [keys[i] for i in copies])
    assert_every_row_has_one_place(found, len(copies))
    for cluster in found.clusters:
        places: dict[int, set[tuple[float, str]]] = {}
        for member in cluster.members:
            places.setdefault(copies[member.index], set()).add((member.strength, member.belongs.value))
        assert all(len(place) == 1 for place in places.values())
        rows = {m.index for m in cluster.members}
        assert all(len(rows & twins) in (0, len(twins)) for twins in ({0, 30}, {7, 31, 32, 33}, {29, 34}))


def test_copies_do_not_move_the_groups() -> None:
    points, keys, _ = planted(3, 30)
    copies = [*range(30), *[4] * 20]
    without, with_copies = find(points, keys), find(points[copies], [keys[i] for i in copies])
    groups = [{keys[m.index] for m in c.members} for c in without.clusters]
    again = [{keys[copies[m.index]] for m in c.members} for c in with_copies.clusters]
    assert sorted(map(sorted, groups)) == sorted(map(sorted, again))


@pytest.mark.parametrize("n", [0, 1, SMALLEST - 1])
def test_too_few_texts_are_all_outliers(n: int) -> None:
    points, keys, _ = planted(2, 8)
    found = find(points[:n], keys[:n])
    assert (found.clusters, found.outliers) == ((), tuple(range(n)))


def test_five_texts_said_often_are_still_five() -> None:
    points, keys, _ = planted(2, 8)
    rows = [i % 5 for i in range(40)]
    assert find(points[rows], [keys[i] for i in rows]).outliers == tuple(range(40))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 60), st.integers(1, 4), st.floats(0.1, 3), st.integers(0, 10))
def test_every_row_is_in_a_cluster_or_an_outlier_and_never_both(n: int, groups: int, noise: float, seed: int) -> None:
    points, keys, _ = planted(groups, n, noise) if n else (np.empty((0, DIM), np.float32), [], np.empty(0, np.int_))
    repeats = np.random.default_rng(seed).integers(0, max(n, 1), size=n // 4)
    rows = [*range(n), *map(int, repeats)]
    assert_every_row_has_one_place(find(points[rows], [keys[i] for i in rows]), len(rows))


@pytest.mark.parametrize("n", [6, 8, 11, 12, 30])
def test_different_texts_with_one_vector_do_no_harm(n: int) -> None:
    _, keys, _ = planted(2, 30)
    # Exactly alike, so that nothing varies in any direction: PCA's shares of variance are 0 / 0.
    alike = np.tile(np.eye(1, DIM, dtype=np.float32), (n, 1))
    assert_every_row_has_one_place(find(alike, keys[:n]), n)


def test_a_larger_smallest_group_gives_no_more_groups() -> None:
    points, keys, _ = planted(6, 60)
    assert len(find(points, keys, min_size=20).clusters) <= len(find(points, keys, min_size=5).clusters) == 6
