"""The main job as a flow: one task a stage, one a batch of codings, never one a segment.

Retries live in the asking layer alone, and replies in the ledger: a task that repeated itself or
kept its result would do both a second time, so tasks have neither.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow, task

from belonging_llm import analysis
from belonging_llm.analysis import Job
from belonging_llm.progress import Progress
from belonging_llm.study import Study
from belonging_llm.workers import working

Plain = dict[str, Any]


@task(name="embed segments", retries=0, persist_result=False)
def embed_segments(job: Plain) -> int:
    """Vectors for every segment."""
    with Progress("embedding segments") as progress:
        return analysis.embed_segments(Job(**job), progress)


@task(name="find themes", retries=0, persist_result=False)
def find_themes(job: Plain, run_id: str) -> int:
    """Themes, named and mapped."""
    with Progress("naming and mapping themes") as progress:
        return analysis.find_themes(Job(**job), run_id, progress)


@task(name="send questions", retries=0, persist_result=False)
def send_questions(job: Plain, run_id: str) -> None:
    """Questions in batches: sent, waited for, collected."""
    with Progress("questions in batches" if job["batch"] else "batches under way") as progress:
        analysis.send_questions(Job(**job), run_id, progress)


@task(name="try model", retries=0, persist_result=False)
def try_model(job: Plain, run_id: str) -> int:
    """What the model's word is worth, where people have judged."""
    with Progress("hearing the model where people judged") as progress:
        return analysis.try_model(Job(**job), run_id, progress)


@task(name="code batch", retries=0, persist_result=False)
def code_batch(job: Plain, run_id: str, rows: list[int], place: str) -> int:
    """Outcomes for one batch of segments."""
    with Progress(f"coding segments, batch {place}") as progress:
        return analysis.code_batch(Job(**job), run_id, rows, progress)


@task(name="finish run", retries=0, persist_result=False)
def finish(job: Plain, run_id: str) -> str:
    """Close the run; returns its status."""
    return analysis.finish(Job(**job), run_id).status


@flow(name="analyse", persist_result=False)
def analyse(
    folder: str,
    llm: str,
    embedder: str,
    budget: float | None = None,
    calls: int | None = None,
    batch: bool = False,
    patience: float | None = None,
    recall: bool = False,
) -> str:
    """Analyse a study from transcripts to codings.

    Args:
        folder: The study's folder.
        llm: Spec of the language model, such as `local`.
        embedder: Spec of the embedding model, such as `local`.
        budget: The most US dollars that the run may spend.
        calls: The most calls of the language model that it may make.
        batch: Send the questions about segments in batches, at the endpoint's lower price.
        patience: Minutes to wait for batches before the flow ends incomplete; None waits until they are done.
        recall: Cancel batches that are under way.

    Returns:
        The id of the run that holds the result; an unchanged study returns its last run.
    """
    job = Job(folder, llm, embedder, budget, calls, batch, patience, recall)
    with working(Study(Path(folder))):
        return _stages(job)


def _stages(job: Job) -> str:
    run, unchanged = analysis.prepare(job)
    if unchanged:
        return run.id
    plain = asdict(job)
    embed_segments(plain)
    find_themes(plain, run.id)
    if analysis.posts(job):
        send_questions(plain, run.id)
    try_model(plain, run.id)
    waiting = len(analysis.batches(job, run.id))
    for number, rows in enumerate(analysis.open_batches(job, run.id), 1):
        code_batch(plain, run.id, rows, f"{number} of {waiting}")
    finish(plain, run.id)
    return run.id
