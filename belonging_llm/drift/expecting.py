"""What a whole run makes one expect of batches to come: found once, when the first of them comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.analysis import Workbench
from belonging_llm.batch.bench import BaseBench
from belonging_llm.clusters import Belongs
from belonging_llm.drift.distribution import tallies
from belonging_llm.drift.novelty import MISFITS, POCKETED, Flags, by_participant
from belonging_llm.drift.strangers import REMEMBERED, strangers
from belonging_llm.segments import Segment
from belonging_llm.store import WatchCount


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
    found = strangers(people, vectors, _cores(base, base_id, segments))
    lost = np.flatnonzero(~found.fits)[:REMEMBERED]
    speakers = {s.id: s.participant for s in base.segments}
    counted = flag_counts(people, found.fits, found.pocketed)
    counted += tallies(base.store.findings.codings(base_id), speakers)
    return Expected(found.near, tuple(segments[i].id for i in lost)), counted


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
