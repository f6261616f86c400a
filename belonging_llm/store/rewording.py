"""Put other words where words were: texts, segments, spans and notes, in one transaction, leaving no trace."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from belonging_llm.codebook import Framework
from belonging_llm.errors import StudyError
from belonging_llm.provenance import text_digest
from belonging_llm.segments import Segment
from belonging_llm.store.codebooks import reword_codebooks
from belonging_llm.store.database import one_transaction
from belonging_llm.store.postgres import is_postgres, rebuild
from belonging_llm.store.schema import (
    batch_part,
    call,
    coding,
    judgement,
    metadata,
    parcel,
    parcel_line,
    parcel_stray,
    passage,
    queue_item,
    segment,
    source,
    theme,
    transcript,
    vector,
    viewing,
    waiting,
)
from belonging_llm.store.theme_places import forget_exemplars
from belonging_llm.store.writing import in_chunks
from belonging_llm.transcripts import Transcript

# What people and models wrote about the texts, by table; the rest is ids, digests, times and settings.
_WRITTEN = {
    "participant": ("id",),
    "split": ("participant",),
    "watch_count": ("participant",),
    "acknowledgement": ("by", "reason"),
    "coding": ("rationale",),
    "audit_unit": ("stratum",),
    "source": ("name",),
    "passage": ("name", "note"),
    "passage_coding": ("rationale",),
    "memo": ("name", "text"),
    "case_record": ("participant",),
    "codebook_version": ("reason",),
    "arrival": ("name", "reason"),
    "judgement": ("memo",),
    "theme_edit": ("by", "reason"),
}
_WRITTEN_AS_JSON = {
    "participant": ("attributes",),
    "theme": ("content",),
    "audit_plan": ("content",),
    "stability": ("plan",),
    "source": ("content",),
    "brought": ("content",),
    "case_record": ("content",),
    "judgement": ("details",),
    "queue_item": ("draft",),
    "theme_edit": ("content",),
    "theme_step": ("content",),
}
_UNDER_WAY = ("sealed", "uploaded", "sent")


@dataclass(frozen=True)
class Reworded:
    """A transcript after replacements.

    Attributes:
        was: Its id before.
        segments: Those of every cut, with the ids that they had.
        span: Where a stretch of the old text is in the new one.
        within: Likewise for a stretch counted from a place (a segment's old start).
    """

    was: str
    now: Transcript
    segments: tuple[Segment, ...]
    span: Callable[[int, int], tuple[int, int]]
    within: Callable[[int, int, int], tuple[int, int]]


class Rewording:
    """The one place where what is frozen changes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def apply(self, texts: Sequence[Reworded], words: Callable[[str], str]) -> None:
        """Keep transcripts after replacements, with everything that counts in them or was written about them.

        Args:
            words: Replaces in what was written.

        Raises:
            StudyError: two texts or two participants would become one; nothing was changed.
        """
        with self._careful() as connection:
            old = {row.id: row for row in connection.execute(sa.select(segment))}
            for text in texts:
                _text(connection, text)
            _spans(connection, texts, old)
            _written(connection, words)
            reword_codebooks(connection, lambda one: _worded(one, words), "words that identify people were replaced")
            changed = [old[s.id] for text in texts for s in text.segments if old[s.id].text != s.text]
            _vectors(connection, [one.text for one in changed])
            forget_exemplars(connection, [one.id for one in changed])

    def forget(self, holds: Callable[[str], bool]) -> int:
        """Remove questions and replies that hold words; what was found by them stays.

        Returns:
            How many rows.

        Raises:
            StudyError: a batch is under way, whose questions are needed to read its replies.
        """
        with self._careful() as connection:
            gone = [row for row in connection.execute(sa.select(call)) if holds(row.request) or holds(row.reply)]
            lines = [row for row in connection.execute(sa.select(parcel_line)) if holds(row.request)]
            stray = [row for row in connection.execute(sa.select(parcel_stray)) if holds(_decoded(row.content))]
            open_ = set(connection.execute(sa.select(parcel.c.id).where(parcel.c.state.in_(_UNDER_WAY))).scalars())
            if any(line.parcel_id in open_ for line in lines):
                raise StudyError("a batch is under way; collect or recall it (`belonging analyse`) before forgetting")
            for row in gone:
                connection.execute(call.delete().where((call.c.key == row.key) & (call.c.attempt == row.attempt)))
            for row in lines:
                which = (parcel_line.c.parcel_id == row.parcel_id) & (parcel_line.c.key == row.key)
                connection.execute(parcel_line.update().where(which).values(request=""))
            for row in stray:
                connection.execute(parcel_stray.delete().where(parcel_stray.c.id == row.id))
        return len(gone) + len(lines) + len(stray)

    def holding(self, holds: Callable[[str], bool]) -> dict[str, int]:
        """In how many rows of each table words stand."""
        found: Counter[str] = Counter()
        with self._engine.connect() as connection:
            for table in metadata.sorted_tables:
                for row in connection.execute(sa.select(table)):
                    found[table.name] += any(holds(_decoded(cell)) for cell in row if isinstance(cell, str | bytes))
        return {name: n for name, n in found.items() if n}

    def scrub(self) -> bool:
        """Leave nothing of removed words in the database's files.

        Returns:
            False where more than the database's own files keeps it: a PostgreSQL server has logs and backups.

        Raises:
            StudyError: another program has the database open.
        """
        if is_postgres(self._engine):
            rebuild(self._engine, sorted(metadata.tables))
            return False
        with self._engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            usual, raw.isolation_level = raw.isolation_level, None
            try:
                raw.execute("PRAGMA secure_delete=ON")
                raw.execute("VACUUM")
                busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise StudyError(
                    f"the database cannot be rewritten: {error}; close other programs, run it again"
                ) from error
            finally:
                raw.isolation_level = usual
        if busy:
            raise StudyError("another program has the study's database open; close it, and run the command again")
        return True

    @contextmanager
    def _careful(self) -> Iterator[sa.Connection]:
        """A transaction in which what is only ever added can change, and SQLite overwrites what it removes."""
        with self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            with one_transaction(connection), _open_to_change(connection):
                yield connection


@contextmanager
def _open_to_change(connection: sa.Connection) -> Iterator[None]:
    """Lift the rule that codings and replies are only added; it holds again, or the transaction fails."""
    if connection.dialect.name != "sqlite":
        for name in _ONLY_ADDED:
            connection.execute(sa.text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
        yield
        for name in _ONLY_ADDED:
            connection.execute(sa.text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
        return
    query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    rules = [(row.name, row.sql) for row in connection.execute(query)]
    for name, _ in rules:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield
    for _, rule in rules:
        connection.exec_driver_sql(rule)


_ONLY_ADDED = ("call", "coding", "judgement", "theme_edit")
_CLASH = "two participants would be called the same; decide on different replacements for them"


def _text(connection: sa.Connection, text: Reworded) -> None:
    content = {"name": text.now.name, "content": text.now.model_dump_json()}
    if text.now.id != text.was:
        if connection.execute(sa.select(transcript.c.id).where(transcript.c.id == text.now.id)).first():
            raise StudyError(
                f"{text.now.name}: another transcript would have the same words; decide on other replacements"
            )
        (row,) = connection.execute(sa.select(transcript).where(transcript.c.id == text.was)).mappings()
        connection.execute(transcript.insert(), dict(row) | content | {"id": text.now.id})
        for table in (segment, source, passage, waiting, batch_part, viewing):
            here = table.c.transcript_id == text.was
            connection.execute(table.update().where(here).values(transcript_id=text.now.id))
        connection.execute(transcript.delete().where(transcript.c.id == text.was))
    connection.execute(transcript.update().where(transcript.c.id == text.now.id).values(content))
    for one in text.segments:
        connection.execute(segment.update().where(segment.c.id == one.id).values(one.model_dump(exclude={"id"})))


def _spans(connection: sa.Connection, texts: Sequence[Reworded], old: Mapping[str, Any]) -> None:
    """Passages, evidence and quotes at their new places."""
    by_text = {text.now.id: text for text in texts}
    within = {one.id: (text, old[one.id].start) for text in texts for one in text.segments}
    for row in connection.execute(sa.select(passage).where(passage.c.transcript_id.in_(by_text))).all():
        start, end = by_text[row.transcript_id].span(row.start, row.end)
        connection.execute(passage.update().where(passage.c.id == row.id).values(start=start, end=end))
    for row in connection.execute(sa.select(coding).where(coding.c.evidence != "[]")).all():
        if row.segment_id in within:
            spans = [_placed(span, *within[row.segment_id]) for span in json.loads(row.evidence)]
            connection.execute(coding.update().where(coding.c.id == row.id).values(evidence=json.dumps(spans)))
    for row in connection.execute(sa.select(judgement).where(judgement.c.marks != "[]")).all():
        if row.segment_id in within:
            marks = _placed_marks(json.loads(row.marks), *within[row.segment_id])
            connection.execute(judgement.update().where(judgement.c.id == row.id).values(marks=json.dumps(marks)))
    for row in connection.execute(sa.select(queue_item).where(queue_item.c.draft != "null")).all():
        if row.segment_id in within:
            draft = json.loads(row.draft)
            draft["marks"] = _placed_marks(draft["marks"], *within[row.segment_id])
            this = (queue_item.c.reviewer == row.reviewer) & (queue_item.c.segment_id == row.segment_id)
            connection.execute(queue_item.update().where(this).values(draft=json.dumps(draft, ensure_ascii=False)))
    for row in connection.execute(sa.select(theme)).all():
        content = json.loads(row.content)
        for quote in content["quotes"]:
            if quote["segment_id"] in within:
                quote |= _placed(quote, *within[quote["segment_id"]])
        which = (theme.c.run_id == row.run_id) & (theme.c.id == row.id)
        connection.execute(theme.update().where(which).values(content=json.dumps(content, ensure_ascii=False)))


def _placed_marks(marks: list[dict[str, Any]], text: Reworded, offset: int) -> list[dict[str, Any]]:
    return [mark | {"spans": [_placed(span, text, offset) for span in mark["spans"]]} for mark in marks]


def _placed(span: dict[str, Any], text: Reworded, offset: int) -> dict[str, Any]:
    start, end = text.within(span["start"], span["end"], offset)
    return span | {"start": start, "end": end}


def _written(connection: sa.Connection, words: Callable[[str], str]) -> None:
    for table, column, as_json in _columns():
        keys = list(table.primary_key.columns)
        for row in connection.execute(sa.select(table)).all():
            was = row._mapping[column]
            now = (
                json.dumps(_inside(json.loads(was), words), ensure_ascii=False, sort_keys=True)
                if as_json
                else words(was)
            )
            if was != now and not (as_json and json.loads(was) == json.loads(now)):
                which = sa.and_(*(key == row._mapping[key] for key in keys))
                try:
                    connection.execute(table.update().where(which).values({column.name: now}))
                except sa.exc.IntegrityError as error:
                    raise StudyError(_CLASH) from error


def _worded(framework: Framework, words: Callable[[str], str]) -> Framework:
    """A codebook with other words in its texts; ids of codes stay, since codings refer to them."""
    codes = []
    for code in framework.codes:
        lists = {name: tuple(map(words, getattr(code, name))) for name in ("examples", "absent_examples")}
        texts = {name: words(getattr(code, name)) for name in ("name", "definition", "include", "exclude")}
        codes.append(code.model_copy(update=lists | texts))
    own = {"name": words(framework.name), "description": words(framework.description), "codes": tuple(codes)}
    return framework.model_copy(update=own)


def _columns() -> Iterator[tuple[sa.Table, sa.Column[Any], bool]]:
    for names, as_json in ((_WRITTEN, False), (_WRITTEN_AS_JSON, True)):
        for table, columns in names.items():
            for column in columns:
                yield metadata.tables[table], metadata.tables[table].c[column], as_json


def _inside(value: JsonValue, words: Callable[[str], str]) -> JsonValue:
    if isinstance(value, str):
        return words(value)
    if isinstance(value, list):
        return [_inside(item, words) for item in value]
    if isinstance(value, dict):
        return {name: _inside(item, words) for name, item in value.items()}
    return value


def _vectors(connection: sa.Connection, gone: Sequence[str]) -> None:
    """Remove the vectors of words that are no segment's any more: they can tell what the words were."""
    here = {text_digest(text) for text in connection.execute(sa.select(segment.c.text)).scalars()}
    for chunk in in_chunks(sorted({text_digest(text) for text in gone} - here)):
        connection.execute(vector.delete().where(vector.c.text_digest.in_(chunk)))


def _decoded(cell: str | bytes) -> str:
    return cell if isinstance(cell, str) else cell.decode("utf-8", "replace")
