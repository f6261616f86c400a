"""Everything that was watched in a study, for those who look into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from belonging_llm.drift.alarms import acknowledge
from belonging_llm.drift.drift_lines import alarm_lines, drift_lines
from belonging_llm.drift.record import Drift, Figure
from belonging_llm.store import Alarm
from belonging_llm.study import Study


@dataclass(frozen=True)
class History:
    """Batches that were watched, with the time, the first first; and alarms."""

    batches: tuple[tuple[str, Drift], ...]
    alarms: tuple[Alarm, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "batches": [
                {"at": at, **found.model_dump(mode="json"), "verdict": found.verdict} for at, found in self.batches
            ],
            "alarms": [{**one.model_dump(mode="json"), "open": one.open} for one in self.alarms],
        }


def history(folder: Path) -> History:
    """What there is.

    Raises:
        StudyError: not a study.
    """
    return _history(Study(folder))


def acknowledged(folder: Path, wanted: str, *, by: str, reason: str) -> History:
    """The same, once an alarm is acknowledged.

    Raises:
        InputError: see `alarms.acknowledge`.
    """
    study = Study(folder)
    acknowledge(study, wanted, by=by, reason=reason)
    return _history(study)


def _history(study: Study) -> History:
    kept = [(at, content) for _, at, content in study.store.drift.history() if "novelty" in content]
    return History(
        tuple((at, Drift.model_validate(content)) for at, content in kept), tuple(study.store.drift.alarms())
    )


def history_lines(found: History) -> Iterator[str]:
    """The last batch in full, the earlier ones in a line each, then all alarms."""
    if not found.batches:
        yield "no batch was watched yet: `belonging batch` does"
    for at, one in found.batches[:-1]:
        yield _line(at, one)
    for at, one in found.batches[-1:]:
        yield _line(at, one)
        yield from drift_lines(one)
    yield f"alarms: {len(found.alarms)}, {sum(a.open for a in found.alarms)} of them open"
    yield from (f"  {line}" for line in alarm_lines(found.alarms))


def _line(at: str, found: Drift) -> str:
    return (
        f"{at}  batch {found.run_id[:8]}  novelty: {found.novelty.state}, sentinels: {found.sentinels.state} "
        f"(with people {_percent(found.sentinels.agreement)}), codes: {found.distribution.state}"
    )


def _percent(found: Figure) -> str:
    if found.value is None:
        return "not known"
    return f"{found.value:.0%}" + ("" if found.low is None else f", {found.low:.0%} to {found.high:.0%}")
