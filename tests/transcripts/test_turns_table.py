"""Spreadsheets of turns and answers: columns are found or chosen, and shown."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from belonging_llm.errors import ContainerError, TranscriptError
from belonging_llm.transcripts import Options, Role, Transcript, Unit
from belonging_llm.transcripts.sheet import read_sheet
from belonging_llm.transcripts.turns_table import holds_turns, read_turns

Rows = list[list[str]]
TURNS: Rows = [
    ["Speaker", "Time", "Utterance"],
    ["Interviewer", "0:01", "How was it?"],
    ["P07", "0:02", "It was good."],
    ["P07", "0:03", "Very good."],
    ["", "0:04", "And warm."],
    ["Interviewer", "0:05", ""],
]
SAID = [("Interviewer", "How was it?"), ("P07", "It was good."), ("P07", "Very good."), ("P07", "And warm.")]


def table(path: Path, rows: Rows, separator: str = ",", encoding: str = "utf-8") -> Path:
    if path.suffix == ".xlsx":
        book = Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append([cell or None for cell in row])
        book.save(path)
        return path
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def said(transcript: Transcript) -> list[tuple[str, str]]:
    return [(turn.speaker, transcript.said(turn)) for turn in transcript.turns]


def notes(transcript: Transcript) -> str:
    assert transcript.source is not None
    return "; ".join(transcript.source.notes)


@pytest.mark.parametrize(
    ("name", "separator", "encoding"),
    [("t.csv", ",", "utf-8"), ("t.csv", ";", "utf-8-sig"), ("t.tsv", "\t", "utf-16"), ("t.xlsx", "", "")],
)
def test_a_row_is_a_turn(tmp_path: Path, name: str, separator: str, encoding: str) -> None:
    (found,) = read_turns(table(tmp_path / name, TURNS, separator, encoding))
    assert said(found) == SAID
    assert [t.role for t in found.turns] == [Role.INTERVIEWER, *[Role.PARTICIPANT] * 3]
    assert notes(found) == (
        "speaker = Speaker, text = Utterance; 1 rows without words left out; "
        "1 rows without a name taken as the speaker before"
    )


def test_a_stretch_of_talk_knows_its_row_and_column(tmp_path: Path) -> None:
    (found,) = read_turns(table(tmp_path / "t.csv", TURNS))
    start = found.text.index("warm")
    assert found.source is not None
    (place,) = found.source.places(start, start + 4)
    assert (place.unit, place.number, place.detail, place.first) == (Unit.ROW, 5, "Utterance", 4)


def test_columns_may_be_chosen_by_name(tmp_path: Path) -> None:
    rows = [["a", "b", "c"], ["x y", "P07", "Some words."], ["x z", "INT", "Others?"]]
    path = table(tmp_path / "t.csv", rows)
    (found,) = read_turns(path, Options(columns={"speaker": "B", "text": "a"}))
    assert said(found) == [("P07", "x y"), ("INT", "x z")]
    with pytest.raises(TranscriptError, match=r"t\.csv: has no column d \(it has a, b, c\)"):
        read_turns(path, Options(columns={"text": "d"}))
    with pytest.raises(TranscriptError, match="words is no part of a turn; known are transcript, speaker"):
        read_turns(path, Options(columns={"words": "a"}))


def test_columns_without_known_headings_are_found_by_what_they_hold(tmp_path: Path) -> None:
    rows = [["Wer", "Was"], ["INT", "How was it for you?"], ["P07", "It was really good."], ["P07", "Yes."]]
    (found,) = read_turns(table(tmp_path / "t.csv", rows))
    assert (said(found)[0], len(found.turns)) == (("INT", "How was it for you?"), 3)
    assert "speaker = Wer, text = Was" in notes(found)
    (bare,) = read_turns(table(tmp_path / "bare.csv", rows[1:]))
    assert said(bare) == said(found)
    assert "speaker = column 1, text = column 2" in notes(bare)


def test_a_table_may_hold_several_interviews(tmp_path: Path) -> None:
    rows = [["interview", "speaker", "participant_id", "text"], ["A", "Interviewer", "", "How?"], ["A", "learner", "P07", "Well."], ["B", "learner", "P08", "Badly."]]  # fmt: skip
    one, two = read_turns(table(tmp_path / "t.csv", rows))
    assert (one.name, said(one)) == ("A", [("Interviewer", "How?"), ("P07", "Well.")])
    assert (two.name, said(two)) == ("B", [("P08", "Badly.")])


def test_a_survey_has_a_row_for_each_participant_and_a_column_for_each_question(tmp_path: Path) -> None:
    rows = [
        ["Respondent ID", "Age", "Where did you feel at home?", "What would have helped?"],
        ["P07", "34", "In the kitchen of the old library.", "More time to talk to people."],
        ["P08", "27", "Nowhere in all of that year.", ""],
    ]
    (found,) = read_turns(table(tmp_path / "survey.xlsx", rows))
    assert said(found) == [
        ("Interviewer", "Where did you feel at home?"),
        ("P07", "In the kitchen of the old library."),
        ("Interviewer", "What would have helped?"),
        ("P07", "More time to talk to people."),
        ("Interviewer", "Where did you feel at home?"),
        ("P08", "Nowhere in all of that year."),
    ]
    assert {t.participant for t in found.turns} == {"P07", "P08", None}
    assert "answers = Where did you feel at home?, What would have helped?" in notes(found)


def test_answers_with_their_question_in_a_column(tmp_path: Path) -> None:
    rows = [
        ["question", "participant", "answer"],
        ["Why?", "P07", "Because."],
        ["Why?", "P08", "Just so."],
        ["And?", "", "Well."],
    ]
    (found,) = read_turns(table(tmp_path / "t.csv", rows))
    assert said(found) == [
        ("Interviewer", "Why?"),
        ("P07", "Because."),
        ("P08", "Just so."),
        ("Interviewer", "And?"),
        ("t-4", "Well."),
    ]
    assert "1 rows without a name taken as different people" in notes(found)


@pytest.mark.parametrize(
    ("rows", "turns"),
    [
        (TURNS, True),
        ([["participant_id", "age"], ["P07", "34"]], False),
        ([["colour", "size"], ["red", "2"]], False),
        ([["Topic", "Start"], ["A meeting", "11:35"], ["Name", "Minutes"], ["Amina", "70"], ["Kofi", "70"]], False),
        ([["code", "name", "definition"], ["home", "Home", "Feels at home."]], False),
    ],
)
def test_which_tables_are_taken_for_turns(tmp_path: Path, rows: Rows, turns: bool) -> None:
    assert holds_turns(table(tmp_path / "t.csv", rows)) is turns


def test_a_guessed_encoding_is_said(tmp_path: Path) -> None:
    (found,) = read_turns(table(tmp_path / "t.csv", [["speaker", "text"], ["P07", "Zoë’s café"]], encoding="cp1252"))
    assert said(found) == [("P07", "Zoë’s café")]
    assert "Windows-1252" in notes(found)


def test_excel_s_cells_are_read_as_they_are_shown(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["speaker", "text"])
    book.active.append(["P07", 12])
    book.active["D5"] = "far"
    book.create_sheet("more").append(["speaker"])
    book.save(tmp_path / "t.xlsx")
    sheet = read_sheet(tmp_path / "t.xlsx")
    assert sheet.rows == {1: {1: "speaker", 2: "text"}, 2: {1: "P07", 2: "12"}, 5: {4: "far"}}
    assert sheet.notes == ("1 further sheets left out",)


@pytest.mark.parametrize(
    ("name", "raw"),
    [("t.csv", b""), ("t.csv", b"\0"), ("t.csv", b'"' + b"x" * 200_000), ("t.xlsx", b"PK"), ("t.ods", b"")],
)
def test_what_is_no_table_is_refused_with_its_name(tmp_path: Path, name: str, raw: bytes) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(TranscriptError, match=name):
        read_turns(tmp_path / name)
    with pytest.raises((TranscriptError, ContainerError), match=name):
        read_sheet(tmp_path / name)


CELLS = st.text(
    st.sampled_from("ab ,;\"'\r\n\t\U0001f600é\u0301\u200f\u05d0?") | st.characters(blacklist_categories=["Cs", "Cc"]),
    max_size=20,
)


@given(st.lists(st.tuples(st.sampled_from(["P07", "INT", "Amina", ""]), CELLS), min_size=1, max_size=8))
def test_every_place_is_found_again_in_its_cell(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[str, str]]
) -> None:
    rows = [["speaker", "text"], *map(list, turns)]
    path = table(tmp_path_factory.getbasetemp() / "any.csv", rows)
    try:
        (found,) = read_turns(path)
    except TranscriptError:
        assert not any(text.strip() and who in {"P07", "Amina"} for who, text in turns)
        return
    assert found.source is not None
    for anchor in found.source.anchors:
        cell = rows[anchor.number - 1][1]
        assert found.text[anchor.start : anchor.end] == cell[anchor.first : anchor.last].replace("\r", "\n")
    # One turn a row that says something, and every word of it.
    told = [text.split() for _, text in turns if text.strip()]
    assert [found.said(turn).split() for turn in found.turns] == told


@given(st.binary(max_size=200), st.sampled_from(["any.csv", "any.tsv", "any.xlsx"]))
def test_any_bytes_are_refused_or_read(tmp_path_factory: pytest.TempPathFactory, raw: bytes, name: str) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(raw)
    try:
        found = read_turns(path)
    except TranscriptError:
        return
    assert all(t.turns for t in found)
