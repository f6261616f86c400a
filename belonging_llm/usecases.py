"""What the command line does on a study, one function a command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from belonging_llm.errors import BelongingError, BudgetReached, DiskFull, InputError
from belonging_llm.study import Study

# Prefect's own database, and its journal.
ROOM = 8 * 2**20

if TYPE_CHECKING:
    from belonging_llm.analysis import Workbench
    from belonging_llm.auditing.plan import Plan
    from belonging_llm.auditing.record import Audit, Steadiness
    from belonging_llm.budget import Budget, Cost
    from belonging_llm.codes import StabilityPlan
    from belonging_llm.evaluation import Agreement
    from belonging_llm.forecast import Forecast
    from belonging_llm.llm import ChatModel
    from belonging_llm.parcels import Parcel
    from belonging_llm.stability import Bench
    from belonging_llm.store import Left, Run, StabilityTest
    from belonging_llm.withdrawal import Certificate


@dataclass(frozen=True)
class Analysed:
    """How an analysis ended.

    Attributes:
        unchanged: Nothing changed since the last complete run; nothing was done.
        calls: Model calls that this command paid for; `cost` is what the whole run cost so far.
        seconds: Wall time of this command's work; `model_seconds` the part spent in model calls.
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


@dataclass(frozen=True)
class Offer:
    """What a run on a model elsewhere, or one that costs money, may ask and cost; somebody has to agree to it.

    Attributes:
        endpoint: Where interview text would go.
        budget: The limit, the price, and what an interrupted run has spent before it is continued.
        batch: Questions about segments go out in batches.
    """

    model: str
    endpoint: str
    forecast: Forecast
    budget: Budget
    batch: bool = False


@dataclass(frozen=True)
class Status:
    """What a study holds, and how far it is.

    Attributes:
        batches: Questions that were sent together and have not been collected.
        left: Requests that left this machine, by endpoint.
        lacking: Participants without consent to that.
        stale: Somebody withdrew after the last run: what it found is not what there is now.
        last_batch: The last batch on top of the last analysis; None before the first.
        uncovered: Transcripts that wait for the next batch or analysis.
    """

    name: str
    transcripts: int
    participants: int
    segments: int
    codebook: str
    coders: dict[str, int]
    last_run: dict[str, Any] | None
    interrupted: bool
    waiting: int
    outcomes: dict[str, int]
    failed: list[str]
    usage: dict[str, Any]
    cost: Cost
    batches: list[dict[str, Any]]
    left: dict[str, int]
    lacking: list[str]
    stale: bool
    last_batch: dict[str, Any] | None = None
    uncovered: int = 0

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
) -> Analysed:
    """Run the analysis flow on a study and write its report.

    Args:
        llm: Spec of the language model; the study's own when None.
        embedder: Spec of the embedding model, likewise.
        agree: Asked before the first call of a model elsewhere; raises where nobody agrees.
        budget: The most US dollars that the run may spend; `calls` the most calls.
        batch: Send questions about segments in batches and wait so many minutes (`patience`) for the replies.
        recall: Have batches that are under way cancelled.

    Raises:
        Incomplete: batches are under way; a rerun collects the replies.
        BudgetReached: the run has spent what it may.
        BelongingError: bad input, a refused or missing model, or an endpoint that is gone.
    """
    from belonging_llm import analysis
    from belonging_llm.analysis import Job

    started = time.monotonic()
    study = Study(folder)
    models = llm or study.settings.llm, embedder or study.settings.embedder
    job = Job(str(study.folder), *models, budget, calls, batch, patience, recall)
    run, unchanged = analysis.prepare(job, lambda bench, interrupted: put_offer(bench, interrupted, agree, batch=batch))
    if not unchanged:
        try:
            _run_flow(study, job)
        except BudgetReached as error:
            raise BudgetReached(f"{error}. {_left(study, run.id)}") from error
    bench = analysis.workbench(job)
    calls, model_seconds = bench.work_done()
    report = study.reports / "findings.html"
    if not unchanged or not _is_of(report, run.id):
        write_report(folder)
    return _analysed(study, run.id, unchanged, calls, time.monotonic() - started, model_seconds)


def put_offer(
    bench: Workbench,
    interrupted: Run | None,
    agree: Callable[[Offer], None],
    *,
    themed: bool = True,
    coded: bool = True,
    batch: bool = False,
) -> None:
    """Have somebody agree, unless the model runs here.

    Args:
        themed: The model is asked about themes; likewise `coded` about segments.
        batch: Questions about segments go out together.
    """
    from belonging_llm.forecast import forecast
    from belonging_llm.prices import HERE

    budget = bench.budget(interrupted.id if interrupted else None)
    if bench.model is None or bench.model.endpoint is None or budget.price == HERE:
        return
    clustered = not themed or bool(interrupted and bench.store.findings.themes(interrupted.id))
    share = bench.settings.ask_share if coded else 0.0
    most = forecast(bench.segments, bench.framework, bench.prompts, share=share, clustered=clustered, **bench.manner)
    agree(Offer(bench.model.id, bench.model.endpoint, most, budget, batch))


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


def flow_runner(study: Study, flow: Callable[[], Any]) -> Any:
    """Run what imports and calls a flow, with Prefect quiet and its records in the study; returns what it returns."""
    from flows.settings import use_prefect_quietly

    _demand_room(study)
    use_prefect_quietly(study.prefect_home)
    usual = signal.signal(signal.SIGINT, _leave) if threading.current_thread() is threading.main_thread() else None
    try:
        return flow()
    except BelongingError:
        raise
    except Exception as error:
        # Whatever Prefect says when it cannot keep its own records.
        _demand_room(study, error)
        raise
    finally:
        if usual is not None:
            signal.signal(signal.SIGINT, usual)


def _demand_room(study: Study, cause: Exception | None = None) -> None:
    """See that Prefect can keep its records; without room it would try for minutes and then fail at length."""
    place = Path(os.environ.get("PREFECT_HOME") or study.prefect_home)
    if shutil.disk_usage(next(p for p in (place, *place.parents) if p.exists())).free < ROOM:
        raise DiskFull(f"Prefect's records in {place} ({ROOM >> 20} MB)") from cause


def _leave(*_: object) -> None:
    """End at once on Ctrl-C: it also ended Prefect's server, which its client would seek for minutes.

    Everything that counts is committed as it is done.
    """
    sys.stderr.write("\nbelonging: interrupted; what is done is kept, and the same command continues\n")
    sys.stderr.flush()
    os._exit(130)


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
        outliers=len(run.counts.get("outliers", [])),
        outcomes=dict(store.findings.outcomes(run_id)),
        failed=failed_segments(store.findings.codings(run_id)),
        calls=calls,
        seconds=round(seconds, 1),
        model_seconds=round(model_seconds, 1),
        cost=bill(store.ledger.spending(run_id)),
        batches=[_batch(parcel) for parcel in store.parcels.of_run(run_id)],
    )


def _batch(parcel: Parcel) -> dict[str, Any]:
    """What people want to know of questions that went out together."""
    fields = {"remote_id", "state", "status", "errors", "requests", "fates", "made_at", "endpoint"}
    return parcel.model_dump(mode="json", include=fields)


def status(folder: Path) -> Status:
    """What is in a study, what is coded, what waits, what failed, what it cost.

    Raises:
        StudyError: not a study.
    """
    from belonging_llm.analysis import failed_segments
    from belonging_llm.budget import bill
    from belonging_llm.consent import lacking
    from belonging_llm.importing import split_transcripts
    from belonging_llm.llm import is_loopback

    study = Study(folder)
    split_transcripts(study)
    store = study.store
    segments = store.corpus.segments()
    newest, run = store.runs.latest(finished=False), store.runs.latest()
    interrupted = newest is not None and newest.status == "running"
    coded = store.findings.coded(newest.id) if newest else set()
    return Status(
        name=study.settings.name,
        transcripts=len(store.corpus.transcript_ids()),
        participants=len({s.participant for s in segments}),
        segments=len(segments),
        codebook=study.framework().name,
        coders=store.findings.coders(),
        last_run=run.model_dump(include={"id", "status", "started_at", "finished_at", "kind"}) if run else None,
        interrupted=interrupted,
        waiting=sum(s.id not in coded for s in segments),
        outcomes=dict(store.findings.outcomes(newest.id)) if newest else {},
        failed=failed_segments(store.findings.codings(newest.id)) if newest else [],
        usage=store.ledger.usage(),
        cost=bill(store.ledger.spending()),
        batches=[_batch(parcel) for parcel in store.parcels.open()],
        left={endpoint: n for endpoint, n in store.ledger.endpoints().items() if not is_loopback(endpoint)},
        lacking=lacking(study, (s.participant for s in segments)),
        stale=bool(run and run.counts.get("withdrawn")),
        last_batch=_last_batch(study),
        uncovered=len(store.batches.waiting()),
    )


def _last_batch(study: Study) -> dict[str, Any] | None:
    """The last batch that ended on top of the last analysis."""
    base = study.store.batches.base()
    last = study.store.batches.last(base.id) if base else None
    if last is None:
        return None
    files = [one.outcome for one in study.store.arrivals.of_run(last.id)]
    return {
        "id": last.id,
        "ordinal": last.ordinal,
        "status": last.status,
        "finished_at": last.finished_at,
        "files": {str(outcome): files.count(outcome) for outcome in sorted(set(files))},
        "left": len(last.counts.get("inbox", {}).get("left", ())),
        "outcomes": last.counts.get("batch_outcomes", {}),
        "failed": len(last.counts.get("failed", ())),
    }


def egress(folder: Path) -> list[Left]:
    """Every request that left this process, the first first.

    Raises:
        StudyError: not a study.
    """
    return Study(folder).store.ledger.departures()


def write_report(folder: Path) -> Path:
    """Write `reports/findings.html` for the last finished run; returns its path.

    Raises:
        StudyError: no run has finished yet.
    """
    from belonging_llm.report.findings import render
    from belonging_llm.report.gather import gather

    study = Study(folder)
    target = study.reports / "findings.html"
    _write(target, render(gather(study)))
    return target


def withdraw(folder: Path, participant: str, by: str) -> tuple[Certificate, Path]:
    """Take a participant out of a study; returns the certificate and where it lies.

    Raises:
        StudyError: not a study, or nobody in it is called so.
        Incomplete: another process works on the study.
    """
    from belonging_llm.withdrawal import withdraw as take_out

    study = Study(folder)
    try:
        return take_out(study, participant, by)
    finally:
        study.store.close()


@dataclass(frozen=True)
class Evaluated:
    """An audit and the files it was written to."""

    audit: Audit
    page: Path
    json_path: Path


def evaluate(folder: Path, *, coder: str | None, split: str, who: str, quotes: bool) -> Evaluated:
    """Audit a study on one of its splits and write `reports/audit.html` and `reports/audit.json`.

    Raises:
        StudyError, LeakError: nothing to judge or to judge by, or test segments stand where the model reads them.
    """
    from belonging_llm.auditing.audit import audit
    from belonging_llm.auditing.splits import Part
    from belonging_llm.report.audit import as_json, render

    study = Study(folder)
    command = f"belonging evaluate {folder.name} --split {split}" + (f" --coder {coder}" if coder else "")
    made = audit(study, part=Part(split), wanted=coder, who=who, command=command, quotes=quotes)
    page, data = study.reports / "audit.html", study.reports / "audit.json"
    _write(page, render(made, quotes=quotes))
    _write(data, json.dumps(as_json(made, quotes=quotes), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return Evaluated(made, page, data)


@dataclass(frozen=True)
class Steady:
    """How a test of stability ended.

    Attributes:
        unchanged: It was finished before with the same plan; nothing was asked.
        calls: Model calls that this command paid for; `cost` is what the whole test cost so far.
    """

    found: Steadiness
    complete: bool
    unchanged: bool
    calls: int
    cost: Cost

    def as_json(self) -> dict[str, Any]:
        """Plain data; an undefined figure is null with its reason."""
        from belonging_llm.report.audit import plain

        found: dict[str, Any] = plain(self)
        return found


def stability(
    folder: Path, llm: str | None, embedder: str | None, *, agree: Callable[[Offer], None], **wished: Any
) -> Steady:
    """Code a sample of the last run again under variations, and say how far its outcomes hold.

    Args:
        agree: Asked for each model elsewhere, before any model is asked; raises where nobody agrees.
        wished: Fields of `stability.Wish`, and `budget` and `calls` for the whole test.

    Raises:
        StudyError: there is no run to put to the test.
        BudgetReached: the test has spent what it may.
    """
    from belonging_llm import stability as test
    from belonging_llm.analysis import Job
    from belonging_llm.auditing.steadiness import steadiness
    from belonging_llm.budget import bill
    from belonging_llm.evaluation import Resampling

    study = Study(folder)
    limits = {name: wished.pop(name, None) for name in ("budget", "calls")}
    job = Job(str(study.folder), llm or study.settings.llm, embedder or study.settings.embedder, **limits)
    begun = test.prepare(test.Wish(job, **wished), lambda bench, plan, begun: _offer_again(bench, plan, begun, agree))
    done = begun.test if begun.finished else test.recode(begun)
    how = Resampling(draws=study.settings.audit.draws, seed=study.settings.seed)
    return Steady(
        found=steadiness(study, done, how),
        complete=done.status == "complete",
        unchanged=begun.finished,
        calls=begun.bench.calls,
        cost=bill(study.store.ledger.spending(done.id)),
    )


def _offer_again(
    bench: Bench, plan: StabilityPlan, interrupted: StabilityTest | None, agree: Callable[[Offer], None]
) -> None:
    """Have somebody agree to every model that does not run here."""
    from belonging_llm.forecast import forecast
    from belonging_llm.prices import HERE

    sample = [s for s in bench.work.segments if s.id in set(plan.sample.segments)]
    for spec, model in bench.models.items():
        budget = bench.budget(interrupted.id if interrupted else None, spec)
        if model.endpoint is None or budget.price == HERE:
            continue
        asked = sample * sum(v.spec == spec for v in plan.variations)
        most = forecast(asked, bench.work.framework, bench.prompts, share=1.0, clustered=True)
        agree(Offer(model.id, model.endpoint, most, budget))


def plan_audit(folder: Path, sheet: Path | None, **wish: Any) -> tuple[Plan, Path]:
    """Draw an audit sample and write its blind coding sheet.

    Raises:
        InputError: the wish cannot be granted, or the sheet cannot be written.
    """
    from belonging_llm.auditing.plan import Wish, plan
    from belonging_llm.auditing.plan import sheet as rows_of
    from belonging_llm.tables import write_csv

    study = Study(folder)
    # A plan without a sheet would still count as drawn.
    if sheet and (sheet.exists() or not sheet.parent.is_dir()):
        raise InputError(f"{sheet}: is there already, or its folder is not; name another file")
    try:
        made = plan(study, Wish(**wish))
    except ValueError as error:
        raise InputError(str(error)) from error
    target = sheet or study.folder / "gold" / f"audit-{made.number}.csv"
    target.parent.mkdir(exist_ok=True)
    write_csv(target, rows_of(study, made))
    return made, target


def _write(target: Path, text: str) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may write the same report.
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(target)


def agreement(
    codes: Path,
    *,
    coded_by: Path | None = None,
    segments: Path | None = None,
    cluster: str | None = None,
    against: str | None = None,
    single: bool = False,
    draws: int = 2000,
    bca: bool = False,
    seed: int = 0,
) -> tuple[Agreement, tuple[str, ...]]:
    """Agreement of the coders in a table, and notes on how the table was read.

    Raises:
        InputError: a table cannot be used, there is no such coder, or with `single` a segment has several codes.
    """
    from belonging_llm.auditing.coding_tables import read_judgements
    from belonging_llm.evaluation import Resampling, agree

    read = read_judgements(codes, coded_by=coded_by, segments=segments, cluster=cluster)
    how = Resampling(draws=draws, seed=seed, method="bca" if bca else "percentile")
    try:
        return agree(read.ratings, against=against, single=single, unit=read.unit, resampling=how), read.notes
    except ValueError as error:
        raise InputError(f"{codes}: {error}") from error


@dataclass(frozen=True)
class Ran:
    """A suite's result, what differs from the accepted one, and floors that are not reached."""

    found: dict[str, Any]
    changed: list[str]
    below: list[str]


def run_suite(
    suite: Path,
    data: Path | None,
    *,
    accept: bool,
    llm: str,
    embedder: str,
    agree: Callable[[Offer], None],
    replies: Path | None = None,
    **means: Any,
) -> Ran:
    """Run an evaluation suite and compare it with the accepted result beside it.

    Args:
        agree: Asked before the first call of a model elsewhere; raises where nobody agrees.
        replies: Where the model's replies are kept; beside the suite when None and the model is elsewhere.
        means: Further fields of `suites.Means`.

    Raises:
        InputError: the suite or its data cannot be used.
        BudgetReached: it has spent what it may.
    """
    from belonging_llm import suites

    wanted = suites.read_suite(suite)
    rows = suites.read_data(wanted, data)

    def put(model: ChatModel, budget: Budget) -> None:
        agree(Offer(model.id, model.endpoint or "", suites.most(wanted, rows), budget))

    how = suites.Means(replies=replies, beside=suite.with_suffix(".replies.sqlite"), agree=put, **means)
    found = suites.run(wanted, rows, llm=llm, embedder=embedder, means=how)
    kind = "".join(f".{spec.split(':')[0]}" for spec, usual in ((llm, "none"), (embedder, "local")) if spec != usual)
    accepted = suite.with_name(f"{suite.stem}{kind}.json")
    known = json.loads(accepted.read_text(encoding="utf-8")) if accepted.is_file() else None
    if accept:
        suites.write_result(accepted, found)
    return Ran(found, suites.differences(found, known) if known else [], suites.below(wanted, found))
