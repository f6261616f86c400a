"""Say in plain words what a database could not do, and what to do about it."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa

from belonging_llm.errors import BelongingError, DiskFull, Incomplete, StudyError

_GONE = ("08", "57P0")
_FULL_SQLITE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def speak_plainly(engine: sa.Engine) -> None:
    """From now on a full disk, a server that went away and a study that is in use are errors of this project."""
    where = described(engine.url)

    def translate(context: sa.engine.ExceptionContext) -> None:
        if context.is_pre_ping:
            # A broken connection was noticed in time; another is opened instead.
            return
        if found := plain(context.original_exception, where, gone=context.is_disconnect):
            raise found from context.original_exception

    sa.event.listen(engine, "handle_error", translate)


def plain(error: BaseException, where: str, *, gone: bool = False) -> BelongingError | None:
    """What a database's error means; None where it means a mistake of this program."""
    state = getattr(error, "sqlstate", None) or ""
    if state == "53100" or _is_full(error):
        return DiskFull(where)
    if gone or state.startswith(_GONE) or (not state and _is_of_psycopg(error)):
        return Incomplete(
            f"the database {where} went away ({_first_line(error)}); what is committed is kept: see that it runs, "
            "and rerun the same command"
        )
    if state == "55P03" or "database is locked" in str(error):
        return Incomplete(f"the database {where} is in use by another process; end it, and rerun the same command")
    if state.startswith(("28", "3D", "42501")):
        return StudyError(f"the database {where} does not let us in: {_first_line(error)}")
    return None


def described(url: sa.URL) -> str:
    """A database as messages may name it: never with its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database or "in memory")
    return url.set(query={}).render_as_string(hide_password=True)


def _is_full(error: BaseException) -> bool:
    """SQLite says that the disk is full, or that it could not extend a file, with an extended code of its own."""
    code: Any = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return False
    return code & 0xFF in _FULL_SQLITE and code not in _OTHER_TROUBLE


# Failures to read are of a broken disk, not of a full one.
_OTHER_TROUBLE = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ}


def _is_of_psycopg(error: BaseException) -> bool:
    """A connection that fails has no state: nobody was there to tell one."""
    return type(error).__module__.startswith("psycopg") and type(error).__name__ == "OperationalError"


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
