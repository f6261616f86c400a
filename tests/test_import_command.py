"""`belonging import` and `belonging speakers` as a person sees them."""

from __future__ import annotations

import json
from pathlib import Path

import docx
import pytest
from click.testing import CliRunner

from belonging_llm.cli import main

TALK = "Sam Example: How was it?\nAmina Example: It was good.\nSam Example: Why?\nAmina Example: Because of them.\n"


def run(*args: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.fixture
def study(tmp_path: Path) -> Path:
    assert run("init", tmp_path / "study")[0] == 0
    return tmp_path / "study"


def test_speakers_are_shown_and_corrected(study: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TALK.encode() + "Amina Example: Très bien.\n".encode("cp1252"))
    code, output = run("import", study, tmp_path / "a.txt")
    assert code == 0
    assert "a.txt: 1 transcript (interview, 5 participant turns; read as Windows-1252" in output
    assert "speakers found:" in output
    code, output = run("speakers", study, "--set", "Sam Example=interviewer", "--set", "Amina Example=P07")
    assert code == 0
    assert "a: Sam Example is interviewer now (was participant Sam Example)" in output
    rows = json.loads(run("speakers", study, "--json")[1])
    assert [(r["speaker"], r["role"], r["participant"], r["known_by"]) for r in rows] == [
        ("Sam Example", "interviewer", "", "person"),
        ("Amina Example", "participant", "P07", "person"),
    ]
    code, output = run("speakers", study, "--set", "Nobody=interviewer")
    assert code == 1
    assert "no transcript has a speaker 'Nobody'" in output
    assert run("speakers", study, "--set", "Nobody")[0] == 1


def test_tracked_changes_and_columns_are_chosen(study: Path, tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Interviewer: Well?")
    changed = document.add_paragraph("P07: I felt ")
    changed._p.append(changed._p.makeelement(f"{{{changed._p.nsmap['w']}}}ins", {}))
    document.save(str(tmp_path / "b.docx"))
    code, output = run("import", study, tmp_path / "b.docx")
    assert code == 1
    assert "b.docx: holds 1 tracked changes; say --changes accept" in output
    assert "1 tracked changes accepted" in run("import", study, tmp_path / "b.docx", "--changes", "accept")[1]
    (tmp_path / "c.csv").write_text("x,y\nAmina,So it was.\nKofi,I felt it too.\n", encoding="utf-8")
    assert run("import", study, tmp_path / "c.csv")[0] == 1
    chosen = ("--kind", "turns", "--column", "speaker=x", "--column", "text=y")
    code, output = run("import", study, tmp_path / "c.csv", *chosen, "--json")
    assert code == 0
    (file,) = json.loads(output)
    assert (file["kind"], file["added"], len(file["speakers"])) == ("turns", 1, 2)
    assert run("import", study, tmp_path / "c.csv", "--column", "x")[0] == 2
    (tmp_path / "d.csv").write_text("speaker,text\nINT,Well?\nP07,Yes.\n", encoding="utf-8")
    assert "d.csv: 1 transcript (table: interview" in run("import", study, tmp_path / "d.csv")[1]
