"""`belonging codebook`: show, history, diff, edit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from books import BOOK
from click.testing import CliRunner

from belonging_llm.cli import main
from belonging_llm.study import Study


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["codebook", *args])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "own.yaml").write_text(BOOK, encoding="utf-8")
    done = CliRunner().invoke(main, ["init", str(tmp_path / "s"), "--framework", str(tmp_path / "own.yaml")])
    assert done.exit_code == 0, done.output
    return str(tmp_path / "s")


def test_a_codebook_goes_out_is_edited_and_comes_back(folder: str, tmp_path: Path) -> None:
    text = run("show", folder, "--yaml")[1]
    file = tmp_path / "changed.yaml"
    file.write_text(text.replace("It feels like home.", "It feels like a house."), encoding="utf-8")
    code, said = run("edit", folder, str(file), "--preview")
    assert (code, said) == (0, "home, definition: It feels like [-home-][+a house+].\n")
    assert run("edit", folder, str(file), "--by", "Ana")[0] == 1, "no reason"
    code, said = run("edit", folder, str(file), "--by", "Ana", "--reason", "clearer")
    assert (code, "Ana: clearer" in said) == (0, True)
    code, said = run("history", folder)
    assert [line.split("  ")[0] for line in said.splitlines()] == ["1", "2"]
    assert run("diff", folder)[1] == run("diff", folder, "1", "2")[1]
    assert json.loads(run("diff", folder, "2", "1", "--json")[1])["changed"] == {
        "home": {"definition": ["It feels like a house.", "It feels like home."]}
    }
    assert run("edit", folder, "--restore", "first", "--by", "Ana", "--reason", "back")[0] == 0
    assert Study(Path(folder)).framework().code("home").definition == "It feels like home."
    assert len(json.loads(run("history", folder, "--json")[1])) == 3


def test_the_tree_is_shown_and_retired_codes_are_named(folder: str, tmp_path: Path) -> None:
    assert run("show", folder)[1].splitlines()[:3] == [
        "Ours",
        "Heading (top, code, a heading): ",
        "  At home (home, code): It feels like home.",
    ]
    file = tmp_path / "less.yaml"
    file.write_text("\n".join(line for line in BOOK.splitlines() if "id: group" not in line), encoding="utf-8")
    assert run("edit", folder, str(file), "--by", "Ana", "--reason", "less")[0] == 0
    assert "retired: group (The group), last in version 1; 0 codings kept" in run("show", folder)[1]


def test_wrong_usage(folder: str, tmp_path: Path) -> None:
    assert run("edit", folder)[0] == 2
    code, said = run("diff", folder, "7")
    assert (code, "no such version of the codebook" in said) == (1, True)
