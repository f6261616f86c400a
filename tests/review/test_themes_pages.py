"""Themes are merged, renamed, parted, moved and undone in a browser; what people changed survives the next analysis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import world
from browsing import Browsing
from playwright.sync_api import expect
from serving import Served
from world import World

from belonging_llm import analysis, study, theme_board
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import Job
from belonging_llm.importing import import_paths
from belonging_llm.review import accounts
from belonging_llm.store import Role
from belonging_llm.study import Study
from belonging_llm.theme_board import Board
from belonging_llm.themes.edits import Split

INTERVIEWS = sorted((Path(__file__).parents[2] / "data" / "sample" / "transcripts").iterdir())


def analyse(folder: Path) -> None:
    """The stages of an analysis, without a language model."""
    job = Job(str(folder), "none", "hashed")
    run, unchanged = analysis.prepare(job)
    assert not unchanged
    analysis.embed_segments(job)
    analysis.find_themes(job, run.id)
    analysis.try_model(job, run.id)
    for rows in analysis.batches(job, run.id):
        analysis.code_batch(job, run.id, rows)
    analysis.finish(job, run.id)
    analysis.workbench(job).store.close()


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    patch.setattr(factory, "encoder", lambda _: HashEncoder())
    folder = tmp_path_factory.mktemp("themes") / "study"
    made = study.create(folder)
    assert not [done.problem for done in import_paths(made, INTERVIEWS[:4]) if done.problem]
    for name, role in {"mia": Role.ADMIN, "dora": Role.ADJUDICATOR}.items():
        accounts.add(made, name, role)
        world.set_password(made, name)
    made.store.close()
    analyse(folder)
    yield World(folder)
    patch.undo()


def board(folder: Path) -> Board:
    opened = Study(folder)
    try:
        return theme_board.board(opened)
    finally:
        opened.store.close()


def last(now: Board) -> str:
    """Id of the last record that a form made now has seen."""
    return str(now.edits[-1].id if now.edits else 0)


def test_what_people_changed_survives_the_next_analysis(analysed: World, browsing: Browsing) -> None:
    first, second, third, *_ = before = board(analysed.folder).themes
    with Served(analysed) as served:
        window = browsing.window(served)
        page = window.page
        window.sign_in("mia")
        window.goto("/themes")
        for theme in (first, second):
            page.check(f"input[name=themes][value={theme.id}]")
        page.select_option("#into", first.id)
        page.fill("#merge-reason", "The same thing said twice")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/themes/{first.id}")
        page.keyboard.press("r")
        page.fill("#rename-name", "Somebody <i>answers</i>")
        page.fill("#rename-reason", "Plainer")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Somebody <i>answers</i>")
        window.goto(f"/themes/{third.id}")
        page.keyboard.press("r")
        page.fill("#rename-name", "A slip")
        page.fill("#rename-reason", "slip")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("A slip")
        window.goto("/themes/history")
        slip = page.locator(".records > li").first
        slip.locator("summary").click()
        slip.get_by_label("Why").fill("not what I meant")
        page.keyboard.press("Enter")
        expect(page.locator(".records > li").nth(1)).to_contain_text("undone")
        assert (window.outside, window.dialogs, window.errors, window.stopped()) == ([], [], [], [])
        window.close()
    left = board(analysed.folder)
    assert {t.id for t in left.themes} == {t.id for t in before} - {second.id}
    opened = Study(analysed.folder)
    assert not [done.problem for done in import_paths(opened, INTERVIEWS[4:5]) if done.problem]
    opened.store.close()
    analyse(analysed.folder)
    after = {t.id: t for t in board(analysed.folder).themes}
    assert after[first.id].name == "Somebody <i>answers</i>"
    assert second.id not in after
    assert "A slip" not in {t.name for t in after.values()}
    assert len(after[first.id].own) >= len(first.own)
    with Served(analysed) as served:
        shown = served.client("dora").get(f"/themes/{first.id}").text
        assert "Somebody &lt;i&gt;answers&lt;/i&gt;" in shown
        assert "changed by mia" in shown


def test_segments_are_parted_and_moved(analysed: World) -> None:
    with Served(analysed) as served:
        mia, now = served.client("mia"), theme_board.board(served.study)
        large, other, *_ = now.themes
        some = list(large.own[:3])
        form = {"theme": large.id, "page": large.id, "seen": last(now), "reason": "another thing"}
        missing = mia.post("/themes/edit", form | {"kind": "split", "name": "Letters"})
        assert missing.status_code == 422
        assert "no segment is chosen" in missing.text
        made = mia.post("/themes/edit", form | {"kind": "split", "name": "Letters", "segments": some})
        assert made.status_code == 303
        edit = theme_board.board(served.study).edits[-1]
        assert isinstance(edit.change, Split)
        assert made.headers["location"].endswith(edit.change.new)
        back = {"kind": "move", "theme": edit.change.new, "page": edit.change.new, "seen": str(edit.id), "reason": "no"}
        moved = mia.post("/themes/edit", back | {"to": other.id, "segments": some[:1]})
        assert moved.status_code == 303
        after = {t.id: t for t in theme_board.board(served.study).themes}
        assert set(after[edit.change.new].own) == set(some[1:])
        assert some[0] in after[other.id].own
        found = mia.get(
            f"/themes/{other.id}?q={' '.join(served.study.store.words.of(some[:1])[0].text.split()[:3])}"
        ).text
        assert f'value="{some[0]}"' in found
        out = mia.post("/themes/edit", back | {"seen": str(edit.id + 1), "to": "", "segments": some[1:2]})
        assert out.status_code == 303
        assert some[1] in mia.get("/themes/none?q=" + served.study.store.words.of(some[1:2])[0].text[:30]).text


def test_who_comes_too_late_is_told_and_keeps_what_they_wrote(analysed: World) -> None:
    with Served(analysed) as served:
        mia, dora, now = served.client("mia"), served.client("dora"), theme_board.board(served.study)
        theme, seen = now.themes[-1], last(now)
        form = {"kind": "rename", "theme": theme.id, "page": theme.id, "seen": seen}
        assert dora.post("/themes/edit", form | {"name": "Dora's", "reason": "hers"}).status_code == 303
        late = mia.post("/themes/edit", form | {"name": "Mia's own", "reason": "mine"})
        assert late.status_code == 409
        assert "dora changed this meanwhile (rename" in late.text
        assert 'value="Mia&#39;s own"' in late.text
        elsewhere = {"kind": "rename", "theme": now.themes[0].id, "page": now.themes[0].id, "seen": seen}
        beside = mia.post("/themes/edit", elsewhere | {"name": "Another", "reason": "mine"})
        assert beside.status_code == 303, "dora's change is about another theme"
        known = last(theme_board.board(served.study))
        assert mia.post("/themes/edit", form | {"seen": known, "name": "Mia's own", "reason": "m"}).status_code == 303


def test_every_look_is_in_the_access_log(analysed: World) -> None:
    with Served(analysed) as served:
        theme = theme_board.board(served.study).themes[0]
        served.client("dora").get(f"/themes/{theme.id}")
        seen = {v.segment_id for v in served.study.store.viewings.latest(limit=500) if v.reviewer == "dora"}
        assert seen >= {m.segment_id for m in theme.members[:50]}
