"""Codebooks in the database: every version stays, the newest is in use."""

from __future__ import annotations

import sqlalchemy as sa

from belonging_llm.codebook import Framework
from belonging_llm.provenance import now
from belonging_llm.store.database import alone
from belonging_llm.store.schema import codebook


class Codebooks:
    """Versions of the study's codebook."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def use(self, framework: Framework) -> bool:
        """Make a codebook the one in use.

        Returns:
            False when it already is.
        """
        with alone(self._engine) as connection:
            current = connection.execute(_newest(codebook.c.digest)).scalar_one_or_none()
            if current == framework.digest:
                return False
            last = connection.execute(sa.select(sa.func.max(codebook.c.ordinal))).scalar() or 0
            connection.execute(codebook.delete().where(codebook.c.digest == framework.digest))
            row = {"digest": framework.digest, "content": framework.model_dump_json(), "imported_at": now()}
            connection.execute(codebook.insert(), row | {"ordinal": last + 1})
        return True

    def current(self) -> Framework | None:
        """The codebook in use, if one was ever brought in."""
        with self._engine.connect() as connection:
            content = connection.execute(_newest(codebook.c.content)).scalar_one_or_none()
        return Framework.model_validate_json(content) if content else None


def _newest(column: sa.Column[str]) -> sa.Select[tuple[str]]:
    return sa.select(column).order_by(codebook.c.ordinal.desc()).limit(1)
