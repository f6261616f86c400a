"""One thing at a time, each really other than in the run, and a reason for each kind that is missing."""

from __future__ import annotations

from math import factorial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes import Kind
from belonging_llm.prompts import Prompt, load, paraphrases
from belonging_llm.stability.varying import NO_SEED, ONE_CODE, Asked, Varied, vary

CODES = ("a", "b", "c", "d")
WORDS = Asked("spec", "model:1", load("code_segment.v1"), weighs=False)
LETTERS = Asked("spec", "model:1", load("choose_code.v1"), weighs=True)


def varied(usual: Asked = WORDS, **changes: Any) -> Varied:
    fields: dict[str, Any] = {
        "codes": CODES, "paraphrases": paraphrases(usual.prompt.name), "others": (), "seeds": 3, "orders": 2,
        "temperature": 0.7, "seed": 0,
    }  # fmt: skip
    return vary(usual, **(fields | changes))


def test_a_model_that_answers_in_words_is_varied_in_everything() -> None:
    found = varied()
    names = [v.name for v in found.variations]
    assert names == [
        *("again 1", "seed 1", "seed 2", "seed 3", "order 1", "order 2"),
        *("wording code_segment.v1.paraphrase1", "wording code_segment.v1.paraphrase2"),
    ]
    assert (set(found.not_varied), found.idle) == ({Kind.MODEL}, ())


def test_each_variation_differs_from_the_run_in_one_thing() -> None:
    usual = {"prompt": "code_segment.v1", "seed": 0, "temperature": 0.0, "order": (), "repetition": 0}
    for one in varied().variations:
        differs = {name for name, value in usual.items() if getattr(one, name) != value}
        assert (
            differs
            == {
                Kind.AGAIN: {"repetition"},
                Kind.SEED: {"seed", "temperature"},
                Kind.ORDER: {"order"},
                Kind.WORDING: {"prompt"},
            }[one.kind]
        )
        # Only where the order of asking is the matter are segments asked about in another order.
        assert bool(one.shuffle) == (one.kind in (Kind.AGAIN, Kind.ORDER))


def test_seeds_mean_nothing_to_a_model_that_tells_likelihoods() -> None:
    found = varied(LETTERS)
    assert not [v for v in found.variations if v.kind is Kind.SEED]
    assert found.not_varied[Kind.SEED] == NO_SEED
    assert found.idle == (Kind.SEED,)


def test_one_code_has_no_order() -> None:
    found = varied(codes=("a",))
    assert found.not_varied[Kind.ORDER] == ONE_CODE
    assert found.idle == (Kind.ORDER,)


def test_what_nobody_asked_for_is_missing_and_not_idle() -> None:
    found = varied(seeds=0, orders=0)
    assert set(found.not_varied) == {Kind.SEED, Kind.ORDER, Kind.MODEL}
    assert found.idle == ()


def test_a_prompt_without_paraphrases_says_which_file_is_missing() -> None:
    own = Asked("spec", "m", Prompt("own.v1", load("code_segment.v1").source), weighs=False)
    assert "own.v1.paraphrase1.md" in varied(own, paraphrases=[]).not_varied[Kind.WORDING]


def test_other_models_are_asked_in_their_own_way() -> None:
    (one,) = [v for v in varied(others=[Asked("more", "model:2", load("choose_code.v1"), True)]).variations if v.kind is Kind.MODEL]  # fmt: skip
    assert (one.name, one.spec, one.model, one.prompt) == ("model model:2", "more", "model:2", "choose_code.v1")


@given(st.integers(1, 5), st.integers(0, 6), st.integers(0, 99))
def test_orders_are_distinct_and_none_is_the_usual_one(n: int, wanted: int, seed: int) -> None:
    codes = tuple("abcde"[:n])
    found = [v.order for v in varied(codes=codes, orders=wanted, seed=seed).variations if v.kind is Kind.ORDER]
    assert len(set(found)) == len(found) == min(wanted, factorial(n) - 1)
    assert codes not in found
    assert all(sorted(order) == sorted(codes) for order in found)


def test_the_same_seed_gives_the_same_plan() -> None:
    assert varied(seed=4) == varied(seed=4)
    assert varied(seed=4) != varied(seed=5)


@pytest.mark.parametrize("usual", [WORDS, LETTERS])
def test_names_are_unique(usual: Asked) -> None:
    names = [v.name for v in varied(usual).variations]
    assert len(set(names)) == len(names)
