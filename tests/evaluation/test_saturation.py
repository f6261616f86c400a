"""New codes by run, against sets counted in a loop, and over random orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm import evaluation as ev

INTERVIEWS = st.lists(st.sets(st.sampled_from("abcdefgh")), min_size=1, max_size=10)


@settings(max_examples=80, deadline=None)
@given(INTERVIEWS, st.integers(1, 4), st.integers(1, 3), st.sampled_from([0, 0.05, 0.3]))
def test_runs_are_those_of_a_loop(interviews: list[set[str]], base: int, run: int, threshold: float) -> None:
    found = ev.saturation(interviews, base=base, run=run, threshold=threshold)
    first = set().union(*interviews[:base])
    if len(interviews) < base + run or not first:
        assert found.reason
        assert (found.reached, found.runs, found.share_reached) == (None, (), None)
        return
    assert found.base_codes == len(first)
    for place, one in enumerate(found.runs):
        before = set().union(*interviews[: base + place])
        new = set().union(*interviews[base + place : base + place + run]) - before
        assert one.interviews == tuple(range(base + place + 1, base + place + run + 1))
        assert (one.new, one.ratio) == (len(new), pytest.approx(len(new) / len(first)))
    assert len(found.runs) == len(interviews) - base - run + 1
    quiet = [one.interviews[0] - 1 for one in found.runs if one.ratio <= threshold]
    assert found.reached == (f"{quiet[0]}+{run}" if quiet else None)
    assert sum(found.new_after_base) == len(set().union(*interviews)) - len(first)


def test_by_hand() -> None:
    # Base of 4: a b c d e. Interviews 5 and 6 bring f (1/5), 6 and 7 g (1/5), 7 and 8 g (1/5), 8 and 9 none.
    interviews = ["ab", "c", "d", "ea", "f", "a", "g", "b", "c"]
    found = ev.saturation(interviews)
    assert [(one.new, one.ratio) for one in found.runs] == [(1, 0.2), (1, 0.2), (1, 0.2), (0, 0)]
    assert found.new_after_base == (1, 0, 1, 0, 0)
    assert found.reached == "7+2"
    assert ev.saturation(interviews, threshold=0.2).reached == "4+2"
    assert ev.saturation(interviews[:7]).reached is None


def test_interviews_without_any_code_say_nothing() -> None:
    assert ev.saturation([set()] * 7, orders=5).reason == "the base interviews have no code"
    assert ev.saturation([*[set()] * 4, {"a"}, {"b"}]).reason == "the base interviews have no code"
    assert ev.saturation([{"a"}] * 5).reason == "5 interviews; a base of 4 and a run of 2 need 6"


def test_the_band_is_that_of_all_orders() -> None:
    interviews = ["ab", "c", "ad", "b", "a"]
    every = [ev.saturation(order, base=2, run=1) for order in permutations(interviews)]
    ratios = np.array([[one.ratio for one in found.runs] for found in every])
    reached = np.mean([found.reached is not None for found in every])
    found = ev.saturation(interviews, base=2, run=1, orders=6000)
    assert found.band.shape == (3, 3)
    # Ratios come in steps, so that a drawn quantile lies between those a little lower and a little higher.
    assert (found.band >= np.quantile(ratios, [0.03, 0.47, 0.92], axis=0).T).all()
    assert (found.band <= np.quantile(ratios, [0.08, 0.53, 0.98], axis=0).T).all()
    assert found.share_reached == pytest.approx(reached, abs=0.02)
    # The order in which they were held is told apart from the band.
    assert found.reached == ev.saturation(interviews, base=2, run=1).reached


def test_the_band_is_the_same_again_with_the_same_seed() -> None:
    interviews = ["ab", "c", "ad", "b", "ae", "f", "a"]
    one, two = (ev.saturation(interviews, orders=50, seed=3) for _ in range(2))
    assert np.array_equal(one.band, two.band)
    assert one.share_reached == two.share_reached
    assert ev.saturation(interviews).band.shape == (0, 3)
    assert ev.saturation(interviews).share_reached is None


def test_interviews_that_say_the_same_are_saturated_in_every_order() -> None:
    found = ev.saturation(["abc"] * 8, orders=20)
    assert (found.reached, found.share_reached) == ("4+2", 1)
    assert (found.band == 0).all()
