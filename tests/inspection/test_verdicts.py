"""Verdicts on outcomes of a run: kept as records of their own, and left out of everything that is counted."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from audited import ident, outcome, people_code, run, true

from belonging_llm.auditing.gold import candidate, gold
from belonging_llm.auditing.lessons import teaching
from belonging_llm.codes import Coding, Outcome, Polarity
from belonging_llm.errors import InputError
from belonging_llm.inspection import Room, Search, Verdict, say, search
from belonging_llm.inspection.matrix import NOTHING
from belonging_llm.store import JudgementKind, Said
from belonging_llm.store.reviewing import judgements
from belonging_llm.store.schema import judgement
from belonging_llm.study import Study

ONE = ident(0, 0)


@pytest.fixture
def opened(talks: Path) -> Study:
    people_code(talks)
    run(talks, lambda segment, code: outcome(true(segment.id, code)))
    return Study(talks)


def coding(opened: Study, code: str = "home") -> tuple[str, Coding]:
    last = opened.store.runs.latest()
    assert last is not None
    (found,) = [c for c in opened.store.outcomes.codings(last.id, [ONE]) if c.code == code]
    return last.id, found


def verdict(opened: Study, kind: Verdict, code: str = "home", supersedes: int = 0, **how: object) -> int:
    run_id, found = coding(opened, code)
    given = {"reviewer": "dora", "coder": "dora", "reason": "look again", "key": uuid4().hex} | how
    return say(opened, run_id, found, kind, supersedes=supersedes, **given).id  # type: ignore[arg-type]


def test_a_verdict_stands_for_nothing_in_agreement_and_teaches_nothing(opened: Study) -> None:
    everybody = {s.participant for s in opened.store.corpus.segments()}
    segments = sorted(opened.store.corpus.segments(), key=lambda s: s.id)
    judged = candidate(opened, None)
    before, taught = gold(opened, judged, everybody), teaching(opened, segments).digest
    verdict(opened, Verdict.REJECT)
    verdict(opened, Verdict.CORRECT, "group", supersedes=1, outcome=Outcome.ASSIGNED, polarity=Polarity.ABSENT)
    after = gold(opened, judged, everybody)
    assert after.humans.coders == before.humans.coders == ("A", "B", "C")
    assert (after.humans.marks == before.humans.marks).all()
    assert (after.settled == before.settled).all()
    assert teaching(opened, segments).digest == taught
    assert "dora (audit)" not in opened.store.findings.coders()


def test_the_last_verdict_on_a_pair_is_found_by_the_filter(opened: Study) -> None:
    here = Room(opened)
    run_id, _ = coding(opened)
    first = verdict(opened, Verdict.REJECT)
    assert _found(here, run_id, Verdict.REJECT) == {(ONE, "home")}
    verdict(opened, Verdict.ACCEPT, supersedes=first, reason="")
    assert _found(here, run_id, Verdict.REJECT) == set()
    assert _found(here, run_id, True) == {(ONE, "home")}
    # Another person's word on another code of the same segment stands beside it.
    verdict(opened, Verdict.CORRECT, "group", coder="mia", reviewer="mia", outcome=Outcome.ASSIGNED)
    assert _found(here, run_id, True) == {(ONE, "home"), (ONE, "group")}
    # Read again from the start it is the same.
    again = Room(opened)
    again.refresh()
    assert (again.run(run_id).audited == here.run(run_id).audited).all()


def _found(here: Room, run_id: str, audited: Verdict | bool) -> set[tuple[str, str]]:
    here.refresh()
    reviewed = here.run(run_id)
    matrix = reviewed.beside.matrix
    nobody = here.hidden(reviewed, here.seal()) & False
    page = search(Search(audited=audited), matrix, reviewed.beside.kind, reviewed.audited, sealed=nobody, attributes={})
    return set(page.pairs)


def test_verdicts_on_one_run_say_nothing_of_another(opened: Study, talks: Path) -> None:
    run_id, _ = coding(opened)
    verdict(opened, Verdict.REJECT)
    people_code(talks, ("Z",), found=lambda one, code: not true(one, code), name="more.csv")
    second = run(talks)
    assert second != run_id
    here = Room(Study(talks))
    here.refresh()
    assert (here.run(second).audited == NOTHING).all()
    assert (here.run(run_id).audited != NOTHING).sum() == 1


def test_what_is_no_verdict(opened: Study) -> None:
    with pytest.raises(InputError, match="what is wrong"):
        verdict(opened, Verdict.REJECT, reason=" ")
    with pytest.raises(InputError, match="what the outcome should be"):
        verdict(opened, Verdict.CORRECT)
    with pytest.raises(InputError, match="as it stands"):
        verdict(opened, Verdict.CORRECT, outcome=Outcome.ASSIGNED)
    assert opened.store.judgements.head(ONE, "dora (audit)") is None


def test_what_it_should_be_is_kept(opened: Study) -> None:
    verdict(opened, Verdict.CORRECT, outcome=Outcome.NOT_ASSIGNED)
    record = opened.store.judgements.head(ONE, "dora (audit)")
    assert record is not None
    assert record.saw_model
    assert record.marks == ()
    assert (record.details["was"], record.details["outcome"]) == ("assigned", "not_assigned")


def test_the_room_hides_test_and_what_may_come_to_be_test(opened: Study) -> None:
    here = Room(opened)
    here.refresh()
    run_id, _ = coding(opened)
    reviewed = here.run(run_id)
    seal = here.seal()
    assert len(seal.hidden) == 5  # of twelve participants, at .4 of them
    assert seal.undivided == frozenset()
    shown = {
        place.participant
        for place, out in zip(reviewed.beside.matrix.segments, here.hidden(reviewed, seal), strict=True)
        if not out
    }
    assert shown == {p for p in seal.parts if seal.parts[p] != "test"}
    opened.store.audits.unseal(who="somebody", candidate="a run", pinned={})
    assert here.seal().hidden == frozenset()


def test_a_verdict_that_came_in_behind_a_later_one_is_noted(opened: Study) -> None:
    """Of two transactions the one with the higher number may end first."""
    here = Room(opened)
    run_id, _ = coding(opened)
    _numbered(opened, 100, run_id, "dora", "home")
    assert _found(here, run_id, Verdict.REJECT) == {(ONE, "home")}
    _numbered(opened, 50, run_id, "mia", "group")
    assert _found(here, run_id, Verdict.REJECT) == {(ONE, "home"), (ONE, "group")}


def _numbered(opened: Study, number: int, run_id: str, who: str, code: str) -> None:
    """A verdict that got this number when its transaction began."""
    said = Said(
        key=uuid4().hex,
        kind=JudgementKind.AUDIT,
        segment_id=ONE,
        reviewer=who,
        coder=f"{who} (audit)",
        saw_model=True,
        codebook_digest="",
        details={"run": run_id, "code": code, "verdict": "reject"},
    )
    with opened.store._engine.begin() as connection:
        connection.execute(judgement.insert(), judgements._row(said) | {"id": number})
