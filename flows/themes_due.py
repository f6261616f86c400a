"""That themes are due, and that somebody agreed to find them anew, as Prefect's events."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.events import DeploymentEventTrigger, emit_event

from belonging_llm.provenance import digest
from belonging_llm.renewal import Question, question
from belonging_llm.study import Study

DUE, AGREED = "belonging.themes.due", "belonging.themes.agreed"


def resource(folder: str) -> dict[str, str]:
    """A study in events: by the digest of its folder."""
    return {"prefect.resource.id": f"belonging.study.{digest(folder)[:10]}"}


def event(folder: str, what: str, asked: Question, **more: Any) -> dict[str, Any]:
    """An event about themes, `belonging.themes.WHAT`: ids and counts, and what a person said of it."""
    return {
        "event": f"belonging.themes.{what}",
        "resource": resource(folder),
        "related": [{"prefect.resource.id": f"belonging.batch.{asked.batch}", "prefect.resource.role": "batch"}],
        "payload": {"batch": asked.batch, "why": asked.why, "alarms": list(asked.alarms), **more},
    }


def tell_due(folder: str) -> bool:
    """Say after a batch that themes are due, once a batch; returns whether they are."""
    study = Study(Path(folder))
    asked = question(study)
    study.store.close()
    if asked is None:
        return False
    # Told twice, it is the same event: a batch that was cut off and continued asks nobody twice.
    emit_event(**event(folder, "due", asked), id=UUID(digest(DUE, asked.batch)[:32]))
    return True


def triggers(folder: str, name: str) -> list[DeploymentEventTrigger]:
    """What starts a run that finds themes anew: that they are due, and that somebody agreed.

    Args:
        name: Of the deployment, for people who look at a server's automations.
    """
    said = {"agreed_by": _rendered("event.payload.by"), "agreed_because": _rendered("event.payload.reason")}
    match: dict[str, str | list[str]] = {**resource(folder)}
    return [
        DeploymentEventTrigger(name=f"belonging - themes due in {name}", expect={DUE}, match=match),
        DeploymentEventTrigger(
            name=f"belonging - themes agreed in {name}", expect={AGREED}, match=match, parameters=said
        ),
    ]


def _rendered(value: str) -> dict[str, str]:
    return {"__prefect_kind": "jinja", "template": "{{ " + value + " }}"}
