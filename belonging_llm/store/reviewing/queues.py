"""Each coder's queue: the segments that are theirs to code, in an order of their own, and how far they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from belonging_llm.provenance import now
from belonging_llm.store.reviewing.judgements import Certainty, Mark
from belonging_llm.store.reviewing.saving import saving
from belonging_llm.store.schema import judgement, queue, queue_item, segment
from belonging_llm.store.writing import add_new


class State(StrEnum):
    """How far a coder is with a segment."""

    PENDING = "pending"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    SKIPPED = "skipped"


class Draft(BaseModel):
    """What is chosen so far and not submitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    marks: tuple[Mark, ...] = ()
    memo: str = ""
    certainty: Certainty | None = None
    none_fits: bool = False
    seconds: float = Field(default=0, ge=0)


class Queue(BaseModel):
    """How a coder's queue was drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reviewer: str
    drawn_from: str
    seed: int
    made_at: str


class QueueItem(BaseModel):
    """One segment in a coder's queue.

    Attributes:
        place: In the coder's order, from 0.
        words: The segment's text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment_id: str
    place: int
    state: State
    flagged: bool
    draft: Draft | None
    touched_at: str
    transcript_id: str
    participant: str
    turn: int
    part: int
    words: str


class Progress(BaseModel):
    """How many segments of a queue are in which state; flagged ones are counted beside that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pending: int = 0
    draft: int = 0
    submitted: int = 0
    skipped: int = 0
    flagged: int = 0

    @property
    def total(self) -> int:
        """All segments of the queue."""
        return self.pending + self.draft + self.submitted + self.skipped


class Queues:
    """Queues are drawn once and grow at their end."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def get(self, reviewer: str) -> Queue | None:
        """How somebody's queue was drawn; None when they have none."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(queue).where(queue.c.reviewer == reviewer)).mappings().first()
        return Queue.model_validate(dict(row)) if row else None

    def draw(self, reviewer: str, order: Sequence[str], *, drawn_from: str, seed: int) -> None:
        """Give somebody segments in an order; to a queue that is there, those not in it yet are added at its end."""
        with saving(self._engine) as connection:
            row = {"reviewer": reviewer, "drawn_from": drawn_from, "seed": seed, "made_at": now()}
            add_new(connection, queue, [row])
            mine = queue_item.c.reviewer == reviewer
            last = connection.execute(sa.select(sa.func.max(queue_item.c.place)).where(mine)).scalar()
            held = set(connection.execute(sa.select(queue_item.c.segment_id).where(mine)).scalars())
            begin = 0 if last is None else last + 1
            fresh = [one for one in order if one not in held]
            rows = [
                {"reviewer": reviewer, "segment_id": one, "place": begin + n, "state": State.PENDING.value}
                for n, one in enumerate(fresh)
            ]
            add_new(connection, queue_item, rows)

    def progress(self, reviewer: str) -> Progress:
        """How far somebody is."""
        mine = queue_item.c.reviewer == reviewer
        by_state = sa.select(queue_item.c.state, sa.func.count()).where(mine).group_by(queue_item.c.state)
        flagged = sa.select(sa.func.count()).select_from(queue_item).where(mine, queue_item.c.flagged)
        with self._engine.connect() as connection:
            counts = {state: n for state, n in connection.execute(by_state)}
            return Progress(**counts, flagged=connection.execute(flagged).scalar_one())

    def item(self, reviewer: str, segment_id: str) -> QueueItem | None:
        """One segment of somebody's queue; None when it is not theirs to code."""
        found = self._found(queue_item.c.reviewer == reviewer, queue_item.c.segment_id == segment_id, limit=1)
        return found[0] if found else None

    def page(
        self, reviewer: str, state: State | None = None, *, flagged: bool = False, after: int = -1, limit: int = 50
    ) -> list[QueueItem]:
        """Segments of somebody's queue in their order, from a place on.

        Args:
            state: Only those in this state; in any when None.
            flagged: Only flagged ones.
            after: Only those behind this place.
        """
        wanted = [queue_item.c.reviewer == reviewer, queue_item.c.place > after]
        wanted += [queue_item.c.state == state.value] if state else []
        wanted += [queue_item.c.flagged] if flagged else []
        return self._found(*wanted, limit=limit)

    def last_touched(self, reviewer: str) -> QueueItem | None:
        """Where somebody was last; None when they have not begun."""
        wanted = (queue_item.c.reviewer == reviewer, queue_item.c.touched_at != "")
        found = self._found(*wanted, limit=1, order=queue_item.c.touched_at.desc())
        return found[0] if found else None

    def keep_draft(self, reviewer: str, segment_id: str, draft: Draft, *, flagged: bool, key: str) -> bool:
        """Keep what is chosen so far; a segment that was submitted stays so until it is submitted again.

        So does its flag, which keeps a segment open to be coded again.

        Args:
            key: Of the form that the draft is from; one that was submitted meanwhile leaves no draft.

        Returns:
            Whether it was kept.
        """
        mine = (queue_item.c.reviewer == reviewer) & (queue_item.c.segment_id == segment_id)
        begun = State.PENDING if draft == Draft(seconds=draft.seconds) else State.DRAFT
        done = queue_item.c.state.in_((State.SUBMITTED.value, State.SKIPPED.value))
        state = sa.case((done, queue_item.c.state), else_=begun.value)
        flag = sa.case((done, queue_item.c.flagged), else_=sa.literal(flagged))
        values = {"draft": draft.model_dump_json(), "flagged": flag, "touched_at": now(), "state": state}
        with saving(self._engine) as connection:
            if connection.execute(sa.select(judgement.c.id).where(judgement.c.key == key)).first():
                return False
            return connection.execute(queue_item.update().where(mine).values(values)).rowcount == 1

    def after(self, reviewer: str, place: int) -> QueueItem | None:
        """What is to be coded next: the first pending one behind a place, else the first draft or pending one."""
        mine, i = queue_item.c.reviewer == reviewer, queue_item.c
        ahead = self._found(mine, i.state == State.PENDING.value, i.place > place, limit=1)
        open_ = ahead or self._found(mine, i.state == State.DRAFT.value, limit=1)
        found = open_ or self._found(mine, i.state == State.PENDING.value, limit=1)
        return found[0] if found else None

    def beside(self, reviewer: str, place: int) -> tuple[str | None, str | None]:
        """Ids of the segments just before and just after a place; None at either end."""
        i = queue_item.c
        mine = sa.select(i.segment_id).where(i.reviewer == reviewer)
        with self._engine.connect() as connection:
            before = connection.execute(mine.where(i.place < place).order_by(i.place.desc()).limit(1)).scalar()
            after = connection.execute(mine.where(i.place > place).order_by(i.place).limit(1)).scalar()
        return before, after

    def _found(
        self, *wanted: sa.ColumnElement[bool], limit: int, order: sa.ColumnElement[object] | None = None
    ) -> list[QueueItem]:
        i, s = queue_item.c, segment.c
        columns = (i.segment_id, i.place, i.state, i.flagged, i.draft, i.touched_at)
        said = (s.transcript_id, s.participant, s.turn, s.part, s.text.label("words"))
        query = sa.select(*columns, *said).join(segment, i.segment_id == s.id).where(*wanted)
        query = query.order_by(i.place if order is None else order).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [QueueItem.model_validate({**row, "draft": json.loads(row["draft"])}) for row in rows]
