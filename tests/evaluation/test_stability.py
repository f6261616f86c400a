"""Does the model say the same again: flips counted pair by pair of runs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.alpha import NO_PAIRS, NO_VARIATION


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(0, 8), st.integers(0, 999))
def test_flips_are_counted_by_pairs_of_runs(runs: int, units: int, seed: int) -> None:
    marks = np.random.default_rng(seed).integers(-1, 2, (runs, units, 2)).astype(np.int8)
    for k, found in enumerate(ev.stability(marks)):
        pairs = [
            (marks[a, u, k], marks[b, u, k])
            for a, b in combinations(range(runs), 2)
            for u in range(units)
            if marks[a, u, k] >= 0 and marks[b, u, k] >= 0
        ]
        values = [[None if v < 0 else int(v) for v in row] for row in marks[:, :, k]]
        wanted = ev.krippendorff_alpha(values).alpha
        assert found.runs == runs
        assert found.units == sum((unit >= 0).sum() > 1 for unit in marks[:, :, k].T)
        assert found.alpha.value == pytest.approx(wanted.value)
        assert found.alpha.reason == wanted.reason
        if pairs:
            assert found.flip_rate.value == pytest.approx(np.mean([a != b for a, b in pairs]))
            assert found.same == pytest.approx(np.mean([a == b for a, b in pairs]))
        else:
            assert (found.flip_rate.value, found.flip_rate.reason, found.same) == (None, NO_PAIRS, None)


def test_by_hand() -> None:
    # Three runs on two units: 1 1 0 has 2 of 3 pairs that differ, 0 0 0 none: 2/6.
    found = ev.stability(np.array([[[1], [0]], [[1], [0]], [[0], [0]]], np.int8))[0]
    assert (found.runs, found.units) == (3, 2)
    assert found.flip_rate.value == pytest.approx(1 / 3)


def test_a_model_that_never_assigns_is_stable_and_has_no_alpha() -> None:
    found = ev.stability(np.zeros((3, 5, 1), np.int8))[0]
    assert (found.same, found.alpha.reason) == (1, NO_VARIATION)


def test_the_order_of_runs_does_not_matter() -> None:
    marks = np.random.default_rng(1).integers(-1, 2, (4, 20, 3)).astype(np.int8)
    for one, two in zip(ev.stability(marks), ev.stability(marks[::-1, ::-1]), strict=True):
        assert one.flip_rate.value == pytest.approx(two.flip_rate.value)
        assert one.alpha.value == pytest.approx(two.alpha.value)
