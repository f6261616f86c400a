"""Lists that may be long: the page shows their beginning and says how much more there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

CAP = 200

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Listed(Generic[T]):
    """The first `CAP` of a list that may be long."""

    shown: tuple[T, ...]
    total: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


def cut(items: Sequence[S], view: Callable[[S], T]) -> Listed[T]:
    """The first `CAP` items, each as the page shows it."""
    return Listed(tuple(view(item) for item in items[:CAP]), len(items))
