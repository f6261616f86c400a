"""Text exports of meeting software, and other ways of saying who speaks without a colon."""

from __future__ import annotations

import pytest

from belonging_llm.transcripts import Role, Source, Transcript, parse_text

OTTER = """Interview 7
Tue, Mar 03, 2026 2:15PM • 31:02

SUMMARY KEYWORDS
library, evening, tea

SPEAKERS
Sam Example, Amina Example

Sam Example  00:03
How was it at the library?

Amina Example  00:09
It was good. We met at 10:30 and stayed.

Sam Example  01:02:11
Why did you stay?

Amina Example  01:02:15
Because of them.

Transcribed by https://otter.ai
"""
MEET = """Interview 7 (2026-03-03 at 14:15 GMT) - Transcript

Attendees
Sam Example, Amina Example

Transcript

Sam Example: How was it at the library?
Amina Example: It was good. We met at 10:30 and stayed.

00:05:00

Sam Example: Why did you stay?
Amina Example: Because of them.

Transcription ended after 00:31:02

This editable transcript was computer generated and might contain errors. People can also change the text.
"""
TALK = [
    ("Sam Example", "How was it at the library?"),
    ("Amina Example", "It was good. We met at 10:30 and stayed."),
    ("Sam Example", "Why did you stay?"),
    ("Amina Example", "Because of them."),
]


def parse(text: str) -> Transcript:
    source = Source(format="text", digest="0" * 64, anchors=())
    return parse_text(text, name="file", place="file.txt", source=source)


def said(transcript: Transcript) -> list[tuple[str, str]]:
    return [(t.speaker, transcript.said(t)) for t in transcript.turns if t.role is not Role.BOILERPLATE]


def notes(transcript: Transcript) -> tuple[str, ...]:
    assert transcript.source is not None
    return transcript.source.notes


def test_otter() -> None:
    found = parse(OTTER)
    assert said(found) == TALK
    boilerplate = [found.said(turn) for turn in found.turns if turn.role is Role.BOILERPLATE]
    assert "SUMMARY KEYWORDS" in boilerplate[0]
    assert notes(found) == ("1 lines of times or of the transcribing software are no talk",)


@pytest.mark.parametrize(
    ("before", "after"),
    [("  00:03", " (00:03)"), ("  00:03", "\t0:03"), ("  00:03", "   00:00:03"), ("  00:03", " [00:03]")],
)
def test_times_after_a_name_may_be_written_in_other_ways(before: str, after: str) -> None:
    assert said(parse(OTTER.replace(before, after).replace("  00:09", after.replace("03", "09")))) == TALK


def test_times_may_stand_before_the_name_or_close_to_it() -> None:
    lines = ("0:03", "0:09", "1:02:11", "1:02:15")
    before = "".join(f"[{at}] {who}\n{words}\n\n" for at, (who, words) in zip(lines, TALK, strict=True))
    close = "".join(f"{who} {at}\n{words}\n\n" for at, (who, words) in zip(lines, TALK, strict=True))
    assert said(parse(before)) == said(parse(close)) == TALK


def test_google_meet() -> None:
    found = parse(MEET)
    assert said(found) == TALK
    assert notes(found) == ("3 lines of times or of the transcribing software are no talk",)


def test_a_bare_time_never_becomes_talk() -> None:
    found = parse("Interviewer: Well?\nP07: First this.\n0:05\nThen that.\n")
    assert said(found) == [("Interviewer", "Well?"), ("P07", "First this."), ("P07", "Then that.")]


@pytest.mark.parametrize(
    ("asks", "answers"),
    [
        ("Interviewer 2: ", "P1: "),
        ("[id1] ", "[id2] "),
        ("[INT] ", "[P 7] "),
        ("INTERVIEWER: ", "AMINA EXAMPLE: "),
        ("INTERVIEWER\n", "AMINA EXAMPLE\n"),
        ("Interviewer\n", "Participant 3\n"),
        ("00:01 Interviewer: ", "00:02 Amina: "),
    ],
)
def test_ways_of_saying_who_speaks(asks: str, answers: str) -> None:
    found = parse(f"{asks}How?\n\n{answers}Well enough.\n\n{asks}Why?\n\n{answers}Because of them.\n")
    assert [words for _, words in said(found)] == ["How?", "Well enough.", "Why?", "Because of them."]
    assert len({who for who, _ in said(found)}) == 2


def test_sounds_in_brackets_are_no_speakers() -> None:
    found = parse("[laughs] I did like it there, all in all.\n[Music]\n[inaudible] And so did she.\n")
    assert found.kind == "prose"


def test_who_speaks_once_is_heard_where_a_time_stands_before_the_name() -> None:
    found = parse("00:01\tSam:\tWell?\n00:02\tAmina:\tYes.\n00:03\tSam:\tAnd you?\n00:04\tKofi:\tMe too.\n")
    assert said(found)[-1] == ("Kofi", "Me too.")
