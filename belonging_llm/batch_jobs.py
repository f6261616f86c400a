"""What `belonging batch` does on a study."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from belonging_llm import batch as batches
from belonging_llm import drift
from belonging_llm.batch import BatchJob, exclusive
from belonging_llm.batch.publishing import page_of
from belonging_llm.errors import UnderWay
from belonging_llm.inbox import Inbox, Look, look
from belonging_llm.prices import HERE
from belonging_llm.study import Study
from belonging_llm.usecases import Offer, flow_runner, put_offer

if TYPE_CHECKING:
    from belonging_llm.drift import Drift
    from belonging_llm.report.batch import Told


@dataclass(frozen=True)
class Batched:
    """How a batch ended.

    Attributes:
        told: What it brought; None where nothing had come in.
        left: Files that are left for the next batch, with the reason.
        kept_out: How many files stay out since somebody withdrew, or since they are in, de-identified.
        page: The change report.
        seconds: Wall time of this command's work.
        drift: What was watched; None where nothing was.
        unchanged: Everything was to be coded anew, and nothing is other than in the last analysis.
    """

    told: Told | None
    left: tuple[tuple[str, str], ...]
    kept_out: int
    page: str
    seconds: float
    drift: Drift | None = None
    unchanged: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing of it waits to be tried again."""
        return self.told is None or self.told.status == "complete"

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        told = None if self.told is None else self.told.model_dump(mode="json")
        watched = None if self.drift is None else self.drift.model_dump(mode="json") | {"verdict": self.drift.verdict}
        return asdict(self) | {"told": told, "complete": self.complete, "drift": watched}


def batch(job: BatchJob, *, agree: Callable[[Offer], None], recode: bool = False) -> Batched:
    """Bring a study up to date with what lies in its inbox, and write the change report.

    Args:
        agree: Asked before the first call of a model elsewhere; raises where nobody agrees.
        recode: Code everything anew, and find themes anew.

    Raises:
        StudyError: there is nothing to stand on yet, or it could not be laid beside the last analysis.
        Incomplete: another process works on the study's batches; coding everything anew, replies are waited for.
        BudgetReached: it has spent what it may.
        BelongingError: a refused or missing model, or an endpoint that is gone.
    """
    started = time.monotonic()
    study = Study(Path(job.folder))
    with exclusive(study):
        found, begun = _begin_anew(study, job, agree) if recode else _begin(job, agree)
    if begun is None:
        took = round(time.monotonic() - started, 1)
        return Batched(None, found.left, found.kept_out, "", took, unchanged=recode)
    run_id = begun
    try:
        run_id = _run_flow(study, job, recode)
    except UnderWay:
        if recode:
            raise
    run, watched = study.store.runs.get(run_id), drift.found_with(study, run_id)
    return Batched(
        told=batches.tell(study, run, drift.section(watched) if watched else ""),
        left=found.left,
        kept_out=found.kept_out,
        page=str(page_of(study, run_id)),
        seconds=round(time.monotonic() - started, 1),
        drift=watched,
    )


def _begin(job: BatchJob, agree: Callable[[Offer], None]) -> tuple[Look, str | None]:
    """Everything up to the first question, and leave to ask it; what lies there, and the batch, if there is work."""
    opened = batches.open_batch(job)
    if opened.run is None:
        return opened.look, None
    batches.intake(job, opened.run, opened.look)
    batches.batch_bench.cache_clear()
    bench = batches.batch_bench(job, opened.run.id)
    bench.demand_consent(bench.model)
    budget = bench.budget(opened.run.id)
    if bench.model is None or bench.model.endpoint is None or budget.price == HERE:
        return opened.look, opened.run.id
    batches.embed_segments(job, opened.run.id)
    batches.place_segments(job, opened.run.id)
    most = batches.forecast(bench, drift.watched(bench))
    agree(Offer(bench.model.id, bench.model.endpoint, most, budget, job.batch_api))
    return opened.look, opened.run.id


def _begin_anew(study: Study, job: BatchJob, agree: Callable[[Offer], None]) -> tuple[Look, str | None]:
    """Leave to code everything anew, before a file is read; None where nothing is other than in the last analysis."""
    from belonging_llm import analysis

    found = look(study, Inbox(study, job.inbox))
    if not study.store.corpus.transcript_ids():
        return found, ""
    seen = analysis.survey(job.whole)
    if seen.answered and not found.ready and not study.store.arrivals.unclosed(seen.answered.id):
        return found, None
    if not seen.answered or found.ready:
        put_offer(seen.bench, seen.interrupted, agree, batch=job.batch_api, unread=len(found.ready))
    return found, ""


def _run_flow(study: Study, job: BatchJob, recode: bool) -> str:
    """Hand the batch to Prefect, which takes seconds to start: only where there is work."""

    def flow() -> str:
        from flows.batch import batch as run

        return str(run(**asdict(job), recode=recode))

    return str(flow_runner(study, flow))
