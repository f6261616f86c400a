"""What a run recorded, nested at will, as flat pairs of name and plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def flatten(values: Mapping[str, Any]) -> dict[str, str]:
    """Nested settings as dotted names and plain words."""
    return dict(_pairs(values, ""))


def is_seed(key: str) -> bool:
    """Whether the last part of a dotted name speaks of a seed."""
    return "seed" in key.rpartition(".")[2]


def _pairs(values: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _pairs(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _plain(value)


def _plain(value: object) -> str:
    if value is None or value == "":
        return "not recorded"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence | Mapping) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return str(value)
