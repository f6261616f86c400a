"""Live figures are those of the audit, and say when too little stands behind them."""

from __future__ import annotations

from pathlib import Path

import pytest
from audited import PARTICIPANTS, ident, outcome, people_code, run, true, who

from belonging_llm import codebook, inspection, revising
from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.gold import candidate, gold
from belonging_llm.auditing.splits import Part
from belonging_llm.codebook import Code
from belonging_llm.deliberation import People
from belonging_llm.deliberation.deciding import decide, take_over
from belonging_llm.evaluation import Estimate, Interval, Resampling, undefined
from belonging_llm.inspection import agreement
from belonging_llm.segments import Segment
from belonging_llm.study import Study


def differing(one: str, code: str) -> bool:
    return true(one, code) ^ (one.endswith("7") and code == "home")


@pytest.fixture
def opened(talks: Path) -> Study:
    people_code(talks, ("A", "B"), name="ab.csv")
    people_code(talks, ("C",), found=differing, name="c.csv")

    def said(segment: Segment, code: str) -> object:
        return outcome(true(segment.id, code) ^ (segment.id.endswith("3") and code == "home"))

    run(talks, said)  # type: ignore[arg-type]
    return Study(talks)


def test_live_figures_are_those_of_the_audit(opened: Study) -> None:
    _same_as_the_audit(opened)


def test_a_code_that_came_later_is_held_against_nobody(talks: Path) -> None:
    """A and B code, a code comes, C codes half with it in the codebook: nobody's silence before says anything."""
    people_code(talks, ("A", "B"), name="ab.csv")
    opened = Study(talks)
    after = codebook.put(opened.framework(), Code(id="song", name="Songs", definition="Somebody sings."))
    revising.save(opened, after, by="A", reason="it came up")

    def sings(one: str, code: str) -> bool:
        return one.endswith(("2", "5")) if code == "song" else differing(one, code)

    half = [ident(p, s) for p in range(PARTICIPANTS) for s in range(1, 6)]
    people_code(talks, ("C",), segments=half, found=sings, name="c.csv")
    run(talks, lambda segment, code: outcome(true(segment.id, code)))
    _same_as_the_audit(opened)

    people = People(opened.store, "adjudicated")
    people.refresh()
    ready = [ident(p, s) for p in range(PARTICIPANTS) for s in range(6, 8)]
    made = take_over(opened, people, [*ready, half[0]], reviewer="dora", coder="dora")
    assert len(made) == len(ready) + 1
    assert opened.framework().digest not in {record.codebook_digest for record in made}
    people.refresh()
    (ruling,) = [people.ruling(half[0])]
    assert ruling is not None
    assert ruling.not_asked == {"song"}
    _same_as_the_audit(opened)


def test_what_was_settled_after_looking_counts_nowhere_and_is_counted(opened: Study) -> None:
    """The adjudicator denies every code of four segments; they had looked at two, where the coders' word stays."""
    people = People(opened.store, "adjudicated")
    people.refresh()
    segments = {s.id: s for s in opened.store.corpus.segments()}
    four = [ident(p, s) for p in range(2) for s in (2, 3)]
    opened.store.viewings.note("dora", "audit", [(segments[i].transcript_id, i) for i in four[:2]])
    for one in four:
        decide(
            opened, people, one, [], reviewer="dora", coder="dora", reason="none", key=f"settles-{one}", supersedes=0
        )
    people.refresh()
    assert people.anchored(segments) == (2, 2)
    _same_as_the_audit(opened)
    found = gold(opened, candidate(opened, None), {s.participant for s in segments.values()})
    assert (found.anchored, found.anchored_decisions, found.settled_by) == (2, 2, "adjudicated")
    place = [found.humans.units.index(one) for one in four]
    expected = [[int(true(one, code)) for code in found.humans.codes] for one in four[:2]] + [[0, 0]] * 2
    assert found.settled[place].tolist() == expected
    assert sum(map(sum, expected)) > 0
    warned = audit(opened, part=Part.DEVELOPMENT).warnings
    inside = audit(opened, part=Part.DEVELOPMENT).flow.anchored
    assert any("of them settle a segment" in line for line in warned) == bool(inside)


def _same_as_the_audit(opened: Study) -> None:
    wanted = audit(opened, part=Part.DEVELOPMENT)
    people = People(opened.store, "adjudicated")
    people.refresh()
    codes = [code.id for code in opened.framework().assignable]
    inside = {
        s.id: s.participant
        for s in opened.store.corpus.segments()
        if s.participant in wanted.provenance.split["development"]
    }
    found = agreement.of_people(people, inside, codes)
    assert found is not None
    how = Resampling(draws=opened.settings.audit.draws, seed=opened.settings.seed)
    last = opened.store.runs.latest()
    assert last is not None
    matrix = inspection.matrix(opened.store, last.id, codes)
    live = agreement.gold_of(found, people, matrix, people.anchored(inside))
    own = gold(opened, candidate(opened, None), set(inside.values()))
    assert live.humans.units == own.humans.units
    assert (live.humans.marks == own.humans.marks).all()
    assert (live.settled == own.settled).all()
    assert (live.anchored, live.anchored_decisions, live.settled_by) == (
        own.anchored,
        own.anchored_decisions,
        own.settled_by,
    )
    rows = agreement.with_model(live, how)
    for row, beside, alone in zip(rows, wanted.against, wanted.paradox, strict=True):
        assert row.among.found == beside.among_humans
        assert row.beside.found == beside.with_model
        assert row.difference.found == beside.difference
        assert row.settled.found == alone.model.kappa
    for one in agreement.among(found, how):
        assert one.alpha.found == wanted.ceiling.codes[one.code].alpha


def test_judgements_made_with_the_models_in_sight_change_no_figure(opened: Study) -> None:
    people = People(opened.store, "adjudicated")
    people.refresh()
    codes = [code.id for code in opened.framework().assignable]
    inside = {s.id: s.participant for s in opened.store.corpus.segments()}
    before = agreement.of_people(people, inside, codes)
    people_code(opened.folder, ("D",), found=lambda one, code: not true(one, code), saw_model="yes", name="d.csv")
    assert people.refresh()
    after = agreement.of_people(people, inside, codes)
    assert before is not None
    assert after is not None
    assert after.coders == before.coders == ("A", "B", "C")
    assert (after.marks == before.marks).all()


def test_nobody_has_coded(talks: Path) -> None:
    opened = Study(talks)
    people = People(opened.store, "adjudicated")
    people.refresh()
    assert agreement.of_people(people, {"s000": who(0)}, ["home"]) is None


def near(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, interval=Interval(low, high))


def test_a_figure_says_when_too_little_stands_behind_it() -> None:
    enough = agreement.figure(near(0.7, 0.6, 0.8), units=80, positives=20)
    assert (enough.silent, enough.notices) == (False, ())
    few = agreement.figure(near(0.7, 0.6, 0.8), units=29, positives=4)
    assert few.silent
    assert few.notices[0].startswith("29 segments: too few")
    assert few.notices[1].startswith("4 with the code: too few")
    wide = agreement.figure(near(0.5, 0.1, 0.9), units=80, positives=20)
    assert wide.silent
    assert "0.80 wide" in wide.notices[0]
    loose = agreement.figure(Estimate(0.7), units=80, positives=20)
    assert loose.silent
    none = agreement.figure(undefined("nobody gave it"), units=80, positives=0)
    assert none.silent


def test_how_many_segments_would_tell() -> None:
    # Bloch & Kraemer: 1.96² · .4 · [.4 · (−.2) + .6 · 1.4 / (2 · .3 · .7)] / .1² = 3.8415 · .768 / .01 = 295.03.
    assert agreement.wanted(0.6, 100, 30) == 296
    assert agreement.wanted(None, 100, 30) is None
    assert agreement.wanted(0.6, 100, 0) is None
