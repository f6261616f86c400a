"""What audits must remember: who belongs to which split, who opened the test split, what was drawn and how."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import now
from belonging_llm.store.schema import audit_plan, audit_unit, sentinel, split, unsealing
from belonging_llm.store.writing import add_new


class Unsealing(BaseModel):
    """One opening of the test split.

    Attributes:
        candidate: The run or coder that was judged.
        pinned: Digests of what must not change afterwards, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    who: str
    candidate: str
    pinned: dict[str, str]


class AuditUnit(BaseModel):
    """A segment's part in an audit sample.

    Attributes:
        inclusion: Probability (0, 1] with which it could be drawn: its participant's, times its own given who of the
            participants was drawn.
        drawn: Whether it was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment_id: str
    inclusion: float
    stratum: str
    drawn: bool


class AuditRecords:
    """Splits, unsealings, samples and sentinels; nothing here is ever rewritten."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def parts(self) -> dict[str, str]:
        """The part that each participant is locked into."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(split.c.participant, split.c.part).order_by(split.c.participant))
            return {who: part for who, part in rows}

    def lock(self, parts: Mapping[str, str], drawn: Mapping[str, Any]) -> None:
        """Lock participants into parts; those already locked stay where they are."""
        fields = {"at": now(), "drawn": json.dumps(dict(drawn), sort_keys=True)}
        with self._engine.begin() as connection:
            add_new(connection, split, [{"participant": who, "part": part} | fields for who, part in parts.items()])

    def unseal(self, *, who: str, candidate: str, pinned: Mapping[str, str]) -> None:
        """Log an opening of the test split."""
        row = {"at": now(), "who": who, "candidate": candidate, "pinned": json.dumps(dict(pinned), sort_keys=True)}
        with self._engine.begin() as connection:
            connection.execute(unsealing.insert(), row)

    def unsealings(self) -> list[Unsealing]:
        """Every opening of the test split, the first first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(unsealing).order_by(unsealing.c.id)).all()
        return [
            Unsealing(at=row.at, who=row.who, candidate=row.candidate, pinned=json.loads(row.pinned)) for row in rows
        ]

    def add_plan(self, content: Mapping[str, Any], units: Sequence[AuditUnit]) -> int:
        """Keep a drawn sample with everybody's chance of being in it; returns its number."""
        with self._engine.begin() as connection:
            row = {"at": now(), "content": json.dumps(dict(content), sort_keys=True)}
            number = connection.execute(audit_plan.insert().returning(audit_plan.c.id), row).scalar_one()
            connection.execute(audit_unit.insert(), [u.model_dump() | {"plan_id": number} for u in units])
        return int(number)

    def plans(self) -> dict[int, dict[str, Any]]:
        """What was planned, by number."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(audit_plan).order_by(audit_plan.c.id)).all()
        return {row.id: json.loads(row.content) | {"at": row.at} for row in rows}

    def units(self, number: int) -> list[AuditUnit]:
        """Every segment of a plan's population, by id."""
        query = sa.select(audit_unit).where(audit_unit.c.plan_id == number).order_by(audit_unit.c.segment_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [AuditUnit.model_validate({k: v for k, v in row.items() if k != "plan_id"}) for row in rows]

    def add_sentinels(self, segment_ids: Sequence[str]) -> None:
        """Keep segments as sentinels; those already kept stay."""
        with self._engine.begin() as connection:
            add_new(connection, sentinel, [{"segment_id": one, "at": now()} for one in segment_ids])

    def sentinels(self) -> list[str]:
        """Ids of the sentinels, sorted."""
        with self._engine.connect() as connection:
            return list(connection.execute(sa.select(sentinel.c.segment_id).order_by(sentinel.c.segment_id)).scalars())
