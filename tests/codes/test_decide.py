"""From evidence to outcomes: chances, doubts and thresholds, by hand and on simulated truth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from belonging_llm.codes import Bar, Chances, Learned, Outcome, Signals, chances, cuts, open_pairs
from belonging_llm.codes.decide import CANDIDATES, DOUBT, THEME, after, strength


def signals(similarity: list[list[float]], theme: float = 0.0) -> Signals:
    likeness = np.array(similarity, dtype=np.float64)
    nothing = np.zeros_like(likeness)
    rest = np.zeros(likeness.shape[1], bool)
    return Signals(likeness, np.full_like(likeness, theme), np.full_like(likeness, math.nan), nothing, nothing, rest)


def likely(chance: list[list[float]]) -> Chances:
    rows = np.array(chance, dtype=np.float64)
    return Chances(rows, np.zeros_like(rows), np.zeros(rows.shape[1], bool))


def test_a_theme_counts_as_a_part_of_a_standard_deviation() -> None:
    # .75 * 0.8 = .6
    assert THEME == 0.75
    assert strength(signals([[1.0, -1.0, 0.0]], theme=0.8))[0] == pytest.approx([1.6, -0.4, 0.6])


def test_quoted_words_speak_as_loud_as_they_are_rare() -> None:
    quoted = replace(signals([[1.0, -1.0]]), quoted=np.array([[0.0, 2.5]]))
    assert strength(quoted)[0] == pytest.approx([1.0, 1.5])


def test_a_named_manner_speaks_for_its_code() -> None:
    named = replace(signals([[1.0, -1.0]]), manner=np.array([[-0.5, 2.0]]))
    assert strength(named)[0] == pytest.approx([0.5, 1.0])


def test_what_speaks_for_others_speaks_against_the_rest() -> None:
    seen = signals([[1.0, 3.0, -2.0, 9.0], [-1.0, -1.0, -1.0, 9.0]])
    rest = replace(seen, rest=np.array([False, False, False, True]))
    # Of three others: (1 + 3 + 0) / sqrt(3); what speaks against the others does not speak for the rest.
    assert strength(rest)[:, 3] == pytest.approx([-4 / math.sqrt(3), 0.0])
    assert strength(rest)[:, :3] == pytest.approx(seen.similarity[:, :3])


def test_a_codebook_of_rests_keeps_its_own_evidence() -> None:
    alone = replace(signals([[1.5]]), rest=np.array([True]))
    assert strength(alone)[0] == pytest.approx([1.5])


def test_without_human_codings_likeness_decides() -> None:
    found = chances(np.array([[2.2, 1.6, 0.0]]), None)
    # 1.2 * (2.2 - 1.6) = .72: 1 / (1 + exp(.72)) = .3274; 1.2 * 2.2 = 2.64: 1 / (1 + exp(2.64)) = .0666.
    assert found.chance[0] == pytest.approx([0.5, 0.3274, 0.0666], abs=1e-4)
    # One segment tells nothing of where kappa is highest: guesses begin at even odds.
    assert found.leaning[0] == pytest.approx([0.0, -0.72, -2.64])
    assert not found.taught.any()


def test_a_yes_is_guessed_where_kappa_is_expected_to_be_highest() -> None:
    """Ten segments; one of .9, one of .4, eight of .05: 1.7 positives are expected.

    Yes to one: hit .09, said .1, has .17: agreed 1 + .18 - .27 = .91, by luck .017 + .747 = .764: kappa .619.
    Yes to two: hit .13, said .2: agreed 1 + .26 - .37 = .89, by luck .034 + .664 = .698: kappa .636.
    Yes to three: hit .135, said .3: agreed .8, by luck .051 + .581 = .632: kappa .457.
    """
    chance = np.array([[0.05], [0.9], [0.05], [0.4], *[[0.05]] * 6])
    assert cuts(chance) == pytest.approx([0.4])
    assert cuts(chance[::-1]) == pytest.approx([0.4])


@pytest.mark.parametrize("chance", [np.zeros((5, 1)), np.ones((5, 1)), np.full((5, 1), 0.3), np.empty((0, 1))])
def test_where_no_cut_is_better_than_luck_it_is_even_odds(chance: NDArray[np.float64]) -> None:
    assert cuts(chance).tolist() == [0.5]


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=30))
def test_no_other_cut_has_a_higher_expected_kappa(given_chances: list[float]) -> None:
    chance = np.array(given_chances)

    def expected(said: NDArray[np.bool_]) -> float:
        hit, share, has = (chance * said).mean(), said.mean(), chance.mean()
        by_luck = share * has + (1 - share) * (1 - has)
        return float((1 + 2 * hit - share - has - by_luck) / (1 - by_luck))

    best = expected(chance >= cuts(chance[:, None])[0])
    assert all(expected(chance >= other) <= best + 1e-9 for other in chance)


def test_learned_codes_have_learned_chances_and_the_others_the_codebooks() -> None:
    learned = Learned(
        scores=np.array([[0.5, np.nan], [-2.0, np.nan]]),
        chances=np.array([[0.3, np.nan], [0.01, np.nan]]),
        taught=np.array([True, False]),
    )
    found = chances(np.array([[9.0, 2.2], [9.0, 1.6]]), learned)
    assert found.chance == pytest.approx(np.array([[0.3, 0.5], [0.01, 0.3274]]), abs=1e-4)
    # Of two segments, a yes to the likelier one alone is expected to agree best.
    assert (found.leaning >= 0).tolist() == [[True, True], [False, False]]
    assert found.taught.tolist() == [True, False]


def test_nothing_learned_is_as_no_codings() -> None:
    given = np.array([[2.2, 1.6]])
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
