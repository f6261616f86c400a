"""Reviewers: people with an account in the review application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.errors import InputError
from belonging_llm.provenance import now
from belonging_llm.store.reviewing.saving import saving
from belonging_llm.store.schema import reviewer, reviewer_session


class Role(StrEnum):
    """What somebody may do; one each, since who has seen others' codings does not code blind any more."""

    CODER = "coder"
    ADJUDICATOR = "adjudicator"
    ADMIN = "admin"


class Reviewer(BaseModel):
    """An account.

    Attributes:
        coder: The name that their codings stand under.
        password: Its argon2 hash; empty until they have set one.
        link_digest: Of the one-time link to set it; None once used.
        revoked_at: When the account was closed; None while it is open.
        preferences: What they set for themselves, as plain strings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    coder: str
    role: Role
    password: str
    link_digest: str | None
    link_expires_at: str | None
    made_at: str
    revoked_at: str | None
    preferences: dict[str, str]


class Reviewers:
    """Who may come in, and as what."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, name: str, *, coder: str, role: Role) -> Reviewer:
        """Make an account without a password.

        One account codes under a name. Who settles or administers may name it too, so that it is known what they coded.

        Raises:
            InputError: the name is taken, or another account codes under the coder's name.
        """
        row = {"name": name, "coder": coder, "role": role.value, "password": "", "made_at": now()}
        try:
            with saving(self._engine) as connection:
                connection.execute(reviewer.insert(), row)
        except sa.exc.IntegrityError as error:
            raise InputError(f"{name}: there is an account of this name, or one that codes as {coder!r}") from error
        return self.get(name)

    def get(self, name: str) -> Reviewer:
        """One account, open or closed; KeyError when there is none."""
        (found,) = self._found(reviewer.c.name == name) or (None,)
        if found is None:
            raise KeyError(name)
        return found

    def all(self) -> list[Reviewer]:
        """Every account, closed ones too, by name."""
        return self._found()

    def coders(self) -> dict[str, str]:
        """By the name that they code under, the account of everybody who codes here, closed ones too."""
        return {one.coder: one.name for one in self._found(reviewer.c.role == Role.CODER.value)}

    def invite(self, name: str, link_digest: str, expires_at: str) -> None:
        """Keep a one-time link; one that was given before ends."""
        self._change(name, link_digest=link_digest, link_expires_at=expires_at)

    def invited(self, link_digest: str) -> Reviewer | None:
        """Whose open link this is; None when it was used, has expired, or its account is closed."""
        found = self._found(reviewer.c.link_digest == link_digest, reviewer.c.revoked_at.is_(None))
        return found[0] if found and (found[0].link_expires_at or "") > now() else None

    def set_password(self, link_digest: str, password: str) -> bool:
        """Use up a link: keep the hash of a password, and end every session of the account.

        Returns:
            False when the link is not open (any more); nothing was changed.
        """
        moment = now()
        open_ = (reviewer.c.link_digest == link_digest) & (reviewer.c.link_expires_at > moment)
        values = {"password": password, "link_digest": None, "link_expires_at": None}
        with saving(self._engine) as connection:
            query = sa.select(reviewer.c.name).where(open_, reviewer.c.revoked_at.is_(None))
            name = connection.execute(query).scalar_one_or_none()
            if name is None:
                return False
            connection.execute(reviewer.update().where(reviewer.c.name == name).values(values))
            connection.execute(_sessions_of(name).values(ended_at=moment))
        return True

    def revoke(self, name: str) -> None:
        """Close an account and end its sessions at once; its codings stay."""
        moment = now()
        values = {"revoked_at": moment, "link_digest": None, "link_expires_at": None}
        with saving(self._engine) as connection:
            connection.execute(reviewer.update().where(reviewer.c.name == name).values(values))
            connection.execute(_sessions_of(name).values(ended_at=moment))

    def prefer(self, name: str, preferences: Mapping[str, str]) -> None:
        """Keep what somebody set for themselves."""
        self._change(name, preferences=json.dumps(dict(preferences)))

    def _change(self, name: str, **values: Any) -> None:
        with saving(self._engine) as connection:
            connection.execute(reviewer.update().where(reviewer.c.name == name).values(values))

    def _found(self, *wanted: sa.ColumnElement[bool]) -> list[Reviewer]:
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(reviewer).where(*wanted).order_by(reviewer.c.name)).mappings().all()
        return [as_reviewer(row) for row in rows]


def as_reviewer(row: Mapping[Any, Any]) -> Reviewer:
    """An account from its row."""
    fields = {name: row[name] for name in Reviewer.model_fields}
    return Reviewer.model_validate(fields | {"preferences": json.loads(row["preferences"])})


def _sessions_of(name: str) -> sa.Update:
    return reviewer_session.update().where(reviewer_session.c.reviewer == name, reviewer_session.c.ended_at.is_(None))
