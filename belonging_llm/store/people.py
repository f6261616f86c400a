"""People's codings read lightly, for what must be up to date at every request."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import NamedTuple

import sqlalchemy as sa

from belonging_llm.store.schema import codebook_version, coding, judged, judgement, withdrawal
from belonging_llm.store.writing import in_chunks


class Looked(NamedTuple):
    """Somebody judged a segment against the whole codebook.

    Attributes:
        codebook: Digest of the codebook that they judged by; empty where it was not recorded.
    """

    segment_id: str
    coder: str
    saw_model: bool
    at: str
    codebook: str


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

    Numbers alone would not: of two transactions the one with the higher numbers may end first. Records and what came
    from files are only added, so that their counts tell of whatever came in behind.

    Attributes:
        record: Number of the newest record of the review application; `records` is how many there are.
        coding: Of the newest coding by a person; `codings` is how many there are.
        looked: How many segments were judged, counted for each who judged.
        withdrawn: How many participants left.
        codebook: Number of the newest version of the codebook.
    """

    record: int
    coding: int
    looked: int
    withdrawn: int
    codebook: int
    records: int
    codings: int


class PeopleSaid:
    """What people said of segments, in two light tables."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def reached(self) -> Reached:
        """How far people are."""
        count = sa.func.count()
        newest = sa.select(sa.func.max(coding.c.id)).where(coding.c.run_id == "").scalar_subquery()
        codings = sa.select(count).select_from(coding).where(coding.c.run_id == "").scalar_subquery()
        record = sa.select(sa.func.max(judgement.c.id)).scalar_subquery()
        records = sa.select(count).select_from(judgement).scalar_subquery()
        looked = sa.select(sa.func.count()).select_from(judged).scalar_subquery()
        gone = sa.select(sa.func.count()).select_from(withdrawal).where(withdrawal.c.state != "begun").scalar_subquery()
        book = sa.select(sa.func.max(codebook_version.c.number)).scalar_subquery()
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(record, newest, looked, gone, book, records, codings)).one()
        return Reached(*(number or 0 for number in found))

    def records_since(self, before: Reached) -> int:
        """How many records of the review application have higher numbers."""
        query = sa.select(sa.func.count()).select_from(judgement).where(judgement.c.id > before.record)
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def audits(self) -> int:
        """How many verdicts on outcomes of runs there are."""
        query = sa.select(sa.func.count()).select_from(judgement).where(judgement.c.kind == "audit")
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def since(self, before: Reached) -> set[str]:
        """Segments that newer records and codings of people are about."""
        coded = sa.select(coding.c.segment_id).where(coding.c.run_id == "", coding.c.id > before.coding)
        recorded = sa.select(judgement.c.segment_id).where(judgement.c.id > before.record)
        with self._engine.connect() as connection:
            return set(connection.execute(sa.union(coded, recorded)).scalars())

    def looked(self, segments: Collection[str] | None = None) -> Iterator[Looked]:
        """Who judged what: of some segments, or of all."""
        j = judged.c
        query = sa.select(j.segment_id, j.coder, j.saw_model, j.at, j.codebook)
        yield from map(Looked._make, self._rows(query, j.segment_id, segments))

    def marked(self, segments: Collection[str] | None = None) -> Iterator[Marked]:
        """People's codings: of some segments, or of all."""
        c = coding.c
        query = sa.select(c.segment_id, c.coder, c.code, c.outcome, c.polarity, c.evidence, c.rationale)
        yield from map(Marked._make, self._rows(query.where(c.run_id == ""), c.segment_id, segments))

    def verdicts(self, after: int) -> list[tuple[int, str, dict[str, str]]]:
        """(number, segment, details) of records about outcomes of runs, newer than a number, the first first."""
        j = judgement.c
        query = sa.select(j.id, j.segment_id, j.details).where(j.kind == "audit", j.id > after).order_by(j.id)
        with self._engine.connect() as connection:
            return [(number, segment, json.loads(details)) for number, segment, details in connection.execute(query)]

    def _rows(
        self, query: sa.Select[tuple[object, ...]], by: sa.Column[str], segments: Collection[str] | None
    ) -> Iterator[sa.Row[tuple[object, ...]]]:
        with self._engine.connect() as connection:
            if segments is None:
                yield from connection.execution_options(stream_results=True).execute(query)
                return
            for chunk in in_chunks(sorted(segments)):
                yield from connection.execute(query.where(by.in_(chunk)))
