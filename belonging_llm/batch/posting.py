"""A batch's questions sent together: its own segments' and, beside them, whatever else it asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from belonging_llm.analysis import posting
from belonging_llm.analysis.job import Done, silent
from belonging_llm.asking import Question, Sampling
from belonging_llm.batch.bench import batch_bench
from belonging_llm.batch.job import BatchJob


def posts(job: BatchJob, run_id: str) -> bool:
    """Whether questions are to go out together, or are under way."""
    return posting.sends(batch_bench(job, run_id), job.whole)


def send_questions(
    job: BatchJob, run_id: str, beside: Sequence[tuple[Question[Any], Sampling]] = (), done: Done = silent
) -> None:
    """Have a batch's questions answered together, or look after those that are under way.

    Replies go into the ledger, where the coding finds them; what has none is asked by itself.

    Raises:
        UnderWay: questions are under way; the same batch goes on when their replies can be collected.
        Incomplete: another process sees to them, or the endpoint is gone; a rerun continues.
    """
    bench = batch_bench(job, run_id)
    posting.send(bench, job.whole, run_id, bench.coding_questions(run_id), beside, done)
