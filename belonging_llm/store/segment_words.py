"""Segments' words and whose they are, as pages need them: some at a time, in a given order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from belonging_llm.segments import Segment
from belonging_llm.store.schema import cutting, segment, transcript
from belonging_llm.store.writing import in_chunks

# Up to so many segments are looked at one by one; for more it is quicker to look at all.
FEW = 10_000


class SegmentWords:
    """Reads alone."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def people(self) -> dict[str, str]:
        """Whose each segment of the cuts in use is, by transcript and place."""
        query = _in_use(segment.c.id, segment.c.participant)
        query = query.order_by(segment.c.transcript_id, segment.c.start, segment.c.id)
        with self._engine.connect() as connection:
            return {ident: who for ident, who in connection.execute(query)}

    def of(self, ids: Sequence[str]) -> list[Segment]:
        """These segments, in this order; those that are not there (any more) are left out."""
        found: dict[str, Segment] = {}
        with self._engine.connect() as connection:
            for chunk in in_chunks(ids):
                for row in connection.execute(sa.select(segment).where(segment.c.id.in_(chunk))).mappings():
                    found[row["id"]] = Segment.model_validate(dict(row))
        return [found[ident] for ident in ids if ident in found]

    def transcripts(self, letters: str) -> list[str]:
        """Ids of transcripts in which these (ASCII) letters stand in a row, in whichever case, by name."""
        query = sa.select(transcript.c.id).where(transcript.c.content.icontains(letters, autoescape=True))
        with self._engine.connect() as connection:
            return list(connection.execute(query.order_by(transcript.c.name, transcript.c.id)).scalars())

    def holding(self, words: str, *, among: Collection[str] | None = None) -> set[str]:
        """Ids of segments of the cuts in use that hold words, in whichever case.

        Args:
            among: Segments that are looked at; None looks at all.
        """
        query = _in_use(segment.c.id).where(segment.c.text.icontains(words, autoescape=True))
        with self._engine.connect() as connection:
            if among is None or len(among) > FEW:
                found = set(connection.execute(query).scalars())
                return found if among is None else found.intersection(among)
            some = (query.where(segment.c.id.in_(chunk)) for chunk in in_chunks(sorted(among)))
            return {ident for part in some for ident in connection.execute(part).scalars()}


def _in_use(*columns: sa.Column[Any]) -> sa.Select[Any]:
    used = (cutting.c.segment_id == segment.c.id) & (cutting.c.settings == transcript.c.split_with)
    return sa.select(*columns).select_from(segment).join(transcript).join(cutting, used)
