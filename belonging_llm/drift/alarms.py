"""Alarms: listed, and acknowledged by somebody who looked into them."""

from __future__ import annotations

from belonging_llm.errors import InputError
from belonging_llm.store import Alarm
from belonging_llm.study import Study


def acknowledge(study: Study, wanted: str, *, by: str, reason: str) -> Alarm:
    """Keep who looked into an alarm, and what it was.

    Args:
        wanted: Its id, or the beginning of it.

    Raises:
        InputError: no such alarm, one that somebody has acknowledged already, no name or no reason.
    """
    found = [a for a in study.store.drift.alarms() if a.id.startswith(wanted)] if wanted else []
    if len(found) != 1:
        known = ", ".join(a.id[:8] for a in study.store.drift.alarms() if a.open) or "none"
        raise InputError(f"{wanted}: {'several alarms begin so' if found else 'no such alarm'}; open ones: {known}")
    if not found[0].open:
        raise InputError(f"{wanted}: {found[0].by} acknowledged it on {found[0].acknowledged_at}: {found[0].reason}")
    if not by.strip() or not reason.strip():
        raise InputError("--by NAME and --reason TEXT: say who looked into the alarm, and what it was")
    study.store.drift.acknowledge(found[0].id, by=by.strip(), reason=reason.strip())
    return next(a for a in study.store.drift.alarms() if a.id == found[0].id)
