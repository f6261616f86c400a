"""Rows of themes, members and edits, read as what they are."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from belonging_llm.clusters import Belongs
from belonging_llm.provenance import digest
from belonging_llm.store.layers import layers
from belonging_llm.store.schema import (
    cutting,
    placement,
    segment,
    theme,
    theme_edit,
    theme_frame,
    theme_member,
    transcript,
)
from belonging_llm.store.writing import in_chunks
from belonging_llm.themes import Theme, ThemeMember
from belonging_llm.themes.edits import CHANGE, Edit, Split
from belonging_llm.themes.replay import parted

_BELONGS = {belongs.value: belongs for belongs in Belongs}


@dataclass
class Held:
    """The themes that were read last, held for as long as what they were read from is the same."""

    _basis: str = ""
    _themes: Sequence[Theme] = ()
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def themes(self, connection: sa.Connection, run_id: str) -> Sequence[Theme]:
        """A run's themes as the machine found them; whoever asks while they are being read waits for that."""
        with self._reading:
            there = basis(connection, run_id)
            if there != self._basis:
                self._themes, self._basis = tuple(read_themes(connection, run_id)), there
            return self._themes


def basis(connection: sa.Connection, run_id: str) -> str:
    """Names everything that a run's themes as the machine found them rest on.

    Members are never changed once they are kept, but somebody's may go: their number tells.
    """
    own, batches = grouped(connection, run_id), layers(connection, run_id)[1:]
    counted = sa.select(sa.func.count())
    parts: tuple[sa.Select[Any], ...] = (
        sa.select(theme.c.id, theme.c.content).where(theme.c.run_id == own[0]).order_by(theme.c.id),
        counted.select_from(theme_member).where(theme_member.c.run_id == own[-1]),
        counted.select_from(placement).where(placement.c.run_id.in_(batches)),
        sa.select(transcript.c.id, transcript.c.split_with).order_by(transcript.c.id),
    )
    # Only batches put segments into themes that people parted from others.
    edits = read_edits(connection) if batches else ()
    made = [edit.model_dump(mode="json") for edit in edits if isinstance(edit.change, Split)]
    return digest(run_id, batches, made, *([list(row) for row in connection.execute(part)] for part in parts))


def grouped(connection: sa.Connection, run_id: str) -> list[str]:
    """The whole run whose themes a run has, and the one whose members those have, where that is another."""
    own = layers(connection, run_id)[0]
    base = connection.execute(sa.select(theme_frame.c.base).where(theme_frame.c.run_id == own)).scalar()
    return [own, base] if base else [own]


def read_themes(connection: sa.Connection, run_id: str, only: Sequence[str] | None = None) -> list[Theme]:
    """A run's themes with all their members, or with those of some segments that batches placed."""
    own = grouped(connection, run_id)
    rows = connection.execute(sa.select(theme).where(theme.c.run_id == own[0]).order_by(theme.c.ordinal)).all()
    first = _listed(theme_member).where(theme_member.c.run_id == own[-1])
    later = (_listed(placement).where(placement.c.run_id == batch) for batch in layers(connection, run_id)[1:])
    some = (_listed(placement).where(placement.c.segment_id.in_(chunk)) for chunk in in_chunks(only or ()))
    members: dict[str, dict[str, ThemeMember]] = {}
    for query in (first, *later) if only is None else some:
        # Sorted here: a database that sorts a hundred thousand rows takes longer than all the rest.
        for _, ident, segment_id, strength, belongs in sorted(map(tuple, connection.execute(query))):
            members.setdefault(ident, {})[segment_id] = ThemeMember(segment_id, strength, _BELONGS[belongs])
    made = [parted(edit) for edit in read_edits(connection) if _parts(edit, members.keys() - {row.id for row in rows})]
    found = [*(Theme.model_validate_json(row.content) for row in rows), *made]
    return [theme.model_copy(update={"members": tuple(members.get(theme.id, {}).values())}) for theme in found]


def read_edits(connection: sa.Connection) -> list[Edit]:
    """Every record, the first first."""
    rows = connection.execute(sa.select(theme_edit).order_by(theme_edit.c.id)).mappings()
    return [
        Edit(id=r["id"], change=CHANGE.validate_json(r["content"]), by=r["by"], reason=r["reason"], at=r["at"])
        for r in rows
    ]


def in_use(connection: sa.Connection, segments: Iterable[str]) -> set[str]:
    """Those segments that belong to the cuts in use."""
    used = (cutting.c.segment_id == segment.c.id) & (cutting.c.settings == transcript.c.split_with)
    query = sa.select(segment.c.id).join(transcript).join(cutting, used)
    found: set[str] = set()
    for chunk in in_chunks(sorted(set(segments))):
        found.update(connection.execute(query.where(segment.c.id.in_(chunk))).scalars())
    return found


def _listed(table: sa.Table) -> sa.Select[Any]:
    c = table.c
    return sa.select(c.place, c.theme_id, c.segment_id, c.strength, c.belongs)


def _parts(edit: Edit, themes: Collection[str]) -> bool:
    """Whether it made one of these themes, which no clustering has found."""
    return isinstance(edit.change, Split) and edit.change.new in themes
