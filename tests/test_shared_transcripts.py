"""Published meeting files come in whole or are refused with a true reason, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm.importing import import_paths
from belonging_llm.study import create

SHARED = Path(__file__).parent.parent.parent / "shared" / "transcripts"
NAME = "zoomGroupStats_meeting001"


def test_every_published_file_comes_in_or_says_why_not(tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here")
    files = {path.name for path in SHARED.rglob("*") if path.is_file()}
    study = create(tmp_path / "study")
    done = {item.path.name: item for item in import_paths(study, [SHARED])}
    assert set(done) == files
    # Zoom's list of who attended holds two tables in one, and no column of participants' ids.
    assert {name for name, item in done.items() if item.problem} == {f"{NAME}_participants.csv"}
    assert "fit no kind" in done[f"{NAME}_participants.csv"].problem
    # The chat has a line for each message: time, name and words between tabs.
    lines = (SHARED / "zoom" / f"{NAME}_chat.txt").read_text(encoding="utf-8-sig").splitlines()
    told = [line.split("\t") for line in lines if line.strip()]
    chat = next(
        study.store.corpus.transcript(i) for i, name in study.store.corpus.names().items() if name == f"{NAME}_chat"
    )
    assert [(turn.speaker, chat.said(turn)) for turn in chat.turns] == [
        (who.removesuffix(":"), words.strip()) for _, who, words in told
    ]
    words = {row.transcript: 0 for item in done.values() for row in item.speakers}
    for item in done.values():
        for row in item.speakers:
            words[row.transcript] += row.words
    assert words[f"{NAME}_chat"] == sum(len(text.split()) for _, _, text in told)
