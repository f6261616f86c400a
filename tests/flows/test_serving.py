"""When batches are due: every local day and hour once, whatever clocks do; and what a schedule says of itself."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from belonging_llm.errors import InputError

ROOT = Path(__file__).parents[2]
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
# Clocks go forward and back in 2026.
FORWARD, BACK = (
    {BERLIN: date(2026, 3, 29), NEW_YORK: date(2026, 3, 8)},
    {BERLIN: date(2026, 10, 25), NEW_YORK: date(2026, 11, 1)},
)


@pytest.fixture
def times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[datetime]]:
    """Prefect's own expansion of a schedule, from a moment that the test chooses."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    from flows.serving import Plan, next_times

    def found(cron: str, zone: ZoneInfo, start: datetime, count: int) -> list[datetime]:
        plan = Plan(cron, zone.key, {"folder": str(tmp_path / "study")})
        return [time.astimezone(zone) for time in next_times(plan, start, count)]

    return found


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK], ids=str)
def test_a_daily_batch_in_the_hour_that_changes_runs_once_every_day(zone: ZoneInfo, times: Any) -> None:
    start = datetime(2026, 1, 1, tzinfo=zone)
    found = times("30 2 * * *", zone, start.astimezone(UTC), 365)
    assert Counter(time.date() for time in found) == {date(2026, 1, 1) + timedelta(n): 1 for n in range(365)}
    odd = {time.date(): f"{time:%H:%M}" for time in found if f"{time:%H:%M}" != "02:30"}
    assert odd == {FORWARD[zone]: "01:30"}, "half past two is left out once, and the batch comes early"


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK], ids=str)
@pytest.mark.parametrize("change", [FORWARD, BACK], ids=["forward", "back"])
def test_an_hourly_batch_runs_once_in_every_hour_that_clocks_show(
    zone: ZoneInfo, change: dict[ZoneInfo, date], times: Any
) -> None:
    day = change[zone]
    start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    found = [time for time in times("0 * * * *", zone, start, 30) if time.date() == day]
    shown = sorted({h for h in range(24)} - ({2} if change is FORWARD else set()))
    assert [time.hour for time in found] == shown
    in_order = [time.astimezone(UTC) for time in found]
    assert in_order == sorted(set(in_order))
    gaps = {later - earlier for earlier, later in itertools.pairwise(in_order)}
    assert max(gaps) == timedelta(hours=1 if change is FORWARD else 2)


def test_expanding_from_any_moment_gives_the_same_times(times: Any) -> None:
    """Prefect's scheduler expands again and again, from whatever time it is: nothing may be made twice by that."""
    whole = times("30 2 * * *", BERLIN, datetime(2026, 10, 20, tzinfo=UTC), 12)
    for hours in range(0, 24 * 8, 5):
        start = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(hours=hours)
        later = [time for time in whole if time >= start]
        assert times("30 2 * * *", BERLIN, start, len(later)) == later


@pytest.mark.parametrize(
    ("cron", "zone"), [("every monday", "UTC"), ("61 * * * *", "UTC"), ("0 2 * * *", "Mars/Crater")]
)
def test_times_that_are_none_are_refused_with_a_remedy(cron: str, zone: str, tmp_path: Path) -> None:
    from flows.serving import Plan, next_times

    with pytest.raises(InputError, match="write five fields") as raised:
        next_times(Plan(cron, zone, {"folder": str(tmp_path)}), datetime(2026, 1, 1, tzinfo=UTC))
    assert cron in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_deployment_runs_one_at_a_time_and_holds_no_words(tmp_path: Path) -> None:
    from flows.serving import Plan, deployment

    folder = tmp_path / "study"
    made = deployment(Plan("0 2 * * *", "Europe/Berlin", {"folder": str(folder), "llm": "none", "embedder": "local"}))
    assert (made.concurrency_limit, made.concurrency_options.collision_strategy) == (1, "CANCEL_NEW")
    assert made.parameters == {"folder": str(folder), "llm": "none", "embedder": "local"}
    assert made.entrypoint == "flows.scheduled.scheduled_batch"
    (schedule,) = made.schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 2 * * *", "Europe/Berlin")


def test_themes_are_found_anew_by_events_and_never_by_the_clock(tmp_path: Path) -> None:
    from flows.serving import Plan, renewal
    from flows.themes_due import resource

    folder = tmp_path / "study"
    made = renewal(Plan("0 2 * * *", "Europe/Berlin", {"folder": str(folder), "llm": "none"}, wait=60))
    assert (made.concurrency_limit, made.concurrency_options.collision_strategy) == (1, "CANCEL_NEW")
    assert made.parameters == {"folder": str(folder), "llm": "none", "wait": 60}
    assert not made.schedules
    assert [set(one.expect) for one in made.triggers] == [{"belonging.themes.due"}, {"belonging.themes.agreed"}]
    assert all(resource(str(folder))["prefect.resource.id"] in one.match.model_dump_json() for one in made.triggers)


def test_questions_that_go_out_together_are_waited_for_by_batches_alone(tmp_path: Path) -> None:
    """Somebody agreed to one run that finds themes anew: it does not leave."""
    from flows.renewing import renew
    from flows.scheduled import scheduled_batch
    from flows.serving import Plan, deployment, renewal

    given = {"folder": str(tmp_path / "study"), "llm": "none", "batch_api": True, "patience": 5.0}
    plan = Plan("0 2 * * *", "Europe/Berlin", given)
    batches, themes = deployment(plan).parameters, renewal(plan).parameters
    assert (batches["batch_api"], batches["patience"]) == (True, 5.0)
    assert themes["batch_api"] is True
    assert "patience" not in themes
    scheduled_batch.validate_parameters(batches)
    renew.validate_parameters(themes)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("http://127.0.0.1:8000/v1#m", "belonging-model-127-0-0-1"),
        ("https://fleet.example.org/v1#m", "belonging-model-fleet-example-org"),
        ("openai:gpt-x", "belonging-model-openai"),
        ("local", "belonging-model-local"),
    ],
)
def test_limits_are_named_after_endpoints(spec: str, name: str) -> None:
    from flows.scheduled import limit_of

    assert limit_of(spec) == name


def test_the_examples_of_automations_are_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    from prefect.events.schemas.automations import AutomationCore

    examples = yaml.safe_load((ROOT / "flows" / "automations.yaml").read_text("utf-8"))["automations"]
    assert len([AutomationCore.model_validate(one) for one in examples]) == 5


def test_deployments_for_work_pools_name_flows_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(ROOT)
    for one in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]:
        flow = load_flow_from_entrypoint(one["entrypoint"])
        flow.validate_parameters(one["parameters"])
        assert one["concurrency_limit"]["collision_strategy"] == "CANCEL_NEW"
