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


# One coding and later ones: flips

HOW = ev.Resampling(draws=200)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.integers(0, 8), st.integers(2, 3), st.integers(0, 999))
def test_flips_are_counted_against_the_first_and_among_the_later(later: int, units: int, kinds: int, seed: int) -> None:
    said = np.random.default_rng(seed).integers(-1, kinds, (1 + later, units, 2)).astype(np.int8)
    for k, found in enumerate(ev.flips(said, np.arange(units) // 2, kinds=kinds, resampling=HOW)):
        both = [(said[0, u, k], said[v, u, k]) for v in range(1, later + 1) for u in range(units)]
        pairs = [(a, b) for a, b in both if a >= 0 and b >= 0]
        assert found.pairs == len(pairs)
        assert found.units == sum(said[0, u, k] >= 0 and (said[1:, u, k] >= 0).any() for u in range(units))
        if pairs:
            assert found.rate.value == pytest.approx(np.mean([a != b for a, b in pairs]))
        else:
            assert (found.rate.value, found.rate.reason) == (None, NO_PAIRS)
        others = [
            (said[v, u, k], said[w, u, k])
            for v, w in combinations(range(1, later + 1), 2)
            for u in range(units)
            if said[v, u, k] >= 0 and said[w, u, k] >= 0
        ]
        if others:
            assert found.among.value == pytest.approx(np.mean([a != b for a, b in others]))
        else:
            assert found.among.value is None
        values = [[None if v < 0 else int(v) for v in row] for row in said[:, :, k]]
        wanted = ev.krippendorff_alpha(values).alpha
        assert found.alpha.value == pytest.approx(wanted.value)


def test_flips_by_hand() -> None:
    # Five units: yes no no left-open yes; a later coding says yes yes no no failed, another one the same as the first.
    said = np.array([[[1], [0], [0], [2], [1]], [[1], [1], [0], [0], [-1]], [[1], [0], [0], [2], [1]]], np.int8)
    outcomes = ev.flips(said, np.arange(5), kinds=3, resampling=HOW)[0]
    # Against the first: 4 pairs with 2 flips, then 5 without; between the two later ones 4 pairs with 2 flips.
    assert (outcomes.units, outcomes.pairs) == (5, 9)
    assert outcomes.rate.value == pytest.approx(2 / 9)
    assert outcomes.among.value == pytest.approx(2 / 4)
    # Values 111 001 000 202 11. Unlike pairs over (m - 1): 001 has 2·2/2 = 2 of 3, 202 likewise: observed 4 of 14.
    # Totals: yes 3 + 1 + 2 = 6, no 2 + 3 + 1 = 6, open 2. Expected: (14² - 6² - 6² - 2²) / 13 = 120 / 13.
    assert outcomes.alpha.value == pytest.approx(1 - 4 / (120 / 13))
    # Where it was decided: unit 4 is left with a single no, which is compared with nothing.
    decided = ev.flips(np.where(said == 2, -1, said).astype(np.int8), np.arange(5), kinds=2, resampling=HOW)[0]
    assert (decided.units, decided.pairs) == (4, 7)
    assert decided.rate.value == pytest.approx(1 / 7)
    # Pairable: 111 001 000 11, eleven values, 6 yes and 5 no; observed 2, expected 2·6·5/10.
    assert decided.alpha.value == pytest.approx(1 - 2 / (60 / 10))


def test_intervals_resample_clusters_not_units() -> None:
    # Two people of four flip everywhere, two nowhere: alone each unit would tell much more than it does.
    said = np.zeros((2, 40, 1), np.int8)
    said[1, :20] = 1
    people, alone = np.arange(40) // 10, np.arange(40)
    together, single = (ev.flips(said, who, kinds=2, resampling=HOW)[0].rate.interval for who in (people, alone))
    assert together is not None
    assert single is not None
    assert (together.low, together.high) == (0, 1)
    assert single.high - single.low < 0.4


def test_one_participant_gives_no_interval() -> None:
    said = np.array([[[1], [0]], [[1], [1]]], np.int8)
    assert ev.flips(said, np.zeros(2, np.intp), kinds=2, resampling=HOW)[0].rate.interval is None


@pytest.mark.parametrize(("turned", "low", "high"), [(0, 0.0, 3 / 60), (1, 1 - 3 / 60, 1.0)])
def test_where_nothing_flips_the_rule_of_three_says_how_little_is_known(turned: int, low: float, high: float) -> None:
    said = np.zeros((3, 60, 1), np.int8)
    said[1:] = turned
    found = ev.flips(said, np.arange(60) // 6, kinds=2, resampling=HOW)[0]
    assert found.rate.value == turned
    assert found.rate.interval is not None
    assert (found.rate.interval.low, found.rate.interval.high) == pytest.approx((low, high))
    assert "rule of three" in found.rate.flag


def test_a_handful_of_units_rules_nothing_out() -> None:
    found = ev.flips(np.zeros((2, 2, 1), np.int8), np.arange(2), kinds=2, resampling=HOW)[0]
    assert found.rate.interval is not None
    assert found.rate.interval.high == 1
    assert found.alpha.reason == NO_VARIATION


def test_nothing_at_all_is_undefined() -> None:
    found = ev.flips(np.empty((2, 0, 1), np.int8), np.empty(0, np.intp), kinds=2, resampling=HOW)[0]
    assert (found.units, found.pairs, found.rate.value, found.alpha.value) == (0, 0, None, None)
