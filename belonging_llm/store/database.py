"""Open a study's database: connection, safety settings, migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from belonging_llm.errors import StudyError


def connect(url: str) -> sa.Engine:
    """An engine on a database whose schema is current.

    SQLite runs in write-ahead mode with foreign keys on, and a commit is on disk when it returns.

    Raises:
        StudyError: the database cannot be opened, or was made by a newer version.
    """
    # Statement parameters hold what people said: they have no place in an error message.
    engine = sa.create_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _careful)
    try:
        with engine.connect() as connection, one_transaction(connection):
            _migrate(connection)
    except sa.exc.DatabaseError as error:
        raise StudyError(f"the database {engine.url!r} cannot be opened: {error.orig}") from error
    return engine


def _careful(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def one_transaction(connection: sa.Connection) -> Iterator[None]:
    """All or nothing, and one process at a time; Python's sqlite3 would commit each table by itself."""
    if connection.dialect.name != "sqlite":
        with connection.begin():
            yield
        return
    raw: Any = connection.connection.driver_connection
    usual, raw.isolation_level = raw.isolation_level, None
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield
        raw.execute("COMMIT")
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raw.isolation_level = usual


def _migrate(connection: sa.Connection) -> None:
    from alembic.migration import MigrationContext

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    current = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(config)
    if current == scripts.get_current_head():
        return
    if current and current not in {script.revision for script in scripts.walk_revisions()}:
        raise StudyError(f"the study's database has schema {current}, which this version does not know; upgrade")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
