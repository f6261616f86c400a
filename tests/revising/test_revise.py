"""A codebook is changed knowingly: what a change voids is said first, a reason is kept, nothing is deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from books import BOOK

from belonging_llm import codebook, revising, study
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import Coding, Judgement, Outcome
from belonging_llm.errors import CodebookError, InputError, LeakError, StaleError
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.study import Study

TALK = """Interviewer: How was it?

P01: The people in the study group wrote to me every night and I felt at home there.

Interviewer: And later?

P01: Later the tutor of the second module sang marmalade songs to all of us.
"""


@pytest.fixture
def made(tmp_path: Path) -> Study:
    (tmp_path / "own.yaml").write_text(BOOK, encoding="utf-8")
    opened = study.create(tmp_path / "study", framework=str(tmp_path / "own.yaml"))
    (opened.folder / "transcripts" / "P01.txt").write_text(TALK, encoding="utf-8")
    assert not import_paths(opened, [opened.folder / "transcripts"])[0].problem
    split_transcripts(opened)
    one, *_ = segments = opened.store.corpus.segments()
    given = [("home", "A"), ("home", "B"), ("group", "A")]
    opened.store.findings.add_codings(
        [Coding(segment_id=one.id, code=code, coder=coder, outcome=Outcome.ASSIGNED) for code, coder in given]
    )
    opened.store.findings.add_judged([Judgement(segment_id=s.id, coder="A") for s in segments])
    return opened


def edited(opened: Study, **fields: object) -> Framework:
    return codebook.put(opened.framework(), opened.framework().code("home").model_copy(update=fields))


def test_a_version_has_author_reason_time_and_the_earlier_ones_stay(made: Study) -> None:
    first = made.framework()
    saved = revising.save(made, edited(made, definition="It feels like home now."), by="Ana", reason="too wide")
    assert (saved.number, saved.by, saved.reason) == (2, "Ana", "too wide")
    assert made.framework().digest == saved.digest
    back = revising.save(made, first, by="Ana", reason="no, it was right")
    assert [v.digest for v in made.store.codebooks.versions()] == [first.digest, saved.digest, first.digest]
    assert (back.number, made.framework()) == (3, first)
    assert made.store.codebooks.get(saved.digest).code("home").definition == "It feels like home now."


def test_what_changes_meaning_names_the_codings_that_were_made_before(made: Study) -> None:
    proposal = revising.propose(made, edited(made, definition="It feels like a house."))
    assert [(u.code, u.coder, u.codings) for u in proposal.voids.meaning] == [("home", "A", 1), ("home", "B", 1)]
    assert proposal.voids.lines == (
        "home: 2 codings (A 1, B 1) were made when it meant something else. They are kept, and still count.",
    )
    assert not revising.propose(made, edited(made, definition="It feels like a house."), ["home"]).voids
    assert not revising.propose(made, edited(made, name="Home", examples=("I am home.",))).voids


def test_a_code_that_people_used_goes_only_when_somebody_says_what_becomes_of_the_codings(made: Study) -> None:
    after = codebook.retire(made.framework(), "home")
    with pytest.raises(CodebookError, match="people coded with home"):
        revising.save(made, after, by="Ana", reason="not needed")
    before = made.store.findings.codings()
    revising.save(made, after, by="Ana", reason="not needed", keep=["home"])
    assert made.store.findings.codings() == before
    (gone,) = revising.retired(made)
    assert (gone.code.name, gone.last, sum(u.codings for u in gone.uses)) == ("At home", 1, 2)
    again = revising.propose(made, codebook.put(made.framework(), gone.code))
    assert "home: 2 codings (A 1, B 1) count again." in again.voids.lines


def test_a_new_code_says_who_was_never_asked_about_it(made: Study) -> None:
    proposal = revising.propose(made, codebook.put(made.framework(), Code(id="new", name="Songs")))
    n = len(made.store.corpus.segments())
    assert proposal.voids.unasked == (("A", n),)
    assert "Nobody was asked about Songs so far." in proposal.voids.lines[0]


def test_verdicts_of_an_opened_test_split_are_void_and_it_is_said(made: Study) -> None:
    for digest in (made.framework().digest, "another"):
        made.store.audits.unseal(who="Ben", candidate="run 1", pinned={"codebook": digest})
    lines = revising.propose(made, edited(made, name="Home")).voids.lines
    assert len(lines) == 1
    assert "by Ben for run 1, are void" in lines[0]


def test_outcomes_of_the_last_analysis_are_counted(made: Study) -> None:
    run = made.store.runs.start("inputs", {"codebook": {"digest": made.framework().digest}})
    one = made.store.corpus.segments()[0]
    codings = [
        Coding(segment_id=one.id, code=code, coder="model:m", outcome=Outcome.NOT_ASSIGNED)
        for code in ("home", "group")
    ]
    made.store.findings.add_codings(codings, run.id)
    made.store.runs.finish(run.id, "complete")
    voids = revising.propose(made, edited(made, name="Home")).voids
    assert (voids.run and voids.run.id, voids.outcomes) == (run.id, 2)
    revising.save(made, edited(made, name="Home"), by="Ana", reason="shorter")
    assert revising.propose(made, edited(made, name="Homes")).voids.run is None, "it is of an older codebook already"


def test_two_people_at_once(made: Study) -> None:
    base = made.framework().digest
    revising.save(made, edited(made, definition="Another."), by="Ana", reason="clearer", base=base)
    other = Code(id="group", name="Group", parent="top", definition="People who study together.")
    joined = revising.with_code(made, other, base)
    assert (joined.code("home").definition, joined.code("group").name) == ("Another.", "Group")
    with pytest.raises(StaleError, match=r"Ana changed home meanwhile: definition \(clearer\)"):
        revising.with_code(made, made.framework().code("home").model_copy(update={"name": "Home"}), base)
    with pytest.raises(StaleError, match="changed meanwhile"):
        revising.save(made, joined, by="Ben", reason="shorter", base=base)
    revising.save(made, codebook.retire(made.framework(), "home"), by="Ana", reason="out", keep=["home"])
    with pytest.raises(StaleError, match=r"Ana retired home meanwhile \(out\)"):
        revising.without_code(made, "home", base)


def test_without_author_or_reason_or_change_nothing_is_saved(made: Study) -> None:
    for by, reason in (("", "why"), ("Ana", " ")):
        with pytest.raises(InputError, match="author and a reason"):
            revising.save(made, edited(made, name="Home"), by=by, reason=reason)
    with pytest.raises(InputError, match="nothing changed"):
        revising.save(made, made.framework(), by="Ana", reason="why")
    assert len(made.store.codebooks.versions()) == 1


def test_words_of_the_sealed_test_split_cannot_become_an_example(made: Study) -> None:
    made.store.audits.lock({"P01": "test"}, {})
    after = edited(made, examples=("the tutor of the second module sang marmalade songs",))
    assert [leak.place for leak in revising.propose(made, after).leaks] == ["codebook own, code home, example"]
    with pytest.raises(LeakError, match="code home"):
        revising.save(made, after, by="Ana", reason="a good one")


def test_a_version_is_found_by_number_place_and_digest(made: Study) -> None:
    saved = revising.save(made, edited(made, name="Home"), by="Ana", reason="shorter")
    first = made.store.codebooks.versions()[0]
    assert revising.asked_for(made, "1") == revising.asked_for(made, "first") == first
    assert revising.asked_for(made, "last") == revising.asked_for(made, saved.digest[:8]) == saved
    with pytest.raises(CodebookError, match="no such version of the codebook; the study has 1, 2"):
        revising.asked_for(made, "9")
