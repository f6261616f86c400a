"""The ledger in the database: every reply is committed before anybody parses it."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.asking import Departure, LedgerEntry
from belonging_llm.budget import Spending, billed
from belonging_llm.errors import DiskFull, Incomplete
from belonging_llm.llm import ChatReply, ChatRequest, is_loopback
from belonging_llm.provenance import digest, now
from belonging_llm.store.reserve import Reserve
from belonging_llm.store.schema import call, egress
from belonging_llm.store.writing import add_new


class Left(BaseModel):
    """One request that left this process (for this machine's own servers, or for elsewhere).

    Attributes:
        run_id: The run or test that it was sent for; empty where that was not logged yet.
        about: Participants whose words it held; None where that was not logged yet.
        bytes: Of the request, `digest` of the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    endpoint: str
    model: str
    run_id: str
    about: tuple[str, ...] | None
    bytes: int
    digest: str

    @property
    def away(self) -> bool:
        """Whether it left this machine."""
        return not is_loopback(self.endpoint)


# Seconds between tries to keep a reply while the database is away; a server is restarted in less.
PATIENCE = (0.2, 0.5, 1, 2, 4, 8, 8)


class StoredLedger:
    """`Ledger` on a study's database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reserve = Reserve(engine)

    def replies(self, key: str) -> Sequence[LedgerEntry]:
        """All replies under a key, by attempt."""
        query = sa.select(call).where(call.c.key == key).order_by(call.c.attempt)
        with self._engine.connect() as connection:
            return [entry_of(row) for row in connection.execute(query).mappings()]

    def record(self, entry: LedgerEntry, request: ChatRequest) -> None:
        """Commit one reply. It is paid for: a database that is away is waited for, a full disk gives up its reserve.

        Raises:
            DiskFull: the reply is kept, and there is no room for another; or not even for it.
            Incomplete: the database stayed away.
        """
        row = call_row(entry, request)
        for wait in PATIENCE:
            try:
                return self._insert(row)
            except DiskFull:
                if self._reserve.release():
                    self._insert(row)
                raise
            except Incomplete:
                time.sleep(wait)
        self._insert(row)

    def _insert(self, row: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            # A commit whose confirmation was lost is there already.
            add_new(connection, call, [row])

    def leaving(self, request: ChatRequest, departure: Departure) -> None:
        """Commit a line of the egress log: a request is about to leave this process, or to be tried again.

        Raises:
            DiskFull: its reply might find no room.
        """
        self._reserve.hold()
        with self._engine.begin() as connection:
            connection.execute(egress.insert(), egress_row(request, departure))

    def departures(self) -> list[Left]:
        """The egress log, the first first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(egress).order_by(egress.c.id)).mappings().all()
        return [_left(row) for row in rows]

    def requests(self, prompt_digest: str, *, of: Collection[str] = (), not_of: Collection[str] = ()) -> dict[str, str]:
        """What was sent with a version of a prompt, as JSON by key.

        Args:
            of: Runs whose requests alone are wanted; of any when empty.
            not_of: Runs whose requests are not.
        """
        query = sa.select(call.c.key, call.c.request).where(call.c.prompt_digest == prompt_digest)
        query = query.where(call.c.run_id.in_(of)) if of else query
        query = query.where(call.c.run_id.not_in(not_of)).order_by(call.c.key)
        with self._engine.connect() as connection:
            return {key: request for key, request in connection.execute(query)}

    def endpoints(self) -> dict[str, int]:
        """Requests that left this machine, by endpoint."""
        query = sa.select(egress.c.endpoint, sa.func.count()).group_by(egress.c.endpoint).order_by(egress.c.endpoint)
        with self._engine.connect() as connection:
            return {endpoint: n for endpoint, n in connection.execute(query)}

    def usage(self, run_id: str | None = None) -> dict[str, Any]:
        """Calls, seconds and tokens of a run, or of all; tokens are None where no endpoint counted them."""
        query = sa.select(call.c.reply, call.c.seconds)
        if run_id is not None:
            query = query.where(call.c.run_id == run_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        replies = [_reply(reply) for reply, _ in rows]
        return {
            "calls": len(rows),
            "seconds": round(sum(seconds for _, seconds in rows), 1),
            "prompt_tokens": _sum([r.prompt_tokens for r in replies]),
            "completion_tokens": _sum([r.completion_tokens for r in replies]),
        }

    def spending(self, run_id: str | None = None) -> list[Spending]:
        """What the replies of a run, or of all, are charged for, by model."""
        query = sa.select(call.c.model, call.c.request, call.c.reply, call.c.parcel).order_by(call.c.model)
        if run_id is not None:
            query = query.where(call.c.run_id == run_id)
        found: dict[str, Spending] = {}
        with self._engine.connect() as connection:
            away = self._away(connection, run_id)
            for model, request, reply, parcel in connection.execute(query):
                so_far = found.get(model) or Spending(model, here=model not in away)
                asked = ChatRequest.model_validate_json(request)
                found[model] = so_far.plus(billed(asked, _reply(reply), batch=parcel is not None))
        return list(found.values())

    @staticmethod
    def _away(connection: sa.Connection, run_id: str | None) -> set[str]:
        """Models that text went to on other machines, on behalf of a run or at all."""
        query = sa.select(egress.c.model, egress.c.endpoint).distinct()
        # Before departures were logged by run they had none.
        rows = connection.execute(query if run_id is None else query.where(egress.c.run_id.in_((run_id, ""))))
        return {model for model, endpoint in rows if not is_loopback(endpoint)}


def call_row(entry: LedgerEntry, request: ChatRequest) -> dict[str, Any]:
    """A reply as the table holds it."""
    asked = request.model_dump_json()
    return entry.model_dump(exclude={"reply"}) | {"request": asked, "reply": _storable(entry.reply)}


def egress_row(request: ChatRequest, departure: Departure) -> dict[str, Any]:
    """What is kept of a request that leaves: whose words it held, its size and digest, never the words."""
    asked = request.model_dump_json()
    return {
        "at": now(),
        "endpoint": departure.endpoint,
        "model": departure.model,
        "run_id": departure.run_id,
        "about": json.dumps(sorted(set(departure.about))),
        "bytes": len(asked.encode()),
        "digest": digest(asked),
    }


def _left(row: Mapping[Any, Any]) -> Left:
    about = None if row["about"] is None else tuple(json.loads(row["about"]))
    return Left.model_validate({name: row[name] for name in Left.model_fields} | {"about": about})


def _sum(counts: Sequence[int | None]) -> int | None:
    """The sum of what was counted; None when nothing was."""
    known = [count for count in counts if count is not None]
    return sum(known) if known or not counts else None


def _storable(reply: ChatReply) -> str:
    """The reply as ASCII JSON: lone surrogates and NULs, which databases refuse, survive as escapes."""
    return json.dumps(reply.model_dump())


def _reply(stored: str) -> ChatReply:
    """What `_storable` kept; pydantic's own JSON reader refuses escaped lone surrogates."""
    return ChatReply.model_validate(json.loads(stored))


def entry_of(row: sa.RowMapping) -> LedgerEntry:
    """A reply from its row."""
    fields = {name: row[name] for name in LedgerEntry.model_fields if name != "reply"}
    return LedgerEntry(**fields, reply=_reply(row["reply"]))
