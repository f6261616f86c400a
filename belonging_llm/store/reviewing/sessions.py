"""Sessions live here, not in the browser's cookie: what is ended here is over at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import now
from belonging_llm.store.reviewing.reviewers import Reviewer, as_reviewer
from belonging_llm.store.reviewing.saving import saving
from belonging_llm.store.schema import reviewer, reviewer_session

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
# A session is seen on every request; that it was is written down only so often.
_NOTED_EVERY = timedelta(minutes=1)


class Session(BaseModel):
    """Somebody who is in.

    Attributes:
        digest: Of the token that the browser holds; the token itself is kept nowhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    reviewer: Reviewer


class Sessions:
    """Who is in; a session ends by itself after two hours without a request and after twelve in all."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def begin(self, digest: str, name: str) -> None:
        """Let somebody in."""
        moment = now()
        row = {"digest": digest, "reviewer": name, "made_at": moment, "seen_at": moment}
        with saving(self._engine) as connection:
            connection.execute(reviewer_session.insert(), row)

    def find(self, digest: str) -> Session | None:
        """The session under a token's digest; None when it has ended or expired or its account is closed."""
        c = reviewer_session.c
        query = sa.select(c.seen_at.label("session_seen_at"), reviewer).join(reviewer)
        query = query.where(c.digest == digest, c.ended_at.is_(None), reviewer.c.revoked_at.is_(None))
        query = query.where(c.seen_at > _ago(IDLE), c.made_at > _ago(LONGEST))
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if row["session_seen_at"] < _ago(_NOTED_EVERY):
            self._note(digest)
        return Session(digest=digest, reviewer=as_reviewer(row))

    def end(self, digest: str) -> None:
        """Sign somebody out."""
        with saving(self._engine) as connection:
            this = reviewer_session.update().where(reviewer_session.c.digest == digest)
            connection.execute(this.values(ended_at=now()))

    def _note(self, digest: str) -> None:
        with saving(self._engine) as connection:
            this = reviewer_session.update().where(reviewer_session.c.digest == digest)
            connection.execute(this.values(seen_at=now()))


def _ago(how_long: timedelta) -> str:
    return (datetime.now(UTC) - how_long).isoformat(timespec="milliseconds")
