"""Close a batch: its own outcomes, and the sums of the whole state, which are the last ones and what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from belonging_llm.batch.bench import BatchBench, batch_bench
from belonging_llm.batch.job import BatchJob
from belonging_llm.codes import Coding, Outcome
from belonging_llm.store import Run, Tally


def finish(job: BatchJob, run_id: str) -> Run:
    """Close a batch: complete when each of its pairs has an outcome and none failed."""
    bench = batch_bench(job, run_id)
    own = bench.store.batches.codings(run_id)
    outcomes = Counter(str(c.outcome) for c in own)
    failed = sorted({c.segment_id for c in own if c.outcome is Outcome.FAILED})
    asker = bench.asker(run_id) if own else None
    failures = {"reply_failures": dict(asker.failures)} if asker else {}
    numbers = tally(bench, run_id, own)
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


def tally(bench: BatchBench, run_id: str, own: Sequence[Coding]) -> Tally:
    """The numbers as of this batch: those before it, and its own."""
    store = bench.store
    *earlier, before = store.batches.chain(run_id)[:-1]
    known = store.coders.tally(before)
    if known is None:
        # Somebody withdrew since: the sums are counted anew, once.
        return store.coders.count(run_id)
    codes = {code: Counter(by) for code, by in known.codes.items()}
    for coding in own:
        codes.setdefault(coding.code, Counter())[str(coding.outcome)] += 1
    for _, code, outcome in store.batches.coded_in([*earlier, before], sorted(bench.again)):
        codes[code][outcome] -= 1
    fresh = [s for s in bench.segments if s.id not in bench.again]
    parts = store.batches.parts(run_id)
    placed = store.batches.placed_in(run_id)
    return Tally(
        transcripts=known.transcripts + len({s.transcript_id for s in fresh}),
        participants=known.participants + len(store.corpus.strangers(sorted({s.participant for s in fresh}), parts)),
        segments=known.segments + len(fresh),
        placed=known.placed + len({segment for _, segment in placed}),
        codes={code: {o: n for o, n in by.items() if n} for code, by in codes.items()},
    )
