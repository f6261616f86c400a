"""A run's outcomes as arrays, so that a million pairs are filtered in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codes import Outcome, Polarity
from belonging_llm.store import Store
from belonging_llm.store.outcomes import Place

Small = NDArray[np.int8]
Floats32 = NDArray[np.float32]

# Arrays hold places in these; -1 is nothing.
OUTCOMES = tuple(Outcome)
POLARITIES = tuple(Polarity)
NOTHING = -1


@dataclass(frozen=True)
class Matrix:
    """What one run said; rows are segments in the order of the interviews, columns codes of the codebook.

    Attributes:
        outcome: int8, shape (n_segments, n_codes), a place in `OUTCOMES`; likewise `polarity` in `POLARITIES`.
        confidence: float32, same shape; NaN where there is none.
        participant: Row of `participants`, shape (n_segments,); `theme` likewise in `themes`, -1 for none.
        theme_names: By id, the largest theme first.
        edited: Id of the last of people's changes of themes that these rest on.
    """

    run_id: str
    segments: Sequence[Place]
    codes: tuple[str, ...]
    outcome: Small
    polarity: Small
    confidence: Floats32
    participants: tuple[str, ...]
    participant: NDArray[np.int32]
    themes: tuple[str, ...]
    theme: NDArray[np.int32]
    theme_names: Mapping[str, str] = field(default_factory=dict)
    edited: int = 0

    @cached_property
    def row(self) -> Mapping[str, int]:
        """Where each segment stands."""
        return {place.id: i for i, place in enumerate(self.segments)}

    @cached_property
    def column(self) -> Mapping[str, int]:
        """Where each code stands."""
        return {code: k for k, code in enumerate(self.codes)}

    @cached_property
    def by_confidence(self) -> NDArray[np.int64]:
        """Every pair's place, the least confident first, shape (n_segments · n_codes,); those without any come last."""
        return np.argsort(self.confidence.ravel(), kind="stable")

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Where each pair stands in `by_confidence`."""
        rank = np.empty(self.confidence.size, np.int64)
        rank[self.by_confidence] = np.arange(self.confidence.size)
        return rank


def matrix(store: Store, run_id: str, codes: Sequence[str]) -> Matrix:
    """Read a run.

    Args:
        codes: Columns; what the run says of other codes is left out.
    """
    coded, cells = _cells(store, run_id, codes)
    places = [place for place in store.outcomes.places() if place.id in coded]
    row_of = np.full(len(coded), NOTHING, np.int64)
    for i, place in enumerate(places):
        row_of[coded[place.id]] = i
    outcome, polarity, confidence = _filled((len(places), len(codes)), cells, row_of)
    participants, participant = _indexed([place.participant for place in places])
    made = Matrix(
        run_id=run_id,
        segments=places,
        codes=tuple(codes),
        outcome=outcome,
        polarity=polarity,
        confidence=confidence,
        participants=participants,
        participant=participant,
        themes=(),
        theme=np.full(len(places), NOTHING, np.int32),
    )
    return themed(store, made)


def themed(store: Store, made: Matrix) -> Matrix:
    """The same with themes as people left them by now; what is known of pairs stays known."""
    edited = store.themes.last_edit()
    named = store.findings.themes(made.run_id)
    home = {member.segment_id: theme.id for theme in named for member in theme.members}
    themes, theme = _indexed([home.get(place.id) for place in made.segments])
    names = {one.id: one.name for one in named}
    found = replace(made, themes=themes, theme=theme, theme_names=names, edited=edited)
    for known in ("row", "column", "by_confidence", "rank"):
        if known in made.__dict__:
            found.__dict__[known] = made.__dict__[known]
    return found


_Cells = tuple[list[int], list[int], list[int], list[int], list[float]]


def _cells(store: Store, run_id: str, codes: Sequence[str]) -> tuple[dict[str, int], _Cells]:
    """Segments in the order in which they came, and every coding as numbers."""
    column = {code: k for k, code in enumerate(codes)}
    outcomes: dict[str, int] = {str(o): k for k, o in enumerate(OUTCOMES)}
    polarities: dict[str | None, int] = {str(p): k for k, p in enumerate(POLARITIES)}
    coded: dict[str, int] = {}
    cells: _Cells = ([], [], [], [], [])
    for rows in store.outcomes.rows(run_id):
        for segment, code, outcome, polarity, confidence in rows:
            if code in column:
                cells[0].append(coded.setdefault(segment, len(coded)))
                cells[1].append(column[code])
                cells[2].append(outcomes[outcome])
                cells[3].append(polarities.get(polarity, NOTHING))
                cells[4].append(np.nan if confidence is None else confidence)
    return coded, cells


def _filled(shape: tuple[int, int], cells: _Cells, row_of: NDArray[np.int64]) -> tuple[Small, Small, Floats32]:
    outcome, polarity = np.full(shape, NOTHING, np.int8), np.full(shape, NOTHING, np.int8)
    confidence = np.full(shape, np.nan, np.float32)
    if cells[0]:
        at = row_of[np.array(cells[0])], np.array(cells[1])
        outcome[at], polarity[at], confidence[at] = cells[2], cells[3], cells[4]
    return outcome, polarity, confidence


def _indexed(values: Sequence[str | None]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    names = sorted({value for value in values if value is not None})
    place: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    return tuple(names), np.array([place.get(value, NOTHING) for value in values], np.int32)
