"""Vectors of a batch's segments, and the themes of the base that they go to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from belonging_llm.analysis.arrivals import arrivals
from belonging_llm.analysis.job import Done, silent
from belonging_llm.batch.bench import BatchBench, batch_bench
from belonging_llm.batch.job import BatchJob
from belonging_llm.embeddings import HasMiddle, embed
from belonging_llm.segments import Segment
from belonging_llm.themes import ThemeMember


def embed_segments(job: BatchJob, run_id: str, done: Done = silent) -> int:
    """Make sure that every segment of the batch has its vectors; returns how many segments there are."""
    bench = batch_bench(job, run_id)
    texts = [s.text for s in bench.segments]
    inner = bench.encoder.middle() if isinstance(bench.encoder, HasMiddle) else None
    total = len(set(texts)) * (2 if inner else 1)
    bench.vectors = embed(texts, bench.encoder, bench.store.vectors, done=lambda n: done(n, total))
    if inner:
        bench.middle = embed(texts, inner, bench.store.vectors, done=lambda n: done(total // 2 + n, total))
    return len(texts)


def place_segments(job: BatchJob, run_id: str) -> int:
    """Put new segments into the base's themes as people left them; returns how many fit. Done once for a batch."""
    bench = batch_bench(job, run_id)
    counts = bench.store.runs.get(run_id).counts
    if "placed" in counts:
        return int(counts["placed"])
    fresh = [row for row, s in enumerate(bench.segments) if s.id not in bench.again]
    rows = [row for row in fresh if not _too_short(bench, bench.segments[row])]
    placed, outliers = _put(bench, rows)
    bench.store.batches.place(run_id, placed)
    too_short = sorted({bench.segments[row].id for row in fresh} - {bench.segments[row].id for row in rows})
    bench.store.runs.note(run_id, placed=len(rows) - len(outliers), outliers=outliers, too_short=too_short)
    return len(rows) - len(outliers)


def _put(bench: BatchBench, rows: Sequence[int]) -> tuple[dict[str, list[ThemeMember]], list[str]]:
    """Members by theme, and segments that fit nowhere; each segment alone, whatever comes with it."""
    arriving = arrivals(bench, bench.base_id)
    placed: dict[str, list[ThemeMember]] = defaultdict(list)
    outliers = []
    for row in rows:
        segment = bench.segments[row]
        found = arriving([segment.id], bench.vectors[row : row + 1])
        for theme_id, members in found.members.items():
            placed[theme_id] += members
        if found.nowhere:
            outliers.append(segment.id)
    return placed, outliers


def _too_short(bench: BatchBench, segment: Segment) -> bool:
    return len(segment.text.split()) < bench.settings.shortest_themed
