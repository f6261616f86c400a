"""Do new segments fit the themes? How many fit nowhere, and how many of those lie close together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from belonging_llm.drift.record import Novelty, figure, state_of
from belonging_llm.embeddings import Vectors
from belonging_llm.evaluation import Counts, Watch, counts, surprise

MISFITS, POCKETED = "fits nowhere", "fits nowhere, close together"
# Neighbours that a segment needs to lie in a pocket; a theme's own closeness is taken over as many.
NEIGHBOURS = 3
FOLDS = 5
# Rows that are compared with all others at a time.
ROWS = 1024
TOO_FEW = "no number of segments in so few interviews would be beyond what is to be expected"

Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]
# Which of the second rows fit themes of the first.
Place = Callable[[Rows, Rows], Flags]


def cross_fitted(participants: Sequence[str], place: Place, *, folds: int = FOLDS) -> Flags:
    """Which segments fit themes that were found without their speaker.

    Placed in themes that they helped to make, segments fit better than those of people to come (as with any error
    estimated on what was fitted: Stone 1974), and a batch of them would look novel for no reason.

    Args:
        participants: Of each segment.
        place: From the rows that themes are found on, and the rows to place, which of the latter fit.

    Returns:
        bool, shape (n_segments,).
    """
    who = np.asarray(participants)
    names = sorted(set(participants))
    fits = np.zeros(len(who), bool)
    for fold in range(min(folds, len(names))):
        out = np.isin(who, names[fold::folds])
        fits[out] = place(np.flatnonzero(~out), np.flatnonzero(out))
    return fits


def close_together(vectors: Vectors, others: Vectors, near: float, *, among: int) -> Flags:
    """Which of some segments that fit nowhere have enough neighbours among such segments.

    The more there are to be compared with, the more neighbours everybody has. Hence always as many, whatever the size
    of a batch: these segments themselves, and of the others as many as there is room for.

    Args:
        vectors: Unit length, shape (n, dim).
        others: Further ones from before, those that count first at the top, shape (m, dim).
        near: Cosine from which on two are neighbours.
        among: How many segments neighbours are looked for among, at most.
    """
    if not len(vectors):
        return np.zeros(0, bool)
    every = (np.concatenate([vectors, others]) if len(others) else vectors)[:among]
    neighbours = np.concatenate([(part @ every.T >= near).sum(1) for part in _parts(vectors)])
    # Everybody is their own neighbour.
    neighbours[: len(every)] -= 1
    return np.asarray(neighbours >= NEIGHBOURS)


def nearness(themes: Iterable[Vectors]) -> float:
    """The cosine within which segments of a theme have their neighbours: the lower quartile over all themes' segments.

    Args:
        themes: Vectors of each theme's segments.
    """
    which = -1 - NEIGHBOURS
    found = [
        np.partition(part @ v.T, which, axis=1)[:, which] for v in themes if len(v) > NEIGHBOURS for part in _parts(v)
    ]
    return float(np.quantile(np.concatenate(found), 0.25)) if found else 1.0


def _parts(vectors: Vectors) -> list[Vectors]:
    """Few rows at a time: memory does not grow with their square."""
    return [vectors[start : start + ROWS] for start in range(0, len(vectors), ROWS)]


@dataclass(frozen=True)
class Placed:
    """New segments after placing.

    Attributes:
        participants: Of each segment.
        fits: Whether it fits a theme, shape (n,).
        pocketed: Whether it fits nowhere and lies close to others that do not, shape (n,).
        base: The run whose themes they were placed against.
    """

    participants: Sequence[str]
    fits: Flags
    pocketed: Flags
    base: str


def by_participant(participants: Sequence[str], marked: Flags) -> dict[str, tuple[int, int]]:
    """Segments of each participant, and those that are marked."""
    names, index = np.unique(np.asarray(participants, dtype=object).astype(str), return_inverse=True)
    n = np.bincount(index, minlength=len(names))
    k = np.bincount(index, np.asarray(marked, float), len(names)).astype(int)
    return {str(name): (int(a), int(b)) for name, a, b in zip(names, n, k, strict=True)}


def novelty(new: Placed, misfits: Counts, pocketed: Counts, watch: Watch) -> Novelty:
    """Test both shares, each at half the level.

    Args:
        misfits: Of past participants, placed in themes that did not know them; `pocketed` likewise.
    """
    here = [counts(*_columns(by_participant(new.participants, flags))) for flags in (~new.fits, new.pocketed)]
    level = watch.level / 2
    whole, pocket = (
        surprise(now, past, level, above_only=True) for now, past in zip(here, (misfits, pocketed), strict=True)
    )
    known = [p for p in (whole.p_value, pocket.p_value) if p is not None]
    least = min(1.0, 2 * min(known)) if known else None
    could = whole.most is not None or pocket.most is not None
    return Novelty(
        state=state_of(least, watch.level, could=could),
        reason=whole.reason or ("" if could else TOO_FEW),
        base=new.base,
        segments=len(new.fits),
        participants=here[0].clusters,
        past_participants=misfits.clusters,
        misfits=here[0].marked,
        pocketed=here[1].marked,
        expected=figure(whole.expected),
        expected_pocketed=figure(pocket.expected),
        p_misfits=whole.p_value,
        p_pocketed=pocket.p_value,
        enough=whole.most,
        enough_pocketed=pocket.most,
    )


def _columns(people: dict[str, tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [n for n, _ in people.values()], [k for _, k in people.values()]
