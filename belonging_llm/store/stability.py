"""Tests of stability in the database; like runs they continue where they stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.codes import Recoding, StabilityPlan
from belonging_llm.provenance import now
from belonging_llm.store.database import alone
from belonging_llm.store.schema import recoding, stability
from belonging_llm.store.writing import add_new


class StabilityTest(BaseModel):
    """One test of a run's stability.

    Attributes:
        inputs_digest: Digest of the plan and of the run that it puts to the test.
        status: `running`, `complete` or `incomplete` (some recodings failed).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    run_id: str
    inputs_digest: str
    status: str
    started_at: str
    finished_at: str | None
    plan: StabilityPlan


class StabilityTests:
    """The study's tests of stability, and what was coded in them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start(self, inputs_digest: str, plan: StabilityPlan) -> StabilityTest:
        """Continue the interrupted test with the same inputs, or begin a new one."""
        fresh = {
            "id": uuid4().hex,
            "run_id": plan.run_id,
            "inputs_digest": inputs_digest,
            "status": "running",
            "started_at": now(),
            "finished_at": None,
            "plan": plan.model_dump_json(),
        }
        running = _newest(stability.c.inputs_digest == inputs_digest, stability.c.status == "running")
        with alone(self._engine) as connection:
            if interrupted := connection.execute(running).mappings().first():
                return _test(dict(interrupted))
            connection.execute(stability.insert(), fresh)
        return _test(fresh)

    def last(self, inputs_digest: str, status: str) -> StabilityTest | None:
        """The newest test with these inputs and this status."""
        return self._first(_newest(stability.c.inputs_digest == inputs_digest, stability.c.status == status))

    def of_run(self, run_id: str) -> StabilityTest | None:
        """The newest finished test of a run."""
        return self._first(_newest(stability.c.run_id == run_id, stability.c.status != "running"))

    def tests(self) -> list[StabilityTest]:
        """All of them, the first first."""
        query = sa.select(stability).order_by(stability.c.started_at, stability.c.id)
        with self._engine.connect() as connection:
            return [_test(dict(row)) for row in connection.execute(query).mappings()]

    def add(self, test_id: str, recodings: Sequence[Recoding]) -> None:
        """Keep what was coded under a variation, in one transaction."""
        rows = [r.model_dump(mode="json") | {"stability_id": test_id} for r in recodings]
        with self._engine.begin() as connection:
            add_new(connection, recoding, rows)

    def recodings(self, test_id: str) -> list[Recoding]:
        """Everything that was coded in a test."""
        query = sa.select(recoding).where(recoding.c.stability_id == test_id)
        query = query.order_by(recoding.c.variation, recoding.c.segment_id, recoding.c.code)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [Recoding.model_validate({name: row[name] for name in Recoding.model_fields}) for row in rows]

    def finish(self, test_id: str, status: str) -> StabilityTest:
        """Close a test as `complete` or `incomplete`."""
        change = stability.update().where(stability.c.id == test_id).values(status=status, finished_at=now())
        with self._engine.begin() as connection:
            connection.execute(change)
            row = connection.execute(sa.select(stability).where(stability.c.id == test_id)).mappings().one()
        return _test(dict(row))

    def _first(self, query: sa.Select[Any]) -> StabilityTest | None:
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return _test(dict(row)) if row else None


def _newest(*wanted: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(stability).where(*wanted).order_by(stability.c.started_at.desc(), stability.c.id).limit(1)


def _test(row: Mapping[str, Any]) -> StabilityTest:
    return StabilityTest.model_validate({**row, "plan": StabilityPlan.model_validate_json(row["plan"])})
