"""The main job with its embedding and coding spread over a Dask cluster: parts and batches are tasks.

Dask gives a task whose worker died to another one. What the dead one had finished is in the study's database, and
questions that it had asked are in the ledger, so nothing is paid twice; see `belonging_llm.claims`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.futures import PrefectFuture
from prefect_dask.task_runners import DaskTaskRunner

from belonging_llm import analysis
from belonging_llm.analysis import Allowance, Job
from belonging_llm.study import Study
from belonging_llm.workers import working
from flows.analyse import code_batch, embed_segments, find_themes, finish, try_model

Plain = dict[str, Any]


@task(name="embed part", retries=0, persist_result=False)
def embed_piece(job: Plain, run_id: str, number: int) -> int:
    """Vectors for one part of the texts."""
    return analysis.embed_piece(Job(**job), run_id, number)


@task(name="code batch elsewhere", retries=0, persist_result=False)
def code_piece(job: Plain, run_id: str, rows: list[int], allowance: Plain | None = None) -> Plain:
    """Outcomes for one batch of segments; what it took."""
    allowed = None if allowance is None else Allowance(**allowance)
    return asdict(analysis.code_piece(Job(**job), run_id, rows, allowed))


@flow(name="analyse with many workers", persist_result=False)
def spread(
    folder: str, llm: str, embedder: str, budget: float | None = None, calls: int | None = None, hands: int = 1
) -> str:
    """Analyse a study; parameters as for `flows.analyse.analyse`, and one more.

    Args:
        hands: How many workers there are; with a limit, so many pieces of the coding are at work at a time.

    Returns:
        The id of the run that holds the result.

    Raises:
        BudgetReached: the run has spent what it may.
    """
    job = Job(folder, llm, embedder, budget, calls)
    with working(Study(Path(folder))):
        return _stages(job, hands)


def _stages(job: Job, hands: int) -> str:
    run, unchanged = analysis.prepare(job)
    if unchanged:
        return run.id
    plain = asdict(job)
    _all(embed_piece.submit(plain, run.id, number) for number in analysis.embedding_parts(job))
    embed_segments(plain)
    find_themes(plain, run.id)
    try_model(plain, run.id)
    code = _code if job.budget is None and job.calls is None else _code_within_limits
    code(job, run.id, hands)
    for number, rows in enumerate(analysis.open_batches(job, run.id), 1):
        code_batch(plain, run.id, rows, f"left over, {number}")
    finish(plain, run.id)
    return run.id


def _code(job: Job, run_id: str, _: int) -> None:
    for share in _all(code_piece.submit(asdict(job), run_id, rows) for rows in analysis.batches(job, run_id)):
        analysis.count(job, run_id, share)


def _code_within_limits(job: Job, run_id: str, hands: int) -> None:
    """As many pieces at a time as there are hands; what is left is handed out anew when they have come back."""
    plain = asdict(job)
    while waiting := analysis.batches(job, run_id)[:hands]:
        allowed = analysis.allowances(job, run_id, len(waiting))
        pieces = [(rows, asdict(one)) for rows, one in zip(waiting, allowed, strict=False)]
        for share in _all(code_piece.submit(plain, run_id, rows, one) for rows, one in pieces):
            analysis.count(job, run_id, share)


def on(cluster: str) -> Callable[..., str]:
    """The flow, for a cluster: so many workers on this machine, or the address of a scheduler."""
    # Prefect's own types leave out futures of other libraries.
    chosen: Any = runner(cluster)
    return spread.with_options(task_runner=chosen)


def runner(cluster: str) -> DaskTaskRunner:
    """What hands tasks to Dask.

    A worker has one thread: the texts of a part are encoded by all cores that it has, and the questions of a batch are
    asked side by side, as `concurrency` in study.toml says.
    """
    if not cluster.isdigit():
        return DaskTaskRunner(address=cluster)
    local = {"n_workers": int(cluster), "threads_per_worker": 1, "processes": True, "host": "127.0.0.1"}
    # No pages, and nothing said but what is wrong; Prefect shows what Dask logs.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    quiet = {"scheduler_kwargs": {"dashboard": False}, "silence_logs": logging.ERROR}
    return DaskTaskRunner(cluster_kwargs=local | quiet)


def _all(futures: Iterable[PrefectFuture[Any]]) -> list[Any]:
    """Every result; all tasks are handed out before the first is waited for."""
    return [future.result() for future in list(futures)]
