"""Codebooks in the database: every version stays, the newest is in use."""

from __future__ import annotations

import sqlalchemy as sa

from belonging_llm.codebook import Framework
from belonging_llm.provenance import now
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
        current = self.current()
        if current and current.digest == framework.digest:
            return False
        with self._engine.begin() as connection:
            last = connection.execute(sa.select(sa.func.max(codebook.c.ordinal))).scalar() or 0
            connection.execute(codebook.delete().where(codebook.c.digest == framework.digest))
            row = {"digest": framework.digest, "content": framework.model_dump_json(), "imported_at": now()}
            connection.execute(codebook.insert(), row | {"ordinal": last + 1})
        return True

    def current(self) -> Framework | None:
        """The codebook in use, if one was ever brought in."""
        with self._engine.connect() as connection:
            query = sa.select(codebook.c.content).order_by(codebook.c.ordinal.desc()).limit(1)
            content = connection.execute(query).scalar_one_or_none()
        return Framework.model_validate_json(content) if content else None
