"""Somebody's answer to whether themes are to be found anew, brought to a Prefect server."""

from __future__ import annotations

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.responses import SetStateStatus
from prefect.events import Event
from prefect.events.clients import get_events_client
from prefect.exceptions import ObjectNotFound

from belonging_llm.errors import InputError
from belonging_llm.renewal import Question, Word
from flows.renewing import renew
from flows.themes_due import event


async def answer(folder: str, name: str, asked: Question, said: Word) -> str:
    """Resume the run that waits for an answer; where none does and somebody agrees, start one by an event.

    Args:
        name: Of the study's deployment.

    Returns:
        `resumed`, `started`, or `nobody waits` for a refusal that no run waits for.

    Raises:
        InputError: the server does not take the answer, or does not have the study's schedule.
    """
    async with get_client() as client:
        await _demand_deployment(client, name)
        if await _resume(client, name, said):
            return "resumed"
    if not said.agree:
        return "nobody waits"
    async with get_events_client() as events:
        await events.emit(Event.model_validate(event(folder, "agreed", asked, by=said.by, reason=said.reason)))
    return "started"


async def _demand_deployment(client: PrefectClient, name: str) -> None:
    try:
        await client.read_deployment_by_name(f"{renew.name}/{name}")
    except ObjectNotFound as error:
        raise InputError(
            f"{client.api_url} has no schedule of this study; serve it with `belonging schedule`, or find themes anew "
            "with `belonging batch --recode`"
        ) from error


async def _resume(client: PrefectClient, name: str, said: Word) -> int:
    """Answer every run that waits; returns how many."""
    waiting = await client.read_flow_runs(
        deployment_filter=DeploymentFilter.model_validate({"name": {"any_": [name]}}),
        flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": ["PAUSED"]}}}),
    )
    given = {"agree": said.agree, "by": said.by, "reason": said.reason}
    for run in waiting:
        result = await client.resume_flow_run(run.id, run_input=given)
        if result.status is not SetStateStatus.ACCEPT:
            raise InputError(f"run {run.name} takes no answer: {getattr(result.details, 'reason', result.status)}")
    return len(waiting)
