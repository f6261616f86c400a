"""Themes found anew once somebody has agreed: asked in a paused run for a short time, by an event for a long one.

What is decided is kept with the study's runs. Prefect gets counts and ids, and the name and reason that a person gave.
"""

from __future__ import annotations

import time
from pathlib import Path

from prefect import flow, pause_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from pydantic import Field

from belonging_llm import renewal
from belonging_llm.errors import Busy, Incomplete
from belonging_llm.provenance import digest
from belonging_llm.renewal import Question, Word
from belonging_llm.study import Study
from flows.batch import batch
from flows.scheduled import slot
from flows.themes_due import event

# Seconds between two looks: whether somebody has answered, whether a batch that runs has ended.
LOOK = 2


class SignOff(RunInput):
    """Whether themes are to be found anew, by whose word, and why. Do not quote participants."""

    agree: bool
    by: str = Field(min_length=1, pattern=r"\S", description="Your name; it is kept with the analysis.")
    reason: str = Field(min_length=1, pattern=r"\S", description="Why; kept as well. No participant's words.")


@flow(name="renew themes", persist_result=False, retries=0)
def renew(
    folder: str,
    llm: str | None = None,
    embedder: str | None = None,
    budget: float | None = None,
    calls: int | None = None,
    inbox: str | None = None,
    batch_api: bool = False,
    wait: int = 3600,
    agreed_by: str = "",
    agreed_because: str = "",
) -> str:
    """Find themes anew where they are due and somebody agrees; parameters as for `flows.batch.batch`, and these.

    Args:
        wait: Seconds to wait for an answer; with 0 nobody is asked here, and an event has to start the next run.
        agreed_by: Who agreed before this run began; then nobody is asked.
        agreed_because: Their reason.

    Returns:
        The id of the analysis; empty where themes are not due, or somebody refused.

    Raises:
        Incomplete: nobody answered in time.
    """
    asked = _question(folder)
    if asked is None:
        return ""
    _tell(folder, asked, wait)
    if agreed_by.strip() and agreed_because.strip():
        said = renewal.word(asked, agree=True, by=agreed_by, reason=agreed_because)
    elif wait:
        said = _ask(folder, asked, wait)
    else:
        return ""
    _keep(folder, asked.batch, said)
    # While somebody thought it over, another may have done it.
    if not said.agree or _question(folder) is None:
        return ""
    with slot(llm or Study(Path(folder)).settings.llm):
        run_id = _recode(folder, llm, embedder, budget, calls, inbox, batch_api)
    _keep(folder, run_id, said)
    return run_id


def _ask(folder: str, asked: Question, wait: int) -> Word:
    """Pause until somebody answers this run, in Prefect's pages, by its API or with `belonging renew`."""
    try:
        answer = pause_flow_run(wait_for_input=SignOff, timeout=wait, poll_interval=LOOK)
    except FlowPauseTimeout as error:
        silence = f"no answer within {wait} seconds"
        _keep(folder, asked.batch, renewal.word(asked, agree=False, by="", reason=silence))
        raise Incomplete(
            f"themes stay as they are: {silence}; `belonging renew` agrees or refuses at any time"
        ) from error
    return renewal.word(asked, agree=answer.agree, by=answer.by, reason=answer.reason)


def _recode(
    folder: str,
    llm: str | None,
    embedder: str | None,
    budget: float | None,
    calls: int | None,
    inbox: str | None,
    batch_api: bool,
) -> str:
    """Everything anew, once the batch that may be running has ended: what was agreed to is not lost by it."""
    while True:
        try:
            return str(batch.fn(folder, llm, embedder, budget, calls, inbox, recode=True, batch_api=batch_api))
        except Busy:
            time.sleep(LOOK)


def _question(folder: str) -> Question | None:
    study = Study(Path(folder))
    try:
        return renewal.question(study)
    finally:
        study.store.close()


def _keep(folder: str, run_id: str, said: Word) -> None:
    study = Study(Path(folder))
    renewal.keep(study, run_id, said)
    study.store.close()


def _tell(folder: str, asked: Question, wait: int) -> None:
    """Say that somebody is asked, and about what; counts and ids."""
    emit_event(**event(folder, "asked", asked, wait=wait))
    create_markdown_artifact(
        key=f"themes-{digest(folder)[:10]}",
        markdown=f"## Are themes to be found anew?\n\n{asked.why.capitalize()} (after batch {asked.batch[:12]}, "
        f"{len(asked.alarms)} open alarms). Finding them anew codes everything anew; ids, names and edits are kept "
        "where themes are the same. `belonging renew` answers, or Resume on the run's page.\n",
        description="Whether themes are to be found anew",
    )
