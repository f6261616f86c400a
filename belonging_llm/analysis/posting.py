"""Questions that go out together: an analysis's own, and those of a batch of new material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from belonging_llm.analysis.bench import Workbench, workbench
from belonging_llm.analysis.job import Done, Job, silent
from belonging_llm.asking import Question, Sampling
from belonging_llm.parcels import Errand, Mode, Patience, Terms
from belonging_llm.workers import alone_at

PATIENCE = Patience()
TERMS = Terms()
LOCK, CLAIM = ".parcels.lock", "parcels"


def posts(job: Job) -> bool:
    """Whether questions are to go out together, or are under way."""
    return sends(workbench(job), job)


def send_questions(job: Job, run_id: str, done: Done = silent) -> None:
    """Have the coding's questions answered together, or look after those that are under way.

    Replies go into the ledger, where the coding finds them; what has none is asked by itself.

    Raises:
        UnderWay: questions are under way; a rerun collects the replies.
        Incomplete: another process sees to them, or the endpoint is gone; a rerun continues.
    """
    bench = workbench(job)
    send(bench, job, run_id, bench.coding_questions(run_id), done=done)


def sends(bench: Workbench, job: Job) -> bool:
    """The same for any bench."""
    if bench.model is None or bench.post is None:
        return False
    return job.batch or bool(bench.store.parcels.open(bench.model.id, str(bench.model.endpoint)))


def send(
    bench: Workbench,
    job: Job,
    run_id: str,
    questions: Sequence[Question[Any]],
    beside: Sequence[tuple[Question[Any], Sampling]] = (),
    done: Done = silent,
) -> None:
    """Have a run's questions answered together, as the job says; see `send_questions`.

    Args:
        questions: What settles most first: limits cut off the end.
        beside: Questions that are asked in another way, behind those.
    """
    asker = bench.asker(run_id)
    assert asker is not None and bench.post is not None  # noqa: S101, PT018 - `sends` is asked first
    patience = replace(PATIENCE, most=None if job.patience is None else 60 * job.patience)
    mode = Mode(send=job.batch, recall=job.recall)
    errand = Errand(asker, bench.post, bench.store.parcels, mode, patience, TERMS, done)
    try:
        # Two processes would each take the other's parcel for one that was left behind.
        with alone_at(bench.study, LOCK, CLAIM, "the questions that went out together"):
            errand.run(questions, beside)
    finally:
        fates = [p.model_dump(include={"remote_id", "status", "requests", "fates"}) for p in errand.parcels]
        bench.store.runs.note(run_id, batches=fates)
