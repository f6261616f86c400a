"""What a run says of the whole study: its own rows, and for a batch those of its base and of the batches before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from belonging_llm.store.schema import coding, retried, run


def layers(connection: sa.Connection, run_id: str) -> list[str]:
    """The runs whose rows make up the state as of a run, the base first, the run itself last."""
    found = connection.execute(sa.select(run.c.base_id, run.c.ordinal).where(run.c.id == run_id)).first()
    if found is None or found.base_id is None:
        return [run_id]
    earlier = sa.select(run.c.id).where(run.c.base_id == found.base_id, run.c.ordinal < found.ordinal)
    between = connection.execute(earlier.order_by(run.c.ordinal)).scalars()
    return [found.base_id, *between, run_id]


@dataclass(frozen=True)
class Layered:
    """The runs that make up the state as of a run.

    Attributes:
        runs: The base first, the run itself last.
        tried: Of segments that were tried again, the place among them of the last run that did so.
    """

    runs: tuple[str, ...]
    tried: Mapping[str, int]

    def stands(self, run_id: str, segment_id: str) -> bool:
        """Whether what was said of a segment's outcomes as of a run is about the outcomes that count here."""
        return run_id in self.runs and self.runs.index(run_id) >= self.tried.get(segment_id, 0)


def layered(connection: sa.Connection, run_id: str) -> Layered:
    """The runs that make up the state as of a run, and what was tried again in them."""
    chain = layers(connection, run_id)
    again = _tried_again(connection, chain)
    return Layered(tuple(chain), {s: place for place, one in enumerate(chain) for s in again.get(one, ())})


def codings_as_of(connection: sa.Connection, run_id: str) -> sa.ColumnElement[bool]:
    """Which codings count as of a run (people's for an empty id): of a segment that was tried again, the last."""
    chain = layers(connection, run_id)
    if len(chain) == 1:
        return coding.c.run_id == run_id
    overruled = [
        coding.c.run_id.in_(chain[: chain.index(later)]) & coding.c.segment_id.in_(segments)
        for later, segments in _tried_again(connection, chain).items()
    ]
    counts = coding.c.run_id.in_(chain)
    return counts & sa.not_(sa.or_(*overruled)) if overruled else counts


def _tried_again(connection: sa.Connection, chain: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    query = sa.select(retried.c.run_id, retried.c.segment_id).where(retried.c.run_id.in_(chain))
    for run_id, segment_id in connection.execute(query):
        found[run_id].append(segment_id)
    return found
