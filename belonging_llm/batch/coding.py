"""Outcomes for a batch's segments, with what the base learned; chunk by chunk, so that an interruption loses little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from belonging_llm import analysis
from belonging_llm.analysis import Asking, cutting
from belonging_llm.analysis.coding import scored
from belonging_llm.analysis.job import Done, silent
from belonging_llm.batch.bench import BatchBench, batch_bench
from belonging_llm.batch.job import BatchJob


def waiting_chunks(job: BatchJob, run_id: str) -> list[list[int]]:
    """Rows (of the batch's canonical order) that still lack codings, in chunks that are always cut alike."""
    bench = batch_bench(job, run_id)
    ready = {c.segment_id for c in bench.store.batches.codings(run_id)}
    return [c for c in cutting.whole(len(bench.segments)) if any(bench.segments[i].id not in ready for i in c)]


def code_chunk(job: BatchJob, run_id: str, rows: Sequence[int], done: Done = silent) -> int:
    """Give every segment of a chunk its outcomes and keep them at once; returns how many codings."""
    bench = batch_bench(job, run_id)
    found = [analysis.decide(bench, run_id, group, _manner(bench, run_id, group), done) for group in bench.groups(rows)]
    codings = [coding for one in found for coding in one.codings]
    bench.store.findings.add_codings(codings, run_id)
    names = ("asked", "apart", "unlocated", "repaired", "demoted", "failed")
    counts = Counter({name: sum(getattr(one, name) for one in found) for name in names})
    bench.store.runs.note(run_id, **{f"batch {bench.segments[rows[0]].id}": dict(counts)})
    return len(codings)


def _manner(bench: BatchBench, run_id: str, rows: Sequence[int]) -> Asking:
    moved = scored(bench, run_id, rows)
    return Asking(bench.asker(run_id), bench.coding_prompt, moved=moved, several=bench.several)
