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
        batch_api: Whether questions go out together, through the endpoint's Batch API.
        patience: Minutes to wait for their replies; None waits until they are there.
        recall: Whether questions that went out together are called back.
    """

    folder: str
    llm: str
    embedder: str
    budget: float | None = None
    calls: int | None = None
    inbox: str | None = None
    batch_api: bool = False
    patience: float | None = None
    recall: bool = False

    @property
    def whole(self) -> Job:
        """The analysis of everything with the same models and limits."""
        limits = self.budget, self.calls
        return Job(self.folder, self.llm, self.embedder, *limits, self.batch_api, self.patience, self.recall)
