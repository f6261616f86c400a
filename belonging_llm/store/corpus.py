"""Transcripts, participants and segments in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from belonging_llm.provenance import now
from belonging_llm.segments import Segment
from belonging_llm.store.database import alone
from belonging_llm.store.schema import cutting, metadata, participant, segment, transcript, waiting
from belonging_llm.store.writing import add_new, in_chunks
from belonging_llm.transcripts import Transcript

# The cut of transcripts whose units came with them.
GIVEN = "given"


class Corpus:
    """What was said; nothing here changes once written, but who speaks until somebody has coded it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, found: Transcript, segments: Sequence[Segment] = ()) -> bool:
        """Keep a transcript (and its segments where the units came with it).

        Returns:
            False when the same words are already in.
        """
        row = {"id": found.id, "name": found.name, "content": found.model_dump_json(), "imported_at": now()}
        source = {"source_digest": found.source.digest if found.source else None}
        with alone(self._engine) as connection:
            if connection.execute(sa.select(transcript.c.id).where(transcript.c.id == found.id)).first():
                return False
            connection.execute(transcript.insert(), row | source | {"split_with": GIVEN if segments else None})
            connection.execute(waiting.insert(), {"transcript_id": found.id})
            _add_cut(connection, segments, GIVEN)
        return True

    def names(self, only: Sequence[str] | None = None) -> dict[str, str]:
        """Transcripts' names by id; `only` of these ids."""
        query = sa.select(transcript.c.id, transcript.c.name)
        with self._engine.connect() as connection:
            if only is None:
                return {i: n for i, n in connection.execute(query)}
            pieces = (query.where(transcript.c.id.in_(chunk)) for chunk in in_chunks(only))
            return {i: n for piece in pieces for i, n in connection.execute(piece)}

    def transcript(self, transcript_id: str) -> Transcript:
        """One transcript; KeyError when it is not in."""
        with self._engine.connect() as connection:
            query = sa.select(transcript.c.content).where(transcript.c.id == transcript_id)
            content = connection.execute(query).scalar_one_or_none()
        if content is None:
            raise KeyError(transcript_id)
        return Transcript.model_validate_json(content)

    def deidentified_from(self, file_digest: str) -> str | None:
        """The name of a transcript of this very file in which words were replaced since; None where there is none."""
        mark = transcript.c.content.contains('"deidentified":true', autoescape=True)
        query = sa.select(transcript.c.name).where(transcript.c.source_digest == file_digest, mark)
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(transcript.c.name).limit(1)).scalar()

    def read_from(self, file_digest: str) -> dict[str, str]:
        """Transcripts that came from this very file, names by id."""
        query = sa.select(transcript.c.id, transcript.c.name).where(transcript.c.source_digest == file_digest)
        with self._engine.connect() as connection:
            return {i: n for i, n in connection.execute(query.order_by(transcript.c.name))}

    def transcript_ids(self) -> list[str]:
        """All transcripts in canonical order (by content digest)."""
        with self._engine.connect() as connection:
            return list(connection.execute(sa.select(transcript.c.id).order_by(transcript.c.id)).scalars())

    def unsplit(self, settings: str, only: Sequence[str] | None = None) -> list[str]:
        """Transcripts not yet cut into segments under these settings, in canonical order; `only` of these."""
        stale = transcript.c.split_with.is_distinct_from(settings) & transcript.c.split_with.is_distinct_from(GIVEN)
        query = sa.select(transcript.c.id).where(stale)
        with self._engine.connect() as connection:
            if only is None:
                return sorted(connection.execute(query).scalars())
            pieces = (query.where(transcript.c.id.in_(chunk)) for chunk in in_chunks(only))
            return sorted(i for piece in pieces for i in connection.execute(piece).scalars())

    def add_segments(self, transcript_id: str, segments: Sequence[Segment], settings: str) -> None:
        """Keep the segments of one transcript, and note how it was cut, in one transaction."""
        with self._engine.begin() as connection:
            _add_cut(connection, segments, settings)
            update = transcript.update().where(transcript.c.id == transcript_id)
            connection.execute(update.values(split_with=settings))

    def coded(self) -> set[str]:
        """Transcripts with a segment that anyone coded or judged, or that a theme, sample or watch list holds."""
        held = sa.union(*(sa.select(key.parent) for key in _holders())).subquery()
        query = sa.select(segment.c.transcript_id).where(segment.c.id.in_(sa.select(*held.c))).distinct()
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def recast(self, found: Transcript) -> None:
        """Keep a transcript's turns with other roles; it is cut anew. Only for transcripts that nobody has coded."""
        own = sa.select(segment.c.id).where(segment.c.transcript_id == found.id)
        with alone(self._engine) as connection:
            connection.execute(cutting.delete().where(cutting.c.segment_id.in_(own)))
            connection.execute(segment.delete().where(segment.c.transcript_id == found.id))
            update = transcript.update().where(transcript.c.id == found.id)
            connection.execute(update.values(content=found.model_dump_json(), split_with=None))

    def segments(self) -> list[Segment]:
        """Every segment of the cuts in use, by transcript and place."""
        in_use = (cutting.c.segment_id == segment.c.id) & (cutting.c.settings == transcript.c.split_with)
        query = sa.select(segment).join(transcript).join(cutting, in_use)
        query = query.order_by(segment.c.transcript_id, segment.c.start, segment.c.id)
        with self._engine.connect() as connection:
            return [Segment.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def segments_of(self, transcript_ids: Sequence[str]) -> list[Segment]:
        """Segments of some transcripts, of the cuts in use, by transcript and place."""
        in_use = (cutting.c.segment_id == segment.c.id) & (cutting.c.settings == transcript.c.split_with)
        query = sa.select(segment).join(transcript).join(cutting, in_use)
        found = []
        with self._engine.connect() as connection:
            for chunk in in_chunks(sorted(transcript_ids)):
                rows = connection.execute(query.where(segment.c.transcript_id.in_(chunk))).mappings()
                found += [Segment.model_validate(dict(row)) for row in rows]
        return sorted(found, key=lambda s: (s.transcript_id, s.start, s.id))

    def segments_with(self, ids: Sequence[str]) -> list[Segment]:
        """Segments with these ids, sorted by id."""
        found = []
        with self._engine.connect() as connection:
            for chunk in in_chunks(sorted(ids)):
                rows = connection.execute(sa.select(segment).where(segment.c.id.in_(chunk))).mappings()
                found += [Segment.model_validate(dict(row)) for row in rows]
        return sorted(found, key=lambda s: s.id)

    def strangers(self, people: Sequence[str], apart_from: Sequence[str]) -> set[str]:
        """Those of these people who speak in no transcript but `apart_from`."""
        with self._engine.connect() as connection:
            return {who for who in people if not _speaks_elsewhere(connection, who, set(apart_from))}

    def every_segment(self) -> list[Segment]:
        """Every segment of every cut, those no longer in use included."""
        query = sa.select(segment).order_by(segment.c.transcript_id, segment.c.start, segment.c.id)
        with self._engine.connect() as connection:
            return [Segment.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def segment(self, segment_id: str) -> Segment:
        """One segment; KeyError when it is not in."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(segment).where(segment.c.id == segment_id)).mappings().first()
        if row is None:
            raise KeyError(segment_id)
        return Segment.model_validate(dict(row))

    def segment_text(self, segment_id: str) -> str | None:
        """The words of a segment; None when there is no such segment."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(segment.c.text).where(segment.c.id == segment_id)).scalar_one_or_none()

    def set_participants(self, attributes: Mapping[str, Mapping[str, str]]) -> None:
        """Keep participants' attributes; a participant already known gets the new ones."""
        with alone(self._engine) as connection:
            for who, values in attributes.items():
                connection.execute(participant.delete().where(participant.c.id == who))
                connection.execute(participant.insert(), {"id": who, "attributes": json.dumps(dict(values))})

    def participants(self, only: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
        """Attributes by participant, sorted by id; `only` of these."""
        query = sa.select(participant).order_by(participant.c.id)
        with self._engine.connect() as connection:
            if only is None:
                rows = list(connection.execute(query))
            else:
                chunks = in_chunks(sorted(only))
                rows = [r for chunk in chunks for r in connection.execute(query.where(participant.c.id.in_(chunk)))]
        return {row.id: json.loads(row.attributes) for row in rows}


def _holders() -> list[sa.ForeignKey]:
    """What refers to a segment for good: every key on segments but that of the cuts."""
    keys = [key for table in metadata.sorted_tables if table is not cutting for key in table.foreign_keys]
    return [key for key in keys if key.column is segment.c.id]


def _speaks_elsewhere(connection: sa.Connection, who: str, apart_from: set[str]) -> bool:
    """Whether a participant speaks in another transcript; looks no farther than the first."""
    query = sa.select(segment.c.transcript_id).where(segment.c.participant == who)
    with connection.execution_options(yield_per=50).execute(query) as rows:
        return any(ident not in apart_from for ident in rows.scalars())


def _add_cut(connection: sa.Connection, segments: Sequence[Segment], settings: str) -> None:
    add_new(connection, segment, [s.model_dump() for s in segments])
    add_new(connection, cutting, [{"settings": settings, "segment_id": s.id} for s in segments])
