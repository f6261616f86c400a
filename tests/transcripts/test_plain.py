"""Interviews in plain text: who speaks, what is context, and that every offset is true."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm import resources
from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts import Role, Transcript, parse_text, read
from belonging_llm.transcripts.encoding import decode
from belonging_llm.transcripts.plain import read_text

TALK = "Interviewer: How was it?\nP01: It was good.\nInterviewer: Why?\nP01: Because of them.\n"


def parse(text: str, name: str = "file") -> Transcript:
    return parse_text(text, name=name, place=f"{name}.txt")


def turns(transcript: Transcript) -> list[tuple[str, str | None, str]]:
    """Role, participant and words of every turn."""
    return [(t.role.value, t.participant, transcript.said(t)) for t in transcript.turns]


def test_an_interview_by_hand() -> None:
    transcript = parse(TALK)
    assert transcript.kind == "interview"
    assert turns(transcript) == [
        ("interviewer", None, "How was it?"),
        ("participant", "P01", "It was good."),
        ("interviewer", None, "Why?"),
        ("participant", "P01", "Because of them."),
    ]
    assert [t.ordinal for t in transcript.turns] == [1, 2, 3, 4]
    # "Interviewer: " is 13 characters and "How was it?" 11; a line end, and "P01: " is 5 more.
    assert (transcript.turns[0].start, transcript.turns[0].end) == (13, 24)
    assert transcript.turns[1].start == 30


def test_an_answer_knows_the_question_before_it() -> None:
    transcript = parse("Before we began.\n" + TALK)
    opening, first, answer, second, last = transcript.turns
    assert opening.role is Role.BOILERPLATE
    assert transcript.questions == {answer.ordinal: first, last.ordinal: second}
    assert first.ordinal == 2


@pytest.mark.parametrize(
    ("asks", "answers"),
    [("**Interviewer:**", "**P01:**"), ("INT:", "P01:"), ("Interviewer 2:", "P01:"), ("INTERVIEWER:", "P01:")],
)
def test_label_styles_give_the_same_turns(asks: str, answers: str) -> None:
    styled = TALK.replace("Interviewer:", asks).replace("P01:", answers)
    assert turns(parse(styled)) == turns(parse(TALK))


def test_a_note_alone_is_no_speaker() -> None:
    transcript = parse("Note: this was written long after the course.\n\nI liked it a lot more than I had said.")
    assert transcript.kind == "prose"
    assert {t.participant for t in transcript.turns} == {"file"}


def test_talk_that_runs_over_lines_is_one_turn() -> None:
    transcript = parse("Interviewer: How?\nP01: First.\n\nSecond, after a pause.\nInterviewer: Oh.\nP01: Third.")
    assert transcript.said(transcript.turns[1]) == "First.\n\nSecond, after a pause."


def test_comments_inside_talk_are_in_no_turn() -> None:
    transcript = parse(TALK.replace("It was good.", "It was <!-- phone rings: P02: hello --> good.<!---->"))
    assert turns(transcript)[1:3] == [("participant", "P01", "It was"), ("participant", "P01", "good.")]


def test_a_commented_out_label_is_no_speaker() -> None:
    transcript = parse("<!--\nP02: not me.\nP02: nor this.\n-->\n" + TALK)
    assert {t.speaker for t in transcript.turns} == {"Interviewer", "P01"}


def test_empty_turns_are_left_out() -> None:
    transcript = parse("Interviewer: How?\nP01:\nInterviewer: Hello?\nP01: Here.")
    assert [t.role.value for t in transcript.turns] == ["interviewer", "interviewer", "participant"]
    assert [t.ordinal for t in transcript.turns] == [1, 2, 3]


@pytest.mark.parametrize(
    ("header", "label", "participant"),
    [
        ("participant: P07", "Participant", "P07"),
        ("participant: P07", "Amina", "P07"),
        ("title: none given", "Participant", "file"),
        ("title: none given", "Amina", "Amina"),
    ],
)
def test_whom_a_single_voice_belongs_to(header: str, label: str, participant: str) -> None:
    transcript = parse(f"---\n{header}\n---\n" + TALK.replace("P01", label))
    assert {t.participant for t in transcript.turns if t.role is Role.PARTICIPANT} == {participant}


def test_several_voices_are_several_participants() -> None:
    text = "Moderator: Who?\nP: Me.\nAmina: And me.\nModerator: Yes?\nP: Yes.\nAmina: No."
    transcript = parse(text, name="group")
    assert {t.participant for t in transcript.turns if t.role is Role.PARTICIPANT} == {"group:P", "Amina"}


def test_one_voice_in_two_spellings_is_one_participant() -> None:
    transcript = parse("---\nparticipant: P07\n---\nInterviewer: a?\nAmina: b.\nInterviewer: c?\nAMINA: d.\n")
    assert {t.participant for t in transcript.turns if t.role is Role.PARTICIPANT} == {"P07"}


def test_one_question_and_one_answer_are_an_interview() -> None:
    transcript = parse("Interviewer: How was the course for you?\nP01: I felt at home in it from the first day.\n")
    assert turns(transcript) == [
        ("interviewer", None, "How was the course for you?"),
        ("participant", "P01", "I felt at home in it from the first day."),
    ]


def test_a_participant_who_speaks_once_in_a_group_is_not_taken_for_the_moderator() -> None:
    transcript = parse("Moderator: Who?\nP01: Me.\nModerator: And you?\nP02: Only once.\nModerator: Well?\nP01: Yes.")
    assert ("participant", "P02", "Only once.") in turns(transcript)


def test_an_interviewer_alone_has_no_participant() -> None:
    with pytest.raises(TranscriptError, match=r"file\.txt"):
        parse("Interviewer 1: How?\nInterviewer 2: Why?\n")


@pytest.mark.parametrize("text", ["", " \n\t", "word", "# Heading", "<!-- only a comment that says something. -->"])
def test_a_file_without_talk_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(TranscriptError, match=r"file\.txt"):
        parse(text)


def test_a_yaml_error_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "P01.txt"
    file.write_text("---\ntitle: [open\n---\n" + TALK, encoding="utf-8")
    with pytest.raises(TranscriptError, match=r"P01\.txt.*YAML"):
        read_text(file)


@pytest.mark.parametrize(
    "raw",
    [
        "Zoë says “yes”.".encode(),
        codecs.BOM_UTF8 + "Zoë says “yes”.".encode(),
        codecs.BOM_UTF16_LE + "Zoë says “yes”.".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "Zoë says “yes”.".encode("utf-16-be"),
        "Zoë says “yes”.".encode("cp1252"),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16-le", "utf-16-be", "cp1252"],
)
def test_encodings_give_the_same_text(raw: bytes) -> None:
    assert decode(raw, "x").text == "Zoë says “yes”."


def test_line_ends_become_lf() -> None:
    assert decode(b"a\r\nb\rc\nd\r\r\n", "x").text == "a\nb\nc\nd\n\n"
    assert turns(parse(decode(TALK.replace("\n", "\r\n").encode(), "x").text)) == turns(parse(TALK))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty"),
        (b" \r\n\t ", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (codecs.BOM_UTF16_LE, "empty"),
        (b"a\0b", "NUL"),
        ("talk".encode("utf-16-le"), "NUL"),
        (codecs.BOM_UTF32_LE + "talk".encode("utf-32-le"), "NUL"),
        (b"caf\x81", "neither UTF-8 nor Windows-1252"),
        (codecs.BOM_UTF16_LE + b"abc", "UTF-8"),
    ],
)
def test_what_is_not_text_is_refused_with_its_place(raw: bytes, why: str) -> None:
    with pytest.raises(TranscriptError, match=rf"folder/P01\.txt.*{why}"):
        decode(raw, "folder/P01.txt")


def test_a_file_is_read_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "P01.MD").write_bytes(codecs.BOM_UTF8 + TALK.replace("\n", "\r\n").encode())
    transcript = read(tmp_path / "P01.MD")
    assert (transcript.name, transcript.text) == ("P01", TALK)
    with pytest.raises(TranscriptError, match=r"P01\.docm.*\.md"):
        read(tmp_path / "P01.docm")
    with pytest.raises(TranscriptError, match=r"absent\.txt"):
        read(tmp_path / "absent.txt")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(TranscriptError, match=r"folder\.txt"):
        read(tmp_path / "folder.txt")


def test_the_same_words_from_another_folder_are_the_same_transcript() -> None:
    assert parse(TALK, "one").id == parse(TALK, "two").id != parse(TALK + "More.", "one").id


def test_the_sample_is_read_as_its_headers_say() -> None:
    files = sorted(resources.path("data", "sample", "transcripts").iterdir())
    assert len(files) == 12
    for file in files:
        transcript = read(file)
        assert transcript.kind == "interview"
        assert {t.participant for t in transcript.turns if t.role is Role.PARTICIPANT} == {file.stem}
        assert any(t.role is Role.INTERVIEWER for t in transcript.turns)
        assert "Interviewer" not in {t.participant for t in transcript.turns}


FRAGMENTS = st.sampled_from(
    ["Interviewer:", "**P01:** ", "P01: ", "INT: ", "[A]: ", "Note: ", "---\n", "participant: P01\n", "\n", "\n" * 8,
     "<!--", "-->", " ", "I felt at home there, all year long.", "# H", "- ", "x" * 130, "é", "e\u0301", "\u200f",
     "\U0001f600", "\u2028", "\x85", "\r", "\ufeff", "\x0c", "cookies", "[a](b)", "."]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=30).map("".join))


@given(TEXTS)
def test_any_text_is_refused_or_its_turns_are_true(text: str) -> None:
    try:
        transcript = parse_text(text, name="n", place="p")
    except TranscriptError:
        return
    assert transcript.text == text
    at = 0
    for ordinal, turn in enumerate(transcript.turns, 1):
        assert turn.ordinal == ordinal
        assert at <= turn.start < turn.end <= len(text)
        at = turn.end
        assert transcript.said(turn) == transcript.said(turn).strip()
        assert (turn.participant is not None) == (turn.role is Role.PARTICIPANT)


@given(st.binary() | TEXTS.map(str.encode))
def test_any_bytes_are_refused_or_become_text(raw: bytes) -> None:
    try:
        text = decode(raw, "p").text
    except TranscriptError:
        return
    assert text.strip()
    assert "\r" not in text
    assert "\0" not in text
