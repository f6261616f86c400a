"""Records of what people said: counted once, never rewritten, and the last of them stands as the coding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from belonging_llm import study as studies
from belonging_llm.codes import Coding, EvidenceSpan, Judgement, Outcome
from belonging_llm.errors import InputError
from belonging_llm.review import accounts
from belonging_llm.segments import split
from belonging_llm.store import JudgementKind, Mark, Role, Said
from belonging_llm.store.reviewing import Overtaken
from belonging_llm.store.schema import judgement
from belonging_llm.study import Study
from belonging_llm.transcripts import parse_text

TALK = "P01: I felt at home there. The group was always awake when I was.\n\nP02: Nobody wrote to me at all.\n"


@pytest.fixture
def study(tmp_path: Path, either_store: str) -> Iterator[Study]:
    made = studies.create(tmp_path / "study")
    talk = parse_text(TALK, name="talk", place="talk")
    made.store.corpus.add(talk)
    made.store.corpus.add_segments(talk.id, split(talk, min_words=3), "x")
    accounts.add(made, "ann", Role.CODER)
    accounts.assign(made, "ann", seed=1)
    yield made
    made.store.close()


def said(study: Study, key: str, *codes: str, **more: Any) -> Said:
    fields: dict[str, Any] = {
        "key": key,
        "kind": JudgementKind.BLIND,
        "segment_id": study.store.corpus.segments()[0].id,
        "reviewer": "ann",
        "coder": "ann",
        "marks": tuple(Mark(code=code) for code in codes),
        "codebook_digest": "d",
    }
    return Said.model_validate(fields | more)


def codings(study: Study, coder: str = "ann") -> list[str]:
    return [c.code for c in study.store.findings.codings() if c.coder == coder]


def test_a_form_that_is_sent_twice_counts_once(study: Study) -> None:
    first = study.store.judgements.submit(said(study, "the form", "a", seconds=2))
    assert study.store.judgements.submit(said(study, "the form", "a", seconds=9)) == first
    assert len(study.store.judgements.of(first.segment_id)) == 1


def test_the_same_form_with_something_else_in_it_is_refused(study: Study) -> None:
    study.store.judgements.submit(said(study, "the form", "a"))
    with pytest.raises(Overtaken, match="sent before"):
        study.store.judgements.submit(said(study, "the form", "b"))
    assert codings(study) == ["a"]


def test_the_last_record_stands(study: Study) -> None:
    first = study.store.judgements.submit(said(study, "first form", "a", "b"))
    assert codings(study) == ["a", "b"]
    second = study.store.judgements.submit(said(study, "second form", none_fits=True, supersedes=first.id))
    assert codings(study) == []
    assert [j.coder for j in study.store.findings.judgements()] == ["ann"], "judged, and none applies"
    study.store.judgements.submit(said(study, "third form", skipped=True, supersedes=second.id))
    assert study.store.findings.judgements() == [], "what is skipped was not judged"
    assert [r.key for r in study.store.judgements.history(first.segment_id, "ann")][-1] == "third form"
    assert [r.key for r in study.store.judgements.current()] == ["third form"]


def test_who_did_not_see_the_last_record_is_told(study: Study) -> None:
    study.store.judgements.submit(said(study, "first form", "a"))
    with pytest.raises(Overtaken, match="another window"):
        study.store.judgements.submit(said(study, "second form", "b"))
    assert codings(study) == ["a"]


def test_records_refuse_changes(study: Study) -> None:
    study.store.judgements.submit(said(study, "first form", "a", memo="as I see it"))
    with study.store._engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="append-only"):
        connection.execute(judgement.update().values(memo="otherwise"))


def test_several_are_kept_together_or_not_at_all(study: Study) -> None:
    one, other = study.store.corpus.segments()[:2]
    both = [said(study, f"form {s.id}", "a", segment_id=s.id) for s in (one, other)]
    bad = said(study, "third form", "a", segment_id="nowhere")
    with pytest.raises(InputError, match="nowhere"):
        study.store.judgements.submit_all([*both, bad])
    assert study.store.judgements.current() == []
    assert len(study.store.judgements.submit_all(both)) == 2


def test_an_audit_stands_for_nothing(study: Study) -> None:
    audit = said(study, "an audit", kind="audit", coder="ann (audit)", saw_model=True, details={"verdict": "accept"})
    kept = study.store.judgements.submit(audit)
    assert kept.details == {"verdict": "accept"}
    assert (study.store.findings.codings(), study.store.findings.judgements()) == ([], [])


def test_an_adjudication_stands_under_the_adjudicators_name(study: Study) -> None:
    settled = said(study, "a decision", "b", kind="adjudication", coder="adjudicated", reviewer="dora", memo="because")
    study.store.judgements.submit(settled)
    assert codings(study, "adjudicated") == ["b"]
    item = study.store.queues.item("ann", settled.segment_id)
    assert item is not None
    assert item.state == "pending", "it is not the coder's own"


def test_codings_from_a_file_stay_as_they_are(study: Study) -> None:
    segment = study.store.corpus.segments()[0].id
    study.store.findings.add_codings([Coding(segment_id=segment, code="a", coder="ann", outcome=Outcome.ASSIGNED)])
    study.store.findings.add_judged([Judgement(segment_id=segment, coder="ann")])
    with pytest.raises(InputError, match="from a file"):
        study.store.judgements.submit(said(study, "first form", "b"))
    assert codings(study) == ["a"]


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (5, 2), (0, 10_000)])
def test_a_span_lies_within_the_words(study: Study, start: int, end: int) -> None:
    mark = Mark(code="a", spans=(EvidenceSpan(start=start, end=end),))
    with pytest.raises(InputError, match="not within"):
        study.store.judgements.submit(said(study, "first form", marks=(mark,)))
    assert study.store.judgements.current() == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "no code is chosen"),
        ({"marks": [{"code": "a"}], "none_fits": True}, "none fits"),
        ({"marks": [{"code": "a"}, {"code": "a"}]}, "twice"),
        ({"none_fits": True, "saw_model": True}, "does not code blind"),
    ],
)
def test_what_contradicts_itself_is_no_record(study: Study, more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        said(study, "first form", **more)


def test_a_draft_that_arrives_after_its_form_is_not_kept(study: Study) -> None:
    from belonging_llm.store import Draft

    record = study.store.judgements.submit(said(study, "first form", "a"))
    late = study.store.queues.keep_draft("ann", record.segment_id, Draft(memo="x"), flagged=False, key="first form")
    assert not late


def test_each_coder_has_an_order_of_their_own_and_it_can_be_drawn_again(study: Study) -> None:
    for name in ("ben", "eve"):
        accounts.add(study, name, Role.CODER)
    accounts.assign(study, "ben", seed=1)
    orders = {who: [i.segment_id for i in study.store.queues.page(who)] for who in ("ann", "ben")}
    assert orders["ann"] == orders["ben"]
    accounts.assign(study, "eve")
    queue = study.store.queues.get("eve")
    assert queue is not None
    assert queue.drawn_from == "all"
    assert queue.seed >= 0


def test_a_coder_cannot_take_a_name_whose_codings_came_from_a_file(study: Study) -> None:
    study.store.findings.add_judged([Judgement(segment_id=study.store.corpus.segments()[0].id, coder="A")])
    with pytest.raises(InputError, match="came from a file"):
        accounts.add(study, "A", Role.CODER)
    accounts.add(study, "A", Role.CODER, coder="A2")
