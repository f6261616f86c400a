"""Attempts to sign in: how often a password was wrong, for an account and from an address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from belonging_llm.provenance import now
from belonging_llm.store.reviewing.saving import saving
from belonging_llm.store.schema import sign_in_attempt

WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=30)
PER_ACCOUNT = 10
PER_ADDRESS = 40


class Attempts:
    """Counted in the database, so that a restart forgets none."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def may_try(self, account: str, address: str) -> bool:
        """Whether another attempt is let through: few failures lately, for this account and from this address."""
        c = sign_in_attempt.c
        with self._engine.connect() as connection:
            return all(
                connection.execute(_failures(column == value)).scalar_one() < most
                for column, value, most in ((c.account, account, PER_ACCOUNT), (c.address, address, PER_ADDRESS))
            )

    def note(self, account: str, address: str, *, succeeded: bool) -> None:
        """Keep one attempt, and let go of those of long ago."""
        row = {"at": now(), "account": account, "address": address, "succeeded": succeeded}
        with saving(self._engine) as connection:
            connection.execute(sign_in_attempt.insert(), row)
            connection.execute(sign_in_attempt.delete().where(sign_in_attempt.c.at < _ago(KEPT)))


def _failures(whose: sa.ColumnElement[bool]) -> sa.Select[int]:
    lately = sign_in_attempt.c.at > _ago(WINDOW)
    return sa.select(sa.func.count()).select_from(sign_in_attempt).where(whose, lately, ~sign_in_attempt.c.succeeded)


def _ago(how_long: timedelta) -> str:
    return (datetime.now(UTC) - how_long).isoformat(timespec="milliseconds")
