"""Numbers and names as people read and order them."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(\d+)")


def number(value: float | None) -> str:
    """A number with its thousands set apart."""
    return "not recorded" if value is None else f"{value:,}"


def counted(count: int, noun: str) -> str:
    """Such as `1 segment` or `1,200 segments`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts P2 before P10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _DIGITS.split(name)]
