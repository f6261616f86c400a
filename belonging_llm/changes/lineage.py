"""What became of the themes of one run in another, by their ids and by the segments that they share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from belonging_llm.themes import Theme
from belonging_llm.themes.lineage import Fate, Step

Became = Literal["continued", "renamed", "merged", "split", "born", "retired"]

# A theme goes into another when this share of its segments does.
MOST = 0.5


@dataclass(frozen=True)
class ThemeChange:
    """What became of one theme, or of several together.

    Attributes:
        before: Themes of the earlier run, largest first; none for one that was born.
        after: Themes of the later run; none for one that retired.
        shared: Segments that stand on both sides.
        remapped: Its place in the framework changed.
        reasons: What the later run's own record says of it, people's edits included; may hold themes' names.
    """

    became: Became
    before: tuple[Theme, ...]
    after: tuple[Theme, ...]
    shared: int
    remapped: bool = False
    reasons: tuple[str, ...] = ()


def lineage(before: Sequence[Theme], after: Sequence[Theme]) -> tuple[ThemeChange, ...]:
    """Every theme of both runs, once, in the order of the later run; those that retired come last.

    A theme that keeps its id continues, whatever its members. Of the others, one goes into another when at least half
    of the segments that it shares with the other run do; only segments that stand in a theme of both runs count, so
    that new interviews break no theme up.
    """
    old, new = _members(before), _members(after)
    ties = _ties(old, new)
    return tuple(_found({t.id: t for t in before}, {t.id: t for t in after}, old, new, ties))


def reasoned(found: Sequence[ThemeChange], steps: Sequence[Step]) -> tuple[ThemeChange, ...]:
    """The same with the reasons on record; of a theme that merely continued there is nothing to say."""
    telling = [step for step in steps if step.fate is not Fate.CONTINUED]
    return tuple(replace(one, reasons=tuple(_reasons(one, telling))) for one in found)


def _reasons(found: ThemeChange, steps: Sequence[Step]) -> Iterator[str]:
    old, new = {theme.id for theme in found.before}, {theme.id for theme in found.after}
    for step in steps:
        if old.intersection(step.before) or new.intersection(step.after):
            yield f"{step.fate}: {step.reason}"


def _members(themes: Sequence[Theme]) -> dict[str, frozenset[str]]:
    return {t.id: frozenset(m.segment_id for m in t.members) for t in themes}


def _ties(old: Mapping[str, frozenset[str]], new: Mapping[str, frozenset[str]]) -> set[tuple[str, str]]:
    """Pairs of themes of which one goes mostly into the other, or comes mostly from it."""
    ties = {(one, one) for one in old.keys() & new.keys()}
    then, now = _all(old.values()), _all(new.values())
    for a in old:
        for b in new:
            shared = len(old[a] & new[b])
            if shared and (shared >= MOST * len(old[a] & now) or shared >= MOST * len(new[b] & then)):
                ties.add((a, b))
    return ties


def _all(members: Collection[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*members)


def _found(
    before: Mapping[str, Theme],
    after: Mapping[str, Theme],
    old: Mapping[str, frozenset[str]],
    new: Mapping[str, frozenset[str]],
    ties: Collection[tuple[str, str]],
) -> Iterator[ThemeChange]:
    told: set[str] = set()
    for b in after:
        if b in told:
            continue
        left, right = _family(b, ties)
        told |= right
        a_side = tuple(t for i, t in before.items() if i in left)
        b_side = tuple(t for i, t in after.items() if i in right)
        shared = len(_all([old[t.id] for t in a_side]) & _all([new[t.id] for t in b_side]))
        yield ThemeChange(_became(a_side, b_side), a_side, b_side, shared, _remapped(a_side, b_side))
    tied = {a for a, _ in ties}
    yield from (ThemeChange("retired", (theme,), (), 0) for a, theme in before.items() if a not in tied)


def _family(start: str, ties: Collection[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """Everything that hangs together with a theme of the later run: earlier ids and later ids."""
    left: set[str] = set()
    right = {start}
    while True:
        more = {a for a, b in ties if b in right} - left
        left |= more
        fresh = {b for a, b in ties if a in left} - right
        right |= fresh
        if not more and not fresh:
            return left, right


def _became(before: Sequence[Theme], after: Sequence[Theme]) -> Became:
    if not before:
        return "born"
    if len(before) > 1:
        # Several that became several stand together; that some were joined is what a reader must look at first.
        return "merged"
    if len(after) > 1:
        return "split"
    return "renamed" if before[0].name != after[0].name else "continued"


def _remapped(before: Sequence[Theme], after: Sequence[Theme]) -> bool:
    if len(before) != 1 or len(after) != 1:
        return False
    return _place(before[0]) != _place(after[0])


def _place(theme: Theme) -> tuple[bool, tuple[str, ...]]:
    return theme.mapping.outside, tuple(sorted(code.code for code in theme.mapping.codes))
