"""Decisions are records of the adjudicator, beside everybody's own; and people's words are up to date at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from audited import demand, ident, people_code

from belonging_llm import codebook, revising
from belonging_llm.codebook import Code
from belonging_llm.codes import Outcome
from belonging_llm.deliberation import NOT_ASKED, About, Docket, People, Standing
from belonging_llm.deliberation.deciding import decide, heard_of, take_over
from belonging_llm.errors import InputError
from belonging_llm.store import JudgementKind, Mark, Role, Said
from belonging_llm.store.reviewing import Overtaken
from belonging_llm.study import Study

ONE, TWO, THREE = ident(0, 0), ident(0, 1), ident(1, 0)


def says(opened: Study, coder: str, segment: str, *codes: str, supersedes: int = 0) -> int:
    """Somebody codes a segment in the application; returns the record's number."""
    said = Said(
        key=uuid4().hex,
        kind=JudgementKind.BLIND,
        segment_id=segment,
        reviewer=coder,
        coder=coder,
        marks=tuple(Mark(code=code) for code in codes),
        none_fits=not codes,
        codebook_digest=opened.framework().digest,
        supersedes=supersedes,
    )
    return opened.store.judgements.submit(said).id


@pytest.fixture
def opened(talks: Path) -> Study:
    """A and B disagree on the first segment, agree on the second; one person coded the third."""
    made = Study(talks)
    for coder, codes in (("A", ["home"]), ("B", ["group"])):
        says(made, coder, ONE, *codes)
        says(made, coder, TWO, "home")
    says(made, "A", THREE)
    return made


@pytest.fixture
def people(opened: Study) -> People:
    found = People(opened.store, "adjudicated")
    found.refresh()
    return found


def settle(opened: Study, people: People, segment: str, codes: Sequence[str], supersedes: int = 0, **how: str) -> int:
    given = {"reviewer": "dora", "coder": "dora", "reason": "as defined", "key": uuid4().hex} | how
    marks = [Mark(code=code) for code in codes]
    return decide(opened, people, segment, marks, supersedes=supersedes, **given).id


def docket(opened: Study, people: People) -> Docket:
    made = Docket(people, [place.id for place in opened.store.outcomes.places()], ("home", "group"))
    made.update(people.segments)
    return made


def test_the_docket_says_what_waits(opened: Study, people: People) -> None:
    found = docket(opened, people)
    progress = found.progress()
    assert {s: n for s, n in progress.standings.items() if n} == {
        Standing.OPEN: 1,
        Standing.AGREED: 1,
        Standing.ONCE: 1,
    }
    assert (progress.waiting, progress.contested) == (1, {"home": 1, "group": 1})
    assert list(found.those([Standing.OPEN])) == [ONE]
    assert list(found.those([Standing.OPEN], code="home", about=About.CODE)) == [ONE]
    assert list(found.those([Standing.OPEN], about=About.POLARITY)) == []
    assert list(found.those([Standing.OPEN, Standing.AGREED, Standing.ONCE], after=TWO)) == [THREE]


def test_codes_that_the_codebook_has_no_more_are_held_against_nobody(opened: Study, people: People) -> None:
    found = Docket(people, [ONE], ("another",))
    found.update(people.segments)
    assert found.standing(ONE) is Standing.AGREED


def test_a_decision_stands_beside_what_the_coders_said(opened: Study, people: People) -> None:
    before = {(c.coder, c.code) for c in opened.store.findings.codings() if c.segment_id == ONE}
    settle(opened, people, ONE, ["home"])
    assert people.refresh() == {ONE}
    ruling = people.ruling(ONE)
    assert ruling is not None
    assert ruling.given == {"home"}
    assert ruling.on("home").rationale == "as defined"
    assert [word.coder for word in people.raw(ONE)] == ["A", "B"]
    after = {(c.coder, c.code) for c in opened.store.findings.codings() if c.segment_id == ONE}
    assert after == before | {("adjudicated", "home")}


def test_a_decision_can_say_that_none_applies_and_be_changed(opened: Study, people: People) -> None:
    first = settle(opened, people, ONE, [])
    people.refresh()
    ruling = people.ruling(ONE)
    assert ruling is not None
    assert ruling.given == frozenset()
    with pytest.raises(Overtaken):
        settle(opened, people, ONE, ["home"])
    settle(opened, people, ONE, ["home"], supersedes=first)
    people.refresh()
    ruling = people.ruling(ONE)
    assert ruling is not None
    assert ruling.given == {"home"}
    assert len(opened.store.judgements.history(ONE, "adjudicated")) == 2


def test_what_cannot_be_decided(opened: Study, people: People) -> None:
    with pytest.raises(InputError, match="say in a few words why"):
        settle(opened, people, ONE, ["home"], reason="  ")
    with pytest.raises(InputError, match="nobody has coded it"):
        settle(opened, people, ident(5, 5), ["home"])
    with pytest.raises(InputError, match="not a code of the codebook"):
        settle(opened, people, ONE, ["elsewhere"])
    with pytest.raises(InputError, match="cannot settle it"):
        settle(opened, people, ONE, ["home"], coder="A")
    assert opened.store.judgements.head(ONE, "adjudicated") is None


def test_the_study_may_let_people_settle_what_they_coded(opened: Study, talks: Path) -> None:
    demand(talks, adjudicate_own="true")
    allowed = Study(talks)
    people = People(allowed.store, "adjudicated")
    people.refresh()
    assert settle(allowed, people, ONE, ["home"], coder="A")


def test_agreed_segments_are_taken_over_a_record_each(opened: Study, people: People) -> None:
    made = take_over(opened, people, [ONE, TWO, THREE], reviewer="dora", coder="dora")
    # All who are handed in are taken but those that one person coded; the docket hands in agreed ones alone.
    assert [record.segment_id for record in made] == [ONE, TWO]
    made_of = {record.segment_id: [mark.code for mark in record.marks] for record in made}
    assert made_of == {ONE: [], TWO: ["home"]}
    assert {record.details["agreed"] for record in made} == {"yes"}
    people.refresh()
    assert take_over(opened, people, [TWO], reviewer="dora", coder="dora") == []


def test_ones_own_are_left_for_others_to_take_over(opened: Study, people: People) -> None:
    assert take_over(opened, people, [TWO], reviewer="ann", coder="A") == []


def test_people_are_up_to_date_whatever_they_do(opened: Study, people: People) -> None:
    # Said otherwise: the coding is taken back and nothing comes instead, so that no newer coding tells of it.
    last = opened.store.judgements.head(ONE, "B")
    assert last is not None
    says(opened, "B", ONE, supersedes=last.id)
    assert people.refresh() == {ONE}
    assert people.raw(ONE)[1].given == frozenset()
    assert people.refresh() == frozenset()
    version = people.version
    # Brought in from a file, with and without codes.
    people_code(opened.folder, ("C",), segments=[ident(2, 2), ident(2, 3)], found=lambda one, code: one == ident(2, 2))
    assert people.refresh() == {ident(2, 2), ident(2, 3)}
    assert people.raw(ident(2, 3))[0].given == frozenset()
    people_code(opened.folder, ("D",), segments=[ident(2, 3)], found=lambda one, code: False, name="none.csv")
    assert people.refresh() == {ident(2, 3)}
    assert people.version == version + 2


def test_who_saw_the_models_codings_is_nobodys_coder(opened: Study, people: People) -> None:
    people_code(opened.folder, ("E",), segments=[ONE], saw_model="yes", name="saw.csv")
    people.refresh()
    assert [word.coder for word in people.raw(ONE)] == ["A", "B"]


def test_words_are_read_as_they_were_kept(opened: Study, people: People) -> None:
    (a, b) = people.raw(ONE)
    assert (a.on("home").outcome, a.on("group").outcome) == (Outcome.ASSIGNED, Outcome.NOT_ASSIGNED)
    assert b.given == {"group"}


def test_nobody_is_said_to_have_denied_a_code_that_came_later(opened: Study, people: People) -> None:
    before = opened.framework().digest
    revising.save(
        opened, codebook.put(opened.framework(), Code(id="song", name="Songs", definition="Sings.")), by="A", reason="x"
    )
    assert people.refresh() >= {ONE, TWO, THREE}
    assert people.raw(TWO)[0].on("song") == NOT_ASKED
    # One of the two codes it anew, and finds the new code too: the other never said a thing about it.
    last = opened.store.judgements.head(TWO, "B")
    assert last is not None
    says(opened, "B", TWO, "home", "song", supersedes=last.id)
    people.refresh()
    assert docket(opened, people).standing(TWO) is Standing.AGREED
    (taken,) = take_over(opened, people, [TWO], reviewer="dora", coder="dora")
    assert ([mark.code for mark in taken.marks], taken.codebook_digest) == (["home"], before)
    # A decision is about what somebody was asked, and about the codes that it gives.
    settle(opened, people, ONE, ["home"])
    people.refresh()
    ruling = people.ruling(ONE)
    assert ruling is not None
    assert (ruling.on("song"), ruling.on("group").outcome) == (NOT_ASKED, Outcome.NOT_ASSIGNED)


def test_nothing_is_decided_over_words_that_were_not_shown(opened: Study, people: People) -> None:
    shown = heard_of(people.raw(ONE))
    last = opened.store.judgements.head(ONE, "B")
    assert last is not None
    says(opened, "B", ONE, supersedes=last.id)
    people.refresh()
    with pytest.raises(Overtaken, match="a coder said something else"):
        settle(opened, people, ONE, ["home"], heard=shown)
    assert opened.store.judgements.head(ONE, "adjudicated") is None
    settle(opened, people, ONE, ["home"], heard=heard_of(people.raw(ONE)))
    # What is taken over was agreed when it was read; the words must be those still.
    last = opened.store.judgements.head(TWO, "B")
    assert last is not None
    says(opened, "B", TWO, "group", supersedes=last.id)
    with pytest.raises(Overtaken, match="a coder said something else"):
        take_over(opened, people, [TWO], reviewer="dora", coder="dora")


def test_a_form_sent_twice_is_kept_once_whatever_coders_said_in_between(opened: Study, people: People) -> None:
    shown = heard_of(people.raw(ONE))
    first = settle(opened, people, ONE, ["home"], heard=shown, key="the same form")
    last = opened.store.judgements.head(ONE, "B")
    assert last is not None
    says(opened, "B", ONE, supersedes=last.id)
    people.refresh()
    assert settle(opened, people, ONE, ["home"], heard=shown, key="the same form") == first


@pytest.mark.parametrize(
    ("reviewer", "page", "marked"),
    [("dora", "audit-pair", True), ("dora", "audit", True), ("dora", "adjudicate", False), ("mia", "audit", False)],
)
def test_who_had_looked_at_the_models_word_is_noted(
    opened: Study, people: People, reviewer: str, page: str, marked: bool
) -> None:
    segments = {one.id: one for one in opened.store.corpus.segments()}
    opened.store.viewings.note(reviewer, page, [(segments[i].transcript_id, i) for i in (ONE, TWO)])
    settle(opened, people, ONE, ["home"])
    take_over(opened, people, [TWO], reviewer="dora", coder="dora")
    noted = [opened.store.judgements.head(one, "adjudicated") for one in (ONE, TWO)]
    assert [one.details.get("seen_model") for one in noted if one] == ["yes" if marked else None] * 2
    assert [one.saw_model for one in noted if one] == [marked] * 2


def test_what_is_settled_after_looking_is_settled_and_is_no_gold(opened: Study, people: People) -> None:
    segments = {one.id: one for one in opened.store.corpus.segments()}
    opened.store.viewings.note("dora", "audit-pair", [(segments[ONE].transcript_id, ONE)])
    first = settle(opened, people, ONE, ["home"])
    assert people.refresh() == {ONE}
    decision = people.decision(ONE)
    assert decision is not None
    assert (decision.saw_model, decision.given) == (True, {"home"})
    assert people.ruling(ONE) is None
    assert people.anchored([ONE, TWO]) == (1, 1)
    assert docket(opened, people).standing(ONE) is Standing.SETTLED
    # What the coders said stands as it does where nobody settled it.
    assert [(word.coder, word.given) for word in people.raw(ONE)] == [("A", {"home"}), ("B", {"group"})]
    # Somebody who has not looked settles it again, and that counts.
    settle(opened, people, ONE, ["group"], supersedes=first, reviewer="mia", coder="mia")
    people.refresh()
    assert people.ruling(ONE) == people.decision(ONE) is not None
    assert people.anchored([ONE, TWO]) == (0, 0)


def test_nobody_settles_their_own_codings_by_a_second_account(opened: Study, people: People) -> None:
    reviewers = opened.store.reviewers
    reviewers.add("anna", coder="A", role=Role.CODER)
    second = reviewers.add("anna-adj", coder="A", role=Role.ADJUDICATOR)
    with pytest.raises(InputError, match="cannot settle it"):
        settle(opened, people, ONE, ["home"], reviewer=second.name, coder=second.coder)
    assert take_over(opened, people, [TWO], reviewer=second.name, coder=second.coder) == []
    with pytest.raises(InputError, match="codes as 'A'"):
        reviewers.add("another", coder="A", role=Role.CODER)
