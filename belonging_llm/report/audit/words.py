"""Figures, shares and stamps as a reader sees them; what does not exist is said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from belonging_llm.evaluation import Estimate, Interval

UNDEFINED = "undefined"
MINUS = "\u2212"


def decimal(value: float, digits: int = 2) -> str:
    """A number with a true minus sign; never a negative zero."""
    shown = f"{value:,.{digits}f}"
    if not shown.strip("-0.,"):
        shown = shown.lstrip("-")
    return shown.replace("-", MINUS)


def percent(value: float) -> str:
    """A share (0..1) as whole per cent; a share that is not 0 or 1 is never shown as either."""
    if 0 < value < 0.005:
        return "under 1%"
    if 0.995 <= value < 1:
        return "over 99%"
    return f"{decimal(100 * value, 0)}%"


def points(value: float) -> str:
    """A share (0..1) in per cent with one decimal; unlike `percent`, it may lie outside 0..1."""
    return f"{decimal(100 * value, 1)}%"


def number(value: float) -> str:
    """A count with its thousands set apart; a fraction keeps one decimal."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Such as `1 segment` or `1,200 segments`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def of_total(count: int, total: int) -> str:
    """Such as `12 of 40 (30%)`; without a total there is no share."""
    return f"{count:,} of {total:,} ({percent(count / total)})" if total else f"{count:,} of 0"


def value(found: Estimate, *, share: bool = False) -> str:
    """An estimate's value alone."""
    if found.value is None:
        return UNDEFINED
    return points(found.value) if share else decimal(found.value)


def ends(interval: Interval, *, share: bool = False) -> str:
    """Such as `0.58 to 0.81`."""
    show = points if share else decimal
    return f"{show(interval.low)} to {show(interval.high)}"


def told(found: Estimate, *, share: bool = False) -> str:
    """An estimate with its interval, such as `0.71 (0.58 to 0.81)`."""
    shown = value(found, share=share)
    return f"{shown} ({ends(found.interval, share=share)})" if found.value is not None and found.interval else shown


def moment(stamp: str | None) -> str:
    """An ISO 8601 stamp as a day and time; one that is none as it stands."""
    try:
        found = datetime.fromisoformat(stamp or "")
    except ValueError:
        return stamp or "not recorded"
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return f"{found.day} {found:%B %Y, %H:%M} UTC"


def shortened(name: str, most: int) -> str:
    """A name cut to so many characters, its white space made single."""
    plain = " ".join(name.split())
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"


def sentence(text: str) -> str:
    """A remark as a sentence: it begins with a capital and ends with a stop."""
    bare = text.strip()
    return bare[:1].upper() + bare[1:] + ("" if not bare or bare[-1] in ".?!…" else ".")


def joined(parts: Sequence[str], nothing: str = "nobody") -> str:
    """Such as `Ana, Ben and Cem`."""
    if len(parts) < 2:
        return parts[0] if parts else nothing
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def plain(given: Any) -> str:
    """A setting as a reader sees it."""
    if given is None:
        return "not set"
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, float):
        return "not a number" if given != given else f"{given:g}".replace("-", MINUS)
    if isinstance(given, list | tuple | set | frozenset | Mapping):
        return ", ".join(plain(one) for one in given) or "empty"
    return str(given) or "empty"


def flatten(given: Mapping[str, Any], under: str = "") -> dict[str, str]:
    """Nested settings as one level of dotted names."""
    found: dict[str, str] = {}
    for key, one in given.items():
        name = f"{under}.{key}" if under else str(key)
        found |= flatten(one, name) if isinstance(one, Mapping) and one else {name: plain(one)}
    return found
