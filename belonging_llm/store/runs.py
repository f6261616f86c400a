"""Runs in the database: what went in, how it ended, what it counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import now
from belonging_llm.store.database import alone
from belonging_llm.store.schema import run, waiting
from belonging_llm.store.writing import in_chunks

WHOLE, BATCH = "whole", "batch"


class Run(BaseModel):
    """One execution of the analysis.

    Attributes:
        inputs_digest: Digest of transcripts, codebook, prompts, models and settings.
        status: `running`, `complete` (every segment has an outcome) or `incomplete`.
        settings: What shaped the result, in full, with versions of the packages.
        counts: What was found, lost and spent.
        kind: `whole`, or `batch`: new material on top of the whole run `base_id`, the `ordinal`th there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    inputs_digest: str
    status: str
    started_at: str
    finished_at: str | None
    settings: dict[str, Any]
    counts: dict[str, Any]
    kind: str = WHOLE
    base_id: str | None = None
    ordinal: int = 0


class Runs:
    """The study's runs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start(self, inputs_digest: str, settings: Mapping[str, Any]) -> Run:
        """Continue the interrupted run with the same inputs, or begin a new one."""
        with alone(self._engine) as connection:
            row = connection.execute(_running(inputs_digest)).mappings().first()
            if row is None:
                fresh = {
                    "id": uuid4().hex,
                    "inputs_digest": inputs_digest,
                    "status": "running",
                    "started_at": now(),
                    "finished_at": None,
                    "settings": json.dumps(dict(settings)),
                    "counts": "{}",
                    "kind": WHOLE,
                    "base_id": None,
                    "ordinal": 0,
                }
                connection.execute(run.insert(), fresh)
                return run_of(fresh)
            return run_of(dict(row))

    def interrupted(self, inputs_digest: str) -> Run | None:
        """The run that `start` would continue."""
        with self._engine.connect() as connection:
            row = connection.execute(_running(inputs_digest)).mappings().first()
        return run_of(dict(row)) if row else None

    def note(self, run_id: str, **counts: Any) -> None:
        """Add to a run's counts."""
        with alone(self._engine) as connection:
            query = sa.select(run.c.counts).where(run.c.id == run_id)
            known = json.loads(connection.execute(query).scalar_one())
            connection.execute(run.update().where(run.c.id == run_id).values(counts=json.dumps(known | counts)))

    def begin_once(self, run_id: str, what: str) -> bool:
        """Note that something is begun on behalf of a run; False when it was before, by whomever."""
        with alone(self._engine) as connection:
            query = sa.select(run.c.counts).where(run.c.id == run_id)
            known = json.loads(connection.execute(query).scalar_one())
            begun = known.get("begun", [])
            if what in begun:
                return False
            noted = json.dumps(known | {"begun": [*begun, what]})
            connection.execute(run.update().where(run.c.id == run_id).values(counts=noted))
            return True

    def finish(self, run_id: str, status: str, covers: Sequence[str] = ()) -> None:
        """Close a run as `complete` or `incomplete`; the transcripts that it covers wait for no batch any more."""
        with self._engine.begin() as connection:
            for chunk in in_chunks(covers):
                connection.execute(waiting.delete().where(waiting.c.transcript_id.in_(chunk)))
            connection.execute(run.update().where(run.c.id == run_id).values(status=status, finished_at=now()))

    def get(self, run_id: str) -> Run:
        """One run."""
        with self._engine.connect() as connection:
            return run_of(dict(connection.execute(sa.select(run).where(run.c.id == run_id)).mappings().one()))

    def kind_of(self, run_id: str) -> str:
        """What kind a run is of; a whole one where it is not on record."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(run.c.kind).where(run.c.id == run_id)).scalar() or WHOLE

    def inputs(self, made: Run) -> dict[str, Any]:
        """What shaped a run, in full: a batch is coded with what its base learned."""
        if made.base_id is None:
            return made.settings
        own = {name: value for name, value in made.settings.items() if name != "batch"}
        return self.get(made.base_id).settings | own

    def finished(self) -> list[Run]:
        """Every run that ended, batches among them, the first first."""
        query = sa.select(run).where(run.c.status != "running").order_by(run.c.finished_at, run.c.id)
        with self._engine.connect() as connection:
            return [run_of(dict(row)) for row in connection.execute(query).mappings()]

    def latest(self, *, finished: bool = True) -> Run | None:
        """The run that ended last (or, with `finished=False`, that began last)."""
        query = sa.select(run).order_by(run.c.started_at.desc(), run.c.id)
        if finished:
            query = query.where(run.c.status != "running").order_by(None).order_by(run.c.finished_at.desc())
        with self._engine.connect() as connection:
            row = connection.execute(query.limit(1)).mappings().first()
        return run_of(dict(row)) if row else None


def _running(inputs_digest: str) -> sa.Select[Any]:
    return sa.select(run).where(run.c.inputs_digest == inputs_digest, run.c.status == "running", run.c.kind == WHOLE)


def run_of(row: Mapping[str, Any]) -> Run:
    """A row of the table as what it says."""
    return Run.model_validate({**row, "settings": json.loads(row["settings"]), "counts": json.loads(row["counts"])})
