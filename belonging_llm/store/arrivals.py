"""What lay in a study's inbox, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.store.runs import BATCH
from belonging_llm.store.schema import arrival, run
from belonging_llm.store.writing import in_chunks


class Outcome(StrEnum):
    """What became of a file."""

    BEGUN = "begun"
    IMPORTED = "imported"
    KNOWN = "already known"
    REFUSED = "refused"
    LEFT = "left"


class Arrival(BaseModel):
    """One file as it was found in the inbox.

    Attributes:
        name: Relative to the inbox.
        digest: Of its bytes; empty while it has not been read.
        modified: As the file system says; empty where it does not.
        at: When it was first found like this, ISO 8601.
        run_id: The batch that took it in; None while none has.
        kind: What it brought.
        added: How many transcripts, segments, codings or participants were new.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: str
    size: int
    modified: str
    at: str
    run_id: str | None
    outcome: Outcome
    reason: str = ""
    kind: str = ""
    added: int = 0


class Arrivals:
    """The list of what came into the inbox."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of_names(self, names: Sequence[str]) -> dict[str, list[Arrival]]:
        """What is known of files, by name."""
        found: dict[str, list[Arrival]] = {}
        with self._engine.connect() as connection:
            for chunk in in_chunks(names):
                for row in connection.execute(sa.select(arrival).where(arrival.c.name.in_(chunk))).mappings():
                    found.setdefault(row["name"], []).append(Arrival.model_validate(dict(row)))
        return found

    def of_run(self, run_id: str | None) -> list[Arrival]:
        """What a batch took in or refused, by name; for None what no run has closed yet."""
        query = sa.select(arrival).where(arrival.c.run_id == run_id, arrival.c.digest != "").order_by(arrival.c.name)
        with self._engine.connect() as connection:
            return [Arrival.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def note(self, found: Arrival) -> None:
        """Keep what is known of a file; what was known of the same name and bytes before is replaced."""
        same = (arrival.c.name == found.name) & (arrival.c.digest == found.digest)
        with self._engine.begin() as connection:
            # Once it has been read, that it was left once says nothing any more.
            connection.execute(arrival.delete().where(same | _left(found.name)))
            connection.execute(arrival.insert(), found.model_dump())

    def forget(self, name: str) -> None:
        """Forget a file that was only ever left."""
        with self._engine.begin() as connection:
            connection.execute(arrival.delete().where(_left(name)))

    def drop(self, found: Arrival) -> None:
        """Keep nothing of a file."""
        same = (arrival.c.name == found.name) & (arrival.c.digest == found.digest)
        with self._engine.begin() as connection:
            connection.execute(arrival.delete().where(same | _left(found.name)))

    def ascribe(self, run_id: str, found: Sequence[Arrival]) -> None:
        """Give a run what came in before it had an id, or with a batch that it takes the place of."""
        with self._engine.begin() as connection:
            for one in found:
                # The same bytes may have come before under another name.
                this = (arrival.c.name == one.name) & (arrival.c.digest == one.digest)
                connection.execute(arrival.update().where(this).values(run_id=run_id))

    def unclosed(self, base_id: str) -> list[Arrival]:
        """What came in and no run has told of: before it had an id, or with a batch that will not be gone on with.

        Args:
            base_id: The last whole run; batches on others are not gone on with.
        """
        given_up = sa.select(run.c.id).where(run.c.kind == BATCH, run.c.status == "running", run.c.base_id != base_id)
        query = sa.select(arrival).where(arrival.c.run_id.is_(None) | arrival.c.run_id.in_(given_up))
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(arrival.c.digest != "").order_by(arrival.c.name)).mappings()
            return [Arrival.model_validate(dict(row)) for row in rows]


def _left(name: str) -> sa.ColumnElement[bool]:
    return (arrival.c.name == name) & (arrival.c.digest == "")
