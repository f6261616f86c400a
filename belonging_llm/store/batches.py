"""Batches in the database: runs on top of a whole run, what they took up, and where they put it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.codes import Coding
from belonging_llm.provenance import now
from belonging_llm.store.database import alone
from belonging_llm.store.findings import coding_of
from belonging_llm.store.layers import Layered, layered, layers
from belonging_llm.store.runs import BATCH, WHOLE, Run, run_of
from belonging_llm.store.schema import batch_part, coding, placement, retried, run, transcript, waiting
from belonging_llm.store.writing import add_new, in_chunks
from belonging_llm.themes import ThemeMember


class Base(BaseModel):
    """The whole run that batches stand on, without its counts, which grow with the study."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    status: str
    finished_at: str
    settings: dict[str, Any]


class Batches:
    """What came after the last whole run; every question costs as much as the answer is long."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def base(self) -> Base | None:
        """The whole run that ended last."""
        query = sa.select(run.c.id, run.c.status, run.c.finished_at, run.c.settings)
        query = query.where(run.c.kind == WHOLE, run.c.finished_at.is_not(None))
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(run.c.finished_at.desc(), run.c.id).limit(1)).mappings().first()
        return Base.model_validate({**row, "settings": json.loads(row["settings"])}) if row else None

    def unfinished(self, base_id: str) -> Run | None:
        """The batch on a base that was begun and has not ended."""
        return self._one(run.c.base_id == base_id, run.c.status == "running")

    def last(self, base_id: str) -> Run | None:
        """The batch on a base that ended last."""
        return self._one(run.c.base_id == base_id, run.c.status != "running")

    def of(self, base_id: str) -> list[Run]:
        """Every batch on a base that ended, the first first."""
        query = sa.select(run).where(run.c.base_id == base_id, run.c.status != "running").order_by(run.c.ordinal)
        with self._engine.connect() as connection:
            return [run_of(dict(row)) for row in connection.execute(query).mappings()]

    def begin(self, base_id: str, inputs_digest: str, settings: Mapping[str, Any]) -> Run:
        """Begin the next batch on a base."""
        with alone(self._engine) as connection:
            query = sa.select(sa.func.max(run.c.ordinal)).where(run.c.base_id == base_id)
            fresh = {
                "id": uuid4().hex,
                "inputs_digest": inputs_digest,
                "status": "running",
                "started_at": now(),
                "finished_at": None,
                "settings": json.dumps(dict(settings)),
                "counts": "{}",
                "kind": BATCH,
                "base_id": base_id,
                "ordinal": (connection.execute(query).scalar() or 0) + 1,
            }
            connection.execute(run.insert(), fresh)
        return run_of(fresh)

    def waiting(self) -> list[str]:
        """Transcripts that no run has taken up, in canonical order."""
        with self._engine.connect() as connection:
            return list(connection.execute(sa.select(waiting.c.transcript_id).order_by("transcript_id")).scalars())

    def take_up(self, run_id: str, again: Sequence[str]) -> None:
        """Give a batch all that waits, and segments to be tried again; in one transaction, and once for a batch.

        What comes in later is another batch's, so that an interrupted one goes on with just what it began with.
        """
        with alone(self._engine) as connection:
            counts = json.loads(connection.execute(sa.select(run.c.counts).where(run.c.id == run_id)).scalar_one())
            if "took_up" in counts:
                return
            ids = list(connection.execute(sa.select(waiting.c.transcript_id)).scalars())
            add_new(connection, batch_part, [{"transcript_id": i, "run_id": run_id} for i in ids])
            add_new(connection, retried, [{"run_id": run_id, "segment_id": i} for i in again])
            for chunk in in_chunks(ids):
                connection.execute(waiting.delete().where(waiting.c.transcript_id.in_(chunk)))
            noted = json.dumps(counts | {"took_up": len(ids)})
            connection.execute(run.update().where(run.c.id == run_id).values(counts=noted))

    def parts(self, run_id: str) -> list[str]:
        """Transcripts that a batch took up, in canonical order."""
        query = sa.select(batch_part.c.transcript_id).where(batch_part.c.run_id == run_id)
        with self._engine.connect() as connection:
            return sorted(connection.execute(query).scalars())

    def retried(self, run_id: str) -> list[str]:
        """Segments that a batch tries again, sorted."""
        query = sa.select(retried.c.segment_id).where(retried.c.run_id == run_id)
        with self._engine.connect() as connection:
            return sorted(connection.execute(query).scalars())

    def came_from(self, file_digest: str) -> set[str]:
        """Transcripts that came from a file."""
        query = sa.select(transcript.c.id).where(transcript.c.source_digest == file_digest)
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def place(self, run_id: str, placed: Mapping[str, Sequence[ThemeMember]]) -> None:
        """Keep where a batch put its segments, by theme, in one transaction."""
        rows = [
            {**member._asdict(), "belongs": member.belongs.value}
            | {"run_id": run_id, "theme_id": theme_id, "place": place}
            for theme_id, members in placed.items()
            for place, member in enumerate(members)
        ]
        with self._engine.begin() as connection:
            add_new(connection, placement, rows)

    def codings(self, run_id: str) -> list[Coding]:
        """A batch's own codings, by segment, code and coder."""
        query = sa.select(coding).where(coding.c.run_id == run_id)
        query = query.order_by(coding.c.segment_id, coding.c.code, coding.c.coder)
        with self._engine.connect() as connection:
            return [coding_of(row) for row in connection.execute(query).mappings()]

    def coded_in(self, run_ids: Sequence[str], segment_ids: Sequence[str]) -> list[tuple[str, str, str]]:
        """(segment, code, outcome) of some segments in some runs; of the last of the runs that has it."""
        found: dict[tuple[str, str], tuple[int, str]] = {}
        place = {run_id: n for n, run_id in enumerate(run_ids)}
        query = sa.select(coding.c.run_id, coding.c.segment_id, coding.c.code, coding.c.outcome)
        with self._engine.connect() as connection:
            for chunk in in_chunks(segment_ids):
                for run_id, segment, code, outcome in connection.execute(query.where(coding.c.segment_id.in_(chunk))):
                    if place.get(run_id, -1) >= found.get((segment, code), (0, ""))[0]:
                        found[segment, code] = place[run_id], outcome
        return [(segment, code, outcome) for (segment, code), (_, outcome) in found.items()]

    def placed_in(self, run_id: str) -> list[tuple[str, str]]:
        """(theme, segment) that a batch put together."""
        query = sa.select(placement.c.theme_id, placement.c.segment_id).where(placement.c.run_id == run_id)
        with self._engine.connect() as connection:
            return [(theme_id, segment_id) for theme_id, segment_id in connection.execute(query)]

    def chain(self, run_id: str) -> list[str]:
        """The runs whose rows make up the state as of a run, the base first."""
        with self._engine.connect() as connection:
            return layers(connection, run_id)

    def layered(self, run_id: str) -> Layered:
        """The same with what was tried again in them."""
        with self._engine.connect() as connection:
            return layered(connection, run_id)

    def _one(self, *wanted: sa.ColumnElement[bool]) -> Run | None:
        query = sa.select(run).where(*wanted).order_by(run.c.ordinal.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return run_of(dict(row)) if row else None
