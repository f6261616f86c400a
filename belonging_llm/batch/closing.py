"""Close a batch: its own outcomes, and the sums of the whole state, which are the last ones and what changed."""

from __future__ import annotations

from collections import Counter

from belonging_llm.batch.bench import batch_bench
from belonging_llm.batch.job import BatchJob
from belonging_llm.batch.summing import tally
from belonging_llm.codes import Outcome
from belonging_llm.store import Run


def finish(job: BatchJob, run_id: str) -> Run:
    """Close a batch: complete when each of its pairs has an outcome and none failed."""
    bench = batch_bench(job, run_id)
    own = bench.store.batches.codings(run_id)
    outcomes = Counter(str(c.outcome) for c in own)
    failed = sorted({c.segment_id for c in own if c.outcome is Outcome.FAILED})
    asker = bench.asker(run_id) if own else None
    failures = {"reply_failures": dict(asker.failures)} if asker else {}
    numbers = tally(bench.store, run_id, own)
    bench.store.coders.keep_tally(run_id, numbers)
    bench.store.runs.note(
        run_id,
        batch_outcomes=dict(outcomes),
        outcomes=dict(numbers.outcomes()),
        failed=failed,
        coder=bench.kept.digest,
        taught_since=bench.kept.taught_by != bench.store.coders.taught_by(),
        **failures,
    )
    whole = len(own) == len(bench.segments) * len(bench.framework.assignable) and not failed
    bench.store.runs.finish(run_id, "complete" if whole else "incomplete")
    return bench.store.runs.get(run_id)
