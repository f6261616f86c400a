"""Codings from files keep away from people who code in the review application, and it is said what to do."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from uuid import uuid4

import pytest

sys.path.insert(0, str(Path(__file__).parent / "auditing"))

from audited import ident, make_talks

from belonging_llm.exchange import place
from belonging_llm.importing import Imported, Kind, import_paths
from belonging_llm.passages import Passage, PassageCoding
from belonging_llm.review import accounts
from belonging_llm.store import JudgementKind, Mark, Role, Said
from belonging_llm.store.exchanges import Batch, Brought
from belonging_llm.study import Study

ONE, TWO = ident(0, 0), ident(0, 1)


@pytest.fixture
def opened(tmp_path: Path) -> Study:
    """ann codes in the application as Ann and has said one thing; an adjudicator settled it."""
    made = Study(make_talks(tmp_path / "talks"))
    accounts.add(made, "ann", Role.CODER, coder="Ann")
    for kind, coder in ((JudgementKind.BLIND, "Ann"), (JudgementKind.ADJUDICATION, "adjudicated")):
        made.store.judgements.submit(
            Said(
                key=uuid4().hex,
                kind=kind,
                segment_id=ONE,
                reviewer="ann",
                coder=coder,
                marks=(Mark(code="home"),),
                codebook_digest=made.framework().digest,
            )
        )
    return made


def bring(opened: Study, *rows: tuple[str, str, str]) -> Imported:
    path = opened.folder / f"{uuid4().hex}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("segment_id", "coder", "code"), *rows])
    (done,) = import_paths(opened, [path], Kind.CODINGS)
    return done


def test_codings_under_a_coders_name_are_refused_with_the_remedy(opened: Study) -> None:
    before = opened.store.findings.codings(), opened.store.findings.judgements()
    done = bring(opened, (ONE, "Ann", "group"), (TWO, "Ann", "group"))
    assert done.added == 0
    assert "Ann codes in the review application (account ann)" in done.problem
    assert "'Ann (file)'" in done.problem
    assert (opened.store.findings.codings(), opened.store.findings.judgements()) == before
    # A closed account has said what it said.
    accounts.revoke(opened, "ann")
    assert bring(opened, (TWO, "Ann", "group")).added == 0


def test_other_rows_of_the_file_come_in(opened: Study) -> None:
    done = bring(opened, (ONE, "Ann", "group"), (ONE, "Ann (file)", "group"), (TWO, "Ben", "home"))
    assert done.added == 2
    assert "row 2: left out" in done.problem
    assert {c.coder for c in opened.store.findings.codings()} == {"Ann", "Ann (file)", "Ben", "adjudicated"}
    # Who has no codings from a file goes on coding in the application.
    ann = {"kind": JudgementKind.BLIND, "reviewer": "ann", "coder": "Ann", "codebook_digest": "", "none_fits": True}
    assert opened.store.judgements.submit(Said(key=uuid4().hex, segment_id=TWO, **ann)).id


def test_what_was_settled_there_no_file_changes(opened: Study) -> None:
    done = bring(opened, (ONE, "adjudicated", "group"), (TWO, "adjudicated", "group"))
    assert done.added == 1
    assert f"has a record of adjudicated on segment {ONE}" in done.problem
    ruled = {(c.segment_id, c.code) for c in opened.store.findings.codings() if c.coder == "adjudicated"}
    assert ruled == {(ONE, "home"), (TWO, "group")}


def test_passages_of_a_project_are_kept_and_not_counted_as_theirs(opened: Study) -> None:
    segment = next(s for s in opened.store.corpus.segments() if s.id == TWO)
    given = [
        PassageCoding(id=f"c{n}", passage_id="p", code="group", coder=coder) for n, coder in enumerate(("Ann", "Ben"))
    ]
    passage = Passage(id="p", transcript_id=segment.transcript_id, start=segment.start, end=segment.end)
    brought = Brought(
        digest="d", file="f", name="n", origin="o", description="", users={}, codes={}, variables=(), sets=(),
        offsets="", codings=2, kept=2, left_out=(), notes=(),
    )  # fmt: skip
    batch = Batch(brought=brought, sources=(), passages=(passage,), codings=tuple(given), memos=(), places=(), cases=())
    opened.store.exchanges.add(batch)
    placed = place(opened, [segment.transcript_id])
    assert placed.claimed == {"Ann": 1}
    assert len(opened.store.exchanges.codings()) == 2
    judged = {(j.segment_id, j.coder) for j in opened.store.findings.judgements()}
    assert (TWO, "Ben") in judged
    assert {segment for segment, coder in judged if coder == "Ann"} == {ONE}
