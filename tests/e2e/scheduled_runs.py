"""Runs of the scheduled flow, one for each line that comes in: `scheduled_runs.py STUDY LLM`.

Each sends its questions together and leaves. Answers with a line of JSON: the run's state, its name and message, and the
states of its tasks that did not end well.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from hashed_flow import scheduled_batch
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State

from belonging_llm.study import Study
from belonging_llm.usecases import flow_runner


async def troubled(state: State[object]) -> list[str]:
    """Names of the tasks of a run that failed or crashed."""
    wanted = FlowRunFilter.model_validate({"id": {"any_": [state.state_details.flow_run_id]}})
    async with get_client() as client:
        runs = await client.read_task_runs(flow_run_filter=wanted)
    return [run.name for run in runs if run.state and run.state.type.value in ("FAILED", "CRASHED")]


def once(folder: str, llm: str) -> None:
    """One run, and what became of it."""
    state = scheduled_batch(folder, llm, "local", batch_api=True, patience=0, return_state=True)
    told = [state.type.value, state.name, state.message, asyncio.run(troubled(state))]
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main(folder: str, llm: str) -> None:
    """Until standard input ends."""
    for _ in sys.stdin:
        flow_runner(Study(Path(folder)), lambda: once(folder, llm))


if __name__ == "__main__":
    main(*sys.argv[1:])
