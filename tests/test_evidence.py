"""A quote exists: what is located is what was quoted, and what is not there is not located."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.evidence import SHORTEST, locate
from belonging_llm.segments import Span

EXPANDING = "\u00df\ufb01\u0130\u0149\u01f0\ufdfa\u00bd\u2026\u00a8\u2017\u3392\u0345\u1e9e\u0390"
HOSTILE = st.text(st.sampled_from(EXPANDING + "iIsSfF .\"'-\u2019\u201c\u2014\n\xa0") | st.characters(codec="utf-8"))
PLAIN = st.text(st.sampled_from("abcXYZ019,;-'\" \n\t"), max_size=12)
TRIMMED = " \t\n\"'.\u2026,;:!?\u201c\u201d\u2018\u2019"
STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")


def found(words: str, text: str) -> str | None:
    span = locate(words, text)
    return text[span.start : span.end] if span else None


def alike(text: str) -> str:
    """What two spellings of the same words have in common."""
    folded = "".join(unicodedata.normalize("NFKC", c).casefold() for c in text.translate(STRAIGHT))
    return " ".join(folded.split())


def test_exact_words_by_hand() -> None:
    # "I felt " is 7 characters, "at home" 7 more.
    assert locate("at home", "I felt at home there.") == Span(7, 14)


@pytest.mark.parametrize(
    ("words", "text", "there"),
    [
        ("it's mine", "I said it\u2019s mine now", "it\u2019s mine"),
        ("it\u2019s mine", "I said it's mine now", "it's mine"),
        ('the "real" one', "not the \u201creal\u201d one", "the \u201creal\u201d one"),
        ("the \u201ereal\u201c one", "not the \u00abreal\u00bb one", "the \u00abreal\u00bb one"),
        ("home - at last", "home \u2014 at last!", "home \u2014 at last"),
        ("pages 3-4", "on pages 3\u20134 of it", "pages 3\u20134"),
        ("i FELT at Home", "There I felt at home.", "I felt at home"),
        ("felt at home", "I felt\n  at\thome there", "felt\n  at\thome"),
        ("felt  at\nhome", "I felt at home there", "felt at home"),
        ("STRASSE", "in der Stra\u00dfe dort", "Stra\u00dfe"),
        ("find them", "to \ufb01nd them all", "\ufb01nd them"),
        ("wait... what", "I said wait\u2026 what now", "wait\u2026 what"),
        ('"at home."', "I felt at home there.", "at home"),
        ("\u2018at home\u2019 \u2026", "I felt at home there.", "at home"),
        ("at home", "at home and at home", "at home"),
    ],
)
def test_the_same_words_in_another_spelling(words: str, text: str, there: str) -> None:
    assert found(words, text) == there


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("caf\u00e9 days", "those cafe\u0301 days"),
        ("cafe\u0301 days", "those caf\u00e9 days"),
        ("well-known", "a well\u2010known place"),
        ("well-known", "a well\u2011known place"),
    ],
    ids=["decomposed text", "decomposed words", "hyphen", "non-breaking hyphen"],
)
def test_accents_and_hyphens_from_other_keyboards(words: str, text: str) -> None:
    """Files from a Mac are often decomposed; word processors write U+2011 for a hyphen that may not break."""
    assert found(words, text) is not None


@pytest.mark.parametrize("words", ["", "  ", "ab", '"ab."', "\u2026", "...", "'''''"])
def test_words_too_short_to_be_evidence(words: str) -> None:
    assert locate(words, f"ab {words} ab ... ''''' ab") is None


def test_words_that_are_mostly_odd_spaces_are_no_evidence() -> None:
    assert locate("x\u00a0\u00a0\u00a0", "a fox ran") is None


@pytest.mark.parametrize(
    ("words", "text"),
    [("at work", "I felt at home."), ("at home", ""), ("at home", "athome"), ("feel at home", "I felt at home")],
)
def test_words_that_are_not_there(words: str, text: str) -> None:
    assert locate(words, text) is None


@given(HOSTILE, HOSTILE, HOSTILE)
def test_any_substring_long_enough_is_located(before: str, words: str, after: str) -> None:
    trimmed = words.strip(TRIMMED)
    there = found(words, before + words + after)
    if len(trimmed) < SHORTEST:
        assert there is None
    else:
        assert there is not None
        assert alike(there) == alike(trimmed)


@given(PLAIN, PLAIN.filter(lambda words: len(words.strip(TRIMMED)) >= SHORTEST), PLAIN)
def test_typing_words_differently_changes_nothing(before: str, words: str, after: str) -> None:
    words = words.strip(TRIMMED)
    retyped = words.swapcase().replace("'", "\u2019").replace('"', "\u201d").replace("-", "\u2014").replace(" ", "\n ")
    there = found(retyped, before + words + after)
    assert there is not None
    assert alike(there) == alike(words)


@given(HOSTILE, HOSTILE)
def test_what_is_located_is_in_range_and_holds_the_words(words: str, text: str) -> None:
    span = locate(words, text)
    if span is not None:
        assert 0 <= span.start < span.end <= len(text)
        # A match may begin inside a character that stands for several (\ufb01): then it holds that character whole.
        assert alike(words.strip(TRIMMED)) in alike(text[span.start : span.end])


@given(st.integers(0, 8), st.integers(0, 8))
def test_characters_that_fold_into_several_keep_offsets_true(before: int, after: int) -> None:
    text = EXPANDING * before + " at home " + EXPANDING * after
    assert found("AT HOME", text) == "at home"
