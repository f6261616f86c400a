"""What came from other programs' projects: people's own passages, notes, sources, cases, and an account of it all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, JsonValue

from belonging_llm.passages import Passage, PassageCoding
from belonging_llm.provenance import now
from belonging_llm.store.database import alone
from belonging_llm.store.schema import brought, case_record, memo, memo_place, passage, passage_coding, source
from belonging_llm.store.writing import add_new, in_chunks


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Brought(_Row):
    """One project file that was brought in: what it had beyond texts, passages and notes, and an account of it.

    Attributes:
        digest: Of the file.
        users: GUIDs by coder.
        codes: GUID and colour by code id.
        variables: As they came; `sets` likewise.
        offsets: How offsets count, and how that was found out.
        codings: Codings in the file; `kept` is how many of them are in the study.
    """

    digest: str
    file: str
    name: str
    origin: str
    description: str
    users: dict[str, str]
    codes: dict[str, dict[str, str]]
    variables: tuple[dict[str, JsonValue], ...]
    sets: tuple[dict[str, JsonValue], ...]
    offsets: str
    codings: int
    kept: int
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


class SourceRecord(_Row):
    """A source of a project and the transcript that holds its words.

    Attributes:
        values: The source's own variables.
    """

    id: str
    transcript_id: str
    name: str
    description: str = ""
    coder: str = ""
    at: str = ""
    values: dict[str, str] = {}


class CaseRecord(_Row):
    """A case of a project and the participant whom it is, with GUIDs of its sources and passages."""

    id: str
    participant: str
    description: str = ""
    sources: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()


class MemoRecord(_Row):
    """A note that somebody wrote."""

    id: str
    name: str
    text: str
    coder: str
    at: str


class MemoPlace(_Row):
    """What a note belongs to: `kind` is project, code, source, passage, coding or set."""

    memo_id: str
    kind: str
    target: str


class Batch(_Row):
    """Everything that one file adds."""

    brought: Brought
    sources: tuple[SourceRecord, ...]
    passages: tuple[Passage, ...]
    codings: tuple[PassageCoding, ...]
    memos: tuple[MemoRecord, ...]
    places: tuple[MemoPlace, ...]
    cases: tuple[CaseRecord, ...]


class Exchanges:
    """Projects that were brought in; what is kept already stays as it is."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, batch: Batch) -> None:
        """Keep a file's content in one transaction."""
        with alone(self._engine) as connection:
            add_new(connection, source, [_packed(s, "id", "transcript_id", "name") for s in batch.sources])
            add_new(connection, passage, [p.model_dump() for p in batch.passages])
            add_new(connection, passage_coding, [c.model_dump(mode="json") for c in batch.codings])
            add_new(connection, memo, [m.model_dump() for m in batch.memos])
            add_new(connection, memo_place, [p.model_dump() for p in batch.places])
            add_new(connection, case_record, [_packed(c, "id", "participant") for c in batch.cases])
            last = connection.execute(sa.select(sa.func.max(brought.c.ordinal))).scalar() or 0
            add_new(connection, brought, [_packed(batch.brought, "digest") | {"ordinal": last + 1, "at": now()}])

    def is_in(self, digest: str) -> bool:
        """Whether a file with these bytes was brought in."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(brought.c.digest).where(brought.c.digest == digest)).first() is not None

    def brought(self) -> list[Brought]:
        """Every file that was brought in, the first first."""
        query = sa.select(brought.c.digest, brought.c.content).order_by(brought.c.ordinal)
        return [Brought.model_validate(row) for row in self._unpacked(query)]

    def sources(self) -> list[SourceRecord]:
        """Every source, by transcript."""
        query = sa.select(source).order_by(source.c.transcript_id, source.c.id)
        return [SourceRecord.model_validate(row) for row in self._unpacked(query)]

    def cases(self) -> list[CaseRecord]:
        """Every case, by participant."""
        query = sa.select(case_record).order_by(case_record.c.participant, case_record.c.id)
        return [CaseRecord.model_validate(row) for row in self._unpacked(query)]

    def passages(self, transcript_id: str | None = None) -> list[Passage]:
        """Every passage (of one transcript, or of all), by transcript and place."""
        query = sa.select(passage).order_by(passage.c.transcript_id, passage.c.start, passage.c.end, passage.c.id)
        return [Passage.model_validate(row) for row in self._rows(_of(query, transcript_id))]

    def codings(self, transcript_id: str | None = None) -> list[PassageCoding]:
        """Every coding of a passage (of one transcript, or of all), by passage, code and coder."""
        c = passage_coding.c
        query = sa.select(passage_coding).join(passage).order_by(c.passage_id, c.code, c.coder, c.id)
        return [PassageCoding.model_validate(row) for row in self._rows(_of(query, transcript_id))]

    def passages_called(self, ids: Sequence[str]) -> dict[str, tuple[str, int, int]]:
        """Transcript, start and end of those passages that are kept already, by id."""
        found: dict[str, tuple[str, int, int]] = {}
        for chunk in in_chunks(ids):
            for row in self._rows(sa.select(passage).where(passage.c.id.in_(chunk))):
                found[row["id"]] = row["transcript_id"], row["start"], row["end"]
        return found

    def codings_called(self, ids: Sequence[str]) -> dict[str, tuple[str, str, str]]:
        """Passage, code and coder of those codings that are kept already, by id."""
        found: dict[str, tuple[str, str, str]] = {}
        for chunk in in_chunks(ids):
            for row in self._rows(sa.select(passage_coding).where(passage_coding.c.id.in_(chunk))):
                found[row["id"]] = row["passage_id"], row["code"], row["coder"]
        return found

    def memos(self) -> list[MemoRecord]:
        """Every note."""
        return [MemoRecord.model_validate(row) for row in self._rows(sa.select(memo).order_by(memo.c.id))]

    def places(self) -> list[MemoPlace]:
        """What notes belong to."""
        c = memo_place.c
        return [
            MemoPlace.model_validate(row)
            for row in self._rows(sa.select(memo_place).order_by(c.kind, c.target, c.memo_id))
        ]

    def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _unpacked(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        return [
            {k: v for k, v in row.items() if k != "content"} | json.loads(row["content"]) for row in self._rows(query)
        ]


def _of(query: sa.Select[Any], transcript_id: str | None) -> sa.Select[Any]:
    return query if transcript_id is None else query.where(passage.c.transcript_id == transcript_id)


def _packed(row: Brought | SourceRecord | CaseRecord, *columns: str) -> dict[str, Any]:
    """A row with columns of its own, and everything else as JSON."""
    fields = row.model_dump(mode="json")
    rest = {name: value for name, value in fields.items() if name not in columns}
    own = {name: fields[name] for name in columns}
    return own | {"content": json.dumps(rest, sort_keys=True, ensure_ascii=False)}
