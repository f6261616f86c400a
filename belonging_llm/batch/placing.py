"""Vectors of a batch's segments, and the themes of the base that they go to."""

from __future__ import annotations

from collections import defaultdict

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
    """Put new segments into the base's themes; returns how many fit somewhere. Done once for a batch."""
    bench = batch_bench(job, run_id)
    counts = bench.store.runs.get(run_id).counts
    if "placed" in counts:
        return int(counts["placed"])
    placed: dict[str, list[ThemeMember]] = defaultdict(list)
    outliers, too_short, fits = [], [], 0
    for row, segment in enumerate(bench.segments):
        if segment.id in bench.again:
            continue
        if _too_short(bench, segment):
            too_short.append(segment.id)
            continue
        found = bench.places.put(segment.id, bench.vectors[row])
        for theme_id, member in found.items():
            placed[theme_id].append(member)
        fits += bool(found)
        if not found:
            outliers.append(segment.id)
    bench.store.batches.place(run_id, placed)
    bench.store.runs.note(run_id, placed=fits, outliers=outliers, too_short=sorted(too_short))
    return fits


def _too_short(bench: BatchBench, segment: Segment) -> bool:
    return len(segment.text.split()) < bench.settings.shortest_themed
