"""What people say is noticed whatever order transactions end in."""

from __future__ import annotations

import csv
from pathlib import Path
from uuid import uuid4

import pytest
from audited import ident, make_talks

from belonging_llm.deliberation import People
from belonging_llm.importing import Kind, import_paths
from belonging_llm.store import JudgementKind, Mark, Said, Store
from belonging_llm.store.reviewing import judgements
from belonging_llm.study import Study

ONE, TWO, THREE = ident(0, 0), ident(0, 1), ident(1, 0)


def said(coder: str, segment: str, *codes: str, supersedes: int = 0) -> Said:
    return Said(
        key=uuid4().hex,
        kind=JudgementKind.BLIND,
        segment_id=segment,
        reviewer=coder,
        coder=coder,
        marks=tuple(Mark(code=code) for code in codes),
        none_fits=not codes,
        codebook_digest="",
        supersedes=supersedes,
    )


@pytest.fixture
def store(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("BELONGING_STORE", postgres_url)
    return Study(make_talks(tmp_path / "talks")).store


@pytest.mark.parametrize("again", [True, False])
def test_a_record_that_ends_behind_a_later_one_is_noticed(store: Store, again: bool) -> None:
    """Whether it says something new, or says something else than its coder said before, so that no more is judged."""
    first = store.judgements.submit(said("A", ONE, "home")).id if again else 0
    people = People(store, "adjudicated")
    people.refresh()
    with store._engine.connect() as slow, slow.begin() as transaction:
        mine = judgements._kept(slow, said("A", ONE, "group", supersedes=first), {})
        later = store.judgements.submit(said("B", TWO, "home"))
        assert mine.id < later.id
        assert people.refresh() == {TWO}
        before = [word.given for word in people.raw(ONE)]
        transaction.commit()
    assert before == ([{"home"}] if again else [])
    assert ONE in people.refresh()
    assert [word.given for word in people.raw(ONE)] == [{"group"}]
    assert people.refresh() == frozenset()


def test_it_is_noticed_beside_another_that_is_new(store: Store) -> None:
    first = store.judgements.submit(said("A", ONE, "home")).id
    people = People(store, "adjudicated")
    people.refresh()
    with store._engine.connect() as slow, slow.begin() as transaction:
        judgements._kept(slow, said("A", ONE, supersedes=first), {})
        store.judgements.submit(said("B", TWO, "home"))
        people.refresh()
        transaction.commit()
    store.judgements.submit(said("B", THREE, "home"))
    assert people.refresh() >= {ONE, THREE}
    assert [word.given for word in people.raw(ONE)] == [frozenset()]


def test_a_coding_that_a_file_adds_to_what_was_judged_is_noticed(tmp_path: Path) -> None:
    """Nobody judged more than before, and the newest coding is somebody else's."""
    opened = Study(make_talks(tmp_path / "talks"))
    people = People(opened.store, "adjudicated")
    for n, code in enumerate(("home", "group")):
        with (path := tmp_path / f"{n}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("segment_id", "coder", "code"), (ONE, "F", code)])
        assert not import_paths(opened, [path], Kind.CODINGS)[0].problem
        assert people.refresh() == {ONE}
    assert people.raw(ONE)[0].given == {"home", "group"}
