"""Close a run."""

from __future__ import annotations

from collections.abc import Sequence

from belonging_llm.analysis.bench import workbench
from belonging_llm.analysis.freezing import freeze
from belonging_llm.analysis.job import Job
from belonging_llm.codes import (
    Coding,
    Outcome,
)
from belonging_llm.store import Run


def finish(job: Job, run_id: str) -> Run:
    """Close a run: complete when every pair has an outcome and none failed."""
    bench = workbench(job)
    if (run := bench.store.runs.get(run_id)).status != "running":
        # Another process that worked on it has closed it.
        return run
    outcomes = bench.store.findings.outcomes(run_id)
    wanted = len(bench.segments) * len(bench.framework.assignable)
    asker = bench.asker(run_id)
    failures = dict(asker.failures) if asker else {}
    bench.store.runs.note(run_id, outcomes=dict(outcomes), **({"reply_failures": failures} if asker else {}))
    whole = sum(outcomes.values()) == wanted and not outcomes[Outcome.FAILED]
    themed = not any(bench.store.runs.get(run_id).counts.get(k) for k in ("themes_failed", "themes_unmapped"))
    freeze(bench, run_id)
    done = "complete" if whole and (themed or bench.model is None) else "incomplete"
    bench.store.runs.finish(run_id, done, covers=sorted({s.transcript_id for s in bench.segments}))
    return bench.store.runs.get(run_id)


def failed_segments(codings: Sequence[Coding]) -> list[str]:
    """Segments with a failed outcome, sorted."""
    return sorted({c.segment_id for c in codings if c.outcome is Outcome.FAILED})
