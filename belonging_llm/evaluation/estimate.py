"""A figure that may not exist: a number, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Where a figure lies with the stated confidence.

    Attributes:
        level: Confidence, 0..1.
        method: How it was made, such as `participant bootstrap, percentile`.
        degenerate: Share (0..1) of resamples on which the figure was undefined and which were left out.
    """

    low: float
    high: float
    level: float = 0.95
    method: str = ""
    degenerate: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """A statistic's value, or None and why it is undefined; never a stand-in number.

    Attributes:
        reason: Why `value` is None; empty when there is one.
        se: Standard error, None where no formula applies.
        interval: None where none was asked for or none exists.
        flag: What a reader must know about a value that exists, such as a coder without variation.
    """

    value: float | None
    reason: str = ""
    se: float | None = None
    interval: Interval | None = None
    flag: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise ValueError("an estimate has either a value or a reason for having none")

    def within(self, interval: Interval | None) -> Estimate:
        """The same estimate with an interval; an undefined one has none."""
        return replace(self, interval=interval if self.value is not None else None)


def undefined(reason: str) -> Estimate:
    """No number, and why."""
    return Estimate(None, reason)


def estimate(value: float, reason: str, *, se: float | None = None, flag: str = "") -> Estimate:
    """An estimate from a computed float; NaN or infinity is undefined for the given reason."""
    if not np.isfinite(value):
        return undefined(reason)
    return Estimate(float(value), se=se if se is not None and np.isfinite(se) else None, flag=flag)


def ratio(over: ArrayLike, under: ArrayLike) -> Floats:
    """Element-wise quotient, NaN where the divisor is zero or not a number."""
    top, bottom = np.broadcast_arrays(np.asarray(over, float), np.asarray(under, float))
    usable = np.isfinite(bottom) & (np.abs(bottom) > 1e-12)
    found: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=usable)
    return found
