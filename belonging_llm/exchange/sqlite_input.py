"""Read SQLite databases that nobody vouches for: unchanged, no code of theirs run, bounded in size and time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from belonging_llm.errors import ContainerError

_MIB = 1 << 20
MOST_BYTES = 512 * _MIB
# A single text, and all that one reading takes.
MOST_CELL = 4 * _MIB
MOST_READ = 48 * _MIB
MOST_ROWS = 500_000
SECONDS = 4.0
_STEPS = 10_000


@contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """A database to read from.

    Raises:
        ContainerError: it is none, is damaged, or costs more to read than a project should.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
        if not head.startswith(b"SQLite format 3\0"):
            raise ContainerError(f"{path}: is not an SQLite database")
        if path.stat().st_size > MOST_BYTES:
            raise ContainerError(f"{path}: is larger than the {MOST_BYTES >> 20} MiB that are read")
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            # Immutable reading would leave out what only the log holds.
            raise ContainerError(f"{path}: is open in another program ({log.name} lies beside it); close that program")
    except OSError as error:
        raise ContainerError(f"{path}: cannot be read ({error.strerror}); check its name and rights") from error
    # Immutable: neither locks nor a write-ahead log beside the file.
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True)
    try:
        yield Database(connection, path)
    except sqlite3.OperationalError as error:
        long = "it takes longer to read than a project should" if str(error) == "interrupted" else str(error)
        raise ContainerError(f"{path}: cannot be read as a database: {long}") from error
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise ContainerError(f"{path}: cannot be read as a database: {error}") from error
    finally:
        connection.close()


def tables_of(path: Path) -> set[str]:
    """The names of a database's tables.

    Raises:
        ContainerError: it is no database, or damaged.
    """
    with open_database(path) as database:
        return database.tables()


class Database:
    """Tables of a database, under limits."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._left = MOST_READ
        self._rows = MOST_ROWS
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_CELL)
        connection.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 20)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cell_size_check = ON")
        # Processor time: a busy machine makes no database hostile.
        until = time.thread_time() + SECONDS
        connection.set_progress_handler(lambda: time.thread_time() > until, _STEPS)

    def tables(self) -> set[str]:
        """Names of tables; views are none."""
        rows = self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {str(name) for (name,) in rows}

    def rows(self, table: str, *columns: str) -> Iterator[dict[str, Any]]:
        """A table's rows in their order; a column that this version of the program lacks is None.

        Raises:
            ContainerError: more than is read.
        """
        if table not in self.tables():
            return
        has = {str(row[1]) for row in self._connection.execute(f"PRAGMA table_info({_quoted(table)})")}
        wanted = ", ".join(_quoted(c) if c in has else f"NULL AS {_quoted(c)}" for c in columns)
        for row in self._connection.execute(f"SELECT {wanted} FROM {_quoted(table)}"):
            self._rows -= 1
            self._left -= sum(len(cell) for cell in row if isinstance(cell, str | bytes))
            if self._left < 0 or self._rows < 0:
                raise ContainerError(f"{self._path}: holds more than the {MOST_READ >> 20} MiB of text that are read")
            yield dict(zip(columns, row, strict=True))


def words(cell: object) -> str:
    """A cell as text; None is empty."""
    return "" if cell is None else cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def number(cell: object) -> int | None:
    """A cell as a whole number; None when it is none."""
    return cell if isinstance(cell, int) else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
