"""Coding and discovering on plain tables: every segment and code, literal evidence, a rerun that asks nothing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.cli import main
from belonging_llm.tables import read_rows

KIN = ["my mother phoned me", "my father and mother", "a letter from my mother", "mother cooked for us"]
SEA = ["the boat left the harbour", "waves hit the boat", "the harbour was full of boats", "=boat at sea"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder(256))
    write(
        tmp_path / "codebook.csv",
        ["code", "name", "definition"],
        [["kin", "Kin", "mother father family"], ["sea", "Sea", "boat harbour waves"]],
    )
    rows = [[f"s{i:02}", f"d{i % 5}", text] for i, text in enumerate((KIN + SEA) * 3)]
    write(tmp_path / "segments.csv", ["segment_id", "document_id", "text"], rows)
    codes = [[f"s{i:02}", "A", "kin" if i % 8 < 4 else "sea"] for i in range(16)]
    write(tmp_path / "examples.csv", ["segment_id", "coder", "code"], codes)
    return tmp_path


def write(path: Path, names: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([names, *rows])


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def code(folder: Path, *more: Any) -> Result:
    tables = (folder / "segments.csv", "--codebook", folder / "codebook.csv", "-o", folder / "out.csv")
    return run("code", *tables, "--llm", "none", *more)


def test_every_segment_and_code_has_an_outcome_and_evidence_is_literal(folder: Path) -> None:
    done = code(folder, "--examples", folder / "examples.csv")
    assert done.exit_code == 0, done.output
    rows = read_rows(folder / "out.csv")
    texts = {row["segment_id"]: row["text"] for row in read_rows(folder / "segments.csv")}
    assert [(r["segment_id"], r["code"]) for r in rows] == [(s, c) for s in texts for c in ("kin", "sea")]
    assert {r["outcome"] for r in rows} <= {"assigned", "not_assigned", "abstained", "failed"}
    quoted = [r for r in rows if r["evidence"]]
    assert quoted
    for row in quoted:
        assert row["evidence"] == texts[row["segment_id"]][int(row["start"]) : int(row["end"])]
    assert all(r["evidence"] for r in rows if r["outcome"] == "assigned")


def test_examples_teach(folder: Path) -> None:
    done = code(folder, "--examples", folder / "examples.csv")
    assert done.exit_code == 0, done.output
    assert "2 codes learned from examples" in done.output
    rows = {(r["segment_id"], r["code"]): r for r in read_rows(folder / "out.csv")}
    # Segments that nobody coded, alike to ones that somebody did.
    assert all(rows[f"s{i:02}", "kin"]["guess"] == ("yes" if i % 8 < 4 else "no") for i in range(16, 24))


def test_the_same_command_again_changes_nothing(folder: Path) -> None:
    code(folder)
    first = (folder / "out.csv").read_bytes()
    assert code(folder).exit_code == 0
    assert (folder / "out.csv").read_bytes() == first


def test_segments_that_are_gone_from_the_table_are_not_in_the_output(folder: Path) -> None:
    code(folder)
    rows = read_rows(folder / "segments.csv")[:6]
    write(folder / "segments.csv", ["segment_id", "document_id", "text"], [list(r.values()) for r in rows])
    assert code(folder).exit_code == 0
    assert len(read_rows(folder / "out.csv")) == 12


def test_a_bad_table_is_named(folder: Path) -> None:
    write(folder / "segments.csv", ["segment_id", "text"], [["a", "b"]])
    done = code(folder)
    assert done.exit_code == 1
    assert "document_id" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("ending", ["tsv", "xlsx", "parquet"])
def test_the_output_is_what_its_ending_says(folder: Path, ending: str) -> None:
    done = run(
        "code",
        folder / "segments.csv",
        "--codebook",
        folder / "codebook.csv",
        "-o",
        folder / f"out.{ending}",
        "--examples",
        folder / "examples.csv",
        "--llm",
        "none",
    )
    assert done.exit_code == 0, done.output
    rows = read_rows(folder / f"out.{ending}")
    assert len(rows) == 48
    assert all(row["outcome"] and row["confidence"] and row["chance"] and row["rationale"] for row in rows)
    assert {"polarity", "evidence", "repaired", "start", "end", "coder"} <= set(rows[0])
    assert {row["repaired"] for row in rows if row["evidence"]} == {"no"}, "a sentence that was chosen is not repaired"
    assert code(folder, "--examples", folder / "examples.csv").exit_code == 0
    plain = read_rows(folder / "out.csv")
    same = ("segment_id", "code", "outcome", "confidence", "polarity", "start", "end", "repaired")
    assert [[row[name] for name in same] for row in rows] == [[row[name] for name in same] for row in plain]


def test_discover_places_every_segment(folder: Path) -> None:
    done = run("discover", folder / "segments.csv", "-o", folder / "themes.csv", "--llm", "none")
    assert done.exit_code == 0, done.output
    rows = read_rows(folder / "themes.csv")
    assert [r["segment_id"] for r in rows] == [r["segment_id"] for r in read_rows(folder / "segments.csv")]
    assert all(bool(r["theme_id"]) == bool(r["theme"]) == bool(r["membership"]) for r in rows)


def test_given_embeddings_decide_the_groups(folder: Path) -> None:
    rows = read_rows(folder / "segments.csv")
    rng = np.random.default_rng(0)
    side = np.array([i % 2 for i in range(len(rows))])
    vectors = np.eye(2)[side] + rng.normal(0, 0.01, (len(rows), 2))
    np.save(folder / "v.npy", vectors)
    done = run(
        "discover", folder / "segments.csv", "-o", folder / "t.csv", "--llm", "none", "--embeddings", folder / "v.npy"
    )
    assert done.exit_code == 0, done.output
    found = read_rows(folder / "t.csv")
    for theme in {r["theme_id"] for r in found} - {""}:
        assert len({i % 2 for i, r in enumerate(found) if r["theme_id"] == theme}) == 1


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((3, 2)), "one row for each of 24"),
        (np.array([["a"]] * 24), "wanted are floats"),
        (np.full((24, 2), np.nan), "no numbers"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(folder: Path, array: np.ndarray, says: str) -> None:
    np.save(folder / "v.npy", array)
    done = run(
        "discover", folder / "segments.csv", "-o", folder / "t.csv", "--llm", "none", "--embeddings", folder / "v.npy"
    )
    assert done.exit_code == 1
    assert says in done.output
