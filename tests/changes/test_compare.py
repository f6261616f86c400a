"""Two runs of one study, side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm import changes, study
from belonging_llm.codes import Coding, Outcome, Polarity
from belonging_llm.segments import Segment
from belonging_llm.study import Study
from belonging_llm.themes import Theme, ThemeMember
from belonging_llm.transcripts import Transcript


@pytest.fixture
def opened(tmp_path: Path) -> Study:
    made = study.create(tmp_path / "study")
    talk = Transcript(name="d", kind="segments", text="0123", turns=())
    places = {"transcript_id": talk.id, "document": "d", "participant": "P1", "turn": 0}
    segments = [Segment(id=f"s{i}", part=i, start=i, end=i + 1, text=str(i), **places) for i in range(4)]
    made.store.corpus.add(talk, segments)
    return made


def run(opened: Study, digest: str, said: dict[tuple[str, str], Outcome], *themes: Theme, **settings: object) -> str:
    made = opened.store.runs.start(digest, settings)
    opened.store.findings.add_themes(made.id, themes)
    codings = [
        Coding(
            segment_id=s,
            code=c,
            coder="model:m",
            outcome=o,
            confidence=0.7,
            polarity=Polarity.EXPERIENCED if o is Outcome.ASSIGNED else None,
        )
        for (s, c), o in said.items()
    ]
    opened.store.findings.add_codings(codings, made.id)
    opened.store.runs.finish(made.id, "complete")
    return made.id


YES, NO, OPEN = Outcome.ASSIGNED, Outcome.NOT_ASSIGNED, Outcome.ABSTAINED


def test_a_first_run_is_all_new_and_nothing_in_it_differs(opened: Study) -> None:
    first = run(opened, "1", {("s0", "home"): YES, ("s1", "home"): NO})
    found = changes.changes(opened, opened.store.runs.get(first))
    assert (found.before, found.new, found.outcomes, found.causes) == (None, ("s0", "s1"), (), ())
    assert not found.nothing


def test_a_run_is_held_against_the_one_that_finished_before_it(opened: Study) -> None:
    theme = Theme(
        id="T1",
        ordinal=1,
        name="Home",
        definition="",
        members=(ThemeMember(segment_id="s0", strength=1, belongs="core"),),
    )
    run(opened, "0", {("s0", "home"): NO}, llm="older still")
    first = run(opened, "1", {("s0", "home"): YES, ("s1", "home"): NO, ("s2", "old"): NO}, theme, llm="a")
    second = run(opened, "2", {("s0", "home"): OPEN, ("s1", "home"): NO, ("s3", "new"): NO}, theme, llm="b")
    found = changes.changes(opened, opened.store.runs.get(second))
    assert found.before is not None
    assert found.before.id == first
    assert (found.new, found.gone, found.judged) == (("s3",), ("s2",), 2)
    assert [(c.segment_id, c.code, c.before.outcome, c.after.outcome) for c in found.outcomes] == [
        ("s0", "home", YES, OPEN)
    ]
    assert [(c.kind, c.before, c.after) for c in found.causes] == [("model", "a", "b")]
    assert (found.appeared, found.dropped) == (("new",), ("old",))
    assert [t.became for t in found.themes] == ["continued"]


def test_runs_that_found_the_same_changed_nothing(opened: Study) -> None:
    run(opened, "1", {("s0", "home"): YES})
    second = run(opened, "2", {("s0", "home"): YES})
    assert changes.changes(opened, opened.store.runs.get(second)).nothing


def test_full_codings_of_some_segments(opened: Study) -> None:
    made = run(opened, "1", {("s0", "home"): YES, ("s0", "group"): NO, ("s1", "home"): NO})
    assert [(c.segment_id, c.code) for c in opened.store.outcomes.codings(made, ["s0"])] == [
        ("s0", "group"),
        ("s0", "home"),
    ]
