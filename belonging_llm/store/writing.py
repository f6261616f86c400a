"""Statements that every repository shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

CHUNK = 500


def in_chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """Pieces small enough for one statement's parameters."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def add_new(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; those whose key is already there are left as they are."""
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).on_conflict_do_nothing(), list(rows))
