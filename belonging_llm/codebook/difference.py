"""What two versions of a codebook differ in: codes that came and went, and each text word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Literal

from belonging_llm.codebook.framework import Code, Framework

# What a coder goes by: whoever coded with other words here may have meant something else.
MEANING = ("definition", "include", "exclude", "kind", "assignable", "absorbs")
_HEAD = ("id", "version", "name", "description", "sources")
_FIELDS = (
    "name",
    "definition",
    "include",
    "exclude",
    "kind",
    "assignable",
    "parent",
    "examples",
    "absent_examples",
    "absorbs",
)
# Fewer letters in common between two changes only break them into pieces that nobody can read.
_WORTH = 4
_TOKEN = re.compile(r"\s+|\w+(?:['’-]\w+)*|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of a text that is the same in both versions, or stands in one of them only."""

    kind: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True)
class FieldChange:
    """One field with its two values, as text; lists stand one item a line."""

    field: str
    before: str
    after: str

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Both texts in one, word by word; without the added pieces the old one, without the removed the new."""
        return tuple(_pieces(_TOKEN.findall(self.before), _TOKEN.findall(self.after)))


@dataclass(frozen=True)
class CodeChange:
    """A code that both versions have, with what differs."""

    code: Code
    was: Code
    fields: tuple[FieldChange, ...]

    @property
    def renamed(self) -> bool:
        """Whether it has another name; its id never changes."""
        return self.was.name != self.code.name

    @property
    def means_otherwise(self) -> bool:
        """Whether a text changed that coders go by."""
        return any(change.field in MEANING for change in self.fields)


@dataclass(frozen=True)
class Difference:
    """What became of a codebook from one version to another.

    Attributes:
        head: Changes to what the codebook says of itself.
        reordered: Codes that both have stand in another order, in which models are shown them.
    """

    added: tuple[Code, ...]
    removed: tuple[Code, ...]
    changed: tuple[CodeChange, ...]
    head: tuple[FieldChange, ...]
    reordered: bool

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.added or self.removed or self.changed or self.head or self.reordered)


def differ(before: Framework, after: Framework) -> Difference:
    """What has to be done to one version to get the other, codes in their codebook's order."""
    old, new = ({code.id: code for code in framework.codes} for framework in (before, after))
    both = [code for code in after.codes if code.id in old]
    changes = [CodeChange(code, old[code.id], _fields(old[code.id], code, _FIELDS)) for code in both]
    return Difference(
        added=tuple(code for code in after.codes if code.id not in old),
        removed=tuple(code for code in before.codes if code.id not in new),
        changed=tuple(change for change in changes if change.fields),
        head=_fields(before, after, _HEAD),
        reordered=[code.id for code in both] != [code.id for code in before.codes if code.id in new],
    )


def _fields(was: Code | Framework, now: Code | Framework, names: Sequence[str]) -> tuple[FieldChange, ...]:
    values = ((name, _plain(getattr(was, name)), _plain(getattr(now, name))) for name in names)
    return tuple(FieldChange(name, before, after) for name, before, after in values if before != after)


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return "\n".join(str(getattr(item, "citation", item)) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _pieces(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    # Common words are no noise here: without this, long texts would be compared by their rare words alone.
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    gone, come = "", ""
    for tag, i, j, k, m in matcher.get_opcodes():
        same = "".join(before[i:j]) if tag == "equal" else ""
        if (same and not (gone or come)) or len(same.strip()) >= _WORTH or (same and j == len(before)):
            yield from _change(gone, come)
            yield Piece("same", same)
            gone, come = "", ""
        else:
            gone, come = gone + "".join(before[i:j]), come + "".join(after[k:m])
    yield from _change(gone, come)


def _change(gone: str, come: str) -> Iterator[Piece]:
    if gone:
        yield Piece("removed", gone)
    if come:
        yield Piece("added", come)
