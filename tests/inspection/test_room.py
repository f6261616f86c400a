"""What pages share follows the study: what people say, other codebooks, new segments, and whoever leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from audited import bring, ident, people_code, run, who, write

from belonging_llm import theme_board, withdrawal
from belonging_llm.auditing.splits import Part
from belonging_llm.clusters import Belongs
from belonging_llm.evaluation import Resampling
from belonging_llm.inspection import Room
from belonging_llm.study import Study
from belonging_llm.themes import Move, Rename, Theme, ThemeMember, Undo


@pytest.fixture
def opened(talks: Path) -> Study:
    people_code(talks)
    run(talks)
    return Study(talks)


def test_whoever_leaves_is_gone_from_memory_too(opened: Study) -> None:
    here = Room(opened)
    here.refresh()
    last = opened.store.runs.latest()
    assert last is not None
    assert who(3) in here.run(last.id).beside.matrix.participants
    withdrawal.withdraw(opened, who(3), "")
    here.refresh()
    assert who(3) not in here.run(last.id).beside.matrix.participants
    assert who(3) not in here.participants.values()
    assert here.docket.standing(ident(3, 0)) is None
    assert here.people.raw(ident(3, 0)) == []


def test_segments_that_come_in_while_it_is_open_are_known(opened: Study, talks: Path, tmp_path: Path) -> None:
    here = Room(opened)
    here.refresh()
    names = ("segment_id", "document_id", "participant_id", "text")
    bring(
        talks, write(tmp_path / "more.csv", names, [("late", "d99", "P99", "Something else that was said later on.")])
    )
    people_code(talks, ("A", "B"), segments=["late"], found=lambda one, code: code == "home", name="late.csv")
    here.refresh()
    assert here.participant("late") == "P99"
    assert here.docket.standing("late") == "agreed"
    # Coded by people and in no part yet: it may come to be test, so it is not shown beside the model's word.
    assert here.seal().undivided == {"P99"}


def test_figures_are_made_again_only_when_something_changed(opened: Study, talks: Path) -> None:
    here = Room(opened)
    last = opened.store.runs.latest()
    assert last is not None

    def figures() -> object:
        here.refresh()
        matrix = here.run(last.id).beside.matrix
        how = Resampling(draws=100)
        return here.live.agreed(
            here.people, here.participants, tuple(here.codes), matrix, here.seal(), Part.DEVELOPMENT, how
        )

    first = figures()
    assert figures() is first
    people_code(talks, ("D",), found=lambda one, code: False, name="d.csv")
    assert figures() is not first


def test_the_test_split_has_no_live_figures_while_it_is_sealed(opened: Study) -> None:
    here = Room(opened)
    here.refresh()
    args = (here.people, here.participants, tuple(here.codes), None, here.seal(), Part.TEST, Resampling(draws=100))
    with pytest.raises(ValueError, match="sealed"):
        here.live.agreed(*args)


def test_no_run_is_known_by_a_name_that_none_has(opened: Study) -> None:
    here = Room(opened)
    here.refresh()
    with pytest.raises(KeyError):
        here.run("nobody's run")


def test_themes_are_as_people_left_them_without_a_restart(opened: Study) -> None:
    here = Room(opened)
    here.refresh()
    last = opened.store.runs.latest()
    assert last is not None
    ids = [place.id for place in here.run(last.id).beside.matrix.segments]
    parts = {"Tone": ids[:6], "Ttwo": ids[6:9]}
    run_id = opened.store.runs.start("again", {}).id
    opened.store.themes.add(
        run_id,
        [
            Theme(
                id=i, ordinal=n, name=i, definition="", members=tuple(ThemeMember(s, 1.0, Belongs.CORE) for s in part)
            )
            for n, (i, part) in enumerate(parts.items(), 1)
        ],
    )
    coded = opened.store.outcomes.codings(last.id, ids)
    opened.store.findings.add_codings([c.model_copy(update={"coder": "model:again"}) for c in coded], run_id)
    opened.store.runs.finish(run_id, "complete")

    def home(segment: str) -> str | None:
        matrix = here.run(run_id).beside.matrix
        place = int(matrix.theme[matrix.row[segment]])
        return matrix.themes[place] if place >= 0 else None

    before = here.run(run_id).beside.matrix
    assert before.theme_names == {"Tone": "Tone", "Ttwo": "Ttwo"}
    assert here.run(run_id).beside.matrix is before, "nothing changed, so nothing is read"
    theme_board.revise(opened, Rename(theme="Tone", name="Plainer"), by="Mia", reason="it is")
    assert here.run(run_id).beside.matrix.theme_names["Tone"] == "Plainer"
    assert (home(ids[0]), home(ids[6]), home(ids[20])) == ("Tone", "Ttwo", None)
    moved = theme_board.revise(opened, Move(segments=(ids[0],), to="Ttwo", source="Tone"), by="Mia", reason="rather")
    assert home(ids[0]) == "Ttwo"
    theme_board.revise(opened, Undo(edit=moved.id), by="Mia", reason="rather not")
    assert home(ids[0]) == "Tone"
    assert here.run(run_id).beside.matrix.rank is before.rank, "pairs stand where they stood"
