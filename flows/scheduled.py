"""What a schedule runs: a batch, with the model's endpoint to itself as far as somebody said so.

No retries here: a call is retried where it is asked (`belonging_llm.asking`), and a batch that had to stop is continued
by the next one. A third layer would pay for the same thing again.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.concurrency.sync import concurrency
from prefect.states import Cancelled, Completed

from belonging_llm.errors import Busy, UnderWay
from belonging_llm.study import Study
from flows.batch import batch

# How a run's state is called that sent its questions and left.
WAITING = "Waiting"


def slot(spec: str) -> AbstractContextManager[None]:
    """A turn at a model's endpoint, where somebody made a limit for it; else no wait.

    The limit is global, over every study that the same Prefect server schedules:
    `prefect gcl create belonging-model-HOST --limit 2 --slot-decay-per-second 0`.
    """
    return concurrency(limit_of(spec), occupy=1, timeout_seconds=None, strict=False)


def limit_of(spec: str) -> str:
    """The name of the limit for a model's endpoint: `belonging-model-` with its host, or with the vendor's name."""
    host = urlsplit(spec).hostname if "://" in spec else spec.split(":")[0]
    return f"belonging-model-{host}".replace(".", "-")


@flow(name="scheduled batch", persist_result=False, retries=0)
def scheduled_batch(
    folder: str,
    llm: str | None = None,
    embedder: str | None = None,
    budget: float | None = None,
    calls: int | None = None,
    inbox: str | None = None,
    batch_api: bool = False,
    patience: float | None = None,
) -> str | State[Any]:
    """A batch at its time; parameters as for `flows.batch.batch`.

    A batch that was begun before, since it waited for replies or was cut off, is finished first; then comes what has
    come in meanwhile, as a batch of its own and under limits of its own.

    Returns:
        The id of the last batch; empty where nothing had come in; completed and named `Waiting` where questions wait
        for their replies, which the next run collects; cancelled where another process is at the study's batches or
        finds its themes anew, since what came in is then for the next one.
    """
    given = (folder, llm, embedder, budget, calls, inbox)
    with slot(llm or Study(Path(folder)).settings.llm):
        try:
            begun = _begun(folder)
            # Called as a function: a flow within a flow would say everything twice.
            run_id = batch.fn(*given, batch_api=batch_api, patience=patience)
            more = batch.fn(*given, batch_api=batch_api, patience=patience) if run_id and run_id == begun else ""
            return more or run_id
        except UnderWay as waits:
            return Completed(name=WAITING, message=str(waits))
        except Busy as error:
            return Cancelled(message=str(error))


def _begun(folder: str) -> str:
    """The batch that is to be gone on with; empty where none is."""
    study = Study(Path(folder))
    try:
        base = study.store.batches.base()
        begun = study.store.batches.unfinished(base.id) if base else None
        return begun.id if begun else ""
    finally:
        study.store.close()
