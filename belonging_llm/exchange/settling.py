"""Settle a project as it was found: offsets become code points of the text as it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.offsets import (
    ATLAS,
    CONVENTIONS,
    NVIVO,
    THRESHOLD,
    Choice,
    Convention,
    Marked,
    Placed,
    choose,
    place,
)
from belonging_llm.exchange.project import Found, LeftOut, Passage, Project, Source

AUTO, BEST = "auto", "best"
OFFSETS = (AUTO, BEST, *(c.key for c in CONVENTIONS))


@dataclass(frozen=True)
class Settled:
    """A project whose offsets are code points of its texts.

    Attributes:
        choice: How the offsets of the file count; None when somebody said it.
        codings: Codings in the file: those kept and those left out.
        left_out: Everything that was not kept.
    """

    project: Project
    choice: Choice | None
    codings: int
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def settle(found: Found, place_name: str, offsets: str = AUTO) -> Settled:
    """Find out how the file counts, and count by code points instead.

    Args:
        place_name: What errors call the file.
        offsets: `auto` (refused where no way of counting fits), `best` (the best of them, however badly it fits),
            or the key of a convention.

    Raises:
        ExchangeError: no way of counting puts enough ends of stretches on the edges of words.
    """
    sources = found.project.sources
    marked = [_marked(source) for source in sources]
    choice = None
    if offsets in (AUTO, BEST):
        choice = choose(marked, _known_for(found.project.origin))
        if offsets == AUTO and choice.best.share < THRESHOLD:
            raise ExchangeError(_misfit(place_name, choice))
    convention = choice.best.convention if choice else next(c for c in CONVENTIONS if c.key == offsets)
    settled, left, split = [], list(found.left_out), 0
    for source, text in zip(sources, marked, strict=True):
        placed = place(text, convention)
        split += placed.split
        kept, lost = _passages(source, text, placed)
        settled.append(source.model_copy(update={"text": text.text, "passages": tuple(kept)}))
        left += lost
    notes = [str(choice) if choice else f"offsets are taken to count {convention}, as was asked"]
    if split:
        notes.append(f"{split} ends fell inside a character and were moved to its outer side")
    project = _without(found.project.model_copy(update={"sources": tuple(settled)}))
    return Settled(project, choice, found.codings, tuple(left), (*notes, *found.notes))


def _marked(source: Source) -> Marked:
    drawn = [p for p in source.passages if not p.whole]
    return Marked(source.text, [(p.start, p.end) for p in drawn], [p.quoted for p in drawn])


def _known_for(origin: str) -> Convention | None:
    """How the program that wrote the file is known to count."""
    known = {"nvivo": NVIVO, "atlas": ATLAS}
    return next((convention for name, convention in known.items() if name in origin.casefold()), None)


def _misfit(name: str, choice: Choice) -> str:
    other = f"; next best: {choice.runner_up}" if choice.runner_up else ""
    return (
        f"{name}: its offsets do not fit its texts. Counted the best way ({choice.best.convention}) only "
        f"{choice.best.good} of {choice.best.ends} ends of coded stretches fall on the edges of words, where "
        f"{THRESHOLD:.0%} are wanted{other}. Export it again from a project whose texts were not changed, or bring it "
        "in all the same with --offsets best"
    )


def _passages(source: Source, text: Marked, placed: Placed) -> tuple[list[Passage], list[LeftOut]]:
    kept: list[Passage] = []
    lost: list[LeftOut] = []
    spans: Iterator[tuple[int, int] | None] = iter(placed.spans)
    for passage in source.passages:
        span = (0, len(text.text)) if passage.whole else next(spans)
        why = ""
        if span is None:
            why = f"{passage.start} to {passage.end} lies outside its text of {len(text.text)} characters"
        elif span[0] == span[1] and passage.marks:
            why = f"{passage.start} to {passage.end} marks no character"
        if why or span is None:
            what = f"stretch {passage.name or passage.guid} of {source.name}"
            lost.append(LeftOut(what=what, why=why, codings=len(passage.marks)))
        else:
            kept.append(passage.model_copy(update={"start": span[0], "end": span[1], "quoted": ""}))
    return kept, lost


def _without(project: Project) -> Project:
    """The project, its cases pointing only to passages that are still there."""
    there = {p.guid for s in project.sources for p in s.passages}
    cases = [c.model_copy(update={"passages": _those(c.passages, there)}) for c in project.cases]
    return project.model_copy(update={"cases": tuple(cases)})


def _those(wanted: Sequence[str], there: set[str]) -> tuple[str, ...]:
    return tuple(one for one in wanted if one in there)
