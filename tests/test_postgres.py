"""What is special about PostgreSQL: its order, its NULs, its locks, its passwords, its restarts, what it remembers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres_server import PostgresServer

from belonging_llm import study, withdrawal
from belonging_llm.asking import LedgerEntry
from belonging_llm.codes import Coding, Outcome
from belonging_llm.errors import Incomplete, StudyError
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.segments import split
from belonging_llm.store import Store, database
from belonging_llm.store.database import alone
from belonging_llm.store.schema import metadata
from belonging_llm.transcripts import parse_text

TALK = "Interviewer: How was it?\n\nP01: I felt at home there. The group was always awake when I was.\n"


def test_the_server_orders_otherwise_and_the_study_by_code_point(store_url: str) -> None:
    names = ["Zoe", "ana", "Ben", "Éva", "émil", "ana 2", "ana-1", "_x", "10", "9"]
    store = Store(store_url)
    store.corpus.set_participants({name: {} for name in names})
    assert list(store.corpus.participants()) == sorted(names)
    if store.on_server:
        with store._engine.connect() as connection:
            told = connection.execute(
                sa.text("SELECT name FROM unnest(CAST(:n AS text[])) name ORDER BY name"), {"n": names}
            )
            assert list(told.scalars()) != sorted(names), "the server of the tests must have an order of its own"
    store.close()


def test_every_text_is_compared_by_code_point_and_sampled_by_nobody(
    postgres: PostgresServer, postgres_url: str
) -> None:
    name = str(sa.make_url(postgres_url).database)
    collations = postgres.run(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type IN ('text', 'character varying') AND table_name <> 'alembic_version'",
        name,
    )
    assert {c for *_, c in collations} == {"C"}
    assert len(collations) > 80
    words = "SELECT attname FROM pg_attribute WHERE attrelid = 'segment'::regclass AND attname = 'text' AND attstattarget = 0"
    assert postgres.run(words, name) == [("text",)]


def test_nul_has_a_stand_in(postgres_url: str) -> None:
    store, talk = Store(postgres_url), parse_text(TALK, name="P01", place="P01")
    store.corpus.add(talk)
    store.corpus.add_segments(talk.id, (cut := split(talk)), "x")
    odd = Coding(segment_id=cut[0].id, code="c", coder="A", outcome=Outcome.ASSIGNED, rationale="a\0b")
    store.findings.add_codings([odd])
    assert store.findings.codings()[0].rationale == "a\N{REPLACEMENT CHARACTER}b"
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hush-hush@localhost:port/x",
        "postgres:hush-hush",
        "mysql://u:hush-hush@localhost/x",
        "postgresql://u:hush-hush@127.0.0.1:1/x",
    ],
)
def test_an_address_that_cannot_be_used_is_not_repeated(url: str) -> None:
    with pytest.raises(StudyError) as raised:
        Store(url)
    shown = [raised.value, raised.value.__cause__, raised.value.__context__]
    assert not [one for one in shown if "hush-hush" in f"{one!s} {one!r}"]


def test_a_wrong_password_is_said_and_not_shown(postgres: PostgresServer, postgres_url: str) -> None:
    with pytest.raises(StudyError, match="password authentication failed") as raised:
        Store(postgres_url.replace(postgres.password, "hush-hush"))
    assert "hush-hush" not in str(raised.value)


def test_many_openings_at_once_make_the_tables_once(postgres: PostgresServer) -> None:
    url = postgres.create("opened_at_once")
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(Store, [url] * 6))
    assert all(store.corpus.names() == {} for store in stores)
    for store in stores:
        store.close()
    postgres.drop("opened_at_once")


def test_notes_side_by_side_lose_nothing(store_url: str) -> None:
    store = Store(store_url)
    run = store.runs.start("inputs", {})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Store(store_url).runs.note(run.id, **{f"batch {n}": n}), range(24)))
    assert store.runs.get(run.id).counts == {f"batch {n}": n for n in range(24)}
    store.close()


def test_runs_started_side_by_side_are_one(store_url: str) -> None:
    Store(store_url).close()
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: Store(store_url).runs.start("inputs", {}).id, range(8)))) == 1


def test_whoever_reads_and_writes_waits_for_whoever_does_so(store_url: str) -> None:
    store, order, inside = Store(store_url), [], threading.Event()

    def slow() -> None:
        with alone(store._engine):
            inside.set()
            time.sleep(0.3)
            order.append("slow")

    def quick() -> None:
        assert inside.wait(30)
        with alone(store._engine):
            order.append("quick")

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(slow), pool.submit(quick)]:
            done.result()
    assert order == ["slow", "quick"]
    store.close()


def entry(number: int) -> tuple[LedgerEntry, ChatRequest]:
    reply = ChatReply(text="{}", finish_reason="stop")
    fields = {"key": f"k{number}", "attempt": 1, "run_id": "r", "model": "m", "prompt": "p", "prompt_digest": "d"}
    request = ChatRequest(system="s", user="u", reply_schema={})
    return LedgerEntry.model_validate(fields | {"reply": reply, "seconds": 0.5, "at": "now"}), request


def test_a_server_that_went_away_is_said_plainly_and_one_that_came_back_is_used(tmp_path: Path) -> None:
    with PostgresServer.running() as server:
        store = Store(server.create("short_lived"))
        store.ledger.record(*entry(1))
        server.stop()
        with pytest.raises(Incomplete, match=r"went away.*rerun") as raised:
            store.corpus.names()
        assert server.password not in str(raised.value)
        server.start()
        store.ledger.record(*entry(2))
        server.stop("SIGQUIT")
        server.start()
        assert [len(store.ledger.replies(f"k{n}")) for n in (1, 2)] == [1, 1]
        store.close()


WORDS = "my marmalade cat walked away from the harbour of my shipwrecked grandmother"


def test_whoever_withdraws_leaves_no_byte_in_the_servers_tables(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELONGING_STORE", postgres_url)
    made = study.create(tmp_path / "study")
    for who, words in {"Benedikta": WORDS, "Ana": "we wrote to each other every night and somebody answered"}.items():
        (made.folder / "transcripts" / f"{who}.txt").write_text(f"Interviewer: And?\n\n{who}: {words}.\n" * 3, "utf-8")
    assert not [done for done in import_paths(made, [made.folder / "transcripts"]) if done.problem]
    split_transcripts(made)
    name = str(sa.make_url(postgres_url).database)
    postgres.run("ANALYZE", name)
    postgres.run("CHECKPOINT")
    assert _files_with(postgres, name, WORDS)
    certificate, path = withdrawal.withdraw(made, "Benedikta", "the supervisor")
    assert _files_with(postgres, name, WORDS) == _files_with(postgres, name, "Benedikta") == []
    assert certificate.compacted
    assert "write-ahead log" in path.read_text("utf-8")
    assert "study.sqlite" not in {one.name for one in made.folder.iterdir()}
    made.store.close()


def _files_with(server: PostgresServer, name: str, words: str) -> list[str]:
    ((number,),) = server.run(f"SELECT oid FROM pg_database WHERE datname = '{name}'")
    folder = server.folder / "data" / "base" / str(number)
    return [path.name for path in folder.iterdir() if words.encode() in path.read_bytes()]


def test_downgraded_and_upgraded_it_is_the_same(postgres: PostgresServer) -> None:
    from alembic import command
    from alembic.config import Config

    url = postgres.create("there_and_back")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    engine = database.connect(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(sa.inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()
    again = database.connect(url)
    assert set(sa.inspect(again).get_table_names()) - {"alembic_version"} == set(metadata.tables)
    again.dispose()
    postgres.drop("there_and_back")
