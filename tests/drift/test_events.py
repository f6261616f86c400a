"""An alarm as Prefect's event: ids and counts, nobody's words; told twice, it is the same event."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from belonging_llm.store import Alarm

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ALARM = Alarm(
    id="0123456789abcdef0123456789abcdef",
    run_id="b" * 32,
    kind="distribution",
    subject="ownership",
    content={"segments": 40, "p_value": 0.0001, "difference": {"value": 0.3}, "note": "some words"},
    at="2026-11-28T07:00:00.000+00:00",
)


def test_ids_and_counts_alone(tmp_path: Path) -> None:
    from flows.settings import use_prefect_quietly

    use_prefect_quietly(tmp_path)
    from prefect.events import Event

    from flows.batch import event

    told = event("/somewhere/study", ALARM)
    assert told == event("/somewhere/study", ALARM)
    made = Event.model_validate({**told, "occurred": ALARM.at})
    assert made.event == "belonging.drift.distribution"
    assert made.id == UUID(ALARM.id)
    assert made.payload == {
        "alarm": ALARM.id,
        "batch": ALARM.run_id,
        "subject": "ownership",
        "segments": 40,
        "p_value": 0.0001,
    }
    assert made.resource.id.startswith("belonging.study.")
    assert [(one.role, one.id) for one in made.related] == [("batch", f"belonging.batch.{ALARM.run_id}")]
    assert "/somewhere" not in made.model_dump_json()
    assert "some words" not in made.model_dump_json()
