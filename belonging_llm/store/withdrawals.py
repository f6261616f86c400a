"""Withdrawals in the database: begun, emptied, done; and what they take out of every table.

The one place where what was kept is taken away again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.codebook import Code, Framework
from belonging_llm.errors import Incomplete
from belonging_llm.provenance import now
from belonging_llm.store import schema as s
from belonging_llm.store.codebooks import reword_codebooks
from belonging_llm.store.database import alone, one_transaction
from belonging_llm.store.emptied_themes import EmptiedThemes
from belonging_llm.store.postgres import is_postgres, rebuild
from belonging_llm.store.writing import add_new, in_chunks
from belonging_llm.transcripts import Transcript

BEGUN, EMPTIED, DONE = "begun", "emptied", "done"
LATE = "model calls and vectors that were written while this was under way"
# Groups change when somebody leaves, so nearly all questions about themes would be asked anew; and names that a model
# gave may carry words of any segment that it was shown.
_ABOUT_THEMES = ("label_theme", "rename_theme", "map_theme")


class Withdrawal(BaseModel):
    """One withdrawal.

    Attributes:
        id: Drawn at random; stands for the participant once it is done.
        participant: Empty once it is done.
        content: What was done so far.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    participant: str
    by: str
    begun_at: str
    state: str
    finished_at: str | None
    content: dict[str, Any]


@dataclass(frozen=True)
class Leaving:
    """What is to be taken out of the database.

    Attributes:
        gone: Ids of transcripts that go as a whole.
        recast: Transcripts that stay in another form, by their old id, with the stretches that were blanked.
        segments: Ids of segments that go.
        kept_texts: Digests of texts whose vectors stay.
        kept_words: Texts of segments that stay, by id.
        concerns: Whether a text is the participant's or about them; `owns` whether it holds their words.
        tombstones: Digests of files and texts that may not come in again.
    """

    participant: str
    gone: Collection[str]
    recast: Mapping[str, tuple[Transcript, Sequence[tuple[int, int]]]]
    segments: Collection[str]
    kept_texts: Collection[str]
    kept_words: dict[str, str]
    concerns: Callable[[str], bool]
    owns: Callable[[str], bool]
    tombstones: Collection[str]


class Withdrawals:
    """Who withdrew, and the taking out itself."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def open(self) -> list[Withdrawal]:
        """Those that are not done."""
        return self._found(s.withdrawal.c.state != DONE)

    def begin(self, participant: str, by: str) -> Withdrawal:
        """Write down that somebody withdraws, or find that it was; nothing is removed before this is committed."""
        row = {"id": uuid4().hex, "participant": participant, "by": by, "begun_at": now(), "state": BEGUN}
        known = sa.select(s.withdrawal.c.id).where(
            s.withdrawal.c.state != DONE, s.withdrawal.c.participant == participant
        )
        with alone(self._engine) as connection:
            begun = connection.execute(known.order_by(s.withdrawal.c.begun_at)).scalars().first()
            if begun is None:
                connection.execute(s.withdrawal.insert(), row | {"finished_at": None, "content": "{}"})
        return self._one(begun or row["id"])

    def note(self, ident: str, **content: Any) -> Withdrawal:
        """Add to what was done."""
        with alone(self._engine) as connection:
            _note(connection, ident, content)
        return self._one(ident)

    def bury(self, ident: str, digests: Iterable[str]) -> None:
        """Keep files and texts from coming in again."""
        with self._engine.begin() as connection:
            _bury(connection, ident, digests)

    def is_buried(self, digest: str) -> bool:
        """Whether a file or text may not come in."""
        with self._engine.connect() as connection:
            query = sa.select(s.tombstone.c.digest).where(s.tombstone.c.digest == digest)
            return connection.execute(query).first() is not None

    def empty(self, ident: str, leaving: Leaving) -> Withdrawal:
        """Take everything out in one transaction, and note how much of what."""
        with self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            connection.rollback()
            with one_transaction(connection):
                out = _Emptying(connection, leaving, f"withdrawn-{ident[:8]}")
                out.all()
                _bury(connection, ident, leaving.tombstones)
                _note(connection, ident, {"rows": out.counts})
                connection.execute(_this(ident).values(state=EMPTIED))
        return self._one(ident)

    def empty_again(self, ident: str, kept_texts: Collection[str]) -> Withdrawal:
        """After a withdrawal that died once it was emptied: take out what somebody may have written late.

        Their words are not known any more. Nobody may work on a study meanwhile, so every model call since then goes
        (whoever needs one asks anew), and every vector of a text that is not there.
        """
        begun = self._one(ident)
        counts = dict(begun.content.get("rows", {}))
        with alone(self._engine) as connection:
            late = connection.execute(s.call.delete().where(s.call.c.at >= begun.begun_at)).rowcount
            known = set(connection.execute(sa.select(s.vector.c.text_digest).distinct()).scalars())
            for chunk in in_chunks(sorted(known.difference(kept_texts))):
                late += connection.execute(s.vector.delete().where(s.vector.c.text_digest.in_(chunk))).rowcount
            if late:
                counts[LATE] = counts.get(LATE, 0) + late
                _note(connection, ident, {"rows": counts})
        return self._one(ident)

    def purge(self) -> bool:
        """Overwrite what the database has freed: rebuild its file, cut SQLite's journal to nothing.

        Raises:
            Incomplete: another process has the study open.
        """
        if is_postgres(self._engine):
            rebuild(self._engine, sorted(s.metadata.tables))
            return True
        self._engine.dispose()
        with self._engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            usual, raw.isolation_level = raw.isolation_level, None
            try:
                for statement in ("temp_store = MEMORY", "secure_delete = ON"):
                    raw.execute(f"PRAGMA {statement}")
                raw.execute("VACUUM")
                busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.isolation_level = usual
        self._engine.dispose()
        if busy:
            raise Incomplete("another process has the study open; end it, and run the same command again")
        return True

    def finish(self, ident: str) -> None:
        """Close a withdrawal and forget whose it was."""
        with self._engine.begin() as connection:
            done = {"participant": "", "state": DONE, "finished_at": now(), "content": "{}"}
            connection.execute(_this(ident).values(done))

    def _one(self, ident: str) -> Withdrawal:
        (found,) = self._found(s.withdrawal.c.id == ident)
        return found

    def _found(self, *wanted: sa.ColumnElement[bool]) -> list[Withdrawal]:
        query = sa.select(s.withdrawal).where(*wanted).order_by(s.withdrawal.c.begun_at)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [Withdrawal.model_validate({**row, "content": json.loads(row["content"])}) for row in rows]


def _this(ident: str) -> sa.Update:
    return s.withdrawal.update().where(s.withdrawal.c.id == ident)


def _note(connection: sa.Connection, ident: str, content: dict[str, Any]) -> None:
    query = sa.select(s.withdrawal.c.content).where(s.withdrawal.c.id == ident)
    known = json.loads(connection.execute(query).scalar_one())
    connection.execute(_this(ident).values(content=json.dumps(known | content)))


def _bury(connection: sa.Connection, ident: str, digests: Iterable[str]) -> None:
    add_new(connection, s.tombstone, [{"digest": d, "withdrawal_id": ident} for d in sorted(set(digests))])


@dataclass
class _Emptying:
    """One transaction's work, table by table; what refers to something goes before it."""

    connection: sa.Connection
    leaving: Leaving
    reference: str
    counts: dict[str, int] = field(default_factory=dict)

    def all(self) -> None:
        self._codings()
        self._review()
        self._themes()
        self._of_segments()
        self._exchanges()
        self._batches()
        self._transcripts()
        self._ledger()
        self._records()
        self._codebooks()

    def _codings(self) -> None:
        """People's and models' codings of their segments; of others' only the words that are theirs."""
        c = s.coding.c
        self._delete("codings", s.coding, c.segment_id, self.leaving.segments)
        quoting = [
            dict(row)
            for row in self.connection.execute(sa.select(s.coding).where(c.rationale != "")).mappings()
            if self.leaving.concerns(row["rationale"])
        ]
        self._delete("", s.coding, c.id, [row["id"] for row in quoting])
        # Append-only tables refuse changes: the row goes and comes again.
        if quoting:
            self.connection.execute(s.coding.insert(), [row | {"rationale": ""} for row in quoting])
        self._count("rationales of other codings that quoted or named them", len(quoting))

    def _review(self) -> None:
        """What reviewers said and saw of their segments; of others' only the words that are theirs."""
        gone, run = self.leaving.segments, self.connection.execute
        self._delete("records of what reviewers said", s.judgement, s.judgement.c.segment_id, gone)
        self._delete("places in coders' queues", s.queue_item, s.queue_item.c.segment_id, gone)
        seen = self._delete("", s.viewing, s.viewing.c.segment_id, gone)
        seen += self._delete("", s.viewing, s.viewing.c.transcript_id, self.leaving.gone)
        self._count("lines of the access log", seen)
        written = run(sa.select(s.judgement).where((s.judgement.c.memo != "") | (s.judgement.c.details != "{}")))
        quoting = [dict(row) for row in written.mappings() if self.leaving.concerns(f"{row['memo']}\n{row['details']}")]
        # Append-only tables refuse changes: the row goes and comes again.
        self._delete("", s.judgement, s.judgement.c.id, [row["id"] for row in quoting])
        if quoting:
            run(s.judgement.insert(), [row | {"memo": "", "details": self._undetailed(row)} for row in quoting])
        self._count("memos of reviewers on others' segments that quoted or named them", len(quoting))
        for row in run(sa.select(s.queue_item).where(s.queue_item.c.draft != "null")).mappings().all():
            draft = json.loads(row["draft"])
            if self.leaving.concerns(draft["memo"]):
                this = (s.queue_item.c.reviewer == row["reviewer"]) & (s.queue_item.c.segment_id == row["segment_id"])
                run(s.queue_item.update().where(this).values(draft=json.dumps(draft | {"memo": ""})))

    def _undetailed(self, row: dict[str, Any]) -> str:
        kept = {name: value for name, value in json.loads(row["details"]).items() if not self.leaving.concerns(value)}
        return json.dumps(kept, ensure_ascii=False)

    def _themes(self) -> None:
        """Themes lose these members, and the names, definitions and reasons that may be in their words."""
        for name, more in EmptiedThemes(self.connection, self.leaving).all().items():
            self._count(name, more)

    def _of_segments(self) -> None:
        tables = {
            "judgements": s.judged,
            "recodings": s.recoding,
            "answers about sentinels": s.sentinel_answer,
            "units of audit samples": s.audit_unit,
            "sentinels": s.sentinel,
            "segments tried again": s.retried,
        }
        for name, table in tables.items():
            self._delete(name, table, table.c.segment_id, self.leaving.segments)
        self._delete("", s.cutting, s.cutting.c.segment_id, self.leaving.segments)
        self._delete("segments", s.segment, s.segment.c.id, self.leaving.segments)
        vectors = self.connection.execute(sa.select(s.vector.c.text_digest).distinct()).scalars().all()
        lost = [d for d in vectors if d not in self.leaving.kept_texts]
        name = "vectors (of their texts, and others that are computed anew)"
        self._delete(name, s.vector, s.vector.c.text_digest, lost)

    def _exchanges(self) -> None:
        """What came from other programs' projects about them."""
        run = self.connection.execute
        sources = set(self._ids(s.source.c.id, s.source.c.transcript_id, self.leaving.gone))
        passages = set(self._ids(s.passage.c.id, s.passage.c.transcript_id, self.leaving.gone))
        for old, (_, stretches) in self.leaving.recast.items():
            for row in run(sa.select(s.passage).where(s.passage.c.transcript_id == old)).mappings():
                if any(row["start"] < end and start < row["end"] for start, end in stretches):
                    passages.add(row["id"])
                elif self.leaving.concerns(f"{row['name']}\n{row['note']}"):
                    run(s.passage.update().where(s.passage.c.id == row["id"]).values(name="", note=""))
        codings = set(self._ids(s.passage_coding.c.id, s.passage_coding.c.passage_id, passages))
        gone = sources | passages | codings
        memos = {m for m, t in run(sa.select(s.memo_place.c.memo_id, s.memo_place.c.target)) if t in gone}
        for row in run(sa.select(s.memo)).mappings().all():
            if self.leaving.concerns(f"{row['name']}\n{row['text']}"):
                memos.add(row["id"])
        self._delete("", s.memo_place, s.memo_place.c.memo_id, memos)
        self._delete("memos", s.memo, s.memo.c.id, memos)
        self._delete("codings of passages", s.passage_coding, s.passage_coding.c.id, codings)
        self._delete("passages", s.passage, s.passage.c.id, passages)
        self._delete("sources", s.source, s.source.c.id, sources)
        for row in run(sa.select(s.passage_coding)).mappings().all():
            if self.leaving.concerns(row["rationale"]):
                this = s.passage_coding.c.id == row["id"]
                run(s.passage_coding.update().where(this).values(rationale=""))
        self._delete("cases", s.case_record, s.case_record.c.participant, [self.leaving.participant])
        for table, key in ((s.source, "id"), (s.case_record, "id"), (s.brought, "digest")):
            self._scrub(table, key, "content", gone)

    def _transcripts(self) -> None:
        """Shared ones get their new text, and with it a new id; what refers to them follows."""
        for old, (found, _) in self.leaving.recast.items():
            (row,) = self.connection.execute(sa.select(s.transcript).where(s.transcript.c.id == old)).mappings()
            fresh = dict(row) | {"id": found.id, "content": found.model_dump_json()}
            self.connection.execute(s.transcript.insert(), fresh)
            for table in (s.segment, s.source, s.passage, s.waiting, s.batch_part, s.viewing):
                mine = table.update().where(table.c.transcript_id == old)
                self.connection.execute(mine.values(transcript_id=found.id))
            self.connection.execute(s.transcript.delete().where(s.transcript.c.id == old))
        self._count("transcripts with others, in which their turns are blanked", len(self.leaving.recast))
        for table in (s.waiting, s.batch_part):
            self._delete("", table, table.c.transcript_id, self.leaving.gone)
        self._delete("transcripts", s.transcript, s.transcript.c.id, self.leaving.gone)

    def _ledger(self) -> None:
        """Model calls that showed or repeated their words; those not collected are not collected any more."""
        c, keys = s.call.c, []
        for row in self.connection.execute(sa.select(c.key, c.prompt, c.request, c.reply)):
            if row.prompt.startswith(_ABOUT_THEMES) or self._speaks(row.request) or self.leaving.owns(row.reply):
                keys.append(row.key)
        self._delete("model calls (theirs, and all about themes)", s.call, c.key, sorted(set(keys)))
        line, lines = s.parcel_line.c, 0
        for asked in self.connection.execute(sa.select(s.parcel_line).where(line.request != "")).mappings().all():
            if self.leaving.participant in json.loads(asked["about"]) or self._speaks(asked["request"]):
                this = (line.parcel_id == asked["parcel_id"]) & (line.key == asked["key"])
                fate = "cancelled" if asked["fate"] == "waiting" else asked["fate"]
                values = {"request": "", "about": "[]", "fate": fate}
                self.connection.execute(s.parcel_line.update().where(this).values(values))
                lines += 1
        self._count("questions in batches under way", lines)
        strays = self.connection.execute(sa.select(s.parcel_stray.c.id)).scalars().all()
        self._delete("lines of batches that stand for no question", s.parcel_stray, s.parcel_stray.c.id, strays)
        for ident, whose in self.connection.execute(sa.select(s.egress.c.id, s.egress.c.about)).all():
            about = json.loads(whose or "[]")
            if self.leaving.participant in about:
                others = [self.reference if who == self.leaving.participant else who for who in about]
                this = s.egress.update().where(s.egress.c.id == ident)
                self.connection.execute(this.values(about=json.dumps(sorted(others))))

    def _codebooks(self) -> None:
        """Every version loses examples that are of them and texts in their words, and reasons given for it likewise."""
        changed = reword_codebooks(self.connection, self._without_their_words, "words of somebody who withdrew went")
        self._count("versions of the codebook with their words", changed)
        version = s.codebook_version.c
        for number, reason in self.connection.execute(sa.select(version.number, version.reason)).all():
            if self.leaving.concerns(reason):
                this = s.codebook_version.update().where(version.number == number)
                self.connection.execute(this.values(reason=""))

    def _without_their_words(self, framework: Framework) -> Framework:
        codes = tuple(self._less(code) for code in framework.codes)
        head = {"name": framework.id} if self.leaving.owns(framework.name) else {}
        about = {"description": ""} if self.leaving.owns(framework.description) else {}
        return framework.model_copy(update={"codes": codes} | head | about)

    def _less(self, code: Code) -> Code:
        kept: dict[str, Any] = {
            name: tuple(one for one in getattr(code, name) if not self.leaving.concerns(one))
            for name in ("examples", "absent_examples")
        }
        texts = [name for name in ("definition", "include", "exclude") if self.leaving.owns(getattr(code, name))]
        kept |= dict.fromkeys(texts, "")
        return code.model_copy(update=kept | ({"name": code.id} if self.leaving.owns(code.name) else {}))

    def _batches(self) -> None:
        """What was learned with them is learned anew from those who stay; their files are forgotten."""
        self._delete("what runs learned", s.coder_state, s.coder_state.c.run_id, self._all(s.coder_state.c.run_id))
        self._delete("", s.tally, s.tally.c.run_id, self._all(s.tally.c.run_id))
        arrivals = self.connection.execute(sa.select(s.arrival.c.name, s.arrival.c.digest, s.arrival.c.reason)).all()
        gone = [a for a in arrivals if a.digest in self.leaving.tombstones or self.leaving.concerns(a.name)]
        for one in gone:
            this = (s.arrival.c.name == one.name) & (s.arrival.c.digest == one.digest)
            self.connection.execute(s.arrival.delete().where(this))
        for one in arrivals:
            if self.leaving.concerns(one.reason):
                this = (s.arrival.c.name == one.name) & (s.arrival.c.digest == one.digest)
                self.connection.execute(s.arrival.update().where(this).values(reason=""))
        self._count("lines of the inbox's list", len(gone))

    def _all(self, column: sa.Column[Any]) -> list[Any]:
        return list(self.connection.execute(sa.select(column)).scalars())

    def _speaks(self, request: str) -> bool:
        """Whether a request, as it is kept, shows their words."""
        asked = json.loads(request)
        return self.leaving.owns(f"{asked['system']}\n{asked['user']}")

    def _records(self) -> None:
        """Their attributes and their part, and ids of their segments in what runs, tests and plans noted."""
        self._delete("attributes of participants", s.participant, s.participant.c.id, [self.leaving.participant])
        self._delete("places in splits", s.split, s.split.c.participant, [self.leaving.participant])
        self._delete("counts of batches", s.watch_count, s.watch_count.c.participant, [self.leaving.participant])
        for table, key, column in (
            (s.run, "id", "counts"),
            (s.stability, "id", "plan"),
            (s.audit_plan, "id", "content"),
            (s.watch, "run_id", "content"),
        ):
            self._scrub(table, key, column, set())
        for row in self.connection.execute(sa.select(s.acknowledgement)).mappings().all():
            emptied = {part: "" for part in ("by", "reason") if self.leaving.concerns(row[part])}
            if emptied:
                this = s.acknowledgement.c.alarm_id == row["alarm_id"]
                self.connection.execute(s.acknowledgement.update().where(this).values(emptied))
        for ident, counts in self.connection.execute(sa.select(s.run.c.id, s.run.c.counts)).all():
            marked = json.loads(counts)
            marked["withdrawn"] = marked.get("withdrawn", 0) + 1
            self.connection.execute(s.run.update().where(s.run.c.id == ident).values(counts=json.dumps(marked)))

    def _scrub(self, table: sa.Table, key: str, column: str, gone: Collection[str]) -> None:
        """JSON without ids that are gone and words that are theirs."""
        gone = {*self.leaving.segments, *self.leaving.gone, *gone}
        for ident, content in self.connection.execute(sa.select(table.c[key], table.c[column])).all():
            before = json.loads(content)
            after = self._scrubbed(before, gone)
            if after != before:
                changed = json.dumps(after, ensure_ascii=False)
                self.connection.execute(table.update().where(table.c[key] == ident).values({column: changed}))

    def _scrubbed(self, value: Any, gone: Collection[str]) -> Any:
        if isinstance(value, list):
            kept = [one for one in value if not (isinstance(one, str) and self._is_out(one, gone))]
            return [self._scrubbed(one, gone) for one in kept]
        if isinstance(value, dict):
            if isinstance(left := value.get("left"), list):
                # Files with the reason why they were left: nothing is told of one whose name or reason goes.
                value = value | {"left": [pair for pair in left if not any(self._is_out(one, gone) for one in pair)]}
            return {
                f"batch withdrawn {n}" if key.removeprefix("batch ") in gone else key: self._scrubbed(one, gone)
                for n, (key, one) in enumerate(value.items())
                if not self.leaving.concerns(key) or key.removeprefix("batch ") in gone
            }
        return "" if isinstance(value, str) and self._is_out(value, gone) else value

    def _is_out(self, text: str, gone: Collection[str]) -> bool:
        return text in gone or self.leaving.concerns(text)

    def _ids(self, column: sa.Column[Any], by: sa.Column[Any], wanted: Collection[str]) -> list[str]:
        found: list[str] = []
        for chunk in in_chunks(sorted(wanted)):
            found += self.connection.execute(sa.select(column).where(by.in_(chunk))).scalars()
        return found

    def _delete(self, name: str, table: sa.Table, column: sa.Column[Any], wanted: Collection[Any]) -> int:
        gone = 0
        for chunk in in_chunks(sorted(wanted)):
            gone += self.connection.execute(table.delete().where(column.in_(chunk))).rowcount
        if name:
            self._count(name, gone)
        return gone

    def _count(self, name: str, more: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + more
