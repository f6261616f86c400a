"""Replacements: whole words, longest first, never twice; offsets and the map to the source stay true."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.deidentification.replacing import Replacer, made
from belonging_llm.deidentification.shifting import Shift, cuts, moved, shifted
from belonging_llm.segments import split
from belonging_llm.transcripts import Role, Transcript, Turn
from belonging_llm.transcripts.source import Anchor, Source, Unit

NAMES = {"Priya": "[person-1]", "Priya Sharma": "[person-2]", "Will": "[person-3]", "José": "[person-4]"}


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Priya's notes, PRIYA and priya.", "[person-1]'s notes, [person-1] and [person-1]."),
        ("Ask Priya\nSharma, not Priya.", "Ask [person-2], not [person-1]."),
        ("the Priyas; Priyanka stays", "the [person-1]s; Priyanka stays"),
        ("Pri-\nya and Pri\u00adya", "[person-1] and [person-1]"),
        ("half-Priya-ish", "half-[person-1]-ish"),
        (
            unicodedata.normalize("NFD", "José, JOSÉ, Jose"),
            unicodedata.normalize("NFD", "[person-4], [person-4], Jose"),
        ),
        ("[person-1] [Priya] said", "[person-1] [[person-1]] said"),
    ],
)
def test_words_are_found_as_they_are_spelled(text: str, after: str) -> None:
    assert Replacer(NAMES)(text) == after


def test_rows_that_differ_in_case_are_told_apart() -> None:
    text = "Will said he will. WILL!"
    assert Replacer({"Will": "[person-3]"})(text) == "[person-3] said he [person-3]. [person-3]!"
    apart = Replacer({"Will": "[person-3]", "will": "[verb]"})
    assert apart(text) == "[person-3] said he [verb]. [person-3]!"


words = st.text("abA -.+éß'\n", min_size=1, max_size=6).filter(lambda w: w.strip())
decisions = st.dictionaries(words.map(str.strip), st.sampled_from(["[person-1]", "[a]", "[b-b]", "[A b]"]), max_size=5)
texts = st.text("abA -.+éß'\n[]1", max_size=60)


@given(texts, decisions, st.randoms())
def test_only_decided_words_change_and_only_once(text: str, decided: dict[str, str], chance: object) -> None:
    replacer = Replacer(decided)
    edits = replacer.edits(text)
    after = made(text, edits)
    assert replacer(after) == after
    backwards = dict(reversed(list(decided.items())))
    assert Replacer(backwards).edits(text) == edits
    at = 0
    for edit in edits:
        assert at <= edit.start < edit.end
        at = edit.end
    shift = Shift(edits)
    for edit in edits:
        first, last = shift.span(edit.start, edit.end)
        assert after[first:last] == edit.replacement
    untouched = [i for i in range(len(text)) if not any(e.start <= i < e.end for e in edits)]
    assert all(after[shift.start(i)] == text[i] for i in untouched)


@given(st.lists(st.text("abA .", min_size=1, max_size=30).filter(str.strip), min_size=1, max_size=4), decisions)
def test_segments_and_anchors_stay_true(said: list[str], decided: dict[str, str]) -> None:
    turns, at = [], 0
    for ordinal, talk in enumerate(said, 1):
        end = at + len(talk)
        turns.append(Turn(ordinal=ordinal, speaker="", role=Role.PARTICIPANT, start=at, end=end, participant="P"))
        at = end + 2
    text = "\n\n".join(said)
    anchors = tuple(
        Anchor(start=t.start, end=t.end, unit=Unit.CUE, number=t.ordinal, first=3, last=3 + t.end - t.start)
        for t in turns
    )
    before = Transcript(
        name="T",
        kind="prose",
        text=text,
        turns=tuple(turns),
        source=Source(format="webvtt", digest="0" * 64, anchors=anchors),
    )
    segments = split(before, min_words=1, max_words=3)
    replacer = Replacer(decided)
    edits = replacer.edits(text, cuts(before, segments))
    shift = Shift(edits)
    after = shifted(before, shift, replacer)
    kept = [moved(s, after, shift, replacer) for s in segments]
    assert [s.id for s in kept] == [s.id for s in segments]
    assert all(s.text == after.text[s.start : s.end] and s.text for s in kept)
    assert all(a.end <= b.start for a, b in pairwise(kept))
    assert after.source is not None
    for turn, anchor in zip(before.turns, anchors, strict=True):
        for edit in edits:
            if turn.start <= edit.start < turn.end:
                (place,) = after.source.places(*shift.span(edit.start, edit.end))
                assert (place.number, place.first) == (turn.ordinal, anchor.first + edit.start - turn.start)
                assert place.last - place.first == edit.end - edit.start
    for part in after.source.anchors:
        if part.copied:
            origin = said[part.number - 1]
            assert after.text[part.start : part.end] == origin[part.first - 3 : part.last - 3]


def test_a_stretch_over_two_segments_is_replaced_in_each() -> None:
    text = "I asked Dr. Lamb."
    edits = Replacer({"Dr. Lamb": "[person-1]"}).edits(text, {0, 11, 12, 17})
    assert made(text, edits) == "I asked [person-1] [person-1]."
