"""Who assigned which code to which unit: the one shape that every statistic starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from belonging_llm.evaluation.estimate import Floats

Marks = NDArray[np.int8]
MISSING = np.int8(-1)


@dataclass(frozen=True)
class Ratings:
    """Judgements of several coders on the same units.

    Attributes:
        units: Names of the units (segments, or stretches of text), n_units.
        marks: int8, shape (n_coders, n_units, n_codes): 1 assigned, 0 judged and not assigned, -1 not judged
            (never looked at, abstained or failed).
        clusters: Row of `cluster_names` that each unit belongs to, shape (n_units,); units of one participant
            (or document) are resampled together.
        clustered_by: What the clusters are, such as `participant_id`; None when every unit is its own.
        weights: Size of each unit, shape (n_units,): 1 for segments (the default), characters for stretches of
            text.
    """

    units: tuple[str, ...]
    coders: tuple[str, ...]
    codes: tuple[str, ...]
    marks: Marks
    clusters: NDArray[np.intp]
    cluster_names: tuple[str, ...]
    clustered_by: str | None = None
    weights: Floats = field(default_factory=lambda: np.ones(0))

    def __post_init__(self) -> None:
        shape = (len(self.coders), len(self.units), len(self.codes))
        if self.marks.shape != shape:
            raise ValueError(f"marks have shape {self.marks.shape}; coders × units × codes is {shape}")
        if not len(self.weights):
            object.__setattr__(self, "weights", np.ones(len(self.units)))
        if self.weights.shape != (len(self.units),):
            raise ValueError(f"{len(self.units)} units have {len(self.weights)} weights")

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Every pair of coders, as rows of `marks`."""
        return list(combinations(range(len(self.coders)), 2))

    @property
    def n_clusters(self) -> int:
        """How many participants (or documents) there are."""
        return len(self.cluster_names)

    def coder(self, name: str) -> Marks:
        """One coder's marks, shape (n_units, n_codes); ValueError when there is no such coder."""
        return np.asarray(self.marks[self.coders.index(name)], np.int8)

    def by(self, coders: Sequence[str]) -> Ratings:
        """The same units judged by some of the coders, in the given order."""
        rows = [self.coders.index(name) for name in coders]
        return replace(self, coders=tuple(coders), marks=self.marks[rows])

    def on(self, codes: Sequence[str]) -> Ratings:
        """The same units and coders, some of the codes."""
        columns = [self.codes.index(code) for code in codes]
        return replace(self, codes=tuple(codes), marks=self.marks[:, :, columns])

    def among(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Ratings:
        """Some of the units; clusters without any of them are gone."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        kept, clusters = np.unique(self.clusters[rows], return_inverse=True)
        return replace(
            self,
            units=tuple(self.units[i] for i in rows),
            marks=self.marks[:, rows],
            clusters=clusters.astype(np.intp).reshape(-1),
            cluster_names=tuple(self.cluster_names[i] for i in kept),
            weights=self.weights[rows],
        )

    def joined(self, name: str, marks: Marks) -> Ratings:
        """With one more coder, whose marks have shape (n_units, n_codes)."""
        return replace(self, coders=(*self.coders, name), marks=np.concatenate([self.marks, marks[None]]))


def ratings(
    judged: Mapping[str, Iterable[str]],
    assigned: Iterable[tuple[str, str, str]],
    *,
    codes: Sequence[str] = (),
    clusters: Mapping[str, str] | None = None,
    clustered_by: str | None = None,
    withheld: Iterable[tuple[str, str, str]] = (),
) -> Ratings:
    """Line judgements up by unit.

    Args:
        judged: Units that each coder judged, by coder; a judged unit without a code has none of them.
        assigned: (unit, coder, code); whoever assigned a code has judged its unit.
        codes: Every code that could have been assigned, in order; those in `assigned` alone when empty.
        clusters: Participant or document of each unit; None makes every unit its own cluster.
        withheld: (unit, coder, code) on which a coder gave no judgement although the unit was judged:
            abstentions and failures.

    Raises:
        ValueError: a code is assigned that is not among `codes`, or a unit has no cluster.
    """
    assigned = list(assigned)
    known = list(codes) or sorted({code for _, _, code in assigned})
    stranger = {code for _, _, code in assigned} - set(known)
    if stranger:
        raise ValueError(f"codes assigned that are not in the codebook: {', '.join(sorted(stranger))}")
    looked: dict[str, set[str]] = {coder: set(units) for coder, units in judged.items()}
    for unit, coder, _ in assigned:
        looked.setdefault(coder, set()).add(unit)
    coders = sorted(looked)
    units = sorted(set().union(*looked.values()) if looked else set())
    place = {unit: i for i, unit in enumerate(units)}
    row, column = {c: i for i, c in enumerate(coders)}, {c: i for i, c in enumerate(known)}
    marks = np.full((len(coders), len(units), len(known)), MISSING, np.int8)
    for coder, seen in looked.items():
        marks[row[coder], [place[unit] for unit in seen]] = 0
    for unit, coder, code in assigned:
        marks[row[coder], place[unit], column[code]] = 1
    for unit, coder, code in withheld:
        if unit in place and coder in row and code in column:
            marks[row[coder], place[unit], column[code]] = MISSING
    names, index = _clusters(units, clusters)
    return Ratings(tuple(units), tuple(coders), tuple(known), marks, index, names, clustered_by if clusters else None)


def _clusters(units: Sequence[str], of: Mapping[str, str] | None) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    if of is None:
        return tuple(units), np.arange(len(units), dtype=np.intp)
    lost = [unit for unit in units if unit not in of]
    if lost:
        raise ValueError(f"units without a participant or document: {', '.join(lost[:5])}")
    names = sorted({of[unit] for unit in units})
    row = {name: i for i, name in enumerate(names)}
    return tuple(names), np.array([row[of[unit]] for unit in units], dtype=np.intp)
