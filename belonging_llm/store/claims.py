"""Claims in a study's database: session locks on PostgreSQL, locked bytes of a file beside SQLite's."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from belonging_llm.claims import Claims, Unshared
from belonging_llm.errors import Incomplete

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where one process works on a study
    fcntl = None  # type: ignore[assignment]

_CONNECTION = threading.Lock()
_FILES: dict[tuple[int, Path], LockedBytes] = {}


def claims_on(engine: sa.Engine) -> Claims:
    """What guards the work on a study kept there."""
    if engine.dialect.name == "postgresql":
        return SessionLocks(engine)
    database = engine.url.database
    if not database or database == ":memory:" or fcntl is None:
        return Unshared()
    return _locked_bytes(Path(database + ".claims"))


class SessionLocks:
    """PostgreSQL's advisory locks of one connection: the server frees them when the connection ends."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: sa.Connection | None = None
        self._mine: set[str] = set()

    def take(self, what: str) -> bool:
        """See `Claims.take`."""
        with self._lock:
            # The server would grant a session again what it has.
            if what in self._mine or not self._ask("pg_try_advisory_lock", what):
                return False
            self._mine.add(what)
            return True

    def give(self, what: str) -> None:
        """See `Claims.give`; a server that went away has let go of it by itself."""
        with self._lock:
            self._mine.discard(what)
            with suppress(Incomplete):
                self._ask("pg_advisory_unlock", what)

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            if self._connection is not None:
                self._connection.invalidate()
                self._connection.close()
            self._connection = None
            self._mine.clear()

    def _ask(self, function: str, what: str) -> bool:
        query = sa.text(f"SELECT {function}(:number + hashtext(current_schema()))")
        number = {"number": _number(what)}
        try:
            return bool(self._open().execute(query, number).scalar())
        except Incomplete:
            # The server was started again: what this process is at is claimed anew, unless somebody was quicker.
            self._connection = None
            for mine in self._mine:
                self._open().execute(
                    sa.text(str(query).replace(function, "pg_try_advisory_lock")), {"number": _number(mine)}
                )
            return bool(self._open().execute(query, number).scalar())

    def _open(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self._connection


class LockedBytes:
    """Bytes of an empty file, one for each piece of work: the system frees them when the process ends.

    One object a process and file: the first descriptor that a process closes would free what all of its others hold.
    """

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("ab")
        self._lock = threading.Lock()
        self._mine: set[str] = set()

    def take(self, what: str) -> bool:
        """See `Claims.take`."""
        with self._lock:
            if what in self._mine:
                return False
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _number(what))
            except (BlockingIOError, PermissionError):
                return False
            self._mine.add(what)
            return True

    def give(self, what: str) -> None:
        """See `Claims.give`."""
        with self._lock:
            self._mine.discard(what)
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _number(what))


def _locked_bytes(path: Path) -> LockedBytes:
    with _CONNECTION:
        # A forked process has its parent's objects, and none of its locks.
        key = os.getpid(), path.resolve()
        if key not in _FILES:
            _FILES[key] = LockedBytes(path)
        return _FILES[key]


def _number(what: str) -> int:
    """A positive number of 62 bits that stands for a piece of work."""
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big") >> 2
