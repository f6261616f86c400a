"""Names over time, with a chat server that is really asked: who keeps a name, who gets another, and what it costs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import studies
from chat_server import ChatServer
from studies import InProcess, in_process, make, sample

from belonging_llm import theme_board
from belonging_llm.importing import import_paths
from belonging_llm.study import Study
from belonging_llm.themes import Fate, Remap, Rename, Step, Theme


@pytest.fixture
def belonging(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    return in_process(monkeypatch)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, running: ChatServer) -> Path:
    """Three interviews, analysed."""
    folder = make(tmp_path_factory.mktemp("named") / "study", sample("P01", "P02", "P03"), ask_share=0)
    with pytest.MonkeyPatch.context() as patch:
        done = in_process(patch).analyse(folder, running.spec)
        assert done.exit_code == 0, done.output
        assert "since the analysis before" not in done.output
    return folder


def now(folder: Path) -> tuple[dict[str, Theme], list[Step]]:
    opened = Study(folder)
    try:
        board = theme_board.board(opened)
        return {t.id: t for t in board.themes}, opened.store.themes.steps(board.run_id)
    finally:
        opened.store.close()


def asked(server: ChatServer) -> Counter[str]:
    return Counter(one.kind for one in server.log)


def again(belonging: InProcess, folder: Path, server: ChatServer) -> tuple[dict[str, Theme], list[Step]]:
    server.log.clear()
    done = belonging.analyse(folder, server.spec)
    assert done.exit_code == 0, done.output
    return now(folder)


def test_only_new_themes_are_named_when_interviews_come_in(
    study: Path, server: ChatServer, belonging: InProcess
) -> None:
    before, _ = now(study)
    opened = Study(study)
    import_paths(opened, sample("P04"))
    opened.store.close()
    server.log.clear()
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 0, done.output
    after, steps = now(study)
    told = Counter(step.fate for step in steps)
    for fate in (Fate.BORN, Fate.RETIRED, Fate.MERGED, Fate.SPLIT):
        assert (f"{told[fate]} {fate}" in done.output) is (told[fate] > 0)
    new = after.keys() - before.keys()
    moved = {i for s in steps if s.fate is Fate.RENAMED for i in s.after}
    went_on = before.keys() & after.keys()
    assert went_on
    assert asked(server)["label"] <= len(new) + len(moved) + sum(t.by == "" for t in after.values())
    assert {i: after[i].name for i in went_on - moved} == {i: before[i].name for i in went_on - moved}
    for step in steps:
        if step.fate is Fate.RENAMED:
            assert (step.was, step.now) == (before[step.before[0]].name, after[step.after[0]].name)
            assert "its content moved" in step.reason


def test_nothing_is_asked_about_themes_when_people_change_them(
    study: Path, server: ChatServer, belonging: InProcess
) -> None:
    before, _ = now(study)
    one, other, *_ = before
    code = Study(study).framework().assignable[1].id
    theme_board.revise(Study(study), Rename(theme=one, name="Ours"), by="Ana", reason="as they say it")
    theme_board.revise(Study(study), Remap(theme=other, codes=(code,)), by="Ana", reason="it is that")
    after, steps = again(belonging, study, server)
    assert asked(server)["label"] == asked(server)["map"] == 0
    assert after[one].name == "Ours"
    assert [c.code for c in after[other].mapping.codes] == [code]
    assert {s.fate for s in steps} == {Fate.CONTINUED}


def test_another_prompt_names_themes_anew_but_not_those_that_people_named(
    study: Path, server: ChatServer, belonging: InProcess
) -> None:
    before, _ = now(study)
    theirs = next(i for i, t in before.items() if t.prompt)
    theme_board.revise(Study(study), Rename(theme=theirs, name="Ours"), by="Ana", reason="as they say it")
    own = study / "prompts" / "label_theme.v1.md"
    opened = Study(study)
    own.parent.mkdir(exist_ok=True)
    own.write_text(opened.prompt("label_theme.v1").source + "\nThink of the reader.\n", "utf-8")
    opened.store.close()
    after, steps = again(belonging, study, server)
    named = [i for i, t in before.items() if t.prompt and i != theirs]
    assert asked(server)["label"] == len(named)
    assert after[theirs].name == "Ours"
    assert {s.reason for s in steps if s.fate is Fate.RENAMED} <= {"the prompt that names themes was changed"}


def test_themes_named_without_a_model_get_names_once_there_is_one(
    tmp_path: Path, server: ChatServer, belonging: InProcess
) -> None:
    folder = make(tmp_path / "study", sample("P01", "P02"), ask_share=0)
    assert belonging.analyse(folder, "none").exit_code == 0
    before, _ = now(folder)
    after, steps = again(belonging, folder, server)
    assert after.keys() == before.keys()
    assert asked(server)["label"] == len(after)
    renamed = [s for s in steps if s.fate is Fate.RENAMED]
    assert {s.reason for s in renamed} == {"no model had been asked for a name"}
    assert {s.after[0] for s in renamed} == {i for i in after if after[i].name != before[i].name}
    assert studies.last_run(folder).status == "complete"
