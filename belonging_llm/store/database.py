"""Open a study's database: connection, safety settings, migrations, and transactions of one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from belonging_llm.errors import DiskFull, StudyError
from belonging_llm.store import postgres, trouble

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def connect(url: str) -> sa.Engine:
    """An engine on a database whose schema is current.

    SQLite runs in write-ahead mode with foreign keys on, and a commit is on disk when it returns. On PostgreSQL text is
    compared by code point.

    Raises:
        StudyError: the database cannot be opened, or was made by a newer version.
        DiskFull: there is no room for it.
    """
    engine = _engine(_read(url))
    try:
        _bring_up_to_date(engine)
    except sa.exc.DatabaseError as error:
        where, cause = trouble.described(engine.url), error.orig or error
        if isinstance(found := trouble.plain(cause, where), DiskFull):
            raise found from error
        raise StudyError(f"the database {where} cannot be opened: {cause}") from error
    trouble.speak_plainly(engine)
    return engine


def _read(url: str) -> sa.URL:
    """A URL with the driver that this project knows; whatever is wrong with it, it is not repeated: it has a secret."""
    try:
        read = sa.make_url(url)
        return read.set(drivername=_DRIVERS[read.get_backend_name()])
    except (sa.exc.ArgumentError, ValueError, KeyError) as error:
        raise StudyError(
            "the database's URL (study.toml `store`, or BELONGING_STORE) cannot be used; write "
            "postgresql://USER@HOST:PORT/DATABASE or sqlite:////PATH"
        ) from (error if isinstance(error, KeyError) else None)


def _engine(url: sa.URL) -> sa.Engine:
    # Statement parameters hold what people said: they have no place in an error message.
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True)
        sa.event.listen(engine, "connect", _careful)
        return engine
    try:
        # A connection that a restart of the server broke is noticed before it is used.
        engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=8, max_overflow=56)
    except ModuleNotFoundError as error:
        raise StudyError("PostgreSQL needs a driver: pip install 'belonging-llm[postgres]'") from error
    sa.event.listen(engine, "connect", postgres.careful)
    return engine


def _careful(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction for what reads and then writes by what it read: all or nothing, and one process at a time."""
    with engine.connect() as connection, one_transaction(connection):
        yield connection


@contextmanager
def one_transaction(connection: sa.Connection) -> Iterator[None]:
    """All or nothing, and one process at a time; Python's sqlite3 would commit each table by itself."""
    if connection.dialect.name != "sqlite":
        with connection.begin():
            postgres.wait_for_turn(connection)
            yield
        return
    raw: Any = connection.connection.driver_connection
    usual, raw.isolation_level = raw.isolation_level, None
    try:
        _run(connection, raw, "BEGIN IMMEDIATE")
        yield
        _run(connection, raw, "COMMIT")
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raw.isolation_level = usual


def _run(connection: sa.Connection, raw: Any, statement: str) -> None:
    """Past SQLAlchemy, which has no word for it; so its translation of errors is done here."""
    try:
        raw.execute(statement)
    except raw.Error as error:
        if found := trouble.plain(error, trouble.described(connection.engine.url)):
            raise found from error
        raise sa.exc.OperationalError(statement, None, error) from error


def _bring_up_to_date(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        # Most openings find the schema current, and need not wait for whoever is writing.
        if _current(connection) == _scripts(_config()).get_current_head():
            return
        connection.rollback()
        with one_transaction(connection):
            _migrate(connection)


def _migrate(connection: sa.Connection) -> None:
    config = _config()
    scripts = _scripts(config)
    # Another process may have done it while this one waited.
    current = _current(connection)
    if current == scripts.get_current_head():
        return
    if current and current not in {script.revision for script in scripts.walk_revisions()}:
        raise StudyError(f"the study's database has schema {current}, which this version does not know; upgrade")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if postgres.is_postgres(connection):
        postgres.compare_by_code_point(connection)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)


def _current(connection: sa.Connection) -> str | None:
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()
