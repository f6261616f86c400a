"""What a batch is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from belonging_llm.analysis import Job


@dataclass(frozen=True)
class BatchJob:
    """Which study to bring up to date with which models; plain data, so that a scheduler can pass it on.

    Attributes:
        budget: The most money that the batch may spend, in US dollars; None for any amount.
        calls: The most calls that it may make; None for any number.
        inbox: Where to look for new files; None for the study's own inbox.
    """

    folder: str
    llm: str
    embedder: str
    budget: float | None = None
    calls: int | None = None
    inbox: str | None = None

    @property
    def whole(self) -> Job:
        """The analysis of everything with the same models and limits."""
        return Job(self.folder, self.llm, self.embedder, self.budget, self.calls)
