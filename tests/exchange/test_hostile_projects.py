"""Damaged and hostile files are refused one by one, soon and without much memory, and the others come in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_projects import HANDMADE, files

ROOT = Path(__file__).parent.parent.parent
# Seconds of processor time and KiB of memory for one file.
MOST_SECONDS, MOST_KIB = 5.0, 200 * 1024


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What became of each generated file, by its name."""
    given = tmp_path_factory.mktemp("given")
    made = list(files(given))
    assert len(made) >= 250
    study = tmp_path_factory.mktemp("study") / "study"
    script = Path(__file__).parent / "importing_alone.py"
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(given), "PATH": os.environ["PATH"]}
    command = [sys.executable, str(script), str(study), str(given)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["file"] for row in rows} >= {path.name for path in made}
    return {row["file"]: row for row in rows}


def test_every_file_has_its_line_with_a_reason(reports: dict[str, dict[str, object]]) -> None:
    for name, row in reports.items():
        assert row["note"] or row["problem"], name
        if row["problem"]:
            assert name in str(row["problem"])


def test_no_file_costs_much(reports: dict[str, dict[str, object]]) -> None:
    slow = {name: row["cpu"] for name, row in reports.items() if float(str(row["cpu"])) > MOST_SECONDS}
    large = {name: row["kib"] for name, row in reports.items() if int(str(row["kib"])) > MOST_KIB}
    assert (slow, large) == ({}, {})


@pytest.mark.parametrize("name", sorted(set(HANDMADE) - {"many.qdpx"}))
def test_what_is_meant_ill_brings_no_codings(name: str, reports: dict[str, dict[str, object]]) -> None:
    assert reports[name]["added"] == 0
    # A text that cannot be read leaves the rest of its project; everything else is refused as a whole.
    assert reports[name]["problem"] or "codings in the file" in str(reports[name]["note"])


def test_nothing_of_this_machine_comes_in(reports: dict[str, dict[str, object]]) -> None:
    assert "root:" not in json.dumps(reports)


def test_most_damaged_files_are_refused_and_none_is_half_counted(reports: dict[str, dict[str, object]]) -> None:
    refused = [name for name, row in reports.items() if row["problem"]]
    assert len(refused) >= 150
    for row in reports.values():
        said = re.search(r"(\d+) codings in the file: (\d+) kept, (\d+) left out", str(row["note"]))
        if said:
            assert int(said[1]) == int(said[2]) + int(said[3])
            assert int(said[2]) == row["added"]
            assert bool(row["problem"]) == (int(said[3]) > 0)
