"""Words that a codebook quotes are looked for letter for letter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codebook import Code
from belonging_llm.codes.quoted import hits, phrases


def code(definition: str = "", include: str = "", exclude: str = "") -> Code:
    return Code(id="c", name="C", definition=definition, include=include, exclude=exclude)


@pytest.mark.parametrize(
    ("definition", "wanted"),
    [
        ('Contains the word "thanks" or “Thank you”.', ["thank you", "thanks"]),
        ("Has an `@` before a name; «merci».", ["@", "merci"]),
        ('Says ("I don\'t know …").', ["i don't know"]),
        ("It's the learner's own view, the teacher's is not.", []),
        ('Empty "" and "…" say nothing; "a stretch of words that is longer than anybody would look for".', []),
    ],
)
def test_what_stands_in_quotation_marks(definition: str, wanted: list[str]) -> None:
    assert phrases(code(definition)) == wanted


def test_when_to_use_counts_and_when_not_does_not() -> None:
    assert phrases(code("No words.", include='Also "cheers".', exclude='Not "no thanks".')) == ["cheers"]


def test_whole_words_in_any_case_and_signs_anywhere() -> None:
    found = hits(
        ["Thank you so much", "THANKS!", "a thankless task", "@ada: it is 3", "nothing"],
        [code('"thanks", "thank you"'), code("`@`"), code("no quoted words")],
    )
    assert found.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_signs_with_a_meaning_for_patterns_are_taken_literally() -> None:
    assert hits(["why?", "a.b", "axb"], [code('"?" or "a.b"')]).tolist() == [[1], [1], [0]]


@given(st.lists(st.text(max_size=30), max_size=5), st.text(max_size=80))
def test_any_text_and_any_definition_give_ones_and_zeros(texts: list[str], definition: str) -> None:
    found = hits(texts, [code(f'"{definition}" {definition}')])
    assert found.shape == (len(texts), 1)
    assert np.isin(found, (0, 1)).all()
