"""Where themes are in the space of vectors, and which of them a new segment belongs in, without looking at old ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from belonging_llm.embeddings import Vectors

# Exemplars kept of a theme at most.
MOST = 96
# Exemplars that a segment's closeness is the mean of.
NEAREST = 5
# Share of a theme's own segments that lie farther from its exemplars than a segment may that joins it.
OUTER = 0.1


@dataclass(frozen=True)
class Place:
    """Where a theme is.

    Attributes:
        segments: Ids of its exemplars.
        vectors: Theirs, unit length, float32, shape (n_exemplars, dim).
        centre: Unit mean of the core's vectors, float32, shape (dim,).
        named_at: The centre when the theme got its name.
        floor: Closeness below which a segment does not belong.
        typical: The median closeness of its own segments.
    """

    theme: str
    segments: tuple[str, ...]
    vectors: Vectors
    centre: Vectors
    named_at: Vectors
    floor: float
    typical: float


@dataclass(frozen=True)
class Placement:
    """Where a new segment belongs.

    Attributes:
        theme: "" where it fits nowhere: that is novelty.
        closeness: Mean cosine to the nearest exemplars of the theme that it is closest to.
        nearest: That theme, whether it belongs there or not; "" without themes.
        strength: Closeness over what is typical of that theme, cut to 0..1.
        also: Other themes that it is as close to as is typical of them, each with its strength there.
    """

    theme: str
    closeness: float
    nearest: str
    strength: float
    also: tuple[tuple[str, float], ...] = ()


def locate(
    theme: str, segments: Sequence[str], vectors: Vectors, named_at: Vectors | None = None, *, most: int = MOST
) -> Place:
    """A theme's place, from the segments that are at home in it.

    Exemplars are spread over the theme: first the one nearest to the centre, then always the one farthest from those
    chosen (Gonzalez 1985), so that an arm of a theme is not forgotten for its middle.

    A theme of a single segment takes nothing but the same words again.

    Args:
        segments: Ids, in any order; at least one.
        vectors: Theirs, unit length, shape (n_segments, dim).
        named_at: The centre when the theme got its name; None where it gets it now.
    """
    order = sorted(range(len(segments)), key=lambda i: segments[i])
    ids, rows = [segments[i] for i in order], np.asarray(vectors[order], np.float32)
    mean = rows.mean(axis=0)
    centre = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
    chosen = _spread(rows, centre, most)
    own = _own(rows, chosen)
    return Place(
        theme=theme,
        segments=tuple(ids[i] for i in chosen),
        vectors=rows[chosen],
        centre=centre,
        named_at=centre if named_at is None else named_at,
        floor=round(float(np.quantile(own, OUTER)), 6),
        typical=round(float(np.median(own)), 6),
    )


def place(vectors: Vectors, places: Sequence[Place]) -> list[Placement]:
    """Where each segment belongs: in the theme whose exemplars it is closest to, if it is close enough.

    The cost grows with the segments and the exemplars that are kept, not with the segments of old.

    Args:
        vectors: Unit length, float32, shape (n, dim), by the encoder that made the places.
    """
    if not places:
        return [Placement("", 0.0, "", 0.0) for _ in vectors]
    found = []
    for row in _to_all(vectors, places):
        best = int(np.argmax(row))
        near, at = places[best], float(row[best])
        fits = at >= near.floor
        also = tuple((p.theme, _strength(float(c), p)) for p, c in zip(places, row, strict=True) if c >= p.typical)
        others = tuple(one for one in also if fits and one[0] != near.theme)
        found.append(Placement(near.theme if fits else "", at, near.theme, _strength(at, near), others))
    return found


def fitting(vectors: Vectors, places: Sequence[Place]) -> npt.NDArray[np.bool_]:
    """Which segments belong in a theme, by the same rule; no more is worked out, shape (n,)."""
    if not places:
        return np.zeros(len(vectors), bool)
    closeness = _to_all(vectors, places)
    best = np.argmax(closeness, axis=1)
    return np.asarray(closeness[np.arange(len(vectors)), best] >= np.array([p.floor for p in places])[best])


def _to_all(vectors: Vectors, places: Sequence[Place]) -> Vectors:
    """Closeness to every theme, shape (n, n_places)."""
    return np.stack([_closeness(vectors, p.vectors) for p in places], axis=1)


def _strength(closeness: float, place: Place) -> float:
    return round(min(1.0, max(0.0, closeness / place.typical)) if place.typical > 0 else 0.0, 4)


def _closeness(vectors: Vectors, exemplars: Vectors) -> Vectors:
    """Mean cosine to the nearest exemplars, shape (n,); 0 where there are none."""
    if not len(exemplars):
        return np.zeros(len(vectors), np.float32)
    near = vectors @ exemplars.T
    k = min(NEAREST, len(exemplars))
    return np.asarray(np.sort(near, axis=1)[:, -k:].mean(axis=1), np.float32)


def _spread(rows: Vectors, centre: Vectors, most: int) -> list[int]:
    chosen = [int(np.argmax(rows @ centre))]
    nearest = rows @ rows[chosen[0]]
    while len(chosen) < min(most, len(rows)):
        nearest[chosen] = np.inf
        farthest = int(np.argmin(nearest))
        chosen.append(farthest)
        nearest = np.maximum(nearest, rows @ rows[farthest])
    return chosen


def _own(rows: Vectors, chosen: Sequence[int]) -> npt.NDArray[np.float64]:
    """Each segment's closeness to the exemplars other than itself, shape (n,)."""
    if len(rows) == 1:
        return np.ones(1)
    near = rows @ rows[list(chosen)].T
    # An exemplar's nearness to itself counts for nothing.
    near[list(chosen), np.arange(len(chosen))] = -np.inf
    near = np.sort(near, axis=1)[:, -NEAREST:]
    return np.asarray(np.mean(near, axis=1, where=np.isfinite(near)), np.float64)
