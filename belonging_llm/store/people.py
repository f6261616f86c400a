"""People's codings read lightly, for what must be up to date at every request."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import sqlalchemy as sa

from belonging_llm.store.schema import coding, judged, withdrawal
from belonging_llm.store.writing import in_chunks


class Looked(NamedTuple):
    """Somebody judged a segment against the whole codebook."""

    segment_id: str
    coder: str
    saw_model: bool
    at: str


class Marked(NamedTuple):
    """A person's word on one code of one segment.

    Attributes:
        evidence: Spans as JSON, as `EvidenceSpan` has them.
    """

    segment_id: str
    coder: str
    code: str
    outcome: str
    polarity: str | None
    evidence: str
    rationale: str


class Reached(NamedTuple):
    """How far people are; whatever they do moves it.

    Attributes:
        coding: Of the newest coding by a person.
        looked: How many segments were judged, counted for each who judged.
        withdrawn: How many participants left.
    """

    coding: int
    looked: int
    withdrawn: int


class PeopleSaid:
    """What people said of segments, in two light tables."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def reached(self) -> Reached:
        """How far people are."""
        newest = sa.select(sa.func.max(coding.c.id)).where(coding.c.run_id == "").scalar_subquery()
        looked = sa.select(sa.func.count()).select_from(judged).scalar_subquery()
        gone = sa.select(sa.func.count()).select_from(withdrawal).where(withdrawal.c.state != "begun").scalar_subquery()
        with self._engine.connect() as connection:
            a, b, c = connection.execute(sa.select(newest, looked, gone)).one()
        return Reached(a or 0, b, c)

    def coded_since(self, coding_id: int) -> set[str]:
        """Segments that people's codings newer than this are about."""
        query = sa.select(coding.c.segment_id).where(coding.c.run_id == "", coding.c.id > coding_id).distinct()
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def looked(self, segments: Collection[str] | None = None) -> Iterator[Looked]:
        """Who judged what: of some segments, or of all."""
        query = sa.select(judged.c.segment_id, judged.c.coder, judged.c.saw_model, judged.c.at)
        yield from map(Looked._make, self._rows(query, judged.c.segment_id, segments))

    def marked(self, segments: Collection[str] | None = None) -> Iterator[Marked]:
        """People's codings: of some segments, or of all."""
        c = coding.c
        query = sa.select(c.segment_id, c.coder, c.code, c.outcome, c.polarity, c.evidence, c.rationale)
        yield from map(Marked._make, self._rows(query.where(c.run_id == ""), c.segment_id, segments))

    def _rows(
        self, query: sa.Select[tuple[object, ...]], by: sa.Column[str], segments: Collection[str] | None
    ) -> Iterator[sa.Row[tuple[object, ...]]]:
        with self._engine.connect() as connection:
            if segments is None:
                yield from connection.execution_options(stream_results=True).execute(query)
                return
            for chunk in in_chunks(sorted(segments)):
                yield from connection.execute(query.where(by.in_(chunk)))
