"""How much of what a study keeps was made with a code or a codebook."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.store.layers import codings_as_of
from belonging_llm.store.schema import coding, judged, queue_item


class Use(BaseModel):
    """Codings of one code by one coder; `assigned` are those that say it applies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    coder: str
    codings: int
    assigned: int


_NONE: Mapping[str, str] = {}


class CodebookUse:
    """Counts, for people who are about to change a codebook."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def by_people(self, codes: Collection[str] | None = None, absorbed: Mapping[str, str] = _NONE) -> list[Use]:
        """People's codings, by code and coder; of these codes, or of all.

        Args:
            absorbed: Codes that count as another; without, as they were given.
        """
        c = coding.c
        code = sa.case(dict(absorbed), value=c.code, else_=c.code) if absorbed else c.code
        segments = sa.func.count(c.segment_id.distinct())
        assigned = sa.func.count(sa.case((c.outcome == "assigned", c.segment_id)).distinct())
        query = sa.select(code.label("counts_as"), c.coder, segments, assigned).where(c.run_id == "")
        if codes is not None:
            query = query.where(c.code.in_(sorted(codes)))
        query = query.group_by("counts_as", c.coder).order_by("counts_as", c.coder)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Use(code=code, coder=coder, codings=n, assigned=yes) for code, coder, n, yes in rows]

    def by_run(self, run_id: str) -> int:
        """Outcomes that count as of a run: a batch's base's among them."""
        query = sa.select(sa.func.count()).select_from(coding)
        with self._engine.connect() as connection:
            query = query.where(codings_as_of(connection, run_id))
            return int(connection.execute(query).scalar_one())

    def judged(self) -> dict[str, int]:
        """Segments that each person judged against the codebook as it was then."""
        query = sa.select(judged.c.coder, sa.func.count()).group_by(judged.c.coder).order_by(judged.c.coder)
        with self._engine.connect() as connection:
            return {coder: n for coder, n in connection.execute(query)}

    def judged_by(self) -> dict[tuple[str, str], int]:
        """Segments that each person judged by each codebook, by coder and digest; empty where it was not recorded."""
        query = sa.select(judged.c.coder, judged.c.codebook, sa.func.count()).group_by(
            judged.c.coder, judged.c.codebook
        )
        with self._engine.connect() as connection:
            return {(coder, book): n for coder, book, n in connection.execute(query)}

    def drafts(self, codes: Collection[str]) -> dict[str, int]:
        """Drafts of coders that have one of these codes, by reviewer."""
        found: Counter[str] = Counter()
        query = sa.select(queue_item.c.reviewer, queue_item.c.draft).where(queue_item.c.draft != "null")
        with self._engine.connect() as connection:
            for who, draft in connection.execute(query):
                found[who] += any(mark["code"] in codes for mark in json.loads(draft)["marks"])
        return {who: n for who, n in sorted(found.items()) if n}
