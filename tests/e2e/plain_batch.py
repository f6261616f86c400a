"""A batch as a plain process, without Prefect and without torch: `plain_batch.py STUDY LLM [CHUNK [MODE [DIE_AT]]]`.

Prints the batch's id, or nothing where there was nothing to do. CHUNK makes chunks smaller. MODE is `send` (questions go
out together and are waited for), `leave` (they are not) or `recode` (everything is coded anew). DIE_AT is as for `batch_errand.py`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import plain_run
from batch_errand import arm

from belonging_llm import batch, drift
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import cutting, posting
from belonging_llm.batch import BatchJob
from belonging_llm.errors import BelongingError, UnderWay
from belonging_llm.parcels import collect
from belonging_llm.study import Study


def main(folder: str, llm: str, chunk: str = "", mode: str = "", die_at: str = "") -> int:
    """Run every stage in its order, as the flow does."""
    factory.encoder = lambda _: HashEncoder()
    cutting.BATCH = int(chunk or cutting.BATCH)
    # Looks follow one another at once, and an order that was cut off is given a moment only.
    posting.PATIENCE = replace(posting.PATIENCE, first=0.01, longest=0.02, settles=0.3)
    collect.CHUNK = 5
    if die_at:
        arm(*die_at.split(":"))
    sends, patience = mode in {"send", "leave"}, 0 if mode == "leave" else None
    job = BatchJob(folder, llm, "local", batch_api=sends, patience=patience)
    try:
        sys.stdout.write((recode(job) if mode == "recode" else run_stages(job)) + "\n")
    except BelongingError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def run_stages(job: BatchJob) -> str:
    """The stages of `flows.batch`; returns the batch's id."""
    study = Study(Path(job.folder))
    with batch.exclusive(study):
        opened = batch.open_batch(job)
        if opened.run is None:
            return ""
        batch.intake(job, opened.run, opened.look)
        batch.batch_bench.cache_clear()
        run_id = opened.run.id
        batch.embed_segments(job, run_id)
        batch.place_segments(job, run_id)
        if batch.posts(job, run_id):
            _send(study, job, run_id)
        for rows in batch.waiting_chunks(job, run_id):
            batch.code_chunk(job, run_id, rows)
        drift.watch(batch.batch_bench(job, run_id), run_id)
        batch.publish(study, batch.finish(job, run_id))
    study.store.close()
    return run_id


def recode(job: BatchJob) -> str:
    """Everything coded anew, as the flow does it; returns the run's id."""
    study = Study(Path(job.folder))
    with batch.exclusive(study):
        run_id = batch.recode(job, plain_run.run_stages)
        batch.publish(study, study.store.runs.get(run_id))
    study.store.close()
    return run_id


def _send(study: Study, job: BatchJob, run_id: str) -> None:
    try:
        batch.send_questions(job, run_id, drift.questions(batch.batch_bench(job, run_id), run_id))
    except UnderWay:
        batch.publish(study, study.store.runs.get(run_id))
        raise


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
