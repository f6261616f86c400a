"""`belonging import` and `belonging export` on other programs' files, as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from projects import TALK, coding, qdpx, simple, stretch, text_source

from belonging_llm.cli import main
from belonging_llm.exchange.adopting import CHOICES
from belonging_llm.exchange.exporting import KINDS


def run(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(map(str, args)))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.fixture
def study(tmp_path: Path) -> Path:
    assert run("init", tmp_path / "study")[0] == 0
    return tmp_path / "study"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    at = TALK.index("felt at home")
    source = text_source(1, stretch(1, at, at + 12, coding(1)), text=TALK)
    return qdpx(tmp_path / "talk.qdpx", simple(source))


def test_in_and_out_and_in(study: Path, talk: Path, tmp_path: Path) -> None:
    code, said = run("import", study, talk)
    assert code == 0
    assert "talk.qdpx: 1 coding (REFI-QDA project project; 1 new texts; 1 codings in the file: 1 kept" in said
    assert "2 of 2 ends fall on word edges" in said
    code, said = run("export", study, tmp_path / "out.qdpx")
    assert code == 0
    assert "1 sources, 3 codes, 2 users, 1 codings" in said
    assert run("init", tmp_path / "other" / "study")[0] == 0
    code, said = run("import", tmp_path / "other" / "study", tmp_path / "out.qdpx", "--json")
    row = json.loads(said)[0]
    assert (code, row["kind"], row["added"], row["problem"]) == (0, "refi", 1, "")
    assert any("word edges" in line for line in row["details"])


def test_lost_codings_make_the_exit_code_1(study: Path, tmp_path: Path) -> None:
    good = [stretch(n, a, b, coding(n)) for n, a, b in [(1, 0, 4), (3, 5, 7), (4, 8, 12)]]
    source = text_source(1, *good, stretch(2, 5, 5000, coding(2)), text="home is here.")
    code, said = run("import", study, qdpx(tmp_path / "a.qdpx", simple(source)))
    assert code == 1
    assert "a.qdpx: 1 codings left out: stretch s2 of talk" in said
    assert "3 kept, 1 left out" in said


def test_export_as_json(study: Path, talk: Path, tmp_path: Path) -> None:
    run("import", study, talk)
    code, said = run("export", study, tmp_path / "tables", "--to", "csv", "--json")
    content = json.loads(said)
    assert (code, content["kind"], content["counts"]["passages"]) == (0, "csv", 1)
    assert {Path(file).name for file in content["files"]} >= {"codings.csv", "passages.csv", "data-dictionary.json"}


def test_an_ending_that_says_otherwise_is_refused(study: Path, talk: Path, tmp_path: Path) -> None:
    run("import", study, talk)
    code, said = run("export", study, tmp_path / "weird.xlsx", "--to", "csv")
    assert code == 1
    assert "its ending says xlsx, and --to says csv; give it another name" in said
    assert not (tmp_path / "weird.xlsx").exists()


@pytest.mark.parametrize("wish", [["--offsets", "bytes"], ["--codebook", "mine"], ["--kind", "zip"]])
def test_wishes_that_there_are_not_are_refused(wish: list[str], study: Path, talk: Path) -> None:
    assert run("import", study, talk, *wish)[0] in (1, 2)


def test_the_commands_offer_what_there_is() -> None:
    options = {p.name: p.type for p in main.commands["import"].params}
    assert tuple(options["codebook"].choices) == CHOICES  # type: ignore[attr-defined]
    options = {p.name: p.type for p in main.commands["export"].params}
    assert tuple(options["kind"].choices) == KINDS  # type: ignore[attr-defined]
