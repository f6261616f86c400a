"""What an analysis is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Done = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Job:
    """Which study to analyse with which models; plain data, so that a scheduler can pass it on.

    Attributes:
        budget: The most money that the run may spend, in US dollars; None for any amount.
        calls: The most calls that it may make; None for any number.
        batch: Whether questions about segments go out in batches.
        patience: Minutes to wait for batches; None waits until they are done.
        recall: Whether batches that are under way are cancelled.
    """

    folder: str
    llm: str
    embedder: str
    budget: float | None = None
    calls: int | None = None
    batch: bool = False
    patience: float | None = None
    recall: bool = False
