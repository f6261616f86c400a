"""What is watched from batch to batch: counts, the model's answers about sentinels, alarms and who looked into them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import now
from belonging_llm.store.schema import acknowledgement, alarm, sentinel_answer, watch, watch_count
from belonging_llm.store.writing import add_new


class WatchCount(BaseModel):
    """So many segments of a participant, and so many of them with what is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    participant: str
    n: int
    k: int


class PastCount(BaseModel):
    """How many participants of earlier batches have these two numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    n: int
    k: int
    participants: int


class SentinelAnswer(BaseModel):
    """What the model said of one code of a sentinel.

    Attributes:
        question: Digest of what was asked, and of whom: answers with the same one may be compared.
        said: 1, 0, or a log-probability where the model tells these; None where it gave no usable answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    repetition: int
    segment_id: str
    code: str
    question: str
    said: float | None


class Alarm(BaseModel):
    """Something drifts.

    Attributes:
        kind: `novelty`, `sentinels`, `endpoint` or `distribution`.
        subject: The code, the model, or the run whose themes no longer fit.
        content: Figures.
        by: Who looked into it, with `reason` and `acknowledged_at`; None while nobody has.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    run_id: str
    kind: str
    subject: str
    content: dict[str, Any]
    at: str
    by: str | None = None
    reason: str | None = None
    acknowledged_at: str | None = None

    @property
    def open(self) -> bool:
        """Nobody has looked into it yet."""
        return self.by is None


class DriftRecords:
    """The study's watch; only acknowledgements are ever added to what is kept."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def found(self, run_id: str) -> dict[str, Any] | None:
        """What was found with a batch, or what a whole run makes one expect; None before it was looked for."""
        with self._engine.connect() as connection:
            content = connection.execute(sa.select(watch.c.content).where(watch.c.run_id == run_id)).scalar()
        return None if content is None else dict(json.loads(content))

    def history(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Run, time and finding of every watch, the first first."""
        query = sa.select(watch.c.run_id, watch.c.at, watch.c.content).order_by(watch.c.at, watch.c.run_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        for run_id, at, content in rows:
            yield run_id, at, json.loads(content)

    def close(
        self,
        run_id: str,
        content: Mapping[str, Any],
        tallies: Sequence[WatchCount],
        raised: Sequence[tuple[str, str, Mapping[str, Any]]] = (),
    ) -> None:
        """Keep what was found and counted, and the alarms (kind, subject, figures), in one transaction; only once."""
        counted = [t.model_dump() | {"run_id": run_id} for t in tallies]
        alarms = [
            {"id": uuid4().hex, "run_id": run_id, "kind": kind, "subject": about, "content": json.dumps(dict(figures))}
            for kind, about, figures in raised
        ]
        at = now()
        with self._engine.begin() as connection:
            add_new(connection, watch, [{"run_id": run_id, "at": at, "content": json.dumps(dict(content))}])
            add_new(connection, watch_count, counted)
            add_new(connection, alarm, [row | {"at": at} for row in alarms])

    def past(self, runs: Collection[str], *, without: Collection[str]) -> list[PastCount]:
        """Numbers of earlier participants, added up over a participant's batches; the cost is that of a grouped query.

        Args:
            runs: Whose counts are taken.
            without: Participants who are left out, since they speak in the batch that is looked at.
        """
        c = watch_count.c
        each = sa.select(c.measure, c.participant, sa.func.sum(c.n).label("n"), sa.func.sum(c.k).label("k"))
        each = each.where(c.run_id.in_(sorted(runs)), c.participant.not_in(sorted(without)))
        one = each.group_by(c.measure, c.participant).subquery()
        query = sa.select(one.c.measure, one.c.n, one.c.k, sa.func.count()).group_by(one.c.measure, one.c.n, one.c.k)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(one.c.measure, one.c.n, one.c.k)).all()
        return [PastCount(measure=m, n=int(n), k=int(k), participants=count) for m, n, k, count in rows]

    def add_answers(self, answers: Sequence[SentinelAnswer]) -> None:
        """Keep what the model said, in one transaction; what is kept stays as it is."""
        with self._engine.begin() as connection:
            add_new(connection, sentinel_answer, [a.model_dump() for a in answers])

    def answers(self) -> list[SentinelAnswer]:
        """Everything that the model said of sentinels."""
        c = sentinel_answer.c
        query = sa.select(sentinel_answer).order_by(c.run_id, c.repetition, c.segment_id, c.code)
        with self._engine.connect() as connection:
            return [SentinelAnswer.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def alarms(self, run_id: str | None = None) -> list[Alarm]:
        """All alarms, or those of a batch, the first first."""
        query = sa.select(alarm, acknowledgement.c.by, acknowledgement.c.reason)
        query = query.add_columns(acknowledgement.c.at.label("acknowledged_at"))
        query = query.outerjoin(acknowledgement).order_by(alarm.c.at, alarm.c.kind, alarm.c.subject)
        if run_id is not None:
            query = query.where(alarm.c.run_id == run_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [Alarm.model_validate({**row, "content": json.loads(row["content"])}) for row in rows]

    def acknowledge(self, alarm_id: str, *, by: str, reason: str) -> None:
        """Keep that somebody looked into an alarm; the first word stands."""
        row = {"alarm_id": alarm_id, "by": by, "reason": reason, "at": now()}
        with self._engine.begin() as connection:
            add_new(connection, acknowledgement, [row])
