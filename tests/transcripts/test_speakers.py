"""Labels are found in the styles people type them in, and sentences are not mistaken for labels."""

from __future__ import annotations

import pytest

from belonging_llm.transcripts.speakers import find_labels, is_generic, is_interviewer


def names(text: str, expected: str | None = None) -> list[str]:
    return [label.name for label in find_labels(text, expected)]


@pytest.mark.parametrize(
    ("asks", "answers", "found"),
    [
        ("**Interviewer:** ", "**P01:** ", ["Interviewer", "P01"]),
        ("**Interviewer**: ", "**P01**: ", ["Interviewer", "P01"]),
        ("__Interviewer:__ ", "__P01:__ ", ["Interviewer", "P01"]),
        ("INT: ", "P01: ", ["INT", "P01"]),
        ("I: ", "R: ", ["I", "R"]),
        ("Q: ", "A: ", ["Q", "A"]),
        ("Interviewer 2: ", "Participant 14: ", ["Interviewer 2", "Participant 14"]),
        ("INTERVIEWER: ", "STUDENT: ", ["INTERVIEWER", "STUDENT"]),
        ("[Moderator]: ", "[Dr. Ames]: ", ["Moderator", "Dr. Ames"]),
        ("  Facilitator:\t", "  Mary O'Neill-Smith:\t", ["Facilitator", "Mary O'Neill-Smith"]),
        ("Interviewer:\n", "Zoë:\n", ["Interviewer", "Zoë"]),
        ("Interviewer (he/him): ", "Zoë (she/her): ", ["Interviewer (he/him)", "Zoë (she/her)"]),
    ],
)
def test_label_styles(asks: str, answers: str, found: list[str]) -> None:
    text = f"{asks}How was it?\n{answers}It was good.\n" * 2
    assert names(text) == found * 2


def test_the_talk_begins_after_the_label_and_its_markup() -> None:
    text = "**Interviewer:** How?\n**P01:** Well.\n**P01:** Very."
    asked, answered, again = find_labels(text)
    # "**Interviewer:** " is 17 characters; the line with "How?" and its end are 22.
    assert (asked.start, asked.end) == (0, 17)
    assert (answered.start, text[answered.end :][:5]) == (22, "Well.")
    assert text[again.end :] == "Very."


@pytest.mark.parametrize(
    "text",
    [
        "Note: we met on a Tuesday.\nIt was a good day.",
        "Note: we met on a Tuesday.\nNote: it rained.",
        "P01: one speaker alone.\nP01: is no interview.",
        "At 10:30 we met.\nAt 11:45 we left.",
        "https://example.org is where it lives.\nhttps://example.com is another.",
        "I said to them: stop.\nThey said to me: no.",
        "",
        "no labels here",
    ],
)
def test_prose_has_no_speakers(text: str) -> None:
    assert names(text) == []


def test_a_name_that_comes_once_is_part_of_the_talk() -> None:
    text = "Interviewer: How?\nP01: Like this.\nNote: nothing more.\nInterviewer: And then?\nP01: Nothing."
    assert names(text) == ["Interviewer", "P01", "Interviewer", "P01"]


def test_the_expected_participant_may_speak_once() -> None:
    assert names("Interviewer: How?\np01: Well enough.", expected="P01") == ["Interviewer", "p01"]


def test_upper_and_lower_case_are_one_speaker() -> None:
    text = "INTERVIEWER: How?\nAmina: Well.\nInterviewer: And?\nAMINA: Very."
    assert names(text) == ["INTERVIEWER", "Amina", "INTERVIEWER", "Amina"]


def test_a_label_is_never_longer_than_a_name() -> None:
    name = "A" * 60
    assert names(f"Interviewer: a\n{name}: b\nInterviewer: c\n{name}: d") == []


@pytest.mark.parametrize(
    "name",
    ["Interviewer", "interviewer 2", "INTERVIEWER", "Int.", "INT 1", "IV", "I", "Q", "Moderator", "Mod", "Facilitator",
     "Researcher 3", "Host", " Interviewer "],
)  # fmt: skip
def test_who_asks(name: str) -> None:
    assert is_interviewer(name)


@pytest.mark.parametrize("name", ["P01", "Ian", "Ivy", "Quentin", "Interviewee", "Moderate Mike", "Student", "R", ""])
def test_who_does_not_ask(name: str) -> None:
    assert not is_interviewer(name)


@pytest.mark.parametrize("name", ["Interviewer A", "Interviewer (Sam)", "Interviewer - Dr Ames", "Researcher B"])
def test_interviewers_with_a_letter_or_name_beside_their_role(name: str) -> None:
    """Otherwise their questions are coded as a participant's talk."""
    assert is_interviewer(name)


def test_which_labels_name_nobody_in_particular() -> None:
    assert all(map(is_generic, ["Participant", "RESPONDENT", "Interviewee", "Speaker", "Student", "r", "P", "A"]))
    assert all(map(is_generic, ["Speaker 2", "SPEAKER_01", "Unknown Speaker"]))
    assert not any(map(is_generic, ["P01", "Participant 3", "Amina", "Paul", ""]))
