"""What people bring in: every kind, and every way it can be wrong."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from belonging_llm.errors import InputError
from belonging_llm.importing import Imported, Kind, detect, import_paths
from belonging_llm.study import Study, create
from belonging_llm.transcripts import Options

SEGMENTS = (
    "segment_id,document_id,text,speaker,mood\ns1,d1,I felt at home.,learner,good\ns2,d1,What then?,Interviewer,\n"
)
TALK = "Interviewer: How was it?\n\nP01: I felt at home there, every night.\n"


@pytest.fixture
def study(tmp_path: Path, either_store: str) -> Study:
    return create(tmp_path / "study")


def put(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def bring(study: Study, *paths: Path, kind: Kind | None = None) -> list[Imported]:
    return import_paths(study, list(paths), kind)


def test_one_bad_file_does_not_stop_the_others(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    put(folder, "a.txt", TALK)
    put(folder, "b.txt", "")
    put(folder, "c.txt", b"\0\0")
    put(folder, "d.txt", TALK)
    put(folder, "e.pdf", b"%PDF")
    done = {item.path.name: item for item in bring(study, folder)}
    assert done["a.txt"].added == 1
    assert "empty" in done["b.txt"].problem
    assert "NUL" in done["c.txt"].problem
    assert (done["d.txt"].added, done["d.txt"].note) == (0, "already in as a")
    assert "e.pdf" in done["e.pdf"].problem
    assert len(study.store.corpus.transcript_ids()) == 1


def test_a_missing_file_is_named(study: Study, tmp_path: Path) -> None:
    assert "nowhere.txt" in bring(study, tmp_path / "nowhere.txt")[0].problem


def test_segments_keep_their_ids_and_interviewers_are_not_coded(study: Study, tmp_path: Path) -> None:
    bring(study, put(tmp_path, "segments.csv", SEGMENTS))
    assert [(s.id, s.text, s.participant) for s in study.store.corpus.segments()] == [("s1", "I felt at home.", "d1")]


def test_bad_rows_of_segments_are_named_and_the_rest_comes_in(study: Study, tmp_path: Path) -> None:
    text = SEGMENTS + "s1,d1,other words,learner,\n,d1,no id,learner,\ns5,d1,,learner,\ns6,d2,Good.,learner,\n"
    item = bring(study, put(tmp_path, "segments.csv", text))[0]
    assert {s.id for s in study.store.corpus.segments()} == {"s1", "s6"}
    assert [n for n in range(2, 9) if f"row {n}:" in item.problem] == [4, 5, 6]


def test_the_same_table_again_changes_nothing(study: Study, tmp_path: Path) -> None:
    path = put(tmp_path, "segments.csv", SEGMENTS)
    bring(study, path)
    again = bring(study, path)[0]
    assert (again.added, again.problem) == (0, "")


def test_codings_and_judgements(study: Study, tmp_path: Path) -> None:
    bring(study, put(tmp_path, "segments.csv", SEGMENTS))
    rows = "segment_id,coder,code,polarity,evidence\ns1,A,ownership,experienced,at home\ns1,B,,,\n"
    wrong = "s9,A,ownership,,\ns1,A,nonsense,,\ns1,C,ownership,sideways,\n"
    item = bring(study, put(tmp_path, "codes.csv", rows + wrong))[0]
    coding = study.store.findings.codings()[0]
    assert (coding.coder, coding.code, coding.polarity) == ("A", "ownership", "experienced")
    assert (coding.evidence[0].start, coding.evidence[0].end) == (7, 14)  # "I felt |at home|."
    assert study.store.findings.coders() == {"A": 1, "B": 1}
    assert [n for n in range(2, 8) if f"row {n}:" in item.problem] == [4, 5, 6]


def test_a_codebook_table_replaces_the_framework(study: Study, tmp_path: Path) -> None:
    bring(study, put(tmp_path, "codebook.csv", "code,name,definition\nhome,Home,Feels at home.\n"))
    assert [code.id for code in study.framework().assignable] == ["home"]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.txt", TALK, Kind.TRANSCRIPTS),
        ("a.csv", "segment_id,document_id,text\n1,2,x\n", Kind.SEGMENTS),
        ("a.csv", "segment_id,coder,code\n1,A,x\n", Kind.CODINGS),
        ("a.csv", "segment_id,coder\n1,A\n", Kind.CODED_BY),
        ("a.csv", "code,name,definition\nx,X,y\n", Kind.CODEBOOK),
        ("a.csv", "participant_id,age\n1,2\n", Kind.PARTICIPANTS),
        ("a.csv", "speaker,text\nP07,Yes.\n", Kind.TURNS),
        ("a.csv", "participant_id,question,answer\n1,Why?,Because.\n", Kind.TURNS),
        ("a.csv", "speaker,role,participant,known_by\nP07,participant,P07,label\n", Kind.SPEAKERS),
        ("a.csv", "participant_id,café\n1,2\n".encode("cp1252"), Kind.PARTICIPANTS),
        ("a.vtt", "WEBVTT", Kind.TRANSCRIPTS),
        ("a.yaml", "id: x", Kind.CODEBOOK),
    ],
)
def test_kinds_are_found_out(tmp_path: Path, name: str, text: str | bytes, kind: Kind) -> None:
    assert detect(put(tmp_path, name, text)) is kind


def test_a_table_that_fits_no_kind_says_what_it_has(study: Study, tmp_path: Path) -> None:
    problem = bring(study, put(tmp_path, "a.csv", "size,colour,length\nred,2,3\n"))[0].problem
    assert "its columns (size, colour, length) fit no kind" in problem
    assert "--kind transcripts|turns|segments|" in problem


def test_participants_whom_no_transcript_has_are_named(study: Study, tmp_path: Path) -> None:
    described = put(tmp_path, "participants.csv", "participant_id,age\nd1,30\nd01,31\n")
    assert bring(study, described)[0].details == (), "before the interviews every id would be strange"
    bring(study, put(tmp_path, "segments.csv", SEGMENTS))
    item = bring(study, described)[0]
    assert (item.added, item.problem) == (2, "")
    assert item.details == ("in no transcript so far: d01; see whether an id is mistyped",)


def test_one_of_something_is_told_as_one(study: Study, tmp_path: Path) -> None:
    bring(study, put(tmp_path, "segments.csv", SEGMENTS))
    one = bring(study, put(tmp_path, "codes.csv", "segment_id,coder,code\ns1,A,ownership\ns1,,\n"))[0]
    assert one.note == "1 judgement, 1 row without a coder taken as not judged"
    assert "1 row left out" in bring(study, put(tmp_path, "coded_by.csv", "segment_id,coder\ns9,A\n"))[0].problem


def test_a_named_kind_without_its_columns_says_which(study: Study, tmp_path: Path) -> None:
    problem = bring(study, put(tmp_path, "a.csv", "text\nx\n"), kind=Kind.SEGMENTS)[0].problem
    assert "segment_id, document_id" in problem


def test_participants_come_with_their_attributes_and_what_is_left_out_is_named(study: Study, tmp_path: Path) -> None:
    rows = "participant_id,course\n010,Café studies\n,lost\n010,again\nP02,History\n"
    item = bring(study, put(tmp_path, "participants.csv", rows.encode("cp1252")))[0]
    assert study.store.corpus.participants() == {"010": {"course": "Café studies"}, "P02": {"course": "History"}}
    assert "row 3: left out, since participant_id is empty" in item.problem
    assert "row 4: left out, since an earlier row describes 010" in item.problem
    assert "Windows-1252" in item.note
    named = import_paths(
        study,
        [put(tmp_path, "b.csv", "ID,course\nP03,Law\n")],
        Kind.PARTICIPANTS,
        options=Options(columns={"participant": "ID"}),
    )
    assert named[0].added == 1
    assert study.store.corpus.participants()["P03"] == {"course": "Law"}


def test_a_table_of_turns_says_its_columns_and_its_speakers(study: Study, tmp_path: Path) -> None:
    item = bring(study, put(tmp_path, "talk.csv", "Who,Said\nInterviewer,Well?\nP07,I felt at home.\n"))[0]
    assert (item.kind, item.added, item.problem) == (Kind.TURNS, 1, "")
    assert item.note == "table: interview, 1 participant turns; speaker = Who, text = Said"
    assert [(row.speaker, row.turns, row.words) for row in item.speakers] == [("Interviewer", 1, 1), ("P07", 1, 4)]
    assert bring(study, tmp_path / "talk.csv")[0].note == "already in as talk"


def test_a_file_that_is_in_is_not_read_another_way_beside(study: Study, tmp_path: Path) -> None:
    """Its words would count twice."""
    survey = put(tmp_path, "survey.csv", "Who,Said,Added\nP07,I felt at home.,Nothing else was said.\n")
    first, second = (
        import_paths(study, [survey], Kind.TURNS, options=Options(columns={"text": column}))[0]
        for column in ("Said", "Added")
    )
    assert (first.added, first.problem) == (1, "")
    assert second.added == 0
    assert "survey.csv: is in already, read another way (survey)" in second.problem
    assert len(study.store.corpus.transcript_ids()) == 1


def test_a_bad_table_of_speakers_stops_the_import_and_is_named(study: Study, tmp_path: Path) -> None:
    bring(study, put(tmp_path, "a.txt", TALK))
    (study.folder / "speakers.csv").write_text("speaker,role\nP01,guest\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"speakers\.csv, row 2"):
        bring(study, put(tmp_path, "b.txt", TALK + "P01: More.\n"))


def test_a_spreadsheet_with_entities_is_refused(study: Study, tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "cc">]><worksheet/>'
    path = tmp_path / "participants.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"):
            archive.writestr(name, bomb)
    assert "document type" in bring(study, path)[0].problem


def test_attributes_come_from_excel_as_they_are_shown(study: Study, tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["participant_id", "age", "since"])
    book.active.append(["P07", 34, datetime(2026, 3, 3)])  # noqa: DTZ001 - Excel knows no time zones
    book.save(tmp_path / "people.xlsx")
    assert bring(study, tmp_path / "people.xlsx")[0].added == 1
    assert study.store.corpus.participants() == {"P07": {"age": "34", "since": "2026-03-03 00:00:00"}}
