"""Whether an edit makes sense of the themes as they stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from belonging_llm.errors import InputError, StaleError
from belonging_llm.themes.edits import (
    Change,
    Edit,
    Merge,
    Move,
    Remap,
    Rename,
    Restore,
    Retire,
    Split,
    Undo,
    concerned,
    standing,
    undone,
)
from belonging_llm.themes.theme import Theme

SHOWN = 5


def check(
    change: Change,
    themes: Sequence[Theme],
    edits: Sequence[Edit],
    *,
    by: str,
    reason: str,
    segments: Collection[str] = (),
    codes: Collection[str] = (),
) -> None:
    """See that a change can be made.

    Args:
        themes: As people see them now.
        edits: Every record so far.
        segments: Those of the change's segments that are in the study.
        codes: Ids of the codes that a theme may be mapped to.

    Raises:
        InputError: it cannot; says what is wrong and what there is.
    """
    if not by.strip():
        raise InputError("an edit needs a name: say who makes it")
    if not reason.strip():
        raise InputError("an edit needs a reason: say why it is made")
    there = {theme.id: theme for theme in themes}
    match change:
        case Merge():
            _merge(change, there)
        case Split():
            _split(change, there, segments)
        case Move():
            _move(change, there, segments)
        case Remap():
            _map(change, there, codes)
        case Rename() | Retire():
            _known(change.theme, there)
        case Restore():
            _restore(change, edits)
        case Undo():
            _undo(change, edits)
    if isinstance(change, Rename):
        _unlike(change.name, [t for t in themes if t.id != change.theme])
    if isinstance(change, Split):
        _unlike(change.name, themes)


def refuse_stale(change: Change, edits: Sequence[Edit], seen: int) -> None:
    """See that nobody changed meanwhile what a change is about.

    Args:
        seen: Id of the last record that the author knew of; 0 where there was none.

    Raises:
        StaleError: says who changed what, and why.
    """
    themes, segments = _about(change, edits)
    for edit in edits:
        others, moved = _about(edit.change, edits)
        if edit.id > seen and (themes & others or segments & moved):
            when = edit.at[:16].replace("T", " ")
            raise StaleError(f"{edit.by} changed this meanwhile ({edit.change.kind}, {when} UTC: {edit.reason})")


def _about(change: Change, edits: Sequence[Edit]) -> tuple[set[str], set[str]]:
    """Themes and segments that a change is about; of an undo, what it undoes is about."""
    by_id = {edit.id: edit.change for edit in edits}
    while isinstance(change, Undo) and change.edit in by_id:
        change = by_id[change.edit]
    return set(concerned(change)), set(getattr(change, "segments", ()))


def _known(ident: str, there: Collection[str]) -> None:
    if ident not in there:
        known = ", ".join(sorted(there)) or "none"
        raise InputError(f"theme {ident!r}: there is none of this id now; there are: {known}")


def _merge(change: Merge, there: Collection[str]) -> None:
    for ident in (change.into, *change.themes):
        _known(ident, there)
    if change.into in change.themes or len(set(change.themes)) < len(change.themes):
        raise InputError(f"merge into {change.into}: name other themes, each once")


def _split(change: Split, there: dict[str, Theme], segments: Collection[str]) -> None:
    _known(change.theme, there)
    _present(change.segments, segments)
    own = set(there[change.theme].own)
    if strange := [s for s in change.segments if s not in own]:
        raise InputError(f"split {change.theme}: segments that are not at home in it: {_some(strange)}")
    if own <= set(change.segments):
        raise InputError(f"split {change.theme}: nothing would be left in it; rename it instead")


def _move(change: Move, there: dict[str, Theme], segments: Collection[str]) -> None:
    for ident in (change.to, change.source):
        if ident:
            _known(ident, there)
    _present(change.segments, segments)
    if change.to and change.to == change.source:
        raise InputError(f"move to {change.to}: that is where they are")
    if change.source:
        inside = {m.segment_id for m in there[change.source].members}
        if strange := [s for s in change.segments if s not in inside]:
            raise InputError(f"move out of {change.source}: segments that are not in it: {_some(strange)}")


def _map(change: Remap, there: Collection[str], codes: Collection[str]) -> None:
    _known(change.theme, there)
    if change.outside and change.codes:
        raise InputError(f"map {change.theme}: to codes, or outside the framework, not both")
    if unknown := [c for c in change.codes if c not in codes]:
        raise InputError(f"map {change.theme}: codes that are not in the codebook: {_some(unknown)}")


def _restore(change: Restore, edits: Sequence[Edit]) -> None:
    retired: set[str] = set()
    for edit in standing(edits):
        if isinstance(edit.change, Retire):
            retired.add(edit.change.theme)
        elif isinstance(edit.change, Restore):
            retired.discard(edit.change.theme)
    if change.theme not in retired:
        raise InputError(f"restore {change.theme}: nobody retired it; retired are: {_some(sorted(retired)) or 'none'}")


def _undo(change: Undo, edits: Sequence[Edit]) -> None:
    if change.edit not in {edit.id for edit in edits}:
        raise InputError(f"undo {change.edit}: there is no such edit")
    if change.edit in undone(edits):
        raise InputError(f"undo {change.edit}: it is undone already; undo the undoing to have it back")


def _present(wanted: Sequence[str], there: Collection[str]) -> None:
    if gone := [s for s in wanted if s not in there]:
        raise InputError(f"segments that are not in the study: {_some(gone)}")


def _unlike(name: str, others: Sequence[Theme]) -> None:
    if twin := next((t for t in others if t.name.casefold() == name.strip().casefold()), None):
        raise InputError(f"{name!r}: theme {twin.id} is called that; merge them, or find another name")


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more
