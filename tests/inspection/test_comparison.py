"""Every kind of difference between a run and people, in a study; and keeping it up to date."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from audited import framework, ident, people_code, run, text

from belonging_llm import inspection
from belonging_llm.codes import Coding, EvidenceSpan, Judgement, Outcome, Polarity
from belonging_llm.deliberation import People
from belonging_llm.inspection import KINDS, Beside, Comparison, Search
from belonging_llm.segments import Segment
from belonging_llm.study import Study

YES, NO, OPEN, FAILED = Outcome.ASSIGNED, Outcome.NOT_ASSIGNED, Outcome.ABSTAINED, Outcome.FAILED
# By the number of the segment in its interview: what the model says of `home`, and how that stands to people.
MODEL = {"0": YES, "1": NO, "2": NO, "3": YES, "4": OPEN, "5": OPEN, "6": FAILED, "7": YES}


def said(segment: Segment, code: str) -> Outcome:
    return MODEL[segment.id[-1]] if code == "home" else NO


@pytest.fixture
def opened(talks: Path) -> Study:
    # Three people give `home` to 0, 2 and 4 of every interview; nobody judged number 7.
    judged = [ident(p, s) for p in range(12) for s in range(7)]
    people_code(talks, segments=judged, found=lambda one, code: code == "home" and one[-1] in "024")
    run(talks, said)
    return Study(talks)


def compared(opened: Study) -> Comparison:
    people = People(opened.store, "adjudicated")
    people.refresh()
    last = opened.store.runs.latest()
    assert last is not None
    codes = [code.id for code in opened.framework().assignable]
    return Comparison(opened.store, inspection.matrix(opened.store, last.id, codes), people)


def kind(found: Comparison, segment: str, code: str = "home") -> Beside:
    return KINDS[found.kind[found.matrix.row[segment], found.matrix.column[code]]]


def test_every_kind_of_difference(opened: Study) -> None:
    found = compared(opened)
    told = {number: kind(found, f"s00{number}") for number in "01234567"}
    assert told == {
        "0": Beside.SAME,
        "1": Beside.SAME,
        "2": Beside.MISSED,
        "3": Beside.EXTRA,
        "4": Beside.LEFT,
        "5": Beside.LEFT,
        "6": Beside.LEFT,
        "7": Beside.UNJUDGED,
    }


def test_a_ruling_changes_how_the_model_stands(opened: Study) -> None:
    found = compared(opened)
    store = opened.store
    store.findings.add_codings([Coding(segment_id="s001", code="home", coder="adjudicated", outcome=YES)])
    store.findings.add_judged([Judgement(segment_id="s001", coder="adjudicated", at="2026-01-01")])
    assert kind(found, "s001") is Beside.SAME
    changed = found.people.refresh()
    assert changed == {"s001"}
    found.update(changed)
    assert kind(found, "s001") is Beside.MISSED


def test_another_polarity_and_other_words_are_differences_of_their_own(talks: Path) -> None:
    opened = Study(talks)
    spoken = len(text(0, 0))
    codings = [
        Coding(
            segment_id=one,
            code="home",
            coder="A",
            outcome=YES,
            polarity=Polarity.EXPERIENCED,
            evidence=(EvidenceSpan(start=0, end=4),),
        )
        for one in ("s000", "s001", "s002")
    ]
    opened.store.findings.add_codings(codings)
    opened.store.findings.add_judged([Judgement(segment_id=c.segment_id, coder="A") for c in codings])
    model = {
        "s000": (Polarity.ABSENT, 0),
        "s001": (Polarity.EXPERIENCED, spoken - 5),
        "s002": (Polarity.EXPERIENCED, 2),
    }
    made = opened.store.runs.start("d", {})
    opened.store.findings.add_codings(
        [
            Coding(
                segment_id=one,
                code="home",
                coder="model:m",
                outcome=YES,
                polarity=way,
                evidence=(EvidenceSpan(start=start, end=start + 5),),
            )
            for one, (way, start) in model.items()
        ],
        made.id,
    )
    opened.store.runs.finish(made.id, "complete")
    found = compared(opened)
    assert [kind(found, one) for one in model] == [Beside.POLARITY, Beside.EVIDENCE, Beside.SAME]


def test_pages_follow_each_other_and_hold_every_pair_once(opened: Study) -> None:
    found = compared(opened)
    matrix = found.matrix
    none = np.full(matrix.outcome.shape, -1, np.int8)
    nobody = np.zeros(len(matrix.segments), bool)

    def pages(wanted: Search) -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        while True:
            after = seen[-1] if seen else None
            from dataclasses import replace

            page = inspection.search(
                replace(wanted, after=after), matrix, found.kind, none, sealed=nobody, attributes={}
            )
            assert page.place == len(seen)
            seen += page.pairs
            if not page.more:
                assert page.total == len(seen) == len(set(seen))
                return seen

    everything = pages(Search(size=7))
    assert everything == [(p.id, code) for p in matrix.segments for code in framework(opened.folder)]
    assert sorted(pages(Search(size=7, order="least sure"))) == sorted(everything)
    missed = pages(Search(beside=(Beside.MISSED,), size=5))
    assert missed == [(ident(p, 2), "home") for p in range(12)]
