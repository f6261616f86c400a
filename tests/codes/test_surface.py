"""Cues of manner, counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes.surface import NAMES, cues


def of(text: str) -> dict[str, float]:
    """Cues that are not zero, by name."""
    return {name: float(value) for name, value in zip(NAMES, cues([text])[0], strict=True) if value}


def length(words: int) -> float:
    return math.log(words + 1)


def test_a_plain_sentence() -> None:
    # Six words: I (1/6), felt (feeling and past, 1/6).
    wanted = {"length": length(6), "I": 1 / 6, "past": 1 / 6, "feeling": 1 / 6}
    assert of("I felt lost in the forum.") == pytest.approx(wanted)


def test_questions_exclamations_and_negation() -> None:
    # Seven words: why (thinking), will (future), you (you), not (negation), ask, us (we), nobody (negation).
    found = of("Why will you not ask us? Nobody!")
    wanted = {"length": length(7), "question": 1, "exclamation": 1, "we": 1 / 7, "you": 1 / 7, "negation": 2 / 7}
    assert found == pytest.approx(wanted | {"future": 1 / 7, "thinking": 1 / 7})


def test_past_and_thinking() -> None:
    # Five words: she, said (past), I (I), knew (past and thinking), it.
    assert of("She said I knew it") == pytest.approx(
        {"length": length(5), "I": 1 / 5, "past": 2 / 5, "thinking": 1 / 5}
    )


def test_verbs_that_no_list_has() -> None:
    # Five words: they, moved (past), we'll (we and future), need, it; "need" is too short for a regular past.
    assert of("They moved; we'll need it") == pytest.approx(
        {"length": length(5), "we": 1 / 5, "past": 1 / 5, "future": 1 / 5}
    )


def test_digits_are_no_words_and_a_clock_time_is_more() -> None:
    # Four words: we (we), meet, at, room.
    assert of("We meet at 9:30, room 12") == pytest.approx(
        {"length": length(4), "we": 1 / 4, "digits": 1, "clock time": 1}
    )
    assert of("Room 12") == pytest.approx({"length": length(1), "digits": 1})


@pytest.mark.parametrize("apostrophe", ["'", "\u2019"])
def test_typographic_apostrophes_are_apostrophes(apostrophe: str) -> None:
    # Four words: I'm (I), sure, we're (we), and didn't (negation); nothing in them is foreign.
    text = "I'm sure we're. Didn't!".replace("'", apostrophe)
    wanted = {"length": length(4), "exclamation": 1, "I": 1 / 4, "we": 1 / 4, "negation": 1 / 4}
    assert of(text) == pytest.approx(wanted)


def test_quotation_marks_and_dashes_are_no_letters() -> None:
    assert of("\u201cYes\u201d \u2014 that\u2026") == pytest.approx({"length": length(2)})


def test_letters_of_other_alphabets() -> None:
    # One of seven characters.
    assert of("cafés x") == pytest.approx({"length": length(2), "foreign letters": 1 / 7})
    # Two words; ten of eleven characters are letters.
    assert of("здесь семья"[:11]) == pytest.approx({"length": length(2), "foreign letters": 10 / 11})
    # Scripts without spaces are a single word; five of six characters are letters.
    assert of("私は家です\u3002") == pytest.approx({"length": length(1), "foreign letters": 5 / 6})


def test_whatever_the_case() -> None:
    assert of("NEVER") == of("never") == pytest.approx({"length": length(1), "negation": 1})


def test_words_are_whole() -> None:
    """Neither `notice` nor `knot` holds a `not`."""
    assert of("notice the knot") == pytest.approx({"length": length(3)})


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u2026"])
def test_no_words_are_counted_as_one(text: str) -> None:
    assert of(text) == pytest.approx({"length": length(1)})


def test_no_texts_have_no_rows() -> None:
    assert cues([]).shape == (0, len(NAMES))


@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_text_has_finite_cues_of_its_own(texts: list[str]) -> None:
    found = cues(texts)
    assert found.shape == (len(texts), len(NAMES))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found[:, 1:] <= 1).all()
    assert all(np.array_equal(cues([text])[0], row) for text, row in zip(texts, found, strict=True))
