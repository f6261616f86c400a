"""Which files are read now: those that nobody has touched for a while, once for each content."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from belonging_llm.errors import InputError
from belonging_llm.inbox import Inbox, look
from belonging_llm.inbox.folder import Lying
from belonging_llm.store.arrivals import Arrival, Outcome
from belonging_llm.study import Study

HOUR = 3600.0


def put(study: Study, name: str, words: str = "hello", *, age: float = HOUR) -> Path:
    path = study.folder / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words, encoding="utf-8")
    changed = time.time() - age
    os.utime(path, (changed, changed))
    return path


def ready(study: Study, *, later: float = 0.0) -> list[str]:
    return [one.name for one in look(study, Inbox(study), clock=time.time() + later).ready]


def left(study: Study, *, later: float = 0.0) -> list[str]:
    return [name for name, _ in look(study, Inbox(study), clock=time.time() + later).left]


def read(study: Study, name: str, outcome: Outcome) -> None:
    """Note a file as read, as it lies there now."""
    one = Inbox(study).again(name)
    assert one is not None
    study.store.arrivals.note(
        Arrival(
            name=name,
            digest="d" * 64,
            size=one.size,
            modified=one.modified,
            at="2026-01-01T00:00:00+00:00",
            run_id=None,
            outcome=outcome,
        )
    )


def test_what_lies_still_is_read_in_name_order(study: Study) -> None:
    for name in ("b.txt", "a.txt", "more/c.txt"):
        put(study, name)
    assert ready(study) == ["a.txt", "b.txt", "more/c.txt"]


def test_what_was_touched_just_now_is_left(study: Study) -> None:
    put(study, "a.txt", age=5)
    assert (ready(study), left(study)) == ([], ["a.txt"])
    assert "touched it for 60 seconds (`settle` in study.toml)" in look(study, Inbox(study)).left[0][1]
    assert ready(study, later=60) == ["a.txt"]


def test_a_file_that_grows_between_two_looks_is_left_again(study: Study) -> None:
    put(study, "a.txt", "one", age=30)
    assert left(study) == ["a.txt"]
    put(study, "a.txt", "one and two", age=-30)
    assert left(study, later=59) == ["a.txt"]
    assert ready(study, later=100) == ["a.txt"]


def test_a_clock_that_runs_ahead_does_not_hold_a_file_for_ever(study: Study) -> None:
    put(study, "a.txt", age=-10 * HOUR)
    assert left(study) == ["a.txt"]
    assert left(study, later=30) == ["a.txt"]
    assert ready(study, later=61) == ["a.txt"]


@pytest.mark.parametrize("name", ["a.txt.part", "a.docx.crdownload", "~$a.docx", "a.txt~", "A.TMP", "more/b.filepart"])
def test_names_of_unfinished_files_are_left(study: Study, name: str) -> None:
    put(study, name)
    assert (ready(study), left(study)) == ([], [name])


def test_hidden_files_are_nobodys_material(study: Study) -> None:
    put(study, ".DS_Store")
    put(study, ".sync/a.txt")
    found = look(study, Inbox(study))
    assert (found.ready, found.left) == ((), ())


@pytest.mark.parametrize("outcome", [Outcome.IMPORTED, Outcome.KNOWN, Outcome.REFUSED])
def test_a_file_is_read_again_only_when_it_changes(study: Study, outcome: Outcome) -> None:
    put(study, "a.txt")
    read(study, "a.txt", outcome)
    assert (ready(study), left(study)) == ([], [])
    put(study, "a.txt", "other words")
    assert ready(study) == ["a.txt"]


def test_an_import_that_was_interrupted_is_taken_up_again(study: Study) -> None:
    put(study, "a.txt")
    read(study, "a.txt", Outcome.BEGUN)
    assert ready(study) == ["a.txt"]


def test_a_file_that_cannot_be_read_is_left(study: Study) -> None:
    put(study, "a.txt")

    class Locked(Inbox):
        def digest(self, name: str, chunk: int = 1 << 20) -> str:
            raise PermissionError(name)

    found = look(study, Locked(study))
    assert found.ready == ()
    assert [name for name, why in found.left if "could not be read" in why] == ["a.txt"]


def test_no_folder_is_an_empty_inbox(study: Study) -> None:
    (study.folder / "inbox").rmdir()
    assert ready(study) == []


def test_an_inbox_elsewhere_by_path_and_by_url(study: Study, tmp_path: Path) -> None:
    other = tmp_path / "shared drive"
    other.mkdir()
    (other / "x.txt").write_text("words", encoding="utf-8")
    for place in (str(other), f"file://{other}"):
        assert [one.name for one in Inbox(study, place).lying()] == ["x.txt"]


def test_an_inbox_in_memory_through_fsspec(study: Study) -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    files.pipe("/box/deep/y.txt", b"some words")
    try:
        inbox = Inbox(study, "memory://box")
        (found,) = inbox.lying()
        assert (found.name, found.size) == ("deep/y.txt", 10)
        assert inbox.again(found.name) == found
        inbox.fetch(found.name, study.folder / "copy.txt")
        assert (study.folder / "copy.txt").read_text() == "some words"
    finally:
        files.rm("/box", recursive=True)


def test_a_file_system_that_tells_no_time_needs_two_looks_alike(study: Study) -> None:
    """Some stores tell no moment of change."""
    from belonging_llm.inbox import looking

    one = Lying("a.txt", 3, "", None)
    seen = looking.leave(one, "")
    moment = time.time()
    assert not looking._settled(one, None, 60, moment)
    assert not looking._settled(one, seen, 60, moment + 50)
    assert looking._settled(one, seen, 60, moment + 70)
    assert not looking._settled(Lying("a.txt", 4, "", None), seen, 60, moment + 70)


def test_an_unknown_kind_of_place_is_refused(study: Study) -> None:
    with pytest.raises(InputError, match="nowhere://x"):
        Inbox(study, "nowhere://x")
