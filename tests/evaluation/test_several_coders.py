"""Several coders: against other implementations on complete data, and against two-coder figures."""

from __future__ import annotations

import warnings
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import fleiss_kappa as their_kappa

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.several_coders import INCOMPLETE, NO_VARIATION, TOO_FEW, category_counts

FIGURES = ("percent_agreement", "ac1", "ac1_chance", "fleiss_generalised", "conger", "brennan_prediger")
Rows = list[list[int]]


def tables(coders: st.SearchStrategy[int], lowest: int = 0) -> st.SearchStrategy[tuple[Rows, int]]:
    """Ratings of coders on up to ten units, and the number of categories (the last ones maybe unused)."""
    return st.tuples(coders, st.integers(1, 10), st.integers(2, 4)).flatmap(
        lambda shape: st.tuples(
            st.lists(
                st.lists(st.integers(lowest, shape[2] - 1), min_size=shape[1], max_size=shape[1]),
                min_size=shape[0],
                max_size=shape[0],
            ),
            st.just(shape[2]),
        )
    )


@settings(max_examples=60, deadline=None)
@given(tables(st.integers(2, 5)))
def test_fleiss_and_randolph_are_those_of_others(given_: tuple[Rows, int]) -> None:
    rows, q = given_
    counts = category_counts(np.array(rows), q)
    found = ev.fleiss_kappa(counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs divides by zero without variation
        wanted = float(their_kappa(counts)), float(their_kappa(counts, method="randolph"))
    if (counts.sum(0) > 0).sum() == 1:
        assert (found.value, found.reason) == (None, NO_VARIATION)
    else:
        assert found.value == pytest.approx(wanted[0])
    assert ev.randolph_kappa(counts).value == pytest.approx(wanted[1])


@settings(max_examples=60, deadline=None)
@given(tables(st.integers(2, 4)))
def test_complete_data_give_fleiss_kappa(given_: tuple[Rows, int]) -> None:
    rows, q = given_
    found, counts = ev.several_coders(rows, q), category_counts(np.array(rows), q)
    assert found.fleiss_generalised.value == pytest.approx(ev.fleiss_kappa(counts).value)
    assert found.fleiss_generalised.reason == ev.fleiss_kappa(counts).reason
    assert found.brennan_prediger.value == pytest.approx(ev.randolph_kappa(counts).value)


@settings(max_examples=60, deadline=None)
@given(tables(st.just(2)))
def test_two_coders_without_gaps_are_a_table(given_: tuple[Rows, int]) -> None:
    rows, q = given_
    table = np.zeros((q, q))
    np.add.at(table, tuple(np.array(rows)), 1)
    several, two = ev.several_coders(rows, q), ev.nominal_panel(table)
    for name in ("percent_agreement", "ac1", "brennan_prediger"):
        assert getattr(several, name).value == pytest.approx(getattr(two, name).value), name
    assert several.fleiss_generalised.value == pytest.approx(two.scott_pi.value)
    n = len(rows[0])
    if n > 1:
        # Conger's kappa of two coders is Cohen's; it exists for constants that differ, where Cohen's does not.
        if two.kappa.value is not None:
            assert several.conger.value == pytest.approx(two.kappa.value, abs=1e-9)
        assert two.ac1.se is not None
        assert several.ac1.se == pytest.approx(two.ac1.se * np.sqrt(n / (n - 1)), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(tables(st.integers(1, 4), lowest=-1), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(given_: tuple[Rows, int], random: Random) -> None:
    rows, q = given_
    array = np.array(rows)
    rng = np.random.default_rng(random.randint(0, 99))
    renamed = np.append(rng.permutation(q), -1)[array]
    shuffled = renamed[rng.permutation(len(array))][:, rng.permutation(array.shape[1])]
    one, two = ev.several_coders(array, q), ev.several_coders(shuffled, q)
    for name in FIGURES:
        assert getattr(one, name).value == pytest.approx(getattr(two, name).value), name
        assert getattr(one, name).reason == getattr(two, name).reason
    assert one.ac1.se == pytest.approx(two.ac1.se)


@settings(max_examples=60, deadline=None)
@given(tables(st.integers(1, 3), lowest=-1))
def test_every_figure_has_a_number_or_a_reason(given_: tuple[Rows, int]) -> None:
    rows, q = given_
    array = np.array(rows)
    found = ev.several_coders(array, q)
    if not ((array >= 0).sum(0) > 1).any():
        assert all(getattr(found, name).reason == TOO_FEW for name in FIGURES)
        return
    assert found.percent_agreement.value is not None
    values = set(array[array >= 0].tolist())
    assert (found.fleiss_generalised.value is None) == (len(values) == 1)


def test_by_hand_with_a_gap() -> None:
    # Units: {0, 0, 1}, {1, 1}, {0} (judged once). Agreeing pairs: 1 of 3, 1 of 1; po = (1/3 + 1)/2 = 2/3.
    # Shares of 0 by unit, the last one too: 2/3, 0, 1; mean 5/9. AC1: pe = 2·(5/9)(4/9) = 40/81,
    # (54/81 − 40/81)/(41/81) = 14/41. Fleiss: pe = 25/81 + 16/81 = 41/81, (54 − 41)/(81 − 41) = 13/40. S: 1/3.
    found = ev.several_coders([[0, 1, -1], [0, 1, 0], [1, -1, -1]], 2)
    assert found.percent_agreement.value == pytest.approx(2 / 3)
    assert found.ac1_chance.value == pytest.approx(40 / 81)
    assert found.ac1.value == pytest.approx(14 / 41)
    assert found.fleiss_generalised.value == pytest.approx(13 / 40)
    assert found.brennan_prediger.value == pytest.approx(1 / 3)


def test_fleiss_needs_complete_data_of_two_or_more() -> None:
    assert ev.fleiss_kappa([[2, 1], [1, 1]]).reason == INCOMPLETE
    assert ev.fleiss_kappa([[1, 0], [0, 1]]).reason == TOO_FEW
    assert ev.fleiss_kappa(np.empty((0, 2))).reason == TOO_FEW
    assert ev.randolph_kappa([[1, 0]]).reason == TOO_FEW
    assert ev.randolph_kappa([[2], [2]]).reason == "there is only one category"


def test_weights_are_copies() -> None:
    counts, weights = np.array([[3, 0], [1, 2], [0, 3]]), np.array([2, 5, 1])
    assert ev.fleiss_kappa(counts, weights).value == pytest.approx(
        ev.fleiss_kappa(np.repeat(counts, weights, axis=0)).value
    )


@pytest.mark.parametrize("rows", [[0, 1], [[0, 2]], [[-2, 0]]])
def test_what_are_no_ratings_is_refused(rows: list[int]) -> None:
    with pytest.raises(ValueError, match="coders × units"):
        ev.several_coders(rows, 2)


def test_one_category_leaves_nothing_to_correct() -> None:
    found = ev.several_coders([[0, 0], [0, 0]], 1)
    assert found.percent_agreement.value == 1
    assert all(getattr(found, name).reason for name in FIGURES if name != "percent_agreement")


def test_the_error_of_ac1_is_that_of_resampling() -> None:
    draw = np.random.default_rng(3)
    truth = draw.random(80) < 0.3
    rows = np.array([np.where(draw.random(80) < 0.85, truth, ~truth) for _ in range(3)]).astype(int)
    rows[0, ::7] = -1
    found = ev.several_coders(rows, 2).ac1
    many = [ev.several_coders(rows[:, draw.integers(0, 80, 80)], 2).ac1.value for _ in range(1500)]
    assert found.se == pytest.approx(np.std(np.array(many, float)), rel=0.08)
