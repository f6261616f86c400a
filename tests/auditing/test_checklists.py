"""Reporting checklists: answers say what the run knows, and stay open where only people can tell."""

from __future__ import annotations

import re
import shutil
from dataclasses import MISSING, fields, replace
from pathlib import Path

import jinja2
import pytest
from pydantic import ValidationError

from belonging_llm import resources
from belonging_llm.auditing.checklists import Checklist, Facts, Item, fill, load
from belonging_llm.auditing.record import PromptUsed

FACTS = Facts(
    study="Evening students",
    participants=17,
    part="test",
    segments=231,
    split={"development": 7, "calibration": 3, "test": 6},
    coders=("ada", "ben", "cleo"),
    adjudicated=True,
    codebook="Belonging at a distance",
    codebook_digest="c0deb00c" * 8,
    synthetic=False,
    quotes_shown=True,
    versions="belonging-llm 9.8.7, hdbscan 0.8.44",
    model="tiny-chat-2b",
    encoder="small-encoder",
    prompts=(
        PromptUsed("label_theme.v1", "aaaa1111bbbb" + "0" * 52, "Name it."),
        PromptUsed("code_segment.v1", "cccc2222dddd" + "0" * 52, "Code it."),
    ),
    framework_sources=("Doe (2020). Belonging.", "Roe (2021). Distance."),
    settings="temperature 0, seed 11",
    human_alpha=".61 to .84",
    model_kappa=".42 to .77",
    stability=".94 to .99 of judgements came out the same",
    remote="https://models.example.org/v1",
)
OPTIONAL = [f.name for f in fields(Facts) if f.default is not MISSING]
REQUIRED = [f.name for f in fields(Facts) if f.default is MISSING]
EMPTY = {f.name: f.default for f in fields(Facts) if f.default is not MISSING}

ANSWERED = {
    "COREQ": "12 24 25 26 27 29",
    "SRQR": "S12 S13 S14 S15 S17",
    "GUIDE-LLM": "A.1 A.2 B.1 B.2 B.3 B.4 B.5 C.1 C.2 D.1 E.1 E.2",
}


def answers(facts: Facts) -> dict[tuple[str, str], str]:
    """By checklist and number."""
    return {(row.checklist, row.item.split()[0]): row.answer for row in fill(facts)}


@pytest.mark.parametrize(("name", "n"), [("COREQ", 32), ("SRQR", 21), ("GUIDE-LLM", 14)])
def test_a_checklist_has_every_item_once(name: str, n: int) -> None:
    numbers = [row.item.split()[0] for row in fill(FACTS) if row.checklist == name]
    assert len(numbers) == len(set(numbers)) == n


def test_items_are_numbered_in_order() -> None:
    coreq, srqr, guide = load()
    assert [item.number for item in coreq.items] == [str(n) for n in range(1, 33)]
    assert [item.number for item in srqr.items] == [f"S{n}" for n in range(1, 22)]
    assert [item.number for item in guide.items] == "A.1 A.2 B.1 B.2 B.3 B.4 B.5 C.1 C.2 D.1 E.1 E.2 F.1 G.1".split()


def test_every_checklist_is_cited() -> None:
    assert all("https://" in checklist.citation and "(20" in checklist.citation for checklist in load())


def test_every_item_asks_a_short_question_of_its_own() -> None:
    for checklist in load():
        questions = [item.asks for item in checklist.items]
        assert len(set(questions)) == len(questions)
        for question in questions:
            assert question.endswith("?")
            assert len(question) < 200


def test_what_the_software_knows_is_answered_and_the_rest_left_to_people() -> None:
    answered = {key for key, answer in answers(FACTS).items() if answer}
    assert answered == {(name, number) for name, numbers in ANSWERED.items() for number in numbers.split()}


@pytest.mark.parametrize(
    ("checklist", "number", "said"),
    [
        ("COREQ", "12", ["Participants: 17", "development 7, calibration 3, test 6", "test part", "231"]),
        ("COREQ", "24", ["3 (ada, ben, cleo)", "adjudicator settled"]),
        ("COREQ", "25", ["Belonging at a distance", "c0deb00cc0de"]),
        ("COREQ", "26", ["Doe (2020). Belonging.; Roe (2021). Distance. Themes", "small-encoder", "tiny-chat-2b"]),
        ("COREQ", "27", ["belonging-llm 9.8.7, hdbscan 0.8.44", "tiny-chat-2b", "small-encoder"]),
        ("COREQ", "29", ["verbatim"]),
        ("SRQR", "S12", ["17", "231"]),
        ("SRQR", "S13", ["https://models.example.org/v1"]),
        ("SRQR", "S14", ["ada, ben, cleo", "Belonging at a distance", "small-encoder", "tiny-chat-2b"]),
        ("SRQR", "S15", [".61 to .84", ".42 to .77", ".94 to .99"]),
        ("GUIDE-LLM", "A.1", ["Evening students", "tiny-chat-2b"]),
        ("GUIDE-LLM", "B.1", ["tiny-chat-2b", "small-encoder", "9.8.7"]),
        ("GUIDE-LLM", "B.2", ["https://models.example.org/v1"]),
        ("GUIDE-LLM", "B.3", ["temperature 0, seed 11", ".94 to .99"]),
        ("GUIDE-LLM", "C.1", ["label_theme.v1 (SHA-256 aaaa1111bbbb), code_segment.v1 (SHA-256 cccc2222dddd)."]),
        ("GUIDE-LLM", "C.2", ["(label_theme.v1, code_segment.v1)"]),
        ("GUIDE-LLM", "D.1", ["https://models.example.org/v1", "consent"]),
        ("GUIDE-LLM", "E.1", ["3 (ada, ben, cleo)", "231", ".61 to .84", ".42 to .77"]),
    ],
)
def test_an_answer_says_what_the_run_knows(checklist: str, number: str, said: list[str]) -> None:
    answer = answers(FACTS)[checklist, number]
    assert [words for words in said if words not in answer] == []


def test_every_fact_is_used() -> None:
    text = " ".join(item.answer for checklist in load() for item in checklist.items)
    assert [f.name for f in fields(Facts) if not re.search(rf"\b{f.name}\b", text)] == []


def test_synthetic_interviews_are_called_so() -> None:
    found = answers(replace(FACTS, synthetic=True))
    for key in [("COREQ", "12"), ("SRQR", "S12"), ("GUIDE-LLM", "D.1")]:
        assert "synthetic" in found[key].lower()
    assert "consent" not in found["GUIDE-LLM", "D.1"]


def test_without_an_adjudicator_nobody_settled() -> None:
    found = answers(replace(FACTS, adjudicated=False))
    assert "nobody adjudicated" in found["COREQ", "24"]
    assert "; not adjudicated. Compared" in found["GUIDE-LLM", "E.1"]


def test_quotations_are_claimed_only_where_they_are_shown() -> None:
    found = answers(replace(FACTS, quotes_shown=False))
    assert found["COREQ", "29"] == found["SRQR", "S17"] == ""


def test_without_a_run_nothing_is_said_about_a_model() -> None:
    found = answers(replace(FACTS, **EMPTY))
    assert {answer for (name, _), answer in found.items() if name == "GUIDE-LLM"} == {""}
    assert found["COREQ", "26"] == found["SRQR", "S13"] == found["SRQR", "S14"] == ""
    assert found["COREQ", "27"] == "belonging-llm 9.8.7, hdbscan 0.8.44."
    assert "alpha" not in found["SRQR", "S15"]


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_missing_optional_fact_leaves_no_hole(name: str) -> None:
    for answer in answers(replace(FACTS, **{name: EMPTY[name]})).values():
        assert not re.search(r"\(\s*\)|[:,(;]\s*[.;)]|\s[.,;)]|  |\.\.|: $", re.sub(r" \.\d", " 0", answer))
        assert not answer or answer.endswith(".")


@pytest.mark.parametrize("name", [n for n in REQUIRED if isinstance(getattr(FACTS, n), str | tuple | dict)])
def test_any_other_fact_may_not_be_missing(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        replace(FACTS, **{name: type(getattr(FACTS, name))()})


def test_no_participants_is_a_fact() -> None:
    assert "Participants: 0." in answers(replace(FACTS, participants=0))["COREQ", "12"]


def test_an_answer_over_an_unknown_fact_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown facts: weather"):
        Item(item="1 Weather", asks="How was it?", answer="{% if synthetic %}{{ weather }}{% endif %}")


def test_an_answer_that_is_no_template_is_refused() -> None:
    with pytest.raises(ValidationError, match="not a template"):
        Item(item="1 Weather", asks="How was it?", answer="{% if synthetic %}")


def test_a_misspelt_part_of_a_fact_is_an_error_and_no_open_answer() -> None:
    item = Item(item="1 Prompts", asks="Which?", answer="{{ prompts[0].nmae }}")
    with pytest.raises(jinja2.UndefinedError, match="nmae"):
        item.answered(FACTS)


@pytest.mark.parametrize(
    "wrong", [{"item": "Weather"}, {"asks": ""}, {"asks": "w" * 200}, {"remark": "A field that nobody knows."}]
)
def test_an_item_off_the_schema_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Item.model_validate({"item": "1 Weather", "asks": "How was it?"} | wrong)


def test_a_number_that_occurs_twice_is_refused() -> None:
    items = (Item(item="1 Rain", asks="How much?"), Item(item="1 Snow", asks="How deep?"))
    with pytest.raises(ValidationError, match="more than once: 1"):
        Checklist(id="sky", name="SKY", citation="Own.", items=items)


def test_an_installed_wheels_copy_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "belonging_llm" / "_resources" / "data"
    packed.mkdir(parents=True)
    shutil.copy(resources.path("data", "checklists.yaml"), packed)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "belonging_llm")
    assert resources.path("data", "checklists.yaml") == packed / "checklists.yaml"
    assert [checklist.name for checklist in load()] == ["COREQ", "SRQR", "GUIDE-LLM"]
