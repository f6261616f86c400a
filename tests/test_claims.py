"""Who is at what: one holder at a time, among threads, connections and processes; free again when the holder dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from belonging_llm.claims import Unshared, held
from belonging_llm.store import Store
from belonging_llm.store.claims import SessionLocks
from belonging_llm.store.database import connect

HOLDER = """
import sys
from belonging_llm.store import Store
store = Store(sys.argv[1])
print(store.claims.take("a batch"), flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).parents[1]


def holder(url: str) -> subprocess.Popen[str]:
    """Another process that holds a claim until it is killed."""
    env = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdin=pipe, stdout=pipe, text=True, env=env)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_a_claim_is_one_processs_and_falls_with_it(store_url: str) -> None:
    store = Store(store_url)
    other = holder(store_url)
    assert not store.claims.take("a batch")
    assert store.claims.take("another batch")
    waited = threading.Event()

    def wait() -> None:
        with held(store.claims, "a batch"):
            waited.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not waited.wait(0.3)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    assert waited.wait(60), "whoever waits gets it when the holder is dead"
    thread.join()
    assert store.claims.take("a batch")
    store.close()


def test_a_claim_is_one_threads(store_url: str) -> None:
    store = Store(store_url)
    assert store.claims.take("it")
    assert not store.claims.take("it"), "not even the process that has it gets it twice"
    store.claims.give("it")
    assert store.claims.take("it")
    store.claims.give("it")
    store.close()


def test_closing_a_study_that_is_open_twice_lets_go_of_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.sqlite'}"
    one, two = Store(url), Store(url)
    assert one.claims.take("it")
    assert not two.claims.take("it")
    two.close()
    other = subprocess.run(
        [sys.executable, "-c", HOLDER.replace("a batch", "it"), url],
        input="",
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert other.stdout == "False\n"
    one.claims.give("it")
    one.close()


def test_claims_are_taken_anew_where_the_server_cut_the_connection(postgres_url: str) -> None:
    engine = connect(postgres_url)
    claims = SessionLocks(engine)
    assert claims.take("it")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        assert connection.execute(sa.text(cut)).scalar() == 1
    assert claims.take("something else")
    other = SessionLocks(engine)
    assert not other.take("it"), "what it was at is its own again"
    claims.give("it")
    assert other.take("it")
    for one in (claims, other):
        one.close()
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite://"])
def test_what_nobody_else_can_open_needs_no_claims(url: str) -> None:
    assert isinstance(Store(url).claims, Unshared)
