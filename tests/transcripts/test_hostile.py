"""A folder of hostile and damaged files beside sound ones: every file gets its line, and the sound ones come in."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

from belonging_llm.importing import import_paths
from belonging_llm.study import Study, create


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile", Path(__file__).with_name("hostile.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hostile = _module()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create(tmp_path / "study")


def laid_out(folder: Path, files: Iterable[tuple[str, bytes]]) -> list[str]:
    folder.mkdir()
    names = []
    for name, raw in files:
        (folder / name).write_bytes(raw)
        names.append(name)
    return names


def test_hostile_files_are_refused_one_by_one_and_the_others_come_in(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    bad = laid_out(folder, hostile.refused())
    assert len(bad) > 90
    (folder / "sound.txt").write_text(hostile.TALK, encoding="utf-8")
    done = {item.path.name: item for item in import_paths(study, [folder])}
    assert set(done) == {*bad, "sound.txt"}
    assert (done["sound.txt"].added, done["sound.txt"].problem) == (1, "")
    for name in bad:
        assert done[name].added == 0, name
        assert name in done[name].problem
    assert len(study.store.corpus.transcript_ids()) == 1
    reasons = {"bomb.docx": "zip bomb", "bomb.pdf": "unpacks to more", "circle.pdf": "hold no text|circles|damaged",
               "laughs.odt": "document type", "locked.docx": "without a password", "scan.pdf": "as scans do",
               "link.docx": "is a link", "slip-0.odt": "outside", "long-line.txt": "larger than 4 MiB"}  # fmt: skip
    for name, why in reasons.items():
        assert re.search(why, done[name].problem), done[name].problem


def test_damaged_files_are_refused_or_read_and_none_stops_the_others(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    files = laid_out(folder, [*hostile.damaged(), *((f"sound{e}", raw) for e, raw in hostile.whole().items())])
    assert len(files) > 160
    done = {item.path.name: item for item in import_paths(study, [folder])}
    assert set(done) == set(files)
    for name, item in done.items():
        assert item.note or name in item.problem, name
        if name.startswith("sound"):
            assert not item.problem, name
    # Every transcript is whole: its turns lie in its text, and its words are said to stand somewhere.
    for ident in study.store.corpus.transcript_ids():
        found = study.store.corpus.transcript(ident)
        assert found.source is not None
        assert all(0 <= turn.start < turn.end <= len(found.text) for turn in found.turns)
        assert all(found.source.places(turn.start, turn.end) for turn in found.turns)


def test_files_made_to_take_for_ever_do_not(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    files = laid_out(folder, hostile.slow())
    assert {item.path.name for item in import_paths(study, [folder])} == set(files)


def test_what_is_no_plain_file_is_refused(study: Study, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    os.mkfifo(tmp_path / "pipe.csv")
    os.mkfifo(tmp_path / "pipe.docx")
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    paths = [tmp_path / name for name in ("pipe.txt", "pipe.csv", "pipe.docx", "dangling.txt", "loop.txt")]
    done = import_paths(study, paths)
    assert [item.path.name in item.problem for item in done] == [True] * 5
