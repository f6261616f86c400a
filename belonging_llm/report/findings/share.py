"""A count and what it is a part of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A count that never goes without its denominator."""

    count: int
    total: int

    @property
    def percent(self) -> float | None:
        """0 to 100; None (undefined) of nothing."""
        return 100 * self.count / self.total if self.total else None

    @property
    def rounded(self) -> str:
        """The percentage in words that never round up to all or down to nothing."""
        if self.percent is None:
            return "undefined"
        if 0 < self.percent < 1:
            return "under 1%"
        return "over 99%" if 99 < self.percent < 100 else f"{self.percent:.0f}%"

    def __str__(self) -> str:
        """Such as `8 of 12 (67%)`."""
        return f"{self.count:,} of {self.total:,} ({self.rounded})"
