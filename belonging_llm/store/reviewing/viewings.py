"""The access log: who saw which transcript or segment, when, and on which page."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import now
from belonging_llm.store.reviewing.saving import saving
from belonging_llm.store.schema import segment, viewing
from belonging_llm.store.writing import in_chunks


class Viewing(BaseModel):
    """One look at somebody's words.

    Attributes:
        page: The route's name.
        segment_id: Empty where the whole transcript was shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int
    at: str
    reviewer: str
    page: str
    transcript_id: str
    segment_id: str


class Viewings:
    """Written before the words are sent."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def note(self, reviewer: str, page: str, seen: Iterable[tuple[str, str]]) -> None:
        """Keep that somebody saw (transcript, segment) pairs on a page."""
        moment = now()
        rows = [
            {"at": moment, "reviewer": reviewer, "page": page, "transcript_id": transcript, "segment_id": segment}
            for transcript, segment in seen
        ]
        if rows:
            with saving(self._engine) as connection:
                connection.execute(viewing.insert(), rows)

    def shown(self, reviewer: str, pages: Collection[str], segments: Collection[str]) -> frozenset[str]:
        """Those of some segments that somebody was shown on one of these pages."""
        mine = (viewing.c.reviewer == reviewer) & viewing.c.page.in_(pages)
        found: set[str] = set()
        with self._engine.connect() as connection:
            for chunk in in_chunks(sorted(segments)):
                # By transcript first: of that the log has an index.
                within = viewing.c.transcript_id.in_(sa.select(segment.c.transcript_id).where(segment.c.id.in_(chunk)))
                query = sa.select(viewing.c.segment_id).where(within, mine, viewing.c.segment_id.in_(chunk)).distinct()
                found.update(connection.execute(query).scalars())
        return frozenset(found)

    def latest(self, *, before: int | None = None, limit: int = 100, transcript_id: str = "") -> list[Viewing]:
        """The log, the last first.

        Args:
            before: Only lines older than the one with this id.
            transcript_id: Only views of this transcript; of any when empty.
        """
        query = sa.select(viewing).order_by(viewing.c.id.desc()).limit(limit)
        query = query.where(viewing.c.id < before) if before is not None else query
        query = query.where(viewing.c.transcript_id == transcript_id) if transcript_id else query
        with self._engine.connect() as connection:
            return [Viewing.model_validate(dict(row)) for row in connection.execute(query).mappings()]
