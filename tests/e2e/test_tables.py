"""Plain tables and suites with a model elsewhere: leave, an estimate, a hard stop, and a rerun that continues."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import studies
from chat_server import ChatServer, Fault
from click.testing import CliRunner, Result
from studies import EACH

from belonging_llm import cli
from belonging_llm.adapters import factory
from belonging_llm.codebook import load
from belonging_llm.tables import read_rows

pytestmark = pytest.mark.usefixtures("belonging")
CODES = [code.id for code in load("odl-belonging").assignable]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.make(tmp_path_factory.mktemp("tables") / "study", studies.sample("P01", "P02"))


@pytest.fixture
def folder(study: Path, tmp_path: Path, belonging: studies.InProcess) -> Path:
    """Tables of sample segments, of a codebook, and of one code that two coders gave by turns."""
    assert belonging("status", study).exit_code == 0, "which cuts the interviews"
    texts = sorted(studies.segments(study).items())
    write(tmp_path / "segments.csv", [("segment_id", "document_id", "text"), *((i, i[:2], t) for i, t in texts)])
    framework = load("odl-belonging")
    rows = [(c.id, c.name, c.definition or c.name) for c in framework.assignable]
    write(tmp_path / "codebook.csv", [("code", "name", "definition"), *rows])
    given = [
        (i, coder, CODES[k % 2] if (k + (coder == "B")) % 3 else "") for k, (i, _) in enumerate(texts) for coder in "AB"
    ]
    write(tmp_path / "codes.csv", [("segment_id", "coder", "code"), *given])
    suite = "name: toy\nteach: [0]\nsplits: 2\nask: [0.0, 0.5]\ncalibrate: 5\nmin_positives: 5\n"
    (tmp_path / "suite.yaml").write_text(suite, encoding="utf-8")
    return tmp_path


def write(path: Path, rows: list[Any]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)


COMMANDS = {
    "code": ("code", "segments.csv", "--codebook", "codebook.csv", "-o", "out.csv", "--ask-share", "0.8"),
    "discover": ("discover", "segments.csv", "-o", "themes.csv"),
    "eval": ("eval", "suite.yaml", "--data", "."),
}
EVERY = pytest.mark.parametrize("name", COMMANDS)


def run(name: str, folder: Path, server: ChatServer, *more: str, said: str = "") -> Result:
    words = [str(folder / word) if "." in word and word[0].isalpha() else word for word in COMMANDS[name]]
    words = [str(folder) if word == "." else word for word in words]
    return CliRunner().invoke(cli.main, [*words, "--llm", server.spec, *more], input=said)


@EVERY
def test_text_leaves_this_machine_only_when_that_is_said(
    name: str, folder: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory, "is_loopback", lambda _: False)
    done = run(name, folder, server, "--yes")
    assert done.exit_code == 1
    assert "--allow-remote" in done.stderr
    assert server.log == []
    assert run(name, folder, server, "--yes", "--allow-remote").exit_code == 0
    assert server.log
    sent = len(server.log)
    assert run(name, folder, server, "--yes").exit_code == 1, "leave is given for one command"
    assert len(server.log) == sent


@EVERY
@pytest.mark.usefixtures("dear")
def test_nothing_is_sent_before_somebody_agrees(name: str, folder: Path, server: ChatServer) -> None:
    done = run(name, folder, server)
    assert done.exit_code == 1
    assert "nobody is at a terminal" in done.stderr
    assert server.log == []
    done = run(name, folder, server, "--yes")
    assert done.exit_code == 0, done.output
    about = next(line for line in done.stderr.splitlines() if "questions:" in line)
    segments, *themes = (int(word) for word in about.split() if word.isdigit())
    assert server.kinds["code"] <= segments
    assert sum(server.kinds[kind] for kind in ("label", "rename", "map")) <= sum(themes)
    assert len(server.log) > 0
    tokens = next(line for line in done.stderr.splitlines() if "tokens:" in line)
    assert sum(a.body["max_tokens"] for a in server.log) <= int(tokens.split("at most ")[1].split()[0].replace(",", ""))


@EVERY
@pytest.mark.usefixtures("dear")
def test_a_limit_stops_and_a_higher_one_continues(name: str, folder: Path, server: ChatServer) -> None:
    for more in (["--calls", "3"], ["--calls", "3"], ["--budget", f"{3 * EACH:.2f}"]):
        done = run(name, folder, server, "--yes", "--concurrency", "1", *more)
        assert done.exit_code == 3, done.output
        assert "is reached" in done.stderr
        assert "Traceback" not in done.output
        assert len(server.replies) == 3, "the same limit again buys nothing"
    assert "so far: 3 calls of this run" in done.stderr
    done = run(name, folder, server, "--yes", "--calls", "4000")
    assert done.exit_code == 0, done.output
    assert set(server.counts.values()) == {1}, "nothing is asked twice"


@pytest.mark.usefixtures("dear")
def test_figures_as_json_hold_what_it_took(folder: Path, server: ChatServer) -> None:
    done = run("code", folder, server, "--yes", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    calls = len(server.replies)
    assert found["calls"] == found["usage"]["calls"] == calls > 0
    assert (found["usage"]["prompt_tokens"], found["usage"]["completion_tokens"]) == (10 * calls, 5 * calls)
    assert found["cost"]["usd"] == pytest.approx(calls * EACH)
    assert sum(found["outcomes"].values()) == found["segments"] * len(CODES)
    assert found["complete"] is True
    themes = json.loads(run("discover", folder, server, "--yes", "--json").stdout)
    assert themes["cost"]["usd"] == pytest.approx(themes["calls"] * EACH)
    assert sum(themes["themes"].values()) >= themes["segments"] - themes["unassigned"]


@pytest.mark.usefixtures("dear")
def test_people_are_told_what_it_took(folder: Path, server: ChatServer) -> None:
    done = run("code", folder, server, "--yes")
    calls = len(server.replies)
    said = f"whole run: {calls} calls, {10 * calls} tokens in, {5 * calls} out, cost USD {calls * EACH:.2f}"
    assert said in done.stdout
    again = run("code", folder, server, "--yes")
    assert "model calls: 0" in again.stdout
    assert said in again.stdout


def test_repaired_and_lost_evidence_are_told(folder: Path, server: ChatServer) -> None:
    """Of the replies a third misquotes, a third invents: what is left of it is literal, marked and counted."""
    server.faults = lambda number, _: (None, Fault.MISQUOTED, Fault.INVENTED_QUOTE)[number % 3]
    done = run("code", folder, server, "--json", "--concurrency", "1")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    rows = read_rows(folder / "out.csv")
    texts = {row["segment_id"]: row["text"] for row in read_rows(folder / "segments.csv")}
    assert [(r["segment_id"], r["code"]) for r in rows] == [(s, c) for s in texts for c in sorted(CODES)]
    for row in rows:
        assert row["outcome"] in {"assigned", "not_assigned", "abstained"}
        assert 0 <= float(row["confidence"]) <= 1
        assert row["polarity"] in {"", "experienced", "absent", "mixed"}
        assert bool(row["evidence"]) == (row["outcome"] == "assigned") == bool(row["repaired"])
        if row["evidence"]:
            assert row["evidence"] == texts[row["segment_id"]][int(row["start"]) : int(row["end"])]
    assert sum(row["repaired"] == "yes" for row in rows) > 0
    assert found["evidence"]["repaired"] >= sum(row["repaired"] == "yes" for row in rows)
    assert found["evidence"]["unlocated"] > 0
    assert found["evidence"]["unlocated"] >= found["evidence"]["demoted"] > 0
    lost = [row for row in rows if "quotes words that are not there" in row["rationale"]]
    assert len(lost) == found["evidence"]["unlocated"]


def test_replies_of_a_suite_are_kept_where_that_is_said(folder: Path, server: ChatServer) -> None:
    assert run("eval", folder, server).exit_code == 0
    first = len(server.log)
    assert not list(folder.glob("*.sqlite*")), "a model that runs here is asked again"
    for _ in range(2):
        assert run("eval", folder, server, "--replies", str(folder / "kept.sqlite")).exit_code == 0
        assert len(server.log) == 2 * first
