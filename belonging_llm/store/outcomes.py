"""What a run said of every segment and code, read lightly: a hundred thousand segments are a million pairs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from belonging_llm.codes import Coding, Outcome, Polarity
from belonging_llm.segments import Segment
from belonging_llm.store.layers import codings_as_of
from belonging_llm.store.schema import coding, run, segment
from belonging_llm.store.writing import in_chunks

AT_ONCE = 20_000


class Gist(NamedTuple):
    """The gist of one coding.

    Attributes:
        confidence: That the outcome is right, 0..1; None where there is none.
    """

    outcome: Outcome
    polarity: Polarity | None
    confidence: float | None


class Place(NamedTuple):
    """Where a segment stands: whose it is, and in which transcript from which code point."""

    id: str
    participant: str
    document: str
    transcript_id: str
    start: int


class Ended(NamedTuple):
    """A run that ended, without all that it counted.

    Attributes:
        model: As the run's record names it.
    """

    id: str
    at: str
    model: str

    @property
    def label(self) -> str:
        """When it ended, and with which model."""
        return f"{self.at[:16].replace('T', ' ')} {self.model}".strip()


_OUTCOME = {str(o): o for o in Outcome}
_POLARITY: Mapping[str | None, Polarity | None] = {None: None} | {str(p): p for p in Polarity}


class Outcomes:
    """Codings as of a run (of a batch: its base's and earlier batches' too), without reading what nobody looks at."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def runs(self) -> list[Ended]:
        """Every run that ended, the last first."""
        r = run.c
        query = sa.select(r.id, r.finished_at, r.settings).where(r.status != "running")
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(r.finished_at.desc(), r.id.desc())).all()
        return [Ended(one.id, one.finished_at, str(json.loads(one.settings).get("llm", ""))) for one in rows]

    def rows(self, run_id: str) -> Iterator[Sequence[Any]]:
        """(segment, code, outcome, polarity, confidence) of a run, many at a time, in no order."""
        c = coding.c
        query = sa.select(c.segment_id, c.code, c.outcome, c.polarity, c.confidence)
        with self._engine.connect() as connection:
            query = query.where(codings_as_of(connection, run_id))
            yield from connection.execution_options(yield_per=AT_ONCE).execute(query).partitions()

    def said(self, run_id: str) -> dict[tuple[str, str], Gist]:
        """The gist of a run's codings, by segment and code."""
        return {
            (segment_id, code): Gist(_OUTCOME[outcome], _POLARITY[polarity], confidence)
            for rows in self.rows(run_id)
            for segment_id, code, outcome, polarity, confidence in rows
        }

    def codings(self, run_id: str, segments: Collection[str]) -> list[Coding]:
        """A run's codings of some segments, in full, by segment and code."""
        found: list[Coding] = []
        with self._engine.connect() as connection:
            counts = codings_as_of(connection, run_id)
            for chunk in in_chunks(sorted(segments)):
                query = sa.select(coding).where(counts, coding.c.segment_id.in_(chunk))
                rows = connection.execute(query.order_by(coding.c.segment_id, coding.c.code)).mappings()
                found += [_coding(row) for row in rows]
        return found

    def evidence(self, run_id: str, segments: Collection[str]) -> Iterator[tuple[str, str, str]]:
        """(segment, code, spans as JSON) of the codes that a run assigned with evidence, of some segments."""
        c = coding.c
        wanted = (c.outcome == Outcome.ASSIGNED.value) & (c.evidence != "[]")
        query = sa.select(c.segment_id, c.code, c.evidence).where(wanted)
        with self._engine.connect() as connection:
            query = query.where(codings_as_of(connection, run_id))
            for chunk in in_chunks(sorted(segments)):
                yield from (tuple(row) for row in connection.execute(query.where(c.segment_id.in_(chunk))))

    def places(self) -> list[Place]:
        """Where every segment of every cut stands, in the order of the interviews."""
        s = segment.c
        query = sa.select(s.id, s.participant, s.document, s.transcript_id, s.start)
        with self._engine.connect() as connection:
            found = [Place(*row) for row in connection.execute(query)]
        return sorted(found, key=lambda p: (p.document, p.transcript_id, p.start, p.id))

    def segments(self, ids: Collection[str]) -> dict[str, Segment]:
        """Segments of whatever cut, by id; those that are not there (any more) are left out."""
        found: dict[str, Segment] = {}
        with self._engine.connect() as connection:
            for chunk in in_chunks(sorted(ids)):
                rows = connection.execute(sa.select(segment).where(segment.c.id.in_(chunk))).mappings()
                found |= {row["id"]: Segment.model_validate(dict(row)) for row in rows}
        return found


def _coding(row: sa.RowMapping) -> Coding:
    fields = {name: row[name] for name in Coding.model_fields}
    return Coding.model_validate(
        fields | {"evidence": json.loads(row["evidence"]), "provenance": json.loads(row["provenance"])}
    )
