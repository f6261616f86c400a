"""What is different on PostgreSQL: how text is compared and kept, who may write, how what was removed is forgotten."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

# Named after this project, so that other programs in the same database are not waited for.
_LOCKS = 0x62656C6F
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def is_postgres(bind: sa.Connection | sa.Engine) -> bool:
    """Whether a connection or an engine speaks to PostgreSQL."""
    return bind.dialect.name == "postgresql"


def careful(connection: Any, _: object) -> None:
    """On a new connection: a commit is on disk when it returns, and NUL characters in text become U+FFFD.

    PostgreSQL cannot hold them. Words of transcripts never have any (no reader lets them through), so offsets stay
    true; models' replies keep theirs, since they are stored as escapes.
    """
    from psycopg.types.string import StrDumperUnknown

    class Dumper(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", _REPLACED))

    connection.adapters.register_dumper(str, Dumper)
    # A server may be set to promise less; what is stricter (waiting for a replica) stays.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def wait_for_turn(connection: sa.Connection) -> None:
    """Hold the study's lock until the transaction ends: what reads and then writes does so one process at a time."""
    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCKS}, hashtext(current_schema()))"))


def compare_by_code_point(connection: sa.Connection) -> None:
    """Give every text column the order of code points, as SQLite and Python have it, and no statistics.

    Canonical order must not depend on the language of a server; and the planner's statistics hold samples of values,
    which would be people's words.
    """
    for table, column, kind, length, collation in connection.execute(sa.text(_TEXT_COLUMNS)).all():
        name = f'ALTER TABLE "{table}" ALTER COLUMN "{column}"'
        whole = f"varchar({length})" if kind == "character varying" else "text"
        if collation != "C":
            connection.execute(sa.text(f'{name} TYPE {whole} COLLATE "C"'))
        connection.execute(sa.text(f"{name} SET STATISTICS {0 if kind == 'text' else -1}"))


def rebuild(engine: sa.Engine, tables: list[str], patience: str = "10s") -> None:
    """Write tables anew without what was removed from them, their statistics too.

    Raises:
        sqlalchemy.exc.OperationalError: another process holds one of them for longer than `patience`.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"SET lock_timeout = '{patience}'"))
        try:
            for table in tables:
                connection.execute(sa.text(f'VACUUM (FULL, ANALYZE) "{table}"'))
            connection.execute(sa.text("CHECKPOINT")) if _may_checkpoint(connection) else None
        finally:
            connection.execute(sa.text("RESET lock_timeout"))


def _may_checkpoint(connection: sa.Connection) -> bool:
    query = "SELECT current_setting('is_superuser')::bool OR pg_has_role('pg_checkpoint', 'member')"
    if connection.execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = 'pg_checkpoint'")).first() is None:
        query = "SELECT current_setting('is_superuser')::bool"
    return bool(connection.execute(sa.text(query)).scalar())


_TEXT_COLUMNS = """
SELECT c.table_name, c.column_name, c.data_type, c.character_maximum_length, c.collation_name
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
  AND c.data_type IN ('text', 'character varying') AND c.table_name <> 'alembic_version'
ORDER BY c.table_name, c.ordinal_position
"""
