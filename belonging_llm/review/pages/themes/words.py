"""Themes and their changes as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from belonging_llm.segments import Segment
from belonging_llm.themes import Edit, Theme, ThemeMember
from belonging_llm.themes.edits import Merge, Move, Remap, Rename, Restore, Retire, Split, Undo
from belonging_llm.themes.lineage import Fate

FATES = {
    Fate.BORN: "new",
    Fate.RENAMED: "renamed",
    Fate.REMAPPED: "mapped otherwise",
    Fate.SPLIT: "came of a split",
    Fate.MERGED: "came of a merge",
    Fate.RETIRED: "ended",
    Fate.KEPT: "as people left it",
    Fate.UNMET: "a change could not be kept",
    Fate.CONTINUED: "as before",
}
BELONGS = {
    "core": "at its core",
    "near": "near it",
    "placed": "placed later",
    "person": "put here by a person",
    "also": "also here",
}


@dataclass(frozen=True)
class Line:
    """A segment in a theme, its text in pieces: quoted ones are True."""

    segment: Segment
    belongs: str
    pieces: tuple[tuple[str, bool], ...]


def lines(theme: Theme, members: Sequence[ThemeMember], segments: Iterable[Segment]) -> list[Line]:
    """Members with their words; what the theme quotes of them is marked."""
    there = {segment.id: segment for segment in segments}
    quoted: dict[str, list[tuple[int, int]]] = {}
    for quote in theme.quotes:
        quoted.setdefault(quote.segment_id, []).append((quote.start, quote.end))
    return [
        Line(
            there[m.segment_id],
            BELONGS[str(m.belongs)],
            tuple(marked(there[m.segment_id].text, quoted.get(m.segment_id, []))),
        )
        for m in members
        if m.segment_id in there
    ]


def marked(text: str, spans: Iterable[tuple[int, int]]) -> Iterable[tuple[str, bool]]:
    """A text in pieces; those within one of the spans are True, and all pieces together are the text."""
    at = 0
    for start, end in sorted(spans):
        start, end = max(start, at), min(end, len(text))
        if start >= end:
            continue
        if start > at:
            yield text[at:start], False
        yield text[start:end], True
        at = end
    if at < len(text):
        yield text[at:], False


def told(edit: Edit, names: Mapping[str, str]) -> str:
    """What an edit did, in words."""
    change = edit.change

    def called(ident: str) -> str:
        return _quoted(names.get(ident, ident))

    match change:
        case Merge():
            return f"{_listed([called(one) for one in change.themes])} merged into {called(change.into)}"
        case Split():
            return f"{_segments(change.segments)} of {called(change.theme)} formed the theme {_quoted(change.name)}"
        case Rename():
            return f"{called(change.theme)} was named {_quoted(change.name)}"
        case Move():
            source = f" from {called(change.source)}" if change.source else ""
            target = called(change.to) if change.to else "no theme"
            return f"{_segments(change.segments)} moved{source} to {target}"
        case Remap():
            where = "outside the framework" if change.outside else _listed(list(change.codes)) or "to nothing"
            return f"{called(change.theme)} was mapped: {where}"
        case Retire():
            return f"{called(change.theme)} was taken for no theme"
        case Restore():
            return f"{called(change.theme)} is a theme again"
        case Undo():
            return f"change {change.edit} was undone"


def renamed(edits: Iterable[Edit]) -> dict[str, str]:
    """Names that records gave to themes, the last one counts."""
    found: dict[str, str] = {}
    for edit in edits:
        if isinstance(edit.change, Split | Rename):
            found[edit.change.new if isinstance(edit.change, Split) else edit.change.theme] = edit.change.name
    return found


def _quoted(name: str) -> str:
    """A name in quotation marks; names in participants' words have theirs."""
    return name if name.startswith("“") else f"“{name}”"


def _segments(ids: Sequence[str]) -> str:
    return "one segment" if len(ids) == 1 else f"{len(ids)} segments"


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
