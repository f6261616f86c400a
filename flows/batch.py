"""A batch as a flow: what a schedule runs. One task a stage, one a chunk of codings, never one a segment.

Parameters are a folder, specs and limits; artifacts hold counts. Retries live in the asking layer alone, and what is
done is in the store: a run that died continues with the next one.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event

from belonging_llm import batch as batches
from belonging_llm import drift
from belonging_llm.analysis import Job
from belonging_llm.batch import BatchJob, exclusive
from belonging_llm.batch.publishing import publish
from belonging_llm.errors import UnderWay
from belonging_llm.progress import Progress
from belonging_llm.provenance import digest
from belonging_llm.report.batch import markdown
from belonging_llm.store import Alarm
from belonging_llm.study import Study
from flows.analyse import analyse
from flows.themes_due import tell_due

Plain = dict[str, Any]


@task(name="embed new segments", retries=0, persist_result=False)
def embed_segments(job: Plain, run_id: str) -> int:
    """Vectors for the new segments."""
    with Progress("embedding new segments") as progress:
        return batches.embed_segments(BatchJob(**job), run_id, progress)


@task(name="place new segments", retries=0, persist_result=False)
def place_segments(job: Plain, run_id: str) -> int:
    """Themes that the new segments belong to."""
    return batches.place_segments(BatchJob(**job), run_id)


@task(name="send questions", retries=0, persist_result=False)
def send_questions(job: Plain, run_id: str) -> str:
    """Questions sent together, the sentinels' among them; what is waited for, or "" when all of it is there."""
    given = BatchJob(**job)
    beside = drift.questions(batches.batch_bench(given, run_id), run_id)
    with Progress("questions that go out together") as progress:
        try:
            batches.send_questions(given, run_id, beside, progress)
        except UnderWay as waits:
            # Nothing failed: a task that raises would be shown as one that did.
            return str(waits)
    return ""


@task(name="code new segments", retries=0, persist_result=False)
def code_chunk(job: Plain, run_id: str, rows: list[int], place: str) -> int:
    """Outcomes for one chunk of new segments."""
    with Progress(f"coding new segments, part {place}") as progress:
        return batches.code_chunk(BatchJob(**job), run_id, rows, progress)


@task(name="watch for drift", retries=0, persist_result=False)
def watch(job: Plain, run_id: str) -> int:
    """What drifts with this batch; returns how many alarms it raised."""
    bench = batches.batch_bench(BatchJob(**job), run_id)
    drift.watch(bench, run_id)
    raised = bench.store.drift.alarms(run_id)
    for one in raised:
        emit_event(**event(job["folder"], one))
    return len(raised)


def event(folder: str, alarm: Alarm) -> Plain:
    """An alarm as Prefect's event: ids and counts alone; told twice, it is the same event."""
    return {
        "event": f"belonging.drift.{alarm.kind}",
        "id": UUID(alarm.id),
        "resource": {"prefect.resource.id": f"belonging.study.{digest(folder)[:10]}"},
        "related": [{"prefect.resource.id": f"belonging.batch.{alarm.run_id}", "prefect.resource.role": "batch"}],
        "payload": {"alarm": alarm.id, "batch": alarm.run_id, "subject": alarm.subject, **counted(alarm.content)},
    }


def counted(figures: Plain) -> Plain:
    """The whole numbers and p-values among an alarm's figures."""
    return {name: value for name, value in figures.items() if isinstance(value, int | float)}


@task(name="finish batch", retries=0, persist_result=False)
def finish(job: Plain, run_id: str) -> str:
    """Close the batch and write its change report; returns its status."""
    run = batches.finish(BatchJob(**job), run_id)
    report(job["folder"], run_id)
    return run.status


@flow(name="batch", persist_result=False)
def batch(
    folder: str,
    llm: str | None = None,
    embedder: str | None = None,
    budget: float | None = None,
    calls: int | None = None,
    inbox: str | None = None,
    recode: bool = False,
    batch_api: bool = False,
    patience: float | None = None,
    recall: bool = False,
) -> str:
    """Bring a study up to date with what lies in its inbox.

    Args:
        folder: The study's folder.
        llm: Spec of the language model; the study's own when None. It has to be the last analysis's.
        embedder: Spec of the embedding model, likewise.
        budget: The most US dollars that the batch may spend.
        calls: The most calls of the language model that it may make.
        inbox: Where to look for files; the study's own inbox when None.
        recode: Code everything anew with what people have coded by now, and find themes anew.
        batch_api: Send questions about segments together, at the endpoint's lower price.
        patience: Minutes to wait for their replies; None waits until they are there.
        recall: Call back questions that went out together.

    Returns:
        The id of the batch (or, recoding, of the analysis); empty where nothing had come in.

    Raises:
        UnderWay: patience was over before the replies were there; the same batch goes on with the next call.
    """
    study = Study(Path(folder))
    models = llm or study.settings.llm, embedder or study.settings.embedder
    job = BatchJob(str(study.folder), *models, budget, calls, inbox, batch_api, patience, recall)
    with exclusive(study):
        if recode:
            run_id = batches.recode(job, _analyse)
            report(job.folder, run_id)
            return run_id
        opened = batches.open_batch(job)
        if opened.run is None:
            return ""
        batches.intake(job, opened.run, opened.look)
        return code(job, opened.run.id)


def _analyse(job: Job) -> str:
    return str(analyse(**asdict(job)))


def code(job: BatchJob, run_id: str) -> str:
    """Embed, place and code what a batch took up, and close it.

    Raises:
        UnderWay: its questions went out together and have no replies yet; the change report says so.
    """
    plain = asdict(job)
    batches.batch_bench.cache_clear()
    embed_segments(plain, run_id)
    place_segments(plain, run_id)
    if batches.posts(job, run_id) and (waits := send_questions(plain, run_id)):
        report(job.folder, run_id)
        raise UnderWay(waits)
    waiting = batches.waiting_chunks(job, run_id)
    for number, rows in enumerate(waiting, 1):
        code_chunk(plain, run_id, rows, f"{number} of {len(waiting)}")
    watch(plain, run_id)
    finish(plain, run_id)
    tell_due(job.folder)
    return run_id


def report(folder: str, run_id: str) -> None:
    """Write the change report, and publish its counts as an artifact."""
    study = Study(Path(folder))
    found = drift.found_with(study, run_id)
    told, _ = publish(study, study.store.runs.get(run_id), drift.section(found) if found else "")
    said = drift.markdown(found) if found else ""
    create_markdown_artifact(
        key=f"batch-{digest(str(study.folder))[:10]}",
        markdown=markdown(told) + said,
        description="What the last batch changed",
    )
    study.store.close()
