"""Counts by cluster add up to counts by unit, cluster by cluster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.alpha import binary_alphas
from belonging_llm.evaluation.tallies import by_cluster, cells_between, coincidence_cells, pair_cells


@st.composite
def studies(draw: st.DrawFn) -> ev.Ratings:
    """Ratings with gaps, weights, and clusters of which some may hold no unit."""
    coders, units, codes, clusters = (draw(st.integers(1, most)) for most in (3, 10, 2, 4))
    size = coders * units * codes
    marks = draw(st.lists(st.integers(-1, 1), min_size=size, max_size=size))
    member = draw(st.lists(st.integers(0, clusters - 1), min_size=units, max_size=units))
    weights = draw(st.lists(st.integers(1, 5), min_size=units, max_size=units))
    return ev.Ratings(
        units=tuple(f"u{i}" for i in range(units)),
        coders=tuple(f"c{i}" for i in range(coders)),
        codes=tuple(f"k{i}" for i in range(codes)),
        marks=np.array(marks, np.int8).reshape(coders, units, codes),
        clusters=np.array(member, np.intp),
        cluster_names=tuple(f"p{i}" for i in range(clusters)),
        clustered_by="participant_id",
        weights=np.array(weights, float),
    )


@settings(max_examples=60, deadline=None)
@given(studies())
def test_cells_are_counts_of_units_in_each_cluster(given_: ev.Ratings) -> None:
    found = pair_cells(given_, given_.pairs)
    assert found.shape == (given_.n_clusters, len(given_.pairs), len(given_.codes), 4)
    kinds = [(1, 1), (1, 0), (0, 1), (0, 0)]
    for place, (a, b) in enumerate(given_.pairs):
        for g, k, cell in np.ndindex(given_.n_clusters, len(given_.codes), 4):
            wanted = sum(
                given_.weights[u]
                for u in range(len(given_.units))
                if given_.clusters[u] == g and (given_.marks[a, u, k], given_.marks[b, u, k]) == kinds[cell]
            )
            assert found[g, place, k, cell] == wanted
        assert np.array_equal(cells_between(given_.marks[a], given_.marks[b], given_), found[:, place])


@settings(max_examples=40, deadline=None)
@given(studies())
def test_coincidences_of_clusters_add_up_to_alpha(given_: ev.Ratings) -> None:
    found = coincidence_cells(given_)
    assert found.shape == (given_.n_clusters, len(given_.codes), 3)
    copies = np.repeat(given_.marks, given_.weights.astype(int), axis=1)
    for k, value in enumerate(binary_alphas(found.sum(0))):
        wanted = ev.krippendorff_alpha([[None if v < 0 else v for v in row] for row in copies[:, :, k].tolist()])
        assert value == pytest.approx(np.nan if wanted.alpha.value is None else wanted.alpha.value, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(studies(), st.integers(0, 9))
def test_the_order_of_units_changes_nothing(given_: ev.Ratings, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(given_.units))
    shuffled = replace(
        given_,
        units=tuple(given_.units[i] for i in order),
        marks=given_.marks[:, order],
        clusters=given_.clusters[order],
        weights=given_.weights[order],
    )
    assert np.array_equal(pair_cells(given_, given_.pairs), pair_cells(shuffled, given_.pairs))
    np.testing.assert_allclose(coincidence_cells(given_), coincidence_cells(shuffled))


def test_a_cluster_without_units_holds_nothing() -> None:
    # The second participant said nothing; the third one's unit must not be counted for both.
    marks = np.array([[[1], [0]], [[1], [1]]], np.int8)
    given_ = ev.Ratings(("u", "v"), ("x", "y"), ("k",), marks, np.array([0, 2]), ("p", "q", "r", "s"), "participant_id")
    wanted = [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert pair_cells(given_, [(0, 1)])[:, 0, 0].tolist() == wanted
    assert by_cluster(given_, np.array([2.0, 3.0])).tolist() == [2, 0, 3, 0]
