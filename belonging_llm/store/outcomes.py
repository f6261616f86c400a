"""What a run said of every segment and code, read lightly: a hundred thousand segments are a million pairs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from belonging_llm.codes import Coding, Outcome, Polarity
from belonging_llm.store.schema import coding
from belonging_llm.store.writing import in_chunks


class Said(NamedTuple):
    """The gist of one coding.

    Attributes:
        confidence: That the outcome is right, 0..1; None where there is none.
    """

    outcome: Outcome
    polarity: Polarity | None
    confidence: float | None


_OUTCOME = {str(o): o for o in Outcome}
_POLARITY: Mapping[str | None, Polarity | None] = {None: None} | {str(p): p for p in Polarity}


class Outcomes:
    """Codings of runs, without reading what nobody looks at."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def said(self, run_id: str) -> dict[tuple[str, str], Said]:
        """The gist of a run's codings, by segment and code."""
        return {(segment, code): one for segment, code, one in self.each(run_id)}

    def each(self, run_id: str) -> Iterator[tuple[str, str, Said]]:
        """The same one by one, by segment and code."""
        c = coding.c
        query = sa.select(c.segment_id, c.code, c.outcome, c.polarity, c.confidence).where(c.run_id == run_id)
        with self._engine.connect() as connection:
            rows = connection.execution_options(stream_results=True).execute(query.order_by(c.segment_id, c.code))
            for segment, code, outcome, polarity, confidence in rows:
                yield segment, code, Said(_OUTCOME[outcome], _POLARITY[polarity], confidence)

    def codings(self, run_id: str, segments: Collection[str]) -> list[Coding]:
        """A run's codings of some segments, in full, by segment and code."""
        found: list[Coding] = []
        with self._engine.connect() as connection:
            for chunk in in_chunks(sorted(segments)):
                query = sa.select(coding).where(coding.c.run_id == run_id, coding.c.segment_id.in_(chunk))
                rows = connection.execute(query.order_by(coding.c.segment_id, coding.c.code)).mappings()
                found += [_coding(row) for row in rows]
        return found


def _coding(row: sa.RowMapping) -> Coding:
    fields = {name: row[name] for name in Coding.model_fields}
    return Coding.model_validate(
        fields | {"evidence": json.loads(row["evidence"]), "provenance": json.loads(row["provenance"])}
    )
