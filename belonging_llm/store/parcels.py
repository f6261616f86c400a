"""Parcels in the database: what was sent together, and what became of each question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from belonging_llm.asking import Departure, LedgerEntry
from belonging_llm.errors import Incomplete
from belonging_llm.llm import ChatRequest
from belonging_llm.parcels import Fate, Line, Parcel, Remote, State, Stray
from belonging_llm.provenance import now
from belonging_llm.store.database import alone
from belonging_llm.store.ledger import call_row, egress_row
from belonging_llm.store.schema import call, egress, parcel, parcel_line, parcel_stray
from belonging_llm.store.writing import in_chunks


class StoredParcels:
    """`Register` on a study's database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def seal(self, new: Parcel, lines: Sequence[Line]) -> None:
        """See `Register.seal`."""
        row = new.model_dump(mode="json", exclude={"fates"}) | {"errors": json.dumps(new.errors)}
        rows = [
            line.model_dump(exclude={"request", "about"})
            | {"parcel_id": new.id, "place": place, "request": line.request.model_dump_json(), "fate": Fate.WAITING}
            | {"about": json.dumps(line.about)}
            for place, line in enumerate(lines)
        ]
        try:
            with self._engine.begin() as connection:
                connection.execute(parcel.insert(), row)
                connection.execute(parcel_line.insert(), rows)
        except sa.exc.IntegrityError as error:
            raise Incomplete(
                "another process is sending the same questions in a batch; rerun when it has ended"
            ) from error

    def leaving(self, parcel_id: str) -> None:
        """See `Register.leaving`."""
        sender = self._get(parcel_id)
        rows = [
            egress_row(line.request, Departure(sender.endpoint, sender.model, sender.run_id, line.about))
            for line in self.lines(parcel_id, waiting=True)
        ]
        with self._engine.begin() as connection:
            connection.execute(egress.insert(), rows)

    def uploaded(self, parcel_id: str, file_id: str) -> Parcel:
        """See `Register.uploaded`."""
        return self._change(parcel_id, state=State.UPLOADED, file_id=file_id, touched_at=now())

    def touch(self, parcel_id: str) -> None:
        """See `Register.touch`."""
        self._change(parcel_id, touched_at=now())

    def sent(self, parcel_id: str, remote: Remote) -> Parcel:
        """See `Register.sent`."""
        told = {"remote_id": remote.id, "status": remote.status}
        return self._change(parcel_id, state=State.SENT, touched_at=now(), **told)

    def told(self, parcel_id: str, status: str) -> None:
        """See `Register.told`."""
        self._change(parcel_id, status=status, touched_at=now())

    def open(self, model: str | None = None, endpoint: str | None = None) -> list[Parcel]:
        """See `Register.open`; of all models when none is named."""
        query = sa.select(parcel).where(parcel.c.state != State.CLOSED)
        if model is not None:
            query = query.where(parcel.c.model == model, parcel.c.endpoint == endpoint)
        return self._parcels(query)

    def lines(self, parcel_id: str, *, waiting: bool = False) -> list[Line]:
        """See `Register.lines`."""
        query = sa.select(parcel_line).where(parcel_line.c.parcel_id == parcel_id).order_by(parcel_line.c.place)
        if waiting:
            query = query.where(parcel_line.c.fate == Fate.WAITING)
        with self._engine.connect() as connection:
            return [_line(row) for row in connection.execute(query).mappings()]

    def keys(self, parcel_id: str) -> set[str]:
        """See `Register.keys`."""
        with self._engine.connect() as connection:
            query = sa.select(parcel_line.c.key).where(parcel_line.c.parcel_id == parcel_id)
            return set(connection.execute(query).scalars())

    def keep(
        self, parcel_id: str, entries: Sequence[tuple[LedgerEntry, ChatRequest]], fates: Mapping[str, Fate]
    ) -> None:
        """See `Register.keep`."""
        replies = {entry.key: (entry, request) for entry, request in entries}
        with alone(self._engine) as connection:
            for key, fate in fates.items():
                # Whoever gives a line its fate also enters its reply; a second process finds none waiting.
                if _settled(connection, parcel_id, key, fate) and key in replies:
                    _enter(connection, *replies[key])

    def close(self, parcel_id: str, status: str, rest: Fate, errors: Iterable[str], strays: Sequence[Stray]) -> None:
        """See `Register.close`."""
        mine = parcel_line.c.parcel_id == parcel_id
        open_still = (parcel.c.id == parcel_id) & (parcel.c.state != State.CLOSED)
        ended = {"state": State.CLOSED, "status": status, "errors": json.dumps(list(errors)), "touched_at": now()}
        rows = [{"parcel_id": parcel_id} | vars(stray) for stray in strays]
        with alone(self._engine) as connection:
            if connection.execute(parcel.update().where(open_still).values(ended)).rowcount and rows:
                connection.execute(parcel_stray.insert(), rows)
            connection.execute(parcel_line.update().where(mine, parcel_line.c.fate == Fate.WAITING).values(fate=rest))
            # What was answered stands in the ledger; what was not is rendered anew.
            connection.execute(parcel_line.update().where(mine).values(request="", about="[]"))

    def answered(self, keys: Sequence[str]) -> set[str]:
        """See `Register.answered`."""
        found: set[str] = set()
        with self._engine.connect() as connection:
            for chunk in in_chunks(keys):
                found.update(connection.execute(sa.select(call.c.key).where(call.c.key.in_(chunk))).scalars())
        return found

    def returned(self, model: str) -> dict[str, list[Fate]]:
        """See `Register.returned`."""
        query = sa.select(parcel_line.c.key, parcel_line.c.fate).join(parcel).order_by(parcel.c.made_at)
        query = query.where(parcel.c.model == model, parcel.c.state == State.CLOSED)
        found: dict[str, list[Fate]] = {}
        with self._engine.connect() as connection:
            for key, fate in connection.execute(query.where(parcel_line.c.fate != Fate.REPLIED)):
                found.setdefault(key, []).append(Fate(fate))
        return found

    def of_run(self, run_id: str) -> list[Parcel]:
        """See `Register.of_run`."""
        return self._parcels(sa.select(parcel).where(parcel.c.run_id == run_id))

    def strays(self, parcel_id: str) -> list[Stray]:
        """Lines that came back with a parcel and stand for no question, as they came."""
        query = sa.select(parcel_stray).where(parcel_stray.c.parcel_id == parcel_id).order_by(parcel_stray.c.id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Stray(row.source, row.number, row.why, row.content) for row in rows]

    def _change(self, parcel_id: str, **values: Any) -> Parcel:
        with self._engine.begin() as connection:
            connection.execute(parcel.update().where(parcel.c.id == parcel_id).values(values))
        return self._get(parcel_id)

    def _get(self, parcel_id: str) -> Parcel:
        (found,) = self._parcels(sa.select(parcel).where(parcel.c.id == parcel_id))
        return found

    def _parcels(self, query: sa.Select[Any]) -> list[Parcel]:
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(parcel.c.made_at, parcel.c.id)).mappings().all()
            return [_parcel(row, _fates(connection, row["id"])) for row in rows]


def _settled(connection: sa.Connection, parcel_id: str, key: str, fate: Fate) -> bool:
    """Give a line its fate; False when it has one."""
    this = (parcel_line.c.parcel_id == parcel_id) & (parcel_line.c.key == key) & (parcel_line.c.fate == Fate.WAITING)
    return bool(connection.execute(parcel_line.update().where(this).values(fate=fate)).rowcount)


def _enter(connection: sa.Connection, entry: LedgerEntry, request: ChatRequest) -> None:
    """A reply into the ledger, behind those under the same key."""
    query = sa.select(sa.func.max(call.c.attempt)).where(call.c.key == entry.key)
    last = connection.execute(query).scalar() or 0
    connection.execute(call.insert(), call_row(entry.model_copy(update={"attempt": last + 1}), request))


def _fates(connection: sa.Connection, parcel_id: str) -> dict[str, int]:
    query = sa.select(parcel_line.c.fate, sa.func.count()).where(parcel_line.c.parcel_id == parcel_id)
    counted = connection.execute(query.group_by(parcel_line.c.fate).order_by(parcel_line.c.fate))
    fates = {fate: n for fate, n in counted}
    query = sa.select(parcel_stray.c.why, sa.func.count()).where(parcel_stray.c.parcel_id == parcel_id)
    strays = connection.execute(query.group_by(parcel_stray.c.why).order_by(parcel_stray.c.why))
    return fates | {f"stray lines, {why}": n for why, n in strays}


def _parcel(row: Mapping[Any, Any], fates: dict[str, int]) -> Parcel:
    return Parcel.model_validate({**row, "errors": tuple(json.loads(row["errors"])), "fates": fates})


def _line(row: Mapping[Any, Any]) -> Line:
    request = ChatRequest.model_validate_json(row["request"])
    named = {name: row[name] for name in ("key", "prompt", "prompt_digest")}
    return Line(**named, request=request, about=tuple(json.loads(row["about"])))
