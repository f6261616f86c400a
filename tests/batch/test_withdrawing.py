"""Whoever withdraws is gone from batches too: from what was learned, from places, from the list of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from growing import drop, grow, opens, segments, set_to, state

from belonging_llm.batch import tell
from belonging_llm.study import Study
from belonging_llm.withdrawal import withdraw


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch)


def leave(folder: Path, who: str) -> str:
    """Withdraw; what the certificate says."""
    opened = Study(folder)
    _, path = withdraw(opened, who, "Ana")
    return path.read_text(encoding="utf-8")


def test_somebody_whom_a_batch_brought_withdraws(study: Path) -> None:
    drop(study, "P09", "P10")
    run = grow(study)
    assert run is not None
    theirs = segments(study, "P09")
    assert theirs
    leave(study, "P09")
    opened = Study(study)
    told = json.dumps(opened.store.runs.get(run.id).counts) + str(state(study))
    assert not [ident for ident in theirs if ident in told]
    assert {a.name for a in opened.store.arrivals.of_run(run.id)} == {"P10.txt"}
    assert opened.store.coders.of(run.base_id or "") is None
    assert opened.store.coders.tally(run.id) is None
    assert not (study / "inbox" / "P09.txt").exists()
    assert not list((study / "reports").rglob("*.html"))
    drop(study, "P09")
    assert grow(study) is None, "their file is nothing new"
    for path in study.glob("study.sqlite*"):
        assert not [ident for ident in theirs if ident.encode() in path.read_bytes()]


def test_a_batch_after_a_withdrawal_learns_anew_without_asking_again(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(study, "P09")
    grow(study)
    leave(study, "P01")
    chat = opens(monkeypatch)
    drop(study, "P10")
    run = grow(study)
    assert run is not None
    assert run.status == "complete"
    new = segments(study, "P10")
    assert 0 < len(chat.asked) <= len(new)
    opened = Study(study)
    assert opened.store.coders.of(run.base_id or "") is not None
    assert opened.store.coders.tally(run.id) == opened.store.coders.count(run.id)
    assert opened.store.findings.coded(run.id) == segments(study)


def test_files_that_were_left_are_told_of_without_theirs(study: Path) -> None:
    drop(study, "P09")
    for name in ("P02.docx.part", "report.docx.part"):
        (study / "inbox" / name).write_text("half of it", encoding="utf-8")
    run = grow(study)
    assert run is not None
    opened = Study(study)
    assert {line.name for line in tell(opened, run).left} == {"P02.docx.part", "report.docx.part"}
    leave(study, "P02")
    (line,) = tell(opened, opened.store.runs.get(run.id)).left
    assert (line.name, bool(line.reason)) == ("report.docx.part", True)
    opened.store.close()


def test_the_certificate_speaks_of_an_inbox_elsewhere(study: Path, tmp_path: Path) -> None:
    assert "inbox" not in leave(study, "P02")
    set_to(study, inbox=str(tmp_path / "shared"))
    assert f"files in the inbox {tmp_path / 'shared'}: take theirs out there" in leave(study, "P03")
