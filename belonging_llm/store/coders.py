"""What whole runs learned, and the sums of states, in the database."""

from __future__ import annotations

from collections import Counter, defaultdict

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import bytes_digest, digest, now
from belonging_llm.store.database import alone
from belonging_llm.store.layers import codings_as_of, layers
from belonging_llm.store.schema import coder_state, coding, judged, placement, segment, tally, theme_member
from belonging_llm.store.theme_rows import grouped


class KeptCoder(BaseModel):
    """What a run learned, as bytes; numbers and ids alone.

    Attributes:
        digest: Of `content`.
        taught_by: Digest of what people had coded when it was learned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    digest: str
    content: bytes
    taught_by: str
    at: str


class Tally(BaseModel):
    """Numbers of everything as of a run, kept so that a batch need not count the whole study.

    Attributes:
        codes: Segments by outcome, by code.
        placed: Segments that were put into some theme, as the machine did it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    transcripts: int = 0
    participants: int = 0
    segments: int = 0
    placed: int = 0
    codes: dict[str, dict[str, int]] = {}

    def outcomes(self) -> Counter[str]:
        """Pairs by outcome, over all codes."""
        return sum((Counter(by) for by in self.codes.values()), Counter())


class Coders:
    """Learned states and tallies, by run."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep(self, run_id: str, content: bytes, taught_by: str) -> KeptCoder:
        """Keep what a run learned; what was kept of it before is replaced."""
        row = {
            "run_id": run_id,
            "digest": bytes_digest(content),
            "content": content,
            "taught_by": taught_by,
            "at": now(),
        }
        # Two processes may end a run at the same moment.
        with alone(self._engine) as connection:
            connection.execute(coder_state.delete().where(coder_state.c.run_id == run_id))
            connection.execute(coder_state.insert(), row)
        return KeptCoder.model_validate(row)

    def of(self, run_id: str) -> KeptCoder | None:
        """What a run learned; None where it was not kept, or taken out since somebody withdrew."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(coder_state).where(coder_state.c.run_id == run_id)).mappings().first()
        return KeptCoder.model_validate(dict(row)) if row else None

    def taught_by(self) -> str:
        """Digest of how much people have coded: another one when they coded more."""
        own = coding.c.run_id == ""
        queries = (
            sa.select(sa.func.count(), sa.func.max(coding.c.id)).where(own),
            sa.select(sa.func.count(), sa.func.max(judged.c.at)),
        )
        with self._engine.connect() as connection:
            return digest([list(map(list, connection.execute(query).all())) for query in queries])

    def tally(self, run_id: str) -> Tally | None:
        """The kept numbers as of a run."""
        with self._engine.connect() as connection:
            content = connection.execute(sa.select(tally.c.content).where(tally.c.run_id == run_id)).scalar()
        return Tally.model_validate_json(content) if content else None

    def keep_tally(self, run_id: str, numbers: Tally) -> None:
        """Keep the numbers as of a run."""
        with alone(self._engine) as connection:
            connection.execute(tally.delete().where(tally.c.run_id == run_id))
            connection.execute(tally.insert(), {"run_id": run_id, "content": numbers.model_dump_json()})

    def count(self, run_id: str) -> Tally:
        """The numbers as of a run, counted over the whole study."""
        codes: dict[str, dict[str, int]] = defaultdict(dict)
        with self._engine.connect() as connection:
            counts = codings_as_of(connection, run_id)
            by_code = sa.select(coding.c.code, coding.c.outcome, sa.func.count()).where(counts)
            for code, outcome, n in connection.execute(by_code.group_by(coding.c.code, coding.c.outcome)):
                codes[code][outcome] = n
            held = sa.select(
                sa.func.count(sa.distinct(coding.c.segment_id)),
                sa.func.count(sa.distinct(segment.c.participant)),
                sa.func.count(sa.distinct(segment.c.transcript_id)),
            )
            held = held.join(segment, segment.c.id == coding.c.segment_id).where(counts)
            segments, people, texts = connection.execute(held).one()
            placed = len(_placed(connection, layers(connection, run_id)))
        return Tally(
            transcripts=texts,
            participants=people,
            segments=segments,
            placed=placed,
            codes=dict(codes),
        )


def _placed(connection: sa.Connection, chain: list[str]) -> set[str]:
    """Segments that the base, or the run whose groups it has, or its batches put into a theme."""
    groups = grouped(connection, chain[0])[-1:]
    found: set[str] = set()
    for table, runs in ((theme_member, groups), (placement, chain)):
        found.update(connection.execute(sa.select(table.c.segment_id).where(table.c.run_id.in_(runs))).scalars())
    return found
