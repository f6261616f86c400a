"""Tests that are made anew with every batch: how often they may be wrong in a year."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Watch:
    """What one kind of alarm may cost in false alarms.

    In any `batches` batches in a row at most `error` false alarms are to be expected, so that the chance of one or
    more is at most `error` too. That is Bonferroni's inequality over batches: it holds however the batches depend on
    each other, and it does not run dry as a budget spent over an endless series would (alpha-investing, Foster &
    Stine 2008; LORD, Javanmard & Montanari 2018, whose promises are about the share of false alarms among all, and
    want p-values that are independent of one another).

    Attributes:
        error: 0..1, for as many batches.
        batches: Such as those of a year.
    """

    error: float = 0.05
    batches: int = 52

    def __post_init__(self) -> None:
        if not 0 < self.error < 1 or self.batches < 1:
            raise ValueError("error lies between 0 and 1, and there is at least one batch")

    @property
    def level(self) -> float:
        """Largest p-value of one batch that raises an alarm."""
        return self.error / self.batches
