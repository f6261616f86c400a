"""What people said of segments: every word kept as a record, the last one standing as their coding."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Self

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from belonging_llm.codes import EvidenceSpan, Outcome, Polarity, Provenance
from belonging_llm.errors import InputError
from belonging_llm.provenance import now
from belonging_llm.store.reviewing.hearing import hear
from belonging_llm.store.reviewing.saving import saving
from belonging_llm.store.schema import coding, judged, judgement, queue_item, segment


class JudgementKind(StrEnum):
    """How somebody came to say it: blind, settling others' disagreement, or having seen the model's."""

    BLIND = "blind"
    ADJUDICATION = "adjudication"
    AUDIT = "audit"


class Certainty(StrEnum):
    """How sure somebody is."""

    SURE = "sure"
    FAIRLY = "fairly"
    UNSURE = "unsure"


class Mark(BaseModel):
    """A code that somebody gives a segment.

    Attributes:
        spans: Half-open code-point offsets into the segment's text; empty for the segment as a whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    polarity: Polarity | None = None
    spans: tuple[EvidenceSpan, ...] = ()


class Said(BaseModel):
    """What somebody says of one segment, before it is kept.

    Attributes:
        key: Made where the form is made; the same key sent again changes nothing.
        reviewer: Who says it; `coder` is the name under which it counts: their own for blind coding, the study's
            adjudicator for an adjudication, a name of its own for what was said having seen the model's.
        marks: Codes that apply; none where `none_fits` or `skipped`.
        seconds: Spent on it.
        details: What a kind has beyond that, as plain strings: a verdict, a run, a reason's kind.
        supersedes: Id of the coder's record on this segment that this one follows; 0 when there was none to see.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(min_length=8, max_length=64)
    kind: JudgementKind
    segment_id: str
    reviewer: str
    coder: str
    marks: tuple[Mark, ...] = ()
    memo: str = ""
    certainty: Certainty | None = None
    none_fits: bool = False
    skipped: bool = False
    flagged: bool = False
    saw_model: bool = False
    seconds: float = Field(default=0, ge=0)
    codebook_digest: str
    details: dict[str, str] = {}
    supersedes: int = Field(default=0, ge=0)

    @field_validator("marks")
    @classmethod
    def _once(cls, marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
        if len({mark.code for mark in marks}) < len(marks):
            raise ValueError("a code is given twice")
        return marks

    @model_validator(mode="after")
    def _one_word(self) -> Self:
        if self.marks and (self.none_fits or self.skipped):
            raise ValueError("codes are chosen, and it says that none fits or that it is skipped")
        if not (self.marks or self.none_fits or self.skipped or self.kind is JudgementKind.AUDIT):
            raise ValueError("no code is chosen; choose one, or say that none fits")
        if self.kind is JudgementKind.AUDIT and not self.saw_model:
            raise ValueError("an audit has seen the model's codings")
        if self.kind is JudgementKind.BLIND and self.saw_model:
            raise ValueError("who has seen the model's codings does not code blind")
        return self


class JudgementRecord(Said):
    """What somebody said, as it is kept."""

    id: int
    at: str


class Overtaken(InputError):
    """Another record came between what was shown and what was said of it; nothing was kept."""


_NOTHING: Mapping[str, str] = {}


class Judgements:
    """Records are only added; of blind coding and adjudication the last one also stands in `coding` and `judged`."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def submit(self, said: Said, *, heard: str = "") -> JudgementRecord:
        """Keep a record, let it stand as its coder's coding and note it in their queue, all in one transaction.

        A skip stands for nothing: whatever coding there was of this coder on this segment is taken back. An audit
        stands for nothing either: it is about single codes, and whoever made it had seen the model's.

        Args:
            heard: Names the words of others that it was said over (`hearing.heard`); empty where it is over none.

        Returns:
            The record; the one that was kept already when its key is known.

        Raises:
            Overtaken: the coder's last record on the segment is not the one that this follows, or others said
                something else meanwhile.
            InputError: no such segment, a span outside of it, or the coder's codings of it came from a file.
        """
        return self.submit_all([said], {said.segment_id: heard} if heard else {})[0]

    def submit_all(self, several: Sequence[Said], heard: Mapping[str, str] = _NOTHING) -> list[JudgementRecord]:
        """Keep several records in one transaction: all of them, or, where `submit` would refuse one, none.

        Args:
            heard: By segment, as `submit` takes it.
        """
        try:
            with saving(self._engine) as connection:
                return [_known(connection, said) or _kept(connection, said, heard) for said in several]
        except (sa.exc.IntegrityError, Overtaken) as error:
            # The same form, or another follower of the same record, was kept a moment before.
            with self._engine.connect() as connection:
                known = [_known(connection, said) for said in several]
            if all(known):
                return [one for one in known if one]
            raise Overtaken(str(error) if isinstance(error, Overtaken) else _OVERTAKEN) from error

    def head(self, segment_id: str, coder: str) -> JudgementRecord | None:
        """A coder's last record on a segment."""
        found = self._found(_chain(segment_id, coder), limit=1, last_first=True)
        return found[0] if found else None

    def history(self, segment_id: str, coder: str) -> list[JudgementRecord]:
        """All of a coder's records on a segment, the first first."""
        return self._found(_chain(segment_id, coder))

    def of(self, segment_id: str, kind: JudgementKind | None = None) -> list[JudgementRecord]:
        """Everybody's records on a segment (of one kind, or of all), the first first; superseded ones too."""
        return self._found((judgement.c.segment_id == segment_id) & _of_kind(kind))

    def current(self, kind: JudgementKind | None = None, *, coder: str = "") -> list[JudgementRecord]:
        """The records that stand: each coder's last on each segment, of one kind or all, of one coder or everybody."""
        later = judgement.alias()
        followed = sa.exists().where(
            later.c.segment_id == judgement.c.segment_id,
            later.c.coder == judgement.c.coder,
            later.c.supersedes == judgement.c.id,
        )
        whose = judgement.c.coder == coder if coder else sa.true()
        return self._found(~followed & _of_kind(kind) & whose)

    def standing(self) -> set[tuple[str, str]]:
        """(segment, coder) pairs of which there is a record that may stand as a coding."""
        query = sa.select(judgement.c.segment_id, judgement.c.coder).where(
            judgement.c.kind != JudgementKind.AUDIT.value
        )
        with self._engine.connect() as connection:
            return {(segment_id, coder) for segment_id, coder in connection.execute(query.distinct())}

    def open_to_change(self, reviewer: str, limit: int = 10) -> list[str]:
        """Segments that a reviewer judged blind last, the last first: those that may be judged anew."""
        mine = (judgement.c.reviewer == reviewer) & _of_kind(JudgementKind.BLIND)
        # Records, of which one segment can have several; a bound keeps the look back short.
        query = sa.select(judgement.c.segment_id).where(mine).order_by(judgement.c.id.desc()).limit(20 * limit)
        with self._engine.connect() as connection:
            return list(dict.fromkeys(connection.execute(query).scalars()))[:limit]

    def last(self, reviewer: str, limit: int = 10, kind: JudgementKind | None = None) -> list[JudgementRecord]:
        """What a reviewer said last, the last first, superseded records too."""
        return self._found((judgement.c.reviewer == reviewer) & _of_kind(kind), limit=limit, last_first=True)

    def _found(
        self, wanted: sa.ColumnElement[bool], *, limit: int | None = None, last_first: bool = False
    ) -> list[JudgementRecord]:
        order = judgement.c.id.desc() if last_first else judgement.c.id
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(judgement).where(wanted).order_by(order).limit(limit)).mappings().all()
        return [as_record(row) for row in rows]


_OVERTAKEN = "this segment was judged in another window meanwhile; look at what stands there now, and decide again"

_CHANGED = "a coder said something else of this segment meanwhile; look at what they say now, and decide again"

_SENT_BEFORE = "this form was sent before with something else in it; load the segment again, and decide again"


def as_record(row: Mapping[Any, Any]) -> JudgementRecord:
    """A record from its row."""
    parsed = {"marks": json.loads(row["marks"]), "details": json.loads(row["details"])}
    return JudgementRecord.model_validate({**row, **parsed})


def _row(said: Said) -> dict[str, Any]:
    fields = said.model_dump(mode="json")
    written = {name: json.dumps(fields[name], ensure_ascii=False) for name in ("marks", "details")}
    return fields | written | {"at": now()}


def _chain(segment_id: str, coder: str) -> sa.ColumnElement[bool]:
    return (judgement.c.segment_id == segment_id) & (judgement.c.coder == coder)


def _of_kind(kind: JudgementKind | None) -> sa.ColumnElement[bool]:
    return judgement.c.kind == kind.value if kind else sa.true()


def _known(connection: sa.Connection, said: Said) -> JudgementRecord | None:
    """The record that the same form made when it was sent before.

    Raises:
        Overtaken: it was sent before with something else in it, as a browser's way back allows.
    """
    row = connection.execute(sa.select(judgement).where(judgement.c.key == said.key)).mappings().first()
    if row is None:
        return None
    known = as_record(row)
    if known.model_dump(exclude={"id", "at", "seconds"}) != said.model_dump(exclude={"seconds"}):
        raise Overtaken(_SENT_BEFORE)
    return known


def _kept(connection: sa.Connection, said: Said, heard: Mapping[str, str]) -> JudgementRecord:
    _check(connection, said)
    if heard.get(said.segment_id, "") not in ("", hear(connection, said.segment_id, but=said.coder)):
        raise Overtaken(_CHANGED)
    row = _row(said)
    number = connection.execute(judgement.insert().returning(judgement.c.id), row).scalar_one()
    if said.kind is not JudgementKind.AUDIT:
        _project(connection, said, row["at"])
    if said.kind is JudgementKind.BLIND:
        _settle(connection, said, row["at"])
    return JudgementRecord(**said.model_dump(), id=number, at=row["at"])


def _check(connection: sa.Connection, said: Said) -> None:
    text = connection.execute(sa.select(segment.c.text).where(segment.c.id == said.segment_id)).scalar_one_or_none()
    if text is None:
        raise InputError(f"segment {said.segment_id} is not in the study; it may have been withdrawn")
    for mark in said.marks:
        for span in mark.spans:
            if not 0 <= span.start < span.end <= len(text):
                raise InputError(f"segment {said.segment_id}: {span.start} to {span.end} is not within its words")
    # In this order: where another transaction ends in between, its record is seen, and not only what stands of it.
    mine = (judged.c.segment_id == said.segment_id) & (judged.c.coder == said.coder)
    stands = connection.execute(sa.select(judged.c.coder).where(mine)).first()
    query = sa.select(sa.func.max(judgement.c.id)).where(_chain(said.segment_id, said.coder))
    head = connection.execute(query).scalar() or 0
    if head != said.supersedes:
        raise Overtaken(_OVERTAKEN)
    if stands and not head:
        raise InputError(
            f"segment {said.segment_id}: codings of {said.coder!r} came from a file; they stay as they are"
        )


def _project(connection: sa.Connection, said: Said, at: str) -> None:
    """What stands of this coder on this segment; rows of codings never change, so they go and come again."""
    c = coding.c
    mine = (c.run_id == "") & (c.segment_id == said.segment_id) & (c.coder == said.coder)
    connection.execute(coding.delete().where(mine))
    connection.execute(judged.delete().where(judged.c.segment_id == said.segment_id, judged.c.coder == said.coder))
    if said.skipped:
        return
    who = {"segment_id": said.segment_id, "coder": said.coder, "at": at}
    connection.execute(judged.insert(), who | {"saw_model": said.saw_model, "codebook": said.codebook_digest})
    provenance = json.dumps(Provenance(codebook_digest=said.codebook_digest).model_dump(mode="json"), sort_keys=True)
    rows = [
        who
        | {"run_id": "", "outcome": Outcome.ASSIGNED.value, "rationale": said.memo, "provenance": provenance}
        | {"code": mark.code, "polarity": mark.polarity.value if mark.polarity else None, "confidence": None}
        | {"evidence": json.dumps([span.model_dump() for span in mark.spans])}
        for mark in said.marks
    ]
    if rows:
        connection.execute(coding.insert(), rows)


def _settle(connection: sa.Connection, said: Said, at: str) -> None:
    """In the coder's own queue it is done (or passed over)."""
    mine = (queue_item.c.reviewer == said.reviewer) & (queue_item.c.segment_id == said.segment_id)
    state = "skipped" if said.skipped else "submitted"
    values = {"state": state, "flagged": said.flagged, "draft": "null", "touched_at": at}
    connection.execute(queue_item.update().where(mine).values(values))
