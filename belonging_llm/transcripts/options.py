"""What a person may decide before files are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Changes(StrEnum):
    """What becomes of tracked changes."""

    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True)
class Options:
    """Choices that no reader makes by itself.

    Attributes:
        changes: Whether tracked changes count as made; None refuses documents that hold any.
        columns: For tables of turns, the column of each part (`speaker`, `text`, …); parts left out are guessed.
    """

    changes: Changes | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
