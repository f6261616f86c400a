"""What people change about themes: records that are only ever added; undoing one is a record too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from belonging_llm.provenance import digest


class EditKind(StrEnum):
    """What an edit does."""

    MERGE = "merge"
    SPLIT = "split"
    RENAME = "rename"
    MOVE = "move"
    MAP = "map"
    RETIRE = "retire"
    RESTORE = "restore"
    UNDO = "undo"


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Merge(_Change):
    """`themes` become part of `into`, which keeps its id, name and place in the framework."""

    kind: Literal[EditKind.MERGE] = EditKind.MERGE
    into: str
    themes: tuple[str, ...] = Field(min_length=1)


class Split(_Change):
    """`segments` leave `theme` and form a theme of their own.

    Attributes:
        new: Id of that theme; given when the edit is recorded, and never given to another.
    """

    kind: Literal[EditKind.SPLIT] = EditKind.SPLIT
    theme: str
    segments: tuple[str, ...] = Field(min_length=1)
    name: str = Field(min_length=1, max_length=200)
    definition: str = Field(default="", max_length=2000)
    new: str = ""


class Rename(_Change):
    """A theme is called otherwise; an empty definition leaves the old one."""

    kind: Literal[EditKind.RENAME] = EditKind.RENAME
    theme: str
    name: str = Field(min_length=1, max_length=200)
    definition: str = Field(default="", max_length=2000)


class Move(_Change):
    """Segments belong in `to` (empty: in no theme), wherever a clustering puts them.

    Attributes:
        source: The theme that they leave; empty for whichever they are in.
    """

    kind: Literal[EditKind.MOVE] = EditKind.MOVE
    segments: tuple[str, ...] = Field(min_length=1)
    to: str = ""
    source: str = ""


class Remap(_Change):
    """A theme speaks of these codes, or lies outside the framework; neither means that it is not mapped."""

    kind: Literal[EditKind.MAP] = EditKind.MAP
    theme: str
    codes: tuple[str, ...] = ()
    outside: bool = False


class Retire(_Change):
    """A theme is none: its segments belong in no theme."""

    kind: Literal[EditKind.RETIRE] = EditKind.RETIRE
    theme: str


class Restore(_Change):
    """A theme that a person retired is one again."""

    kind: Literal[EditKind.RESTORE] = EditKind.RESTORE
    theme: str


class Undo(_Change):
    """An earlier record (which may itself be an undo) counts no longer."""

    kind: Literal[EditKind.UNDO] = EditKind.UNDO
    edit: int


Change = Annotated[
    Merge | Split | Rename | Move | Remap | Retire | Restore | Undo,
    Field(discriminator="kind"),
]
CHANGE: TypeAdapter[Change] = TypeAdapter(Change)


class Edit(BaseModel):
    """A record: what was changed, by whom, why and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int
    change: Change
    by: str
    reason: str
    at: str


def undone(edits: Iterable[Edit]) -> set[int]:
    """Ids of records that count no longer; an undo that is undone has no effect."""
    found: set[int] = set()
    for edit in sorted(edits, key=lambda e: -e.id):
        if isinstance(edit.change, Undo) and edit.id not in found:
            found.add(edit.change.edit)
    return found


def standing(edits: Iterable[Edit]) -> list[Edit]:
    """Those that count, in the order in which they were made: not undone, and no undoings."""
    ordered = sorted(edits, key=lambda edit: edit.id)
    gone = undone(ordered)
    return [e for e in ordered if e.id not in gone and not isinstance(e.change, Undo)]


def shaped_by(edits: Iterable[Edit]) -> str:
    """Digest of what the coding of segments rests on: who belongs where and what is mapped to what, not names."""
    kept = [e.change for e in standing(edits) if not isinstance(e.change, Rename)]
    fields = [c.model_dump(mode="json", exclude={"name", "definition"}) for c in kept]
    return digest(*fields) if fields else ""


def concerned(change: Change) -> tuple[str, ...]:
    """Ids of the themes that an edit speaks of, sorted; none for an undo."""
    match change:
        case Merge():
            found: tuple[str, ...] = (change.into, *change.themes)
        case Split():
            found = change.theme, change.new
        case Move():
            found = change.to, change.source
        case Undo():
            found = ()
        case _:
            found = (change.theme,)
    return tuple(sorted({ident for ident in found if ident}))


def held(edits: Sequence[Edit]) -> frozenset[str]:
    """Themes that people worked on: no clustering takes them away."""
    return frozenset(i for e in standing(edits) if not isinstance(e.change, Retire) for i in concerned(e.change))
