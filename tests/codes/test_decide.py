"""From evidence to outcomes: chances, doubts and thresholds, by hand and on simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes import Bar, Chances, Learned, Outcome, Signals, chances, open_pairs
from belonging_llm.codes.decide import CANDIDATES, DOUBT, THEME, after, strength


def signals(similarity: list[list[float]], theme: float = 0.0) -> Signals:
    likeness = np.array(similarity, dtype=np.float64)
    return Signals(likeness, np.full_like(likeness, theme), np.full_like(likeness, math.nan))


def likely(chance: list[list[float]]) -> Chances:
    rows = np.array(chance, dtype=np.float64)
    return Chances(rows, np.zeros_like(rows), np.zeros(rows.shape[1], bool))


def test_a_theme_counts_as_a_part_of_a_standard_deviation() -> None:
    # .75 * 0.8 = .6
    assert THEME == 0.75
    assert strength(signals([[1.0, -1.0, 0.0]], theme=0.8))[0] == pytest.approx([1.6, -0.4, 0.6])


def test_without_human_codings_likeness_decides() -> None:
    found = chances(signals([[2.2, 1.6, 0.0]]), None)
    # 1.5 * (2.2 - 1.6) = .9: 1 / (1 + exp(.9)) = .2891; 1.5 * 2.2 = 3.3: 1 / (1 + exp(3.3)) = .0356.
    assert found.chance[0] == pytest.approx([0.5, 0.2891, 0.0356], abs=1e-4)
    # What would be guessed begins at 1.6.
    assert found.leaning[0] == pytest.approx([0.6, 0.0, -1.6])
    assert not found.taught.any()


def test_learned_codes_have_learned_chances_and_the_others_likeness() -> None:
    learned = Learned(
        scores=np.array([[0.5, np.nan], [-2.0, np.nan]]),
        chances=np.array([[0.3, np.nan], [0.01, np.nan]]),
        taught=np.array([True, False]),
    )
    found = chances(signals([[9.0, 2.2], [9.0, 1.6]]), learned)
    assert found.chance == pytest.approx(np.array([[0.3, 0.5], [0.01, 0.2891]]), abs=1e-4)
    assert found.leaning == pytest.approx(np.array([[0.5, 0.6], [-2.0, 0.0]]))
    assert found.taught.tolist() == [True, False]


def test_nothing_learned_is_as_no_codings() -> None:
    given = signals([[2.2, 1.6]])
    nothing = [
        Learned(np.empty((1, 0)), np.empty((1, 0)), np.zeros(0, bool)),
        Learned(np.full((1, 2), np.nan), np.full((1, 2), np.nan), np.zeros(2, bool)),
    ]
    for learned in nothing:
        assert np.array_equal(chances(given, learned).chance, chances(given, None).chance)


def test_some_of_the_segments() -> None:
    found = likely([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]).of(np.array([2, 0]))
    assert found.chance.tolist() == [[0.5, 0.6], [0.1, 0.2]]
    assert (len(found.leaning), len(found.taught)) == (2, 2)


def test_open_pairs_by_hand() -> None:
    # Doubt is .2 to .8; the nearer to .5, the sooner.
    found = likely(
        [
            [0.1, 0.19, 0.9],  # nothing open
            [0.2, 0.81, 0.0],  # open at its lower end: .3 off the middle
            [0.45, 0.6, 0.7],  # .05 off, three open, two asked about
            [0.5, 0.0, 1.0],  # in the middle
            [0.75, 0.0, 0.0],  # .25 off
        ]
    )
    assert open_pairs(found, 1.0) == {3: [0], 2: [0, 1], 4: [0], 1: [0]}
    assert list(open_pairs(found, 1.0)) == [3, 2, 4, 1]
    # 40 % of five segments are two; 39 % are one; none are none.
    assert list(open_pairs(found, 0.4)) == [3, 2]
    assert list(open_pairs(found, 0.39)) == [3]
    assert open_pairs(found, 0.0) == {}


def test_at_most_the_most_doubtful_few_codes_of_a_segment_are_open() -> None:
    assert open_pairs(likely([[0.2, 0.4, 0.52, 0.55, 0.7]]), 1.0) == {0: [2, 3]}
    assert CANDIDATES == 2


@pytest.mark.parametrize(("share", "count"), [(0.29, 29), (0.57, 57), (0.58, 58), (0.07, 7), (1.0, 100)])
def test_a_share_of_a_hundred_segments_is_its_percentage(share: float, count: int) -> None:
    """0.29 * 100 is 28.999999999999996 in binary."""
    assert len(open_pairs(likely([[0.5]] * 100), share)) == count


def test_no_segments_have_no_open_pairs() -> None:
    assert open_pairs(likely([[0.5, 0.5, 0.5]]).of(np.empty(0, np.intp)), 1.0) == {}


@given(st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=12), st.floats(0, 1))
def test_open_pairs_are_in_doubt_and_within_the_share(rows: list[list[float]], share: float) -> None:
    found = open_pairs(likely(rows), share)
    assert len(found) <= share * len(rows) + 1e-6
    for row, columns in found.items():
        assert 1 <= len(columns) <= CANDIDATES
        assert list(columns) == sorted(set(columns))
        assert all(DOUBT[0] <= rows[row][column] <= DOUBT[1] for column in columns)


def test_a_chance_after_the_models_word() -> None:
    # Odds 1 : 3, times 6, are 2 : 1.
    assert after(0.25, math.log(6)) == pytest.approx(2 / 3)
    assert after(0.25, 0.0) == pytest.approx(0.25)
    # What is certain stays all but certain, and is never undefined.
    assert after(0.0, 3.0) < 1e-4
    assert after(1.0, -3.0) > 1 - 1e-4


@given(st.floats(0, 1), st.floats(-8, 8), st.floats(-8, 8))
def test_a_stronger_word_never_makes_less_likely(chance: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= after(chance, low) <= after(chance, high) <= 1


@given(st.floats(0.001, 0.999), st.floats(-5, 5))
def test_a_word_taken_back_leaves_the_chance_as_it_was(chance: float, shift: float) -> None:
    assert after(after(chance, shift), -shift) == pytest.approx(chance)


def test_outcomes_at_their_bars() -> None:
    bar = Bar(assign_error=0.2, miss_error=0.1)
    assert [bar.outcome(c) for c in (1.0, 0.8)] == [Outcome.ASSIGNED] * 2
    assert [bar.outcome(c) for c in (0.79, 0.5, 0.11)] == [Outcome.ABSTAINED] * 3
    assert [bar.outcome(c) for c in (0.1, 0.0)] == [Outcome.NOT_ASSIGNED] * 2


def test_no_error_allowed_leaves_everything_uncertain_to_people() -> None:
    bar = Bar(assign_error=0.0, miss_error=0.0)
    assert {bar.outcome(c) for c in (0.001, 0.5, 0.999)} == {Outcome.ABSTAINED}


@pytest.mark.parametrize(("assign_error", "miss_error"), [(0.5, 0.12), (0.2, 0.05), (0.35, 0.2)])
@pytest.mark.parametrize("shape", [(1, 2), (0.5, 0.5), (1, 1)])
def test_calibrated_chances_keep_the_stated_errors(
    assign_error: float, miss_error: float, shape: tuple[float, float]
) -> None:
    """Truth drawn with the stated chances: the errors stay below the bar, and near it for the last ones let through."""
    random = np.random.default_rng(7)
    chance = random.beta(*shape, size=200_000)
    truth = random.random(len(chance)) < chance
    bar = Bar(assign_error, miss_error)
    outcome = np.array([bar.outcome(c) for c in chance])
    # The least full bin below holds 1,400: three standard errors are .04 there, and less where shares are small.
    assigned, missed = outcome == Outcome.ASSIGNED, outcome == Outcome.NOT_ASSIGNED
    assert min(assigned.sum(), missed.sum()) > 2000
    assert (~truth[assigned]).mean() < assign_error
    assert truth[missed].mean() < miss_error
    last = assigned & (chance < 1 - assign_error + 0.02)
    assert (~truth[last]).mean() == pytest.approx(assign_error - 0.01, abs=0.04)
    last = missed & (chance > miss_error - 0.02)
    assert truth[last].mean() == pytest.approx(miss_error - 0.01, abs=0.03)
