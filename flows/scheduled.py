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
from prefect.states import Cancelled

from belonging_llm.errors import Busy
from belonging_llm.study import Study
from flows.batch import batch


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
) -> str | State[Any]:
    """A batch at its time; parameters as for `flows.batch.batch`.

    Returns:
        The id of the batch; empty where nothing had come in; cancelled where another process is at the study's batches
        or finds its themes anew, since what came in is then for the next one.
    """
    with slot(llm or Study(Path(folder)).settings.llm):
        try:
            # Called as a function: a flow within a flow would say everything twice.
            return batch.fn(folder, llm, embedder, budget, calls, inbox)
        except Busy as error:
            return Cancelled(message=str(error))
