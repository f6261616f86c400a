"""Pairs of segment and code that somebody wants to look at, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codes import Outcome
from belonging_llm.inspection.beside import KINDS, Beside
from belonging_llm.inspection.matrix import NOTHING, OUTCOMES, Matrix, Small
from belonging_llm.inspection.verdicts import VERDICTS, Verdict

Bools = NDArray[np.bool_]
Order = Literal["interviews", "least sure"]
NO_THEME = "none"


@dataclass(frozen=True)
class Search:
    """What is wanted; what is left out restricts nothing.

    Attributes:
        low: Least confidence, 0..1; with either end given, pairs without a confidence are left out.
        attribute: Of participants: name and value.
        theme: Id of a theme of the run; `none` for segments in no theme.
        audited: A verdict; True for any, False for none.
        after: The pair behind which the page begins.
    """

    code: str = ""
    outcome: Outcome | None = None
    low: float | None = None
    high: float | None = None
    beside: tuple[Beside, ...] = ()
    attribute: tuple[str, str] | None = None
    participant: str = ""
    theme: str = ""
    audited: Verdict | bool | None = None
    order: Order = "interviews"
    after: tuple[str, str] | None = None
    size: int = 50


@dataclass(frozen=True)
class Found:
    """One page.

    Attributes:
        pairs: (segment, code), as many as fit on a page.
        total: Pairs on all pages.
        place: How many come before this page.
    """

    pairs: tuple[tuple[str, str], ...]
    total: int
    place: int

    @property
    def more(self) -> bool:
        """Whether a page follows."""
        return self.place + len(self.pairs) < self.total


def search(
    wanted: Search,
    matrix: Matrix,
    kind: Small,
    audited: Small,
    *,
    sealed: Bools,
    attributes: Mapping[str, Mapping[str, str]],
) -> Found:
    """The page that is wanted.

    Args:
        kind: How each pair stands to people, shape (n_segments, n_codes), places in `KINDS`; likewise `audited` in
            `VERDICTS`.
        sealed: Segments that nobody may see here, shape (n_segments,).
        attributes: Of participants.
    """
    rows = _rows(wanted, matrix, sealed, attributes)
    columns = np.array([not wanted.code or code == wanted.code for code in matrix.codes], bool)
    pairs = rows[:, None] & columns & (matrix.outcome != NOTHING)
    for part in _pairs(wanted, matrix, kind, audited):
        pairs &= part
    flat = pairs.ravel()
    places = np.flatnonzero(flat) if wanted.order == "interviews" else matrix.by_confidence[flat[matrix.by_confidence]]
    start = _start(wanted, matrix, places)
    shown = places[start : start + wanted.size].tolist()
    width = len(matrix.codes)
    return Found(tuple((matrix.segments[at // width].id, matrix.codes[at % width]) for at in shown), len(places), start)


def neighbours(found: Found, pair: tuple[str, str]) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
    """The pairs before and behind one on its page."""
    if pair not in found.pairs:
        return None, None
    at = found.pairs.index(pair)
    return (found.pairs[at - 1] if at else None), (found.pairs[at + 1] if at + 1 < len(found.pairs) else None)


def _rows(wanted: Search, matrix: Matrix, sealed: Bools, attributes: Mapping[str, Mapping[str, str]]) -> Bools:
    rows = ~sealed
    if wanted.participant:
        rows = rows & _of(matrix, {wanted.participant})
    if wanted.attribute:
        name, value = wanted.attribute
        rows = rows & _of(matrix, {who for who, has in attributes.items() if has.get(name) == value})
    if wanted.theme == NO_THEME:
        rows = rows & (matrix.theme == NOTHING)
    elif wanted.theme:
        place = matrix.themes.index(wanted.theme) if wanted.theme in matrix.themes else len(matrix.themes)
        rows = rows & (matrix.theme == place)
    return np.asarray(rows, bool)


def _of(matrix: Matrix, people: Collection[str]) -> Bools:
    places = [i for i, who in enumerate(matrix.participants) if who in people]
    return np.isin(matrix.participant, places)


def _pairs(wanted: Search, matrix: Matrix, kind: Small, audited: Small) -> list[Bools]:
    parts: list[Bools] = []
    if wanted.outcome is not None:
        parts.append(matrix.outcome == OUTCOMES.index(wanted.outcome))
    if wanted.low is not None:
        parts.append(matrix.confidence >= np.float32(wanted.low) - _ROUNDING)
    if wanted.high is not None:
        parts.append(matrix.confidence <= np.float32(wanted.high) + _ROUNDING)
    if wanted.beside:
        parts.append(np.isin(kind, [KINDS.index(one) for one in wanted.beside]))
    if isinstance(wanted.audited, bool):
        parts.append((audited != NOTHING) == wanted.audited)
    elif wanted.audited is not None:
        parts.append(audited == VERDICTS.index(wanted.audited))
    return parts


# Confidences are kept with three places, and half as precisely here.
_ROUNDING = np.float32(1e-6)


def _start(wanted: Search, matrix: Matrix, places: NDArray[np.int64]) -> int:
    """How many of the places come before the page; a pair that is not known begins at the first."""
    if wanted.after is None:
        return 0
    segment, code = wanted.after
    if segment not in matrix.row or code not in matrix.column:
        return 0
    at = matrix.row[segment] * len(matrix.codes) + matrix.column[code]
    if wanted.order == "least sure":
        return int(np.searchsorted(matrix.rank[places], matrix.rank[at], side="right"))
    return int(np.searchsorted(places, at, side="right"))
