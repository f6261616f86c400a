"""What stands around a segment, and whose words do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm.review.reading import around
from belonging_llm.segments import split
from belonging_llm.store import Store
from belonging_llm.transcripts import parse_text

ANSWERS = "P01: The forum was mine.\n\nP02: Nobody wrote to me.\n\nP03: The tutor knew me by name.\n"
TALK = "P01: The forum was mine.\n\nP02: Nobody wrote to me.\n\nP01: Then write to us.\n"
ASKED = (
    "Interviewer: How was it?\n\nP01: The forum was mine.\n\nInterviewer: And for you?\n\nP02: Nobody wrote to me.\n"
)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        pytest.param(ANSWERS, [], [], id="answers of people who do not hear each other"),
        pytest.param(TALK, ["P01"], ["P01"], id="a talk of two"),
        pytest.param(ASKED, ["Interviewer"], [], id="one after the other, each with the question"),
    ],
)
def test_others_words_stand_around_only_where_people_talk(
    tmp_path: Path, text: str, before: list[str], after: list[str]
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'study.sqlite'}")
    talk = parse_text(text, name="t", place="t")
    store.corpus.add(talk)
    segment = next(one for one in split(talk) if one.participant == "P02")
    found = around(store, segment)
    assert [said.who for said in found.before] == before
    assert [said.who for said in found.after] == after
    store.close()
