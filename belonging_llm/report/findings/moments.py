"""Points in time and the time between them, in words."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(stamp: str | None) -> str:
    """An ISO 8601 stamp as a day and time; one that is none as it stands."""
    found = _instant(stamp)
    if found is None:
        return stamp or "not recorded"
    return f"{found.day} {found:%B %Y, %H:%M} UTC"


def duration(seconds: float | None) -> str:
    """Seconds in the largest unit that still tells something."""
    if seconds is None:
        return "not recorded"
    if seconds < 120:
        return f"{seconds:.1f} seconds" if seconds < 10 else f"{seconds:.0f} seconds"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} minutes"


def between(start: str, end: str | None) -> float | None:
    """Seconds from one ISO 8601 stamp to another; None when either is not one."""
    began, ended = _instant(start), _instant(end)
    return (ended - began).total_seconds() if began and ended else None


def _instant(stamp: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(stamp or "")
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
