"""Locks in a database that several machines share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from belonging_llm.provenance import digest


@contextmanager
def hold(engine: sa.Engine, what: str) -> Iterator[bool]:
    """Hold a name until the end, or until this process dies; whether it was free.

    SQLite's databases are files, with one machine's processes around them: a lock on a file does there.
    """
    if engine.dialect.name != "postgresql":
        yield True
        return
    key = int(digest("belonging", what)[:15], 16)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        free = bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar())
        try:
            yield free
        finally:
            if free:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))
