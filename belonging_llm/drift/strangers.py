"""How people fare whom the themes do not know: the base's own, each placed in the themes less what they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm import themes
from belonging_llm.drift.novelty import Flags, Place, Rows, close_together, cross_fitted, nearness
from belonging_llm.embeddings import Vectors

# Segments that fit nowhere, among which new ones may have neighbours.
REMEMBERED = 2000


@dataclass(frozen=True)
class Strangers:
    """The base's segments in themes that do not know their speakers.

    Attributes:
        fits: Whether a segment fits a theme, shape (n,).
        pocketed: Whether it fits nowhere and lies close to others that do not, shape (n,).
        near: Cosine within which segments of a theme have their neighbours.
    """

    fits: Flags
    pocketed: Flags
    near: float


def strangers(participants: Sequence[str], vectors: Vectors, cores: Sequence[Sequence[int]]) -> Strangers:
    """Place everybody about where they would be placed had they come later.

    Batches are placed in these very themes. Themes found anew without somebody are other themes, with a share of
    their own that fits nowhere: an estimate from them is farther off, as well as slow.

    Args:
        participants: Of each segment.
        vectors: Unit length, shape (n, dim).
        cores: Rows of every theme's core.
    """
    return placed_with(less(vectors, cores), participants, vectors, cores)


def placed_with(
    place: Place, participants: Sequence[str], vectors: Vectors, cores: Sequence[Sequence[int]]
) -> Strangers:
    """The same by another way of placing."""
    fits = cross_fitted(participants, place)
    near = nearness(vectors[core] for core in cores)
    pocketed = np.zeros(len(fits), bool)
    pocketed[~fits] = close_together(vectors[~fits], vectors[:0], near, among=REMEMBERED)
    return Strangers(fits, pocketed, near)


def less(vectors: Vectors, cores: Sequence[Sequence[int]]) -> Place:
    """Placing in the themes that there are, less the rows that are not known."""
    rows = [np.asarray(core, np.intp) for core in cores]

    def place(known: Rows, new: Rows) -> Flags:
        there = np.zeros(len(vectors), bool)
        there[known] = True
        return fit(vectors, [core[there[core]] for core in rows], new)

    return place


def fit(vectors: Vectors, cores: Sequence[Sequence[int] | Rows], new: Rows) -> Flags:
    """Which rows fit themes with these cores, by the rule that batches are placed by."""
    there = [themes.locate(str(k), [str(i) for i in core], vectors[core]) for k, core in enumerate(cores) if len(core)]
    return themes.fitting(vectors[new], there)
