"""Keep what a whole run learned, so that batches can lay it on new material without looking at the old."""

from __future__ import annotations

from belonging_llm import codes
from belonging_llm.analysis.bench import Workbench
from belonging_llm.store import KeptCoder


def freeze(bench: Workbench, run_id: str) -> KeptCoder:
    """Keep a run's coder, and the sums of the study as of then."""
    coders = bench.store.coders
    kept = coders.keep(run_id, codes.to_bytes(bench.coder(run_id)), coders.taught_by())
    coders.keep_tally(run_id, coders.count(run_id))
    return kept
