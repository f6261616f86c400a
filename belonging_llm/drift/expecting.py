"""What a whole run makes one expect of batches to come: found once, when the first of them comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm import clusters, themes
from belonging_llm.analysis import Workbench
from belonging_llm.batch.bench import BaseBench
from belonging_llm.clusters import Belongs
from belonging_llm.drift.distribution import tallies
from belonging_llm.drift.novelty import (
    MISFITS,
    POCKETED,
    Flags,
    Place,
    Rows,
    by_participant,
    close_together,
    cross_fitted,
    nearness,
)
from belonging_llm.embeddings import Vectors
from belonging_llm.segments import Segment
from belonging_llm.store import WatchCount

# Up to so many segments themes are found anew without those who are placed; beyond, few of many change them little.
FOUND_ANEW = 2000
# Earlier segments that fit nowhere, among which new ones may have neighbours.
REMEMBERED = 2000


@dataclass(frozen=True)
class Expected:
    """What later batches are compared with.

    Attributes:
        near: Cosine within which segments of a theme have their neighbours.
        misfits: Ids of segments that fit nowhere.
    """

    near: float
    misfits: tuple[str, ...]


def expected(bench: Workbench, base_id: str) -> Expected:
    """What the base makes one expect, found where it was not yet."""
    records = bench.store.drift
    if (kept := records.found(base_id)) is None:
        found, counted = _expect(BaseBench(bench, base_id), base_id)
        records.close(base_id, {"near": found.near, "misfits": list(found.misfits)}, counted)
        return found
    return Expected(float(kept["near"]), tuple(kept["misfits"]))


def _expect(base: Workbench, base_id: str) -> tuple[Expected, list[WatchCount]]:
    rows = [i for i, s in enumerate(base.segments) if len(s.text.split()) >= base.settings.shortest_themed]
    segments, vectors = [base.segments[i] for i in rows], base.vectors[rows]
    people = [s.participant for s in segments]
    cores = _cores(base, base_id, segments)
    keys = [s.text_digest for s in segments]
    few = len(segments) <= FOUND_ANEW
    fits = cross_fitted(people, anew(vectors, keys, base.settings.seed) if few else less(vectors, cores))
    near = nearness(vectors[core] for core in cores)
    lost = np.flatnonzero(~fits)
    pocketed = np.zeros(len(rows), bool)
    pocketed[lost] = close_together(vectors[lost], vectors[:0], near)
    speakers = {s.id: s.participant for s in base.segments}
    counted = [*flag_counts(people, fits, pocketed), *tallies(base.store.findings.codings(base_id), speakers)]
    return Expected(near, tuple(segments[i].id for i in lost[:REMEMBERED])), counted


def flag_counts(people: Sequence[str], fits: Flags, pocketed: Flags) -> list[WatchCount]:
    """Per participant, segments that fit nowhere, and those that lie close together."""
    return [
        WatchCount(measure=name, participant=who, n=n, k=k)
        for name, flags in ((MISFITS, ~fits), (POCKETED, pocketed))
        for who, (n, k) in by_participant(people, flags).items()
    ]


def _cores(base: Workbench, base_id: str, segments: Sequence[Segment]) -> list[list[int]]:
    """Rows of every theme's core."""
    row = {s.id: i for i, s in enumerate(segments)}
    found = base.store.findings.themes(base_id)
    return [[row[m.segment_id] for m in t.members if m.belongs is Belongs.CORE and m.segment_id in row] for t in found]


def anew(vectors: Vectors, keys: Sequence[str], seed: int) -> Place:
    """Placing in themes that are found anew on the known rows alone.

    Args:
        keys: Digest of each text.
    """

    def place(known: Rows, new: Rows) -> Flags:
        found = clusters.find(vectors[known], [keys[i] for i in known], seed=seed)
        cores = [[int(known[m.index]) for m in c.members if m.belongs is Belongs.CORE] for c in found.clusters]
        return fit(vectors, cores, new)

    return place


def less(vectors: Vectors, cores: Sequence[Sequence[int]]) -> Place:
    """Placing in the themes that there are, less the rows that are not known."""

    def place(known: Rows, new: Rows) -> Flags:
        there = set(known.tolist())
        return fit(vectors, [[i for i in core if i in there] for core in cores], new)

    return place


def fit(vectors: Vectors, cores: Sequence[Sequence[int]], new: Rows) -> Flags:
    """Which rows fit themes with these cores, by the rule that batches are placed by."""
    there = [themes.locate(str(k), [str(i) for i in core], vectors[core]) for k, core in enumerate(cores) if len(core)]
    return np.array([bool(found.theme) for found in themes.place(vectors[new], there)], bool)
