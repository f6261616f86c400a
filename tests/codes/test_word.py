"""What a model's word is worth: by hand, for a perfect model, a random one and a contrary one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes import UNHEARD, Word, worth


def test_what_is_assumed_of_any_model() -> None:
    # Yes: .6 / .35 = 1.714; no: .4 / .65 = .6154.
    assert (UNHEARD.yes, UNHEARD.no) == pytest.approx((math.log(0.6 / 0.35), math.log(0.4 / 0.65)))
    assert (UNHEARD.yes, UNHEARD.no) == pytest.approx((0.5390, -0.4855), abs=1e-4)
    assert UNHEARD.heard == 0


def test_a_word_moves_the_odds_one_way_or_not_at_all() -> None:
    word = Word(yes=1.0, no=-2.0, heard=5)
    assert [word.shift(said) for said in (True, False, None)] == [1.0, -2.0, 0.0]


def test_worth_by_hand() -> None:
    # Of 10 pairs that have the code it says yes to 9, of 30 that have not to 3.
    said = [(True, 1.0)] * 9 + [(False, 1.0)] + [(True, 0.0)] * 3 + [(False, 0.0)] * 27
    # Hits (9 + 10 * .6) / (10 + 10) = .75; false alarms (3 + 10 * .35) / (30 + 10) = .1625.
    # Yes: ln(.75 / .1625) = ln 4.6154 = 1.5294; no: ln(.25 / .8375) = ln .2985 = -1.2090.
    found = worth(said)
    assert (found.yes, found.no) == pytest.approx((1.5294, -1.2090), abs=1e-4)
    assert found.heard == 40


def test_divided_people_count_for_both() -> None:
    # Two of three gave the code: a yes is 2/3 of a hit and 1/3 of a false alarm.
    # Hits (2/3 + 6) / (2/3 + 10) = .625; false alarms (1/3 + 3.5) / (1/3 + 10) = .3710.
    found = worth([(True, 2 / 3)])
    assert (found.yes, found.no) == pytest.approx((math.log(0.625 / 0.37097), math.log(0.375 / 0.62903)), abs=1e-4)


def test_a_perfect_model_is_believed_more_and_more() -> None:
    def perfect(n: int) -> Word:
        return worth([(True, 1.0)] * n + [(False, 0.0)] * n)

    # 100 each: hits 106 / 110 = .9636, false alarms 3.5 / 110 = .0318; ln 30.29 = 3.411, ln(.0364 / .9682) = -3.281.
    assert (perfect(100).yes, perfect(100).no) == pytest.approx((3.411, -3.281), abs=1e-3)
    grown = [perfect(n) for n in (0, 1, 10, 100, 1000)]
    assert [w.yes for w in grown] == sorted(w.yes for w in grown)
    assert [-w.no for w in grown] == sorted(-w.no for w in grown)
    assert grown[-1].yes > 10 * UNHEARD.yes


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_a_random_model_is_worth_nothing(rate: float) -> None:
    random = np.random.default_rng(1)
    # At least 1,200 hits: the standard error of ln(hit / alarm) is sqrt(1 / 1200 + 1 / 2800) = .035 and less.
    said = zip(random.random(40_000) < rate, random.random(40_000) < 0.3, strict=True)
    found = worth((bool(applies), float(has)) for applies, has in said)
    assert abs(found.yes) < 0.1
    assert abs(found.no) < 0.1


def test_a_model_that_always_says_yes_is_worth_nothing() -> None:
    found = worth([(True, 1.0)] * 200 + [(True, 0.0)] * 600)
    # Hits 206 / 210 = .981, false alarms 603.5 / 610 = .9893: a yes says nothing.
    assert abs(found.yes) < 0.01


def test_a_contrary_model_is_believed_the_other_way() -> None:
    found = worth([(False, 1.0)] * 100 + [(True, 0.0)] * 100)
    assert found.yes < -2
    assert found.no > 2


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=30))
def test_any_answers_are_worth_something_finite_in_any_order(said: list[tuple[bool, float]]) -> None:
    found = worth(said)
    assert math.isfinite(found.yes)
    assert math.isfinite(found.no)
    # A yes and a no never both speak for the code.
    assert found.yes * found.no <= 1e-12
    turned = worth(reversed(said))
    assert (turned.yes, turned.no) == pytest.approx((found.yes, found.no))
