"""Codebooks that say how a thing is said, and codes for the rest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm import codebook
from belonging_llm.codebook import Code
from belonging_llm.codes.named import is_rest, manners
from belonging_llm.codes.surface import NAMES


def code(definition: str = "", include: str = "", exclude: str = "") -> Code:
    return Code(id="c", name="C", definition=definition, include=include, exclude=exclude)


def named(one: Code) -> list[str]:
    return [NAMES[column] for column in np.flatnonzero(manners([one])[0])]


@pytest.mark.parametrize(
    ("definition", "wanted"),
    [
        ("The comment asks something of the lecturer.", ["question"]),
        ("The sentence tells, in the first person, of a past event.", ["I", "past"]),
        ("The writer intends to change something.", ["I", "future"]),
        ("The text names a feeling. Verbs of reasoning are common.", ["feeling", "thinking"]),
        ("The comment is not in English.", ["foreign letters"]),
        ("The comment gives a timestamp.", ["clock time"]),
        ("The comment is friendly, not a question; it tells of a past event.", ["past"]),
    ],
)
def test_what_is_said_of_the_segment(definition: str, wanted: list[str]) -> None:
    assert named(code(definition)) == wanted


def test_what_is_said_of_the_world_is_no_manner() -> None:
    assert named(code("Students dare to ask a question, and feel safe in the future.")) == []


def test_when_to_use_is_read_and_when_not_is_not() -> None:
    assert named(code("No manner.", include="The speaker feels close.", exclude="The comment asks.")) == [
        "I",
        "feeling",
    ]


def test_several_manners_weigh_together_as_much_as_one() -> None:
    rows = manners([code("The writer describes a feeling, as a question."), code("The text asks."), code("Warmth.")])
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 0])
    assert rows[0, NAMES.index("question")] == pytest.approx(1 / math.sqrt(3))


@pytest.mark.parametrize(
    ("definition", "rest"),
    [
        ("Everything that does not fall into the other categories.", True),
        ("Anything else.", True),
        ("None of the others applies; small talk.", True),
        ("A joke. Coders also used it for comments that fit no other category.", False),
        ("Talk of everything that students own.", False),
        ("", False),
    ],
)
def test_codes_for_the_rest_open_by_saying_so(definition: str, rest: bool) -> None:
    assert is_rest(code(definition)) is rest


def test_built_in_frameworks_have_no_code_for_the_rest() -> None:
    assert not any(is_rest(one) for one in codebook.load("odl-belonging").assignable)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_definition_gives_rows_of_length_one_or_nothing(definition: str, include: str) -> None:
    rows = manners([code(definition, include)])
    assert rows.shape == (1, len(NAMES))
    assert np.linalg.norm(rows) == pytest.approx(1) or not rows.any()
