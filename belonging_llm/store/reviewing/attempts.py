"""Attempts to sign in: how often a password was wrong, for an account and from an address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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

    def admit(self, account: str, address: str) -> int | None:
        """Let another attempt through, where few failed lately for this account and from this address.

        It counts as failed until it is told to have succeeded, so that many at one moment are counted too.

        Returns:
            The attempt's number, or None where it is refused.
        """
        c = sign_in_attempt.c
        row = {"at": now(), "account": account, "address": address, "succeeded": False}
        with saving(self._engine) as connection:
            connection.execute(sign_in_attempt.delete().where(c.at < _ago(KEPT)))
            for column, value, most in ((c.account, account, PER_ACCOUNT), (c.address, address, PER_ADDRESS)):
                if connection.execute(_failures(column == value)).scalar_one() >= most:
                    return None
            return int(connection.execute(sign_in_attempt.insert().returning(c.id), row).scalar_one())

    def succeeded(self, number: int) -> None:
        """The attempt had the right password."""
        with saving(self._engine) as connection:
            connection.execute(sign_in_attempt.update().where(sign_in_attempt.c.id == number).values(succeeded=True))

    def forgive(self, account: str) -> None:
        """Forget an account's failures: whoever has a fresh link need not wait."""
        c = sign_in_attempt.c
        with saving(self._engine) as connection:
            connection.execute(sign_in_attempt.delete().where(c.account == account, ~c.succeeded))


def _failures(whose: sa.ColumnElement[bool]) -> sa.Select[Any]:
    lately = sign_in_attempt.c.at > _ago(WINDOW)
    return sa.select(sa.func.count()).select_from(sign_in_attempt).where(whose, lately, ~sign_in_attempt.c.succeeded)


def _ago(how_long: timedelta) -> str:
    return (datetime.now(UTC) - how_long).isoformat(timespec="milliseconds")
