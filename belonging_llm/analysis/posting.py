"""Questions that go out in batches."""

from __future__ import annotations

from dataclasses import replace

from belonging_llm.analysis.bench import workbench
from belonging_llm.analysis.job import Done, Job, silent
from belonging_llm.errors import Incomplete
from belonging_llm.parcels import Errand, Mode, Patience, Terms

PATIENCE = Patience()
TERMS = Terms()


def posts(job: Job) -> bool:
    """Whether questions are to go out in batches, or are under way in some."""
    bench = workbench(job)
    if bench.model is None or bench.post is None:
        return False
    return job.batch or bool(bench.store.parcels.open(bench.model.id, str(bench.model.endpoint)))


def send_questions(job: Job, run_id: str, done: Done = silent) -> None:
    """Have the coding's questions answered in batches, or look after batches that are under way.

    Replies go into the ledger, where the coding finds them; what has none is asked by itself.

    Raises:
        Incomplete: batches are under way; a rerun collects them.
    """
    from filelock import FileLock, Timeout

    bench = workbench(job)
    asker = bench.asker(run_id)
    assert asker is not None and bench.post is not None  # noqa: S101, PT018 - `posts` is asked first
    patience = replace(PATIENCE, most=None if job.patience is None else 60 * job.patience)
    mode = Mode(send=job.batch, recall=job.recall)
    errand = Errand(asker, bench.post, bench.store.parcels, mode, patience, TERMS, done)
    try:
        # Two processes would each take the other's parcel for one that was left behind.
        with FileLock(bench.study.folder / ".batch.lock", timeout=0):
            errand.run(bench.coding_questions(run_id))
    except Timeout as error:
        raise Incomplete("another process is seeing to this study's batches; rerun when it has ended") from error
    finally:
        fates = [p.model_dump(include={"remote_id", "status", "requests", "fates"}) for p in errand.parcels]
        bench.store.runs.note(run_id, batches=fates)
