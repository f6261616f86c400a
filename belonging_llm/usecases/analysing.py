"""Run the main job on a study."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from belonging_llm.errors import BudgetReached, InputError
from belonging_llm.study import Study
from belonging_llm.usecases.flowing import flow_runner
from belonging_llm.usecases.offering import Offer, put_offer
from belonging_llm.usecases.telling import told_batch, write_report
from belonging_llm.workers import working

if TYPE_CHECKING:
    from belonging_llm.analysis import Job
    from belonging_llm.budget import Cost
    from belonging_llm.themes import Step


@dataclass(frozen=True)
class Analysed:
    """How an analysis ended.

    Attributes:
        unchanged: Nothing changed since the last complete run; nothing was done.
        calls: Model calls that this command paid for; `cost` is what the whole run cost so far.
        seconds: Wall time of this command's work; `model_seconds` the part spent in model calls.
        fates: What became of the themes of the run before, counted; empty for a first run.
        failed: Segments with a failed outcome.
        batches: What was sent together on behalf of the run, and what became of the questions.
    """

    run_id: str
    complete: bool
    unchanged: bool
    report: str
    interviews: int
    participants: int
    segments: int
    themes: list[dict[str, Any]]
    fates: dict[str, int]
    outliers: int
    outcomes: dict[str, int]
    failed: list[str]
    calls: int
    seconds: float
    model_seconds: float
    cost: Cost
    batches: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def analyse(
    folder: Path,
    llm: str | None,
    embedder: str | None,
    *,
    agree: Callable[[Offer], None],
    budget: float | None = None,
    calls: int | None = None,
    batch: bool = False,
    patience: float | None = None,
    recall: bool = False,
    dask: str = "",
) -> Analysed:
    """Run the analysis flow on a study and write its report.

    Args:
        llm: Spec of the language model; the study's own when None.
        embedder: Spec of the embedding model, likewise.
        agree: Asked before the first call of a model elsewhere; raises where nobody agrees.
        budget: The most US dollars that the run may spend; `calls` the most calls.
        batch: Send questions about segments in batches and wait so many minutes (`patience`) for the replies.
        recall: Have batches that are under way cancelled.
        dask: Spread the work over so many processes here, or over the cluster of the scheduler at this address.

    Raises:
        Incomplete: batches are under way, and a rerun collects the replies; or somebody withdraws.
        BudgetReached: the run has spent what it may.
        BelongingError: bad input, a refused or missing model, or an endpoint that is gone.
    """
    from belonging_llm.analysis import Job

    study = Study(folder)
    models = llm or study.settings.llm, embedder or study.settings.embedder
    job = Job(str(study.folder), *models, budget, calls, batch, patience, recall)
    if dask:
        _demand_sharing(study, job, dask)
    with working(study):
        return _analyse(study, job, agree, dask)


def _analyse(study: Study, job: Job, agree: Callable[[Offer], None], dask: str) -> Analysed:
    from belonging_llm import analysis

    started = time.monotonic()
    run, unchanged = analysis.prepare(
        job, lambda bench, interrupted: put_offer(bench, interrupted, agree, batch=job.batch)
    )
    if not unchanged:
        try:
            _run_flow(study, job) if not dask else _spread_flow(study, job, dask)
        except BudgetReached as error:
            raise BudgetReached(f"{error}. {_left(study, run.id)}") from error
    bench = analysis.workbench(job)
    calls, model_seconds = bench.work_done()
    report = study.reports / "findings.html"
    # New names alone start no run, but the report shows them.
    if not unchanged or study.store.themes.edits() or not _is_of(report, run.id):
        write_report(study.folder)
    return _analysed(study, run.id, unchanged, calls, time.monotonic() - started, model_seconds)


def _left(study: Study, run_id: str) -> str:
    """What a run that had to stop has not done yet."""
    segments, coded = study.store.corpus.segments(), study.store.findings.coded(run_id)
    waiting = f"outcomes for {sum(s.id not in coded for s in segments)} of {len(segments)} segments"
    themed = bool(study.store.findings.themes(run_id))
    return f"Left: {waiting if themed else f'names and places of themes, then {waiting}'}"


def _run_flow(study: Study, job: Any) -> None:
    """Hand the job to Prefect; started only when there is work, since Prefect takes seconds to start."""

    def flow() -> None:
        from flows.analyse import analyse as run

        run(**asdict(job))

    flow_runner(study, flow)


def _spread_flow(study: Study, job: Any, dask: str) -> None:
    """The same with the embedding and the coding on a Dask cluster."""

    def flow() -> None:
        from flows.local_server import serving

        # Workers report to one server; without one each would start its own.
        with serving(study.prefect_home):
            from flows.spread import on

            on(dask)(job.folder, job.llm, job.embedder, job.budget, job.calls, int(dask) if dask.isdigit() else 1)

    flow_runner(study, flow)


def _demand_sharing(study: Study, job: Any, dask: str) -> None:
    """See that many processes can work on a study, and that what they spend can be counted.

    Raises:
        InputError: Dask is not installed, machines would share a file, or nobody knows how many would spend.
    """
    from importlib.util import find_spec

    if find_spec("prefect_dask") is None:
        raise InputError("--dask needs Dask: pip install 'belonging-llm[dask]'")
    if job.batch or job.recall:
        raise InputError("--dask goes without --batch-api and --recall: one process sends what goes out together")
    if not dask.isdigit() and (job.budget is not None or job.calls is not None):
        raise InputError(
            "--budget and --calls go with --dask N alone: how many workers a scheduler's address has may change, and "
            "with it what they spend at a time"
        )
    if not dask.isdigit() and not study.store.on_server:
        raise InputError("--dask with a scheduler's address needs a study on PostgreSQL: machines cannot share a file")
    if not dask.isdigit() and not os.environ.get("PREFECT_API_URL"):
        raise InputError(
            "--dask with a scheduler's address needs a Prefect server that its workers reach: PREFECT_API_URL"
        )


def _is_of(report: Path, run_id: str) -> bool:
    """Whether a report is there and speaks of this run."""
    return report.is_file() and run_id in report.read_text(encoding="utf-8")


def _analysed(study: Study, run_id: str, unchanged: bool, calls: int, seconds: float, model_seconds: float) -> Analysed:
    from belonging_llm.analysis import failed_segments
    from belonging_llm.budget import bill

    store = study.store
    run, themes, segments = store.runs.get(run_id), store.findings.themes(run_id), store.corpus.segments()
    where = {s.id: s.participant for s in segments}
    return Analysed(
        run_id=run_id,
        complete=run.status == "complete",
        unchanged=unchanged,
        report=str(study.reports / "findings.html"),
        interviews=len(store.corpus.transcript_ids()),
        participants=len(set(where.values())),
        segments=len(segments),
        themes=[
            {
                "id": t.id,
                "name": t.name,
                "segments": len(t.members),
                "participants": len({where[m.segment_id] for m in t.members}),
                "codes": [c.code for c in t.mapping.codes],
                "outside": t.mapping.outside,
            }
            for t in themes
        ],
        fates=_fates(store.themes.steps(run_id)),
        outliers=len(run.counts.get("outliers", [])),
        outcomes=dict(store.findings.outcomes(run_id)),
        failed=failed_segments(store.findings.codings(run_id)),
        calls=calls,
        seconds=round(seconds, 1),
        model_seconds=round(model_seconds, 1),
        cost=bill(store.ledger.spending(run_id)),
        batches=[told_batch(parcel) for parcel in store.parcels.of_run(run_id)],
    )


def _fates(steps: Sequence[Step]) -> dict[str, int]:
    """What became of themes, counted; in a first analysis all are born, and that is no news."""
    return dict(Counter(step.fate.value for step in steps)) if any(step.before for step in steps) else {}
