"""What a file says of itself is read as the author typed it, or refused with the file's name."""

from __future__ import annotations

import pytest

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts.front_matter import read_front_matter


def header(yaml: str) -> dict[str, str]:
    return read_front_matter(f"---\n{yaml}\n---\nTalk.", "P01.txt")[0]


def test_fields_are_plain_strings_and_the_body_begins_after_the_rule() -> None:
    text = "---\nparticipant: P01\ndate: 2026-03-03\ncount: 3\n---\nTalk."
    fields, body = read_front_matter(text, "P01.txt")
    assert fields == {"participant": "P01", "date": "2026-03-03", "count": "3"}
    assert text[body:] == "Talk."


@pytest.mark.parametrize("text", ["Talk.", "", "--- Talk.", "\n---\na: b\n---\n", "---\na: b\nno second rule"])
def test_without_a_block_at_the_very_start_there_is_no_header(text: str) -> None:
    assert read_front_matter(text, "x") == ({}, 0)


def test_an_empty_block_is_skipped() -> None:
    assert read_front_matter("---\n---\nTalk.", "x") == ({}, 8)
    assert read_front_matter("---\n# a comment\n---\nTalk.", "x")[0] == {}


def test_dots_may_close_the_block() -> None:
    assert read_front_matter("---  \na: b\n...\nTalk.", "x") == ({"a": "b"}, 15)


def test_a_rule_around_prose_is_no_header() -> None:
    assert read_front_matter("---\nIt was a good year\n---\nTalk.", "x") == ({}, 0)
    assert read_front_matter("---\n- a\n- b\n---\nTalk.", "x") == ({}, 0)


@pytest.mark.parametrize("yaml", ["title: [unclosed", "a: b: c", "\tparticipant: P01", "a: *nowhere", 'q: "open'])
def test_malformed_yaml_names_the_file(yaml: str) -> None:
    with pytest.raises(TranscriptError, match=r"interviews/P01\.txt"):
        read_front_matter(f"---\n{yaml}\n---\nTalk.", "interviews/P01.txt")


@pytest.mark.parametrize("yaml", ["date: 2026-02-30", "version: 0b_", "at: 2026-01-01 00:00:00 +99:99", "x: !!int y"])
def test_values_that_yaml_cannot_construct_never_crash(yaml: str) -> None:
    """Either kept as typed or refused with the file's name: PyYAML raises plain ValueError here."""
    try:
        fields = header(yaml)
    except TranscriptError as error:
        assert "P01.txt" in str(error)  # noqa: PT017 - either way will do
    else:
        assert set(fields) == {yaml.partition(":")[0]}


def test_deep_nesting_never_crashes() -> None:
    with pytest.raises(TranscriptError, match=r"P01\.txt"):
        header("x: " + "[" * 3000)


@pytest.mark.parametrize("typed", ["010", "01", "007", "no", "1_000", "12:30", "0x1F", "1e3"])
def test_participants_are_called_what_the_author_typed(typed: str) -> None:
    """`participant: 010` is not participant 8, and `no` is not False."""
    assert header(f"participant: {typed}") == {"participant": typed}


def test_a_field_left_empty_does_not_become_the_word_none() -> None:
    assert header("participant:").get("participant", "") == ""
