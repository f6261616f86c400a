"""Codebooks in the database: every version stays, with who made it, when and why; the newest is in use."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.codebook import Framework
from belonging_llm.errors import StaleError
from belonging_llm.provenance import now
from belonging_llm.store.database import alone
from belonging_llm.store.schema import codebook, codebook_version


class Version(BaseModel):
    """A codebook's coming into use.

    Attributes:
        number: Counted from 1 in the study's order.
        digest: Of the codebook as it was then.
        by: Empty where nobody was named.
        same_meaning: Codes whose texts changed and of which the author said that they mean what they meant.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    digest: str
    at: str
    by: str
    reason: str
    same_meaning: tuple[str, ...] = ()


class Codebooks:
    """Versions of the study's codebook."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def use(
        self,
        framework: Framework,
        *,
        by: str = "",
        reason: str = "",
        base: str | None = None,
        same_meaning: Collection[str] = (),
    ) -> bool:
        """Make a codebook the one in use; the earlier ones stay.

        Args:
            base: Digest of the one that this was made from.

        Returns:
            False when it already is.

        Raises:
            StaleError: another one than `base` is in use by now; nothing was changed.
        """
        with alone(self._engine) as connection:
            current = connection.execute(_newest(codebook.c.digest)).scalar_one_or_none()
            if base is not None and current != base:
                raise StaleError("the codebook was changed meanwhile; look at what changed, and save again")
            if current == framework.digest:
                return False
            _bring_into_use(connection, framework, by=by, reason=reason, same_meaning=same_meaning)
        return True

    def current(self) -> Framework | None:
        """The codebook in use, if one was ever brought in."""
        with self._engine.connect() as connection:
            content = connection.execute(_newest(codebook.c.content)).scalar_one_or_none()
        return Framework.model_validate_json(content) if content else None

    def versions(self) -> list[Version]:
        """Every version, the first first; the last is in use."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(codebook_version).order_by(codebook_version.c.number)).mappings().all()
        return [Version.model_validate({**row, "same_meaning": json.loads(row["same_meaning"])}) for row in rows]

    def number(self, digest: str) -> int | None:
        """The version that a codebook is, the last one where it came into use more than once; None where it is none."""
        return next((one.number for one in reversed(self.versions()) if one.digest == digest), None)

    def get(self, digest: str) -> Framework:
        """A codebook that is or was in use; KeyError when there is none with this digest.

        Its own digest is another one where words were taken out of it since, for somebody who withdrew.
        """
        with self._engine.connect() as connection:
            query = sa.select(codebook.c.content).where(codebook.c.digest == digest)
            content = connection.execute(query).scalar_one_or_none()
        if content is None:
            raise KeyError(digest)
        return Framework.model_validate_json(content)


def absorbed(engine: sa.Engine) -> Mapping[str, str]:
    """For codes that were merged into another in the codebook in use, that other."""
    found = Codebooks(engine).current()
    return found.absorbed if found else {}


def reword_codebooks(connection: sa.Connection, changed: Callable[[Framework], Framework], reason: str) -> int:
    """Put other words into every codebook, in use or not; returns how many changed.

    Each keeps the digest that codings and audits know it by. Of the one in use there is a new version as well, since
    models are shown other words from now on.
    """
    current, count = connection.execute(_newest(codebook.c.digest)).scalar_one_or_none(), 0
    for row in connection.execute(sa.select(codebook).order_by(codebook.c.ordinal)).all():
        was = Framework.model_validate_json(row.content)
        now_ = changed(was)
        if now_ == was:
            continue
        count += 1
        this = codebook.update().where(codebook.c.digest == row.digest)
        connection.execute(this.values(content=now_.model_dump_json()))
        if row.digest == current:
            _bring_into_use(connection, now_, by="", reason=reason, same_meaning=[code.id for code in now_.codes])
    return count


def _bring_into_use(
    connection: sa.Connection, framework: Framework, *, by: str, reason: str, same_meaning: Collection[str]
) -> None:
    last = connection.execute(sa.select(sa.func.max(codebook.c.ordinal))).scalar() or 0
    content = {"content": framework.model_dump_json(), "ordinal": last + 1}
    known = connection.execute(codebook.update().where(codebook.c.digest == framework.digest).values(content)).rowcount
    at = now()
    if not known:
        connection.execute(codebook.insert(), {"digest": framework.digest, "imported_at": at} | content)
    row = {"digest": framework.digest, "at": at, "by": by, "reason": reason}
    connection.execute(codebook_version.insert(), row | {"same_meaning": json.dumps(sorted(same_meaning))})


def _newest(column: sa.Column[Any]) -> sa.Select[Any]:
    return sa.select(column).order_by(codebook.c.ordinal.desc()).limit(1)
