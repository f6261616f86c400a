"""What pages about a run need is read when the server starts, once, and in nobody's way."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import world
from serving import Served
from starlette.applications import Starlette

from belonging_llm import study as studies
from belonging_llm.inspection import Room
from belonging_llm.review.warming import Warming


def warmed(warming: Warming, app: Starlette, *, asked: int = 0) -> None:
    """Start and end a server's life, waiting for what is read in it."""

    async def live() -> None:
        async with warming(app):
            for _ in range(asked):
                warming.note()
            await asyncio.to_thread(warming.done.wait, 20)

    asyncio.run(live())
    assert warming.done.is_set()


def test_the_last_run_is_read_and_the_first_request_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.make(tmp_path / "study")
    opened = made.open()
    app, reads = Starlette(), []
    read = Room._matrix
    monkeypatch.setattr(Room, "_matrix", lambda self, run_id: reads.append(run_id) or read(self, run_id))
    warmed(Warming(opened, quiet=0.01), app, asked=1)
    assert reads == [made.ids["run"]]
    app.state.room.refresh()
    assert app.state.room.run(made.ids["run"]).run.id == made.ids["run"]
    assert len(reads) == 1
    now = opened.store.themes.seen(opened.store.themes.last()).themes
    assert app.state.themes.own == {theme.id: len(theme.own) for theme in now}
    assert now
    opened.store.close()


def test_where_no_run_has_ended_nothing_is_read(tmp_path: Path) -> None:
    opened = studies.create(tmp_path / "study")
    app = Starlette()
    warmed(Warming(opened, quiet=0.01), app)
    assert not hasattr(app.state, "room")
    opened.store.close()


def test_a_server_that_ends_does_not_begin_to_read(tmp_path: Path) -> None:
    made = world.make(tmp_path / "study")
    opened = made.open()
    app, warming = Starlette(), Warming(opened, quiet=60)

    async def live() -> None:
        async with warming(app):
            pass

    asyncio.run(live())
    assert warming.done.wait(20)
    assert not hasattr(app.state, "room")
    opened.store.close()


def test_what_could_not_be_read_is_read_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.make(tmp_path / "study")
    opened, app = made.open(), Starlette()

    def unreadable(self: Room, run_id: str) -> object:
        raise OSError("the disk did not answer")

    with monkeypatch.context() as patch:
        patch.setattr(Room, "_matrix", unreadable)
        warmed(Warming(opened, quiet=0.01), app)
    assert app.state.room.run(made.ids["run"]).run.id == made.ids["run"]
    opened.store.close()


def test_who_asks_while_a_run_is_read_waits_for_it_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.make(tmp_path / "study")
    begun, go_on, reads, read = threading.Event(), threading.Event(), [], Room._matrix

    def slowly(self: Room, run_id: str) -> object:
        reads.append(run_id)
        begun.set()
        assert go_on.wait(20)
        return read(self, run_id)

    monkeypatch.setattr(Room, "_matrix", slowly)
    with Served(made) as served:
        auditors = [served.client("dora"), served.client("dora")]
        statuses: list[int] = []
        asking = [threading.Thread(target=lambda c=c: statuses.append(c.get("/audit").status_code)) for c in auditors]
        for one in asking:
            one.start()
        assert begun.wait(20)
        # Coders and adjudicators go on meanwhile.
        assert served.client("ann").get("/queue").status_code == 200
        assert served.client("dora").get("/adjudication").status_code == 200
        assert statuses == []
        go_on.set()
        for one in asking:
            one.join(20)
        assert statuses == [200, 200]
        assert reads == [made.ids["run"]]
