"""Parcels in the database: what is committed when, and what two processes cannot do to each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from belonging_llm import store as package
from belonging_llm.asking import LedgerEntry
from belonging_llm.errors import Incomplete
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.parcels import Fate, Line, Parcel, Remote, State, Stray
from belonging_llm.store import Store

AT = "2026-01-01T00:00:00.000+00:00"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url)
    yield made
    made.close()


def request(key: str) -> ChatRequest:
    return ChatRequest(system="s", user=f"words of {key}", reply_schema={})


def line(key: str) -> Line:
    return Line(key=key, prompt="p", prompt_digest="d", request=request(key))


def parcel(name: str = "one", **more: object) -> Parcel:
    fields = {"id": name, "run_id": "r", "model": "m", "endpoint": "https://e.example/v1", "digest": "0" * 64}
    return Parcel.model_validate(fields | {"requests": 2, "bytes": 9, "made_at": AT, "touched_at": AT} | more)


def entry(key: str, text: str = "{}") -> tuple[LedgerEntry, ChatRequest]:
    reply = ChatReply(text=text, finish_reason="stop", prompt_tokens=10, completion_tokens=5)
    fields = {"key": key, "attempt": 1, "run_id": "r", "model": "m", "prompt": "p", "prompt_digest": "d", "at": AT}
    return LedgerEntry.model_validate(fields | {"reply": reply, "seconds": 0.0, "parcel": "one"}), request(key)


def seal(store: Store, *keys: str, **more: object) -> Parcel:
    made = parcel(**more)
    store.parcels.seal(made, [line(key) for key in keys])
    return made


def test_a_parcel_on_its_way(store: Store) -> None:
    seal(store, "a", "b")
    (sealed,) = store.parcels.open("m", "https://e.example/v1")
    assert (sealed.state, sealed.fates) == (State.SEALED, {"waiting": 2})
    assert [each.key for each in store.parcels.lines("one")] == ["a", "b"]
    uploaded = store.parcels.uploaded("one", "file-1")
    assert (uploaded.state, uploaded.file_id, uploaded.touched_at > AT) == (State.UPLOADED, "file-1", True)
    sent = store.parcels.sent("one", Remote(id="batch_1", status="validating"))
    assert (sent.state, sent.remote_id, sent.status) == (State.SENT, "batch_1", "validating")
    assert store.parcels.open("another", "https://e.example/v1") == []
    assert store.parcels.open("m", "https://another.example/v1") == []
    store.parcels.close("one", "completed", Fate.MISSING, (), ())
    assert store.parcels.open() == []
    (closed,) = store.parcels.of_run("r")
    assert (closed.state, closed.status, closed.fates) == (State.CLOSED, "completed", {"missing": 2})


def test_a_question_waits_in_one_parcel_at_most(store: Store) -> None:
    seal(store, "a", "b")
    with pytest.raises(Incomplete, match="another process"):
        seal(store, "c", "b", name="two")
    assert [p.id for p in store.parcels.open()] == ["one"], "nothing of the other is kept"
    store.parcels.close("one", "expired", Fate.EXPIRED, (), ())
    seal(store, "c", "b", name="two")
    assert store.parcels.returned("m") == {"a": [Fate.EXPIRED], "b": [Fate.EXPIRED]}


def test_a_line_gets_its_fate_and_its_reply_once(store: Store) -> None:
    seal(store, "a", "b", "c")
    first, second = entry("a", "first"), entry("a", "second")
    store.parcels.keep("one", [first], {"a": Fate.REPLIED, "b": Fate.FAILED})
    store.parcels.keep("one", [second, entry("b")], {"a": Fate.REPLIED, "b": Fate.REPLIED})
    assert [e.reply.text for e in store.ledger.replies("a")] == ["first"]
    assert store.ledger.replies("b") == []
    assert [each.key for each in store.parcels.lines("one", waiting=True)] == ["c"]
    assert store.parcels.answered(["a", "b", "c", "d"]) == {"a"}


def test_a_reply_stands_behind_those_that_the_ledger_has(store: Store) -> None:
    earlier, asked = entry("a", "asked by itself")
    store.ledger.record(earlier.model_copy(update={"parcel": None}), asked)
    seal(store, "a")
    store.parcels.keep("one", [entry("a", "in a parcel")], {"a": Fate.REPLIED})
    assert [(e.attempt, e.parcel) for e in store.ledger.replies("a")] == [(1, None), (2, "one")]
    (spent,) = store.ledger.spending("r")
    assert (spent.prompt_tokens, spent.batch_prompt_tokens, spent.batch_completion_tokens) == (20, 10, 5)


def test_closing_forgets_words_and_keeps_strays_once(store: Store) -> None:
    seal(store, "a")
    stray = Stray("output", 3, "malformed", b"\xff\x00{")
    for _ in range(2):
        store.parcels.close("one", "completed", Fate.MISSING, ("code",), [stray])
    assert store.parcels.strays("one") == [stray]
    (closed,) = store.parcels.of_run("r")
    assert closed.errors == ("code",)
    assert closed.fates == {"missing": 1, "stray lines, malformed": 1}
    with store.parcels._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT request FROM parcel_line").scalars().all() == [""]


def test_what_leaves_is_logged_as_digests_and_sizes(store: Store) -> None:
    seal(store, "a", "b")
    store.parcels.leaving("one")
    with store.parcels._engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM egress").mappings().all()
    assert [row["bytes"] for row in rows] == [len(request(key).model_dump_json()) for key in "ab"]
    assert {row["endpoint"] for row in rows} == {"https://e.example/v1"}
    assert "words of" not in str(rows)


def test_a_database_from_before_keeps_its_replies(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    engine = sa.create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO call VALUES ('k', 1, 'r', 'm', 'p', 'd', ?, ?, 0.5, 'then')",
            (request("k").model_dump_json(), entry("k")[0].reply.model_dump_json()),
        )
    engine.dispose()
    store = Store(url)
    (kept,) = store.ledger.replies("k")
    assert kept.parcel is None
    (spent,) = store.ledger.spending()
    assert (spent.replies, spent.batch_prompt_tokens) == (1, 0)
    store.close()
