"""Serve a study's scheduled batches: one deployment, never two runs at once, none that only seems to be running."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, FlowRun, State
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.server.schemas.schedules import CronSchedule
from prefect.states import Crashed
from prefect.types.entrypoint import EntrypointType

from belonging_llm.batch import exclusive
from belonging_llm.errors import Incomplete, InputError
from belonging_llm.provenance import digest
from belonging_llm.study import Study
from flows.renewing import renew
from flows.scheduled import scheduled_batch
from flows.themes_due import triggers

# The shortest that Prefect allows; a worker that starts looks for itself whether a slot is held by a run that died.
GRACE = 60
ONE = ConcurrencyLimitConfig(
    limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=GRACE
)


@dataclass(frozen=True)
class Plan:
    """When to run batches of a study, and how.

    Attributes:
        cron: Five fields, as for cron(5).
        timezone: Name of the IANA database, such as `Europe/Berlin`; times are local there, whatever the season.
        parameters: Of `flows.scheduled.scheduled_batch`: a folder, specs and limits, never text.
        entrypoint: The flow, as `module.name`.
        renewing: The flow that finds themes anew, likewise.
        wait: Seconds that it waits for an answer.
    """

    cron: str
    timezone: str
    parameters: dict[str, str | float | int | None]
    entrypoint: str = "flows.scheduled.scheduled_batch"
    renewing: str = "flows.renewing.renew"
    wait: int = 3600

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return Path(str(self.parameters["folder"]))

    @property
    def name(self) -> str:
        """The deployment's: the study's folder, and what tells it from another of that name."""
        return name_of(self.folder)


def name_of(folder: Path) -> str:
    """What a study's deployments are called."""
    return f"{folder.name}-{digest(str(folder))[:6]}"


def next_times(plan: Plan, start: datetime, count: int = 3) -> list[datetime]:
    """When Prefect will begin the next batches.

    Raises:
        InputError: no such time zone, or what is no cron expression.
    """
    try:
        schedule = CronSchedule(cron=plan.cron, timezone=plan.timezone)
        found = asyncio.run(schedule.get_dates(n=count, start=start))
        return list(found)
    except ValueError as error:
        raise InputError(
            f"--cron {plan.cron!r} --timezone {plan.timezone!r}: {_reason(error)}; write five fields such as "
            "'30 2 * * 1' (Mondays at half past two) and a name such as Europe/Berlin"
        ) from error


def serve(plan: Plan) -> None:
    """Keep a deployment of the study's batches, and run them when they are due, until interrupted."""
    # Ctrl-C is how it ends.
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(plan))


async def _serve(plan: Plan) -> None:
    await bury_dead_runs(plan)
    # One batch, one run that waits for somebody, and for each the one that is cancelled meanwhile.
    runner = Runner(name=plan.name, limit=4, pause_on_shutdown=True)
    await runner.aadd_deployment(deployment(plan))
    await runner.aadd_deployment(renewal(plan))
    await runner.start()


def deployment(plan: Plan) -> RunnerDeployment:
    """The deployment: at most one run at a time, and one that is due meanwhile is cancelled, not queued.

    What came in while a batch ran is taken up by the next one, so nothing is lost by it.
    """
    made = RunnerDeployment.from_flow(
        scheduled_batch,
        name=plan.name,
        schedule=Cron(plan.cron, timezone=plan.timezone),
        concurrency_limit=ONE,
        parameters=plan.parameters,
        paused=False,
        description="Batches of new material for one study; resumes, and repeats no model call.",
        tags=["belonging"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    made.entrypoint = plan.entrypoint
    return made


def renewal(plan: Plan) -> RunnerDeployment:
    """The deployment that finds themes anew: begun by events, and never beside a batch, which has the study's lock.

    Its tag is another than that of batches: a question that nobody answered is no batch that failed. Somebody agreed
    to this run and to no other, so it waits for replies as long as they take.
    """
    made = RunnerDeployment.from_flow(
        renew,
        name=plan.name,
        concurrency_limit=ONE,
        parameters={k: v for k, v in plan.parameters.items() if k != "patience"} | {"wait": plan.wait},
        triggers=list(triggers(str(plan.folder), plan.name)),
        description="Themes of one study found anew, once they are due and somebody has agreed.",
        tags=["belonging-themes"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    made.entrypoint = plan.renewing
    return made


async def bury_dead_runs(plan: Plan) -> int:
    """Mark runs as crashed whose process is gone, so that they hold no slot; returns how many.

    A killed process cannot say that it ended: Prefect would show its run as running, and keep its slot for minutes.
    What tells is the lock that a batch holds on its study: where that is free, nobody runs one. A run that waits for
    somebody's answer holds no lock; its worker is this one's predecessor, and gone.
    """
    async with get_client() as client:
        found = await _seeming_alive(client, f"{scheduled_batch.name}/{plan.name}")
        found += await _seeming_alive(client, f"{renew.name}/{plan.name}")
        if not found or await asyncio.to_thread(_at_work, plan.folder):
            return 0
        for run in found:
            gone: State[Any] = Crashed(
                message="Its process had ended when the worker was started again; the next run continues it."
            )
            await client.set_flow_run_state(run.id, gone, force=True)
        return len(found)


async def _seeming_alive(client: PrefectClient, name: str) -> list[FlowRun]:
    try:
        ident: UUID = (await client.read_deployment_by_name(name)).id
    except ObjectNotFound:
        return []
    alive = {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING", "PAUSED"]}}
    wanted = FlowRunFilter.model_validate({"deployment_id": {"any_": [ident]}, "state": alive})
    return await client.read_flow_runs(flow_run_filter=wanted)


def _at_work(folder: Path) -> bool:
    study = Study(folder)
    try:
        with exclusive(study):
            return False
    except Incomplete:
        return True
    finally:
        study.store.close()


def _reason(error: ValueError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if len(lines) < 2 else lines[1] if "validation error" in lines[0] else lines[0]
