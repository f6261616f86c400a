"""Tables that spreadsheets open: typed, explained, and with nothing in them that would be executed."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from exchanged import analysed
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes import Coding, Outcome
from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.exporting import export
from belonging_llm.exchange.sheet_files import csv_bytes, parquet_bytes, xlsx_bytes
from belonging_llm.exchange.sheets import Column, Sheet, sheets
from belonging_llm.importing import import_paths
from belonging_llm.study import Study, create
from belonging_llm.tables import read_rows

EVIL = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    '=HYPERLINK("http://127.0.0.1:9/","x")',
    "=cmd|'/c calc'!A1",
    '=WEBSERVICE("http://127.0.0.1:9/")',
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return analysed(tmp_path_factory.mktemp("made") / "study")


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """A study whose people wrote formulas wherever they could."""
    folder = tmp_path_factory.mktemp("evil")
    study = create(folder / "study")
    rows = [["segment_id", "document_id", "text"], *([f"s{n}", "d", text + " is home"] for n, text in enumerate(EVIL))]
    with (folder / "segments.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    assert import_paths(study, [folder / "segments.csv"])[0].added == len(EVIL)
    study.store.corpus.set_participants({"P1": {"=2+3": "=2+3", "plain": "-5"}})
    texts = study.store.corpus.segments()
    study.store.findings.add_codings(
        [
            Coding(segment_id=s.id, code="ownership", coder="=2+3", outcome=Outcome.ASSIGNED, rationale=e)
            for s, e in zip(texts, EVIL, strict=True)
        ]
    )
    yield study
    study.store.close()


def cells(path: Path) -> dict[str, list[list[object]]]:
    return {
        page.title: [list(row) for row in page.iter_rows(values_only=True)] for page in openpyxl.load_workbook(path)
    }


def test_columns_are_typed_and_explained(made: Study, tmp_path: Path) -> None:
    done = export(made, tmp_path / "tables", "parquet")
    table = pq.read_table(tmp_path / "tables" / "codings.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["confidence"], types["evidence_start"], types["taught"], types["code"]) == (
        *("double", "int64", "bool", "string"),
    )
    assert b"offset" in table.schema.field("evidence_start").metadata[b"description"] or (
        b"character" in table.schema.field("evidence_start").metadata[b"description"]
    )
    dictionary = json.loads((tmp_path / "tables" / "data-dictionary.json").read_text())
    for described in dictionary["tables"]:
        columns = pq.read_table(tmp_path / "tables" / f"{described['name']}.parquet").column_names
        assert [c["name"] for c in described["columns"]] == columns
        assert all(c["meaning"] for c in described["columns"])
        assert described["rows"] == done.counts[described["name"]]


def test_every_judgement_is_in_the_table_with_its_outcome(made: Study, tmp_path: Path) -> None:
    export(made, tmp_path / "tables", "parquet")
    rows = pq.read_table(tmp_path / "tables" / "codings.parquet").to_pylist()
    run = made.store.runs.latest()
    assert run is not None
    assert len(rows) == len(made.store.findings.codings()) + len(made.store.findings.codings(run.id))
    texts = {s.id: s.text for s in made.store.corpus.segments()}
    machine = [row for row in rows if row["by"] == "model"]
    assert {row["outcome"] for row in machine} == {"assigned", "not_assigned", "abstained"}
    for row in machine:
        assert row["evidence"] == texts[row["segment_id"]][row["evidence_start"] : row["evidence_end"]]
        assert (row["run_id"], row["model"], row["said"]) == (run.id, "tiny", True)
    # Nothing known is nothing, not zero and not no.
    assert {row["confidence"] for row in rows if row["by"] == "person"} == {None}
    assert {row["taught"] for row in rows if row["by"] == "person"} == {None}


def test_the_three_formats_say_the_same(made: Study, tmp_path: Path) -> None:
    export(made, tmp_path / "csv", "csv")
    export(made, tmp_path / "parquet", "parquet")
    export(made, tmp_path / "book.xlsx")
    book = cells(tmp_path / "book.xlsx")
    for sheet in sheets(made):
        comma = read_rows(tmp_path / "csv" / f"{sheet.name}.csv")
        typed = pq.read_table(tmp_path / "parquet" / f"{sheet.name}.parquet").to_pylist()
        names, *rows = book[sheet.name]
        assert len(comma) == len(typed) == len(rows) == len(sheet.rows)
        assert names == [column.name for column in sheet.columns]
        for plain, cell, page in list(zip(comma, typed, rows, strict=True))[::10]:
            for name, value in zip(names, page, strict=True):
                known = cell[str(name)]
                assert (value if value is not None else "") == (known if known not in (None, "") else "") or (
                    str(value).startswith("'")
                )
                assert plain[str(name)] in (spoken(known), "'" + spoken(known))


def spoken(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def test_a_codebook_table_comes_in_again(made: Study, tmp_path: Path) -> None:
    export(made, tmp_path / "tables", "csv")
    study = create(tmp_path / "study")
    item = import_paths(study, [tmp_path / "tables" / "codebook.csv"])[0]
    assert (item.kind, item.problem) == ("codebook", "")
    assert [(c.id, c.definition, c.examples) for c in study.framework().codes] == [
        (c.id, c.definition, c.examples) for c in made.framework().codes
    ]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_cell_begins_as_a_formula_does(kind: str, evil: Study, tmp_path: Path) -> None:
    done = export(evil, tmp_path / ("book.xlsx" if kind == "xlsx" else "tables"), kind)
    if kind == "xlsx":
        book = openpyxl.load_workbook(tmp_path / "book.xlsx")
        found = [(cell.value, cell.data_type) for page in book for row in page.iter_rows() for cell in row]
        assert not [value for value, form in found if form == "f"]
        texts = [value for value, form in found if form == "s"]
    else:
        texts = []
        for path in (tmp_path / "tables").glob("*.csv"):
            for sheet in sheets(evil):
                if sheet.name == path.stem:
                    kinds = {c.name: c.kind for c in sheet.columns}
                    rows = read_rows(path)
                    texts += [cell for row in rows for name, cell in row.items() if kinds.get(name, "text") == "text"]
                    texts += list(rows[0])
    assert texts
    assert not [text for text in texts if str(text).startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any("begin with an apostrophe" in note for note in done.notes)


def test_parquet_keeps_words_as_they_are(evil: Study, tmp_path: Path) -> None:
    export(evil, tmp_path / "tables", "parquet")
    rows = pq.read_table(tmp_path / "tables" / "codings.parquet").to_pylist()
    assert {row["rationale"] for row in rows} == set(EVIL)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.integers(-9, 9),
            st.floats(allow_nan=False, allow_infinity=False),
            st.none() | st.booleans(),
        ),
        max_size=4,
    )
)
def test_any_words_can_be_written(rows: list[tuple[str, int, float, bool | None]]) -> None:
    columns = tuple(Column(n, k, "x") for n, k in [("a", "text"), ("b", "integer"), ("c", "number"), ("d", "boolean")])  # type: ignore[arg-type]
    sheet = Sheet("t", "x", columns, tuple(rows))
    for write in (csv_bytes, parquet_bytes, lambda s: xlsx_bytes([s])):
        assert write(sheet).data


def test_a_cell_too_long_for_a_worksheet_is_cut_and_counted(tmp_path: Path) -> None:
    sheet = Sheet("t", "x", (Column("a", "text", "x"),), (("x" * 40_000,), ("a\x01b",)))
    written = xlsx_bytes([sheet])
    (tmp_path / "a.xlsx").write_bytes(written.data)
    page = cells(tmp_path / "a.xlsx")["t"]
    assert (len(str(page[1][0])), page[2][0]) == (32_767, "a\ufffdb")
    assert (written.shortened, written.replaced) == (1, 1)
    notes = [row[0] for row in cells(tmp_path / "a.xlsx")["data dictionary"] if str(row[0]).startswith("Note")]
    assert len(notes) == 2


def test_a_named_file_has_the_codings_alone(made: Study, tmp_path: Path) -> None:
    done = export(made, tmp_path / "mine.csv")
    assert [path.name for path in done.files] == ["mine.csv", "mine.dictionary.json"]
    assert list(done.counts) == ["codings"]


def test_an_ending_that_says_nothing_needs_a_kind(made: Study, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=r"add --to refi\|qdc\|csv\|xlsx\|parquet"):
        export(made, tmp_path / "out")


def test_what_cannot_be_written_is_said(made: Study, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExchangeError, match="cannot be written"):
        export(made, tmp_path / "file" / "out.qdpx")


def test_a_spreadsheet_program_executes_nothing(evil: Study, tmp_path: Path) -> None:
    """LibreOffice opens workbook and tables, recalculates, and finds no formula in them."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("soffice is not here")
    export(evil, tmp_path / "book.xlsx")
    export(evil, tmp_path / "tables", "csv")
    for given_, target in [("book.xlsx", "fods"), ("tables/codings.csv", "fods"), ("tables/participants.csv", "fods")]:
        command = [
            program,
            f"-env:UserInstallation=file://{tmp_path / 'profile'}",
            "--headless",
            "--convert-to",
            target,
        ]
        command += ["--outdir", str(tmp_path / "out"), str(tmp_path / given_)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        opened = (tmp_path / "out" / f"{Path(given_).stem}.fods").read_text(encoding="utf-8")
        assert "office:spreadsheet" in opened
        # A cell that is true or false is spelled as a function there; there is no other formula.
        assert set(re.findall(r'table:formula="([^"]*)"', opened)) <= {"of:=TRUE()", "of:=FALSE()"}
        assert "2+3" in opened
