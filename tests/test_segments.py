"""Segments rejoin to the transcript: nothing said is lost, nothing is said twice."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.errors import TranscriptError
from belonging_llm.segments import Segment, sentences, split
from belonging_llm.transcripts import Role, Transcript, Turn, parse_text
from belonging_llm.transcripts.encoding import decode

FRAGMENTS = st.sampled_from(
    ["Interviewer: ", "P01: ", "\n", "\n" * 8, "Dr. Ames came. ", "I was there... ", "No! ", "Was I?", "\u2026", " ",
     "\t", "\u201cYes.\u201d ", "e\u0301", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
     "\u200f\u05e9\u05dc\u05d5\u05dd. ",
     "\u4f60\u597d\u3002", "\u2028", "\x85", "\xa0", "\x1c", "\r", "<!-- x -->", "word " * 30, "x" * 130,
     "1.", ".", "a"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=300), st.lists(FRAGMENTS, max_size=40).map("".join))


def monologue(text: str, segment_id: str | None = None, name: str = "m") -> Transcript:
    """One turn of one participant, from the first character to the last."""
    turn = Turn(ordinal=1, speaker="", role=Role.PARTICIPANT, start=0, end=len(text), participant="P01")
    turn = turn.model_copy(update={"segment_id": segment_id})
    return Transcript(name=name, kind="prose", text=text, turns=(turn,))


def texts(text: str, *, min_words: int = 12, max_words: int = 60) -> list[str]:
    return [s.text for s in split(monologue(text), min_words=min_words, max_words=max_words)]


def assert_true_to(transcript: Transcript, segments: list[Segment]) -> None:
    """Every segment is its place's text; together they are all that participants said, once."""
    held: list[int] = []
    for segment in segments:
        assert segment.start < segment.end
        assert segment.text == transcript.text[segment.start : segment.end]
        held += range(segment.start, segment.end)
    assert held == sorted(set(held))
    turns = [range(t.start, t.end) for t in transcript.turns if t.role is Role.PARTICIPANT]
    spoken = {i for turn in turns for i in turn}
    assert set(held) <= spoken
    assert {i for i in spoken if not transcript.text[i].isspace()} <= set(held)


@given(TEXTS, st.integers(1, 20), st.integers(1, 60))
def test_any_turn_is_held_by_its_segments(text: str, min_words: int, max_words: int) -> None:
    transcript = monologue(text)
    assert_true_to(transcript, split(transcript, min_words=min_words, max_words=max_words))


@given(TEXTS)
def test_any_transcript_is_held_by_its_segments(text: str) -> None:
    try:
        transcript = parse_text(text, name="n", place="p")
    except TranscriptError:
        return
    assert_true_to(transcript, split(transcript))


@given(TEXTS)
def test_sentences_hold_every_character_that_is_not_space(text: str) -> None:
    assert "".join("".join(text[s.start : s.end] for s in sentences(text)).split()) == "".join(text.split())


def test_abbreviations_do_not_end_sentences() -> None:
    text = "Dr. Ames came at 3 a.m. to St. John's. He left."
    assert [text[s.start : s.end] for s in sentences(text)] == ["Dr. Ames came at 3 a.m. to St. John's.", "He left."]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("I waited... and nobody came. Then one did.", ["I waited... and nobody came.", "Then one did."]),
        ("I waited\u2026 and nobody came. Then one did.", ["I waited\u2026 and nobody came.", "Then one did."]),
        ("She said \u201cyou belong here\u201d. I cried.", ["She said \u201cyou belong here\u201d.", "I cried."]),
        ("Really?! Yes! It was.", ["Really?!", "Yes!", "It was."]),
        ("It is 3.5 km from here. I walk.", ["It is 3.5 km from here.", "I walk."]),
    ],
)
def test_sentences_by_hand(text: str, parts: list[str]) -> None:
    assert [text[s.start : s.end] for s in sentences(text)] == parts


def test_a_short_turn_is_one_segment_however_few_its_words() -> None:
    assert texts("Yes.") == ["Yes."]


def test_sentences_are_grouped_evenly_up_to_the_longest_unit() -> None:
    # Five words each, 20 in all: two units of at most 10 words.
    one, two, three, four = (f"{name} has five words here." for name in ("Ann", "Bob", "Cat", "Dan"))
    assert texts(f"{one} {two} {three} {four}", min_words=4, max_words=10) == [f"{one} {two}", f"{three} {four}"]


def test_a_short_tail_joins_the_unit_before_it() -> None:
    # 8 + 8 + 2 words: the last two are fewer than 4, so they join the second eight.
    eight = "one two three four five six seven eight."
    assert texts(f"{eight} {eight} Only two.", min_words=4, max_words=8) == [eight, f"{eight} Only two."]


def test_a_short_opening_joins_the_unit_after_it() -> None:
    eight = "one two three four five six seven eight."
    assert texts(f"Only two. {eight} {eight}", min_words=4, max_words=8) == [f"Only two. {eight}", eight]


def test_a_long_sentence_is_cut_only_beyond_twice_the_longest_unit() -> None:
    words = [f"w{i}" for i in range(21)]
    assert len(texts(" ".join(words[:20]), min_words=3, max_words=10)) == 1
    # 21 words: cut after 20, and the one word left over is too short to stand alone.
    assert texts(" ".join(words), min_words=3, max_words=10) == [" ".join(words)]
    assert texts(" ".join(words), min_words=1, max_words=10) == [" ".join(words[:20]), "w20"]


def test_ten_thousand_words_without_a_full_stop_are_cut() -> None:
    words = [f"w{i}" for i in range(10_000)]
    found = texts(" ".join(words))
    # Pieces of 2 * 60 words: 83 of 120 hold 9,960, one of 40 holds the rest.
    assert [len(text.split()) for text in found] == [120] * 83 + [40]
    assert " ".join(found) == " ".join(words)


@pytest.mark.parametrize(
    "text",
    [
        "I loved it \U0001f468\u200d\U0001f469\u200d\U0001f467 so much. We all did \U0001f600.",
        "Cafe\u0301 days were the best. Naïve, but the best.",
        "\u200f\u05d0\u05e0\u05d9 \u05e9\u05d9\u05d9\u05da. \u05db\u05df.",
        "\u0623\u0646\u0627 \u0623\u0646\u062a\u0645\u064a\u061f \u0646\u0639\u0645.",
    ],
    ids=["emoji", "combining", "hebrew", "arabic"],
)
def test_offsets_count_code_points_in_every_script(text: str) -> None:
    transcript = parse_text(f"Interviewer: How?\nP01: {text}\nInterviewer: And?\nP01: {text}", name="n", place="p")
    segments = split(transcript, min_words=1, max_words=4)
    assert_true_to(transcript, segments)
    assert len({s.turn for s in segments}) == 2


def test_crlf_and_lf_files_have_the_same_segments() -> None:
    raw = "Interviewer: How?\nP01: It was good. I liked it.\n\nReally.\nInterviewer: And?\nP01: No.\n"
    one, two = (
        split(parse_text(decode(text.encode(), "p").text, name="n", place="p"))
        for text in (raw, raw.replace("\n", "\r\n"))
    )
    assert one == two
    assert not any("\r" in s.text for s in one)


def test_interviewers_are_never_coded() -> None:
    text = "Hello all.\nInterviewer: How was it?\nP01: Good.\nInterviewer: Why?\nP01: Them."
    assert [s.text for s in split(parse_text(text, name="n", place="p"))] == ["Good.", "Them."]


def test_where_a_segment_stands() -> None:
    eight = "one two three four five six seven eight."
    first, second = split(monologue(f"{eight} {eight}"), min_words=4, max_words=8)
    assert (first.turn, first.part, second.part) == (1, 1, 2)
    # 40 characters, one space.
    assert (first.start, first.end, second.start) == (0, 40, 41)
    assert (first.label, second.label) == ("P01, turn 1", "P01, turn 1.2")
    assert first.text_digest == second.text_digest == sha256(eight.encode()).hexdigest()


def test_an_id_is_the_digest_of_transcript_and_place() -> None:
    transcript = sha256(b"It was good.").hexdigest()[:16]
    place = sha256(f'["{transcript}",0,12]'.encode()).hexdigest()[:16]
    assert [(s.transcript_id, s.id) for s in split(monologue("It was good."))] == [(transcript, place)]


def test_ids_stay_across_runs_and_names_and_differ_between_transcripts() -> None:
    text = "I was there. " * 30
    ids = [s.id for s in split(monologue(text))]
    assert len(set(ids)) == len(ids) > 1
    assert [s.id for s in split(monologue(text, name="other folder"))] == ids
    assert not set(ids) & {s.id for s in split(monologue(text + "And left."))}


def test_units_fixed_outside_keep_their_id_and_are_never_cut() -> None:
    long = "I was there. " * 100 + "Yes."
    (segment,) = split(monologue(long, segment_id="S-0042"))
    assert (segment.id, segment.text, segment.part) == ("S-0042", long, 1)


def test_a_transcript_may_name_its_language() -> None:
    transcript = monologue("Das war z. B. gut. Ja.").model_copy(update={"header": {"language": "de"}})
    assert [s.text for s in split(transcript, min_words=1, max_words=5)] == ["Das war z. B. gut.", "Ja."]
