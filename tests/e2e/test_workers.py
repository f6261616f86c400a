"""Two processes work on one study on PostgreSQL: they share what is to be asked, and the death of one loses nothing."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import studies
from chat_server import Asked, ChatServer, asked_digest
from studies import Forge

from belonging_llm.study import Study

BATCH = "10"
CONCURRENCY = 8


@dataclass(frozen=True)
class Shared:
    """One study twice: alone on SQLite, and on PostgreSQL for several workers."""

    alone: Path
    folder: Path


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    alone = studies.make(tmp_path / "alone", studies.sample("P01", "P02"), ask_share=1.0)
    monkeypatch.setenv("BELONGING_STORE", postgres_url)
    folder = studies.make(tmp_path / "shared", studies.sample("P01", "P02"), ask_share=1.0)
    monkeypatch.delenv("BELONGING_STORE")
    settings = folder / "study.toml"
    text = settings.read_text("utf-8").replace("\nseed = 0\n", f'\nseed = 0\nstore = "{postgres_url}"\n', 1)
    assert postgres_url in text
    settings.write_text(text, "utf-8")
    return Shared(alone, folder)


@pytest.fixture
def forges() -> Iterator[tuple[Forge, Forge]]:
    with Forge.opened() as one, Forge.opened() as other:
        yield one, other


def reference(folder: Path, forge: Forge) -> tuple[studies.Tables, int]:
    with ChatServer() as calm:
        assert forge.start(folder, calm.spec, BATCH).over() == (0, "")
        return studies.tables(folder, calm.spec), len(calm.log)


def in_ledger(folder: Path, server: ChatServer) -> set[str]:
    """Digests of answered questions, as the server computes them."""
    opened = Study(folder)
    prompts = {prompt.digest for prompt in opened.prompts().values()}
    import json

    asked = [json.loads(r) for digest in prompts for r in opened.store.ledger.requests(digest).values()]
    opened.store.close()
    return {asked_digest(r["system"], r["user"], r["max_tokens"], r["seed"]) for r in asked}


@pytest.mark.slow
def test_two_workers_ask_everything_once_and_find_what_one_finds(shared: Shared, forges: tuple[Forge, Forge]) -> None:
    expected, questions = reference(shared.alone, forges[0])
    with ChatServer() as server:
        server.before_reply = lambda _: time.sleep(0.01)
        workers = [forge.start(shared.folder, server.spec, BATCH) for forge in forges]
        assert [worker.over() for worker in workers] == [(0, ""), (0, "")]
        assert studies.tables(shared.folder, server.spec) == expected
        assert set(server.counts.values()) == {1}
        assert len(server.log) == questions
        again = forges[1].start(shared.folder, server.spec, BATCH)
        assert again.over() == (0, "")
        assert len(server.log) == questions, "a finished study asks nothing"


@pytest.mark.slow
def test_the_other_worker_does_what_a_killed_one_was_at(shared: Shared, forges: tuple[Forge, Forge]) -> None:
    expected, questions = reference(shared.alone, forges[0])
    with ChatServer() as server:
        workers = [forge.start(shared.folder, server.spec, BATCH) for forge in forges]
        kept: list[set[str]] = []

        def kill(asked: Asked) -> None:
            # Where coding is half way, one of them dies among its calls.
            if server.kinds["code"] == 40 and not kept and asked.kind == "code":
                kept.append(set())
                os.killpg(workers[0].pid, signal.SIGKILL)
                server.before_reply = None
                kept[0] = in_ledger(shared.folder, server)

        server.before_reply = kill
        (died, _), (lived, errors) = (worker.over() for worker in workers)
        assert (died, lived, errors) == (-signal.SIGKILL, 0, "")
        assert studies.tables(shared.folder, server.spec) == expected
        counts = Counter(server.counts)
        assert len(counts) == questions
        twice = {digest for digest, n in counts.items() if n > 1}
        assert len(twice) <= CONCURRENCY, "more was asked twice than one process can have had in flight"
        assert set(counts.values()) <= {1, 2}
        assert not twice & kept[0], "a reply was kept, and paid for again"
