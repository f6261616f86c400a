"""The call behind a coding is found by the words that it asked about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from belonging_llm import study
from belonging_llm.adapters.fakes import FakeChat
from belonging_llm.asking import Asker, Question, Retry
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import Coding, Example, OpenSegment, Outcome, Provenance, judge, weighing
from belonging_llm.codes import question as question_about
from belonging_llm.codes.examples import marked, wording
from belonging_llm.codes.together import question as question_about_several
from belonging_llm.inspection.asked import GONE, MIXED, NOT_ASKED, behind
from belonging_llm.prompts import Prompt, load
from belonging_llm.segments import Segment
from belonging_llm.store import Run
from belonging_llm.study import Study

BOOK = Framework(id="b", name="B", codes=(Code(id="kin", name="Kin", definition="Family."), Code(id="sea", name="Sea")))
ALONE, SHOWING, SEVERAL, LETTERS = (
    load(name) for name in ("code_segment.v1", "code_segment.v2", "code_segments.v1", "choose_code.v1")
)
# Quotes, line ends and signs that JSON writes otherwise; the second is a part of the first.
TEXTS = (
    '"My mother" called me,\nand I said: 100 % "yes" \\ no. Über_alles 🙂',
    "My mother",
    "A boat came in at night.",
)
WORD = {"applies": True, "polarity": "mixed", "words": ""}


def item(number: int, codes: Sequence[str] = ("kin",), examples: tuple[Example, ...] = ()) -> OpenSegment:
    text = TEXTS[number]
    segment = Segment(
        id=f"s{number}", transcript_id="t", document="d", participant=f"P{number}", turn=1, part=1, start=0,
        end=len(text), text=text,
    )  # fmt: skip
    return OpenSegment(segment, tuple(codes), "", examples)


def alone(*codes: str) -> str:
    return json.dumps({code: WORD for code in codes})


@pytest.fixture
def opened(tmp_path: Path) -> Study:
    made = study.create(tmp_path / "study")
    made.store.codebooks.use(BOOK)
    return made


def asked(opened: Study, run_id: str, replies: Sequence[str], *questions: Question) -> None:
    asker = Asker(FakeChat(list(replies)), opened.store.ledger, run_id, retry=Retry(first_wait=0))
    for one in questions:
        asker.ask_or_none(one)


def run(opened: Study) -> Run:
    made = opened.store.runs.start(f"d{len(opened.store.runs.finished())}", {})
    return made


def ended(opened: Study, made: Run) -> Run:
    opened.store.runs.finish(made.id, "complete")
    return opened.store.runs.get(made.id)


def coding(prompt: Prompt, code: str = "kin", *, was_asked: bool = True) -> Coding:
    made = Provenance(model="fake:1", prompt=prompt.name, prompt_digest=prompt.digest, asked=was_asked)
    return Coding(segment_id="s0", code=code, coder="model:fake:1", outcome=Outcome.ASSIGNED, provenance=made)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_segment_that_was_asked_about_by_itself(opened: Study, number: int) -> None:
    made = run(opened)
    asked(opened, made.id, [alone("kin")] * 3, *(question_about(item(n), BOOK, ALONE) for n in range(3)))
    found = behind(opened, ended(opened, made), coding(ALONE), TEXTS[number]).call
    assert found is not None
    assert json.dumps(TEXTS[number], ensure_ascii=False) in found.user
    assert [attempt.text for attempt in found.attempts] == [alone("kin")]
    assert (found.segments, found.earlier, found.likelihoods) == (1, False, ())


def test_several_segments_share_a_call(opened: Study) -> None:
    made = run(opened)
    reply = json.dumps({"1": {"kin": WORD}, "2": {"kin": WORD, "sea": WORD}})
    asked(opened, made.id, [reply], question_about_several([item(0), item(2, ("kin", "sea"))], BOOK, SEVERAL))
    made = ended(opened, made)
    for code, text in (("kin", TEXTS[0]), ("sea", TEXTS[2])):
        found = behind(opened, made, coding(SEVERAL, code), text).call
        assert found is not None
        assert found.segments == 2
        assert json.dumps(text, ensure_ascii=False) in found.user


def test_letters_are_told_by_what_they_stand_for(opened: Study) -> None:
    made = run(opened)
    asked(opened, made.id, [json.dumps({"A": -0.5, "B": -2.0, "C": -3.0})], weighing(item(2, ()), BOOK, LETTERS))
    found = behind(opened, ended(opened, made), coding(LETTERS, "sea"), TEXTS[2]).call
    assert found is not None
    assert [(one.letter, one.code, one.log_probability) for one in found.likelihoods] == [
        ("A", "Kin", -0.5),
        ("B", "Sea", -2.0),
        ("C", "none of these", -3.0),
    ]


def test_every_reply_is_shown_the_unusable_ones_too(opened: Study) -> None:
    made = run(opened)
    asked(opened, made.id, ["<b>no JSON</b>", alone("kin")], question_about(item(0), BOOK, ALONE))
    found = behind(opened, ended(opened, made), coding(ALONE), TEXTS[0]).call
    assert found is not None
    assert [(attempt.number, attempt.text) for attempt in found.attempts] == [(1, "<b>no JSON</b>"), (2, alone("kin"))]


def test_a_call_that_showed_the_segment_as_an_example_is_not_the_one(opened: Study) -> None:
    made = run(opened)
    example = Example("s2", "P2", wording(TEXTS[2]), "kin", True, marked(TEXTS[2]))
    asked(opened, made.id, [alone("kin")], question_about(item(0, examples=(example,)), BOOK, SHOWING))
    made = ended(opened, made)
    assert behind(opened, made, coding(SHOWING), TEXTS[2]).reason == GONE
    assert behind(opened, made, coding(SHOWING), TEXTS[0]).call is not None


def test_a_reply_that_an_earlier_run_paid_for_is_found_and_said_to_be(opened: Study) -> None:
    first = run(opened)
    asked(opened, first.id, [alone("kin")], question_about(item(2), BOOK, ALONE))
    ended(opened, first)
    second = run(opened)
    asked(opened, second.id, [], question_about(item(2), BOOK, ALONE))
    found = behind(opened, ended(opened, second), coding(ALONE), TEXTS[2])
    assert found.call is not None
    assert found.call.earlier


def test_the_call_about_the_code_is_taken_where_the_segment_was_asked_about_others_too(opened: Study) -> None:
    made = run(opened)
    both = [question_about(item(2, (code,)), BOOK, ALONE) for code in ("kin", "sea")]
    asked(opened, made.id, [alone("kin"), alone("sea")], *both)
    made = ended(opened, made)
    for code in ("kin", "sea"):
        found = behind(opened, made, coding(ALONE, code), TEXTS[2]).call
        assert found is not None
        assert found.attempts[0].text == alone(code)


def test_why_there_is_none(opened: Study) -> None:
    made = ended(opened, run(opened))
    assert behind(opened, made, coding(ALONE, was_asked=False), TEXTS[0]).reason == NOT_ASKED
    assert behind(opened, made, coding(ALONE), TEXTS[0]).reason == GONE


def test_the_words_of_judged_segments_are_found_as_judging_asks(opened: Study) -> None:
    made = run(opened)
    asker = Asker(FakeChat([alone("kin")] * 3), opened.store.ledger, made.id)
    judge([item(n) for n in range(3)], BOOK, asker=asker, prompt=ALONE)
    made = ended(opened, made)
    assert all(behind(opened, made, coding(ALONE), text).call for text in TEXTS)


def test_a_call_that_holds_the_words_within_others_is_not_the_one(opened: Study) -> None:
    made = run(opened)
    within = 'He said "A boat came in at night." and left.'
    other = item(0)
    other = OpenSegment(other.segment.model_copy(update={"text": within}), ("kin",), "A boat came in at night.")
    asked(opened, made.id, [alone("kin")], question_about(other, BOOK, ALONE))
    made = ended(opened, made)
    assert behind(opened, made, coding(ALONE), TEXTS[2]).reason == GONE
    assert behind(opened, made, coding(ALONE), within).call is not None


def test_of_a_wording_that_does_not_tell_whose_call_it_is_none_is_shown(opened: Study) -> None:
    bare = Prompt("code_segment.v1", ALONE.source.replace("{{ segment | quoted }}", "{{ segment }}"))
    first = run(opened)
    asked(opened, first.id, [alone("kin")], question_about(item(1), BOOK, bare))
    found = behind(opened, ended(opened, first), coding(bare), TEXTS[1])
    assert found.call is not None
    assert f"Segment: {TEXTS[1]}\n" in found.call.user
    second = run(opened)
    both = [question_about(item(n, ("kin", "sea")), BOOK, bare) for n in (0, 1)]
    asked(opened, second.id, [alone("kin", "sea")] * 2, *both)
    assert behind(opened, ended(opened, second), coding(bare), TEXTS[1]).reason == MIXED
