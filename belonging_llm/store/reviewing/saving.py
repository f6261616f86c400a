"""How the application's many small writes share a database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from belonging_llm.store.database import one_transaction

# SQLite has one writer at a time, and who waits for it sleeps longer and longer; threads that queue here do not.
_TURNS: WeakKeyDictionary[sa.Engine, threading.Lock] = WeakKeyDictionary()
_MAKING = threading.Lock()


@contextmanager
def saving(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that reads what it then changes: all or nothing, on disk when it returns."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            yield connection
        return
    with _turn(engine), engine.connect() as connection, one_transaction(connection):
        yield connection


def _turn(engine: sa.Engine) -> threading.Lock:
    with _MAKING:
        return _TURNS.setdefault(engine, threading.Lock())
