"""Does confidence mean anything, and what may be left to the model at a stated risk?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from belonging_llm.evaluation.estimate import Estimate, Floats, undefined

NOTHING = "no judgement carries a confidence"


@dataclass(frozen=True)
class Bin:
    """Judgements of like confidence: mean confidence and share right, None where there are none."""

    low: float
    high: float
    n: int
    confidence: float | None
    right: float | None


@dataclass(frozen=True)
class Calibration:
    """Brier (1950) score, expected calibration error (Guo et al. 2017) and its bins of equal width."""

    brier: Estimate
    ece: Estimate
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class RiskCoverage:
    """Errors among the judgements kept, most confident first (Geifman & El-Yaniv 2017).

    Attributes:
        coverage: Share kept, rising, shape (n,).
        risk: Share wrong among those kept, shape (n,); judgements of equal confidence come in as one.
        whole: Where a threshold can cut, between two confidences and not among equal ones, shape (n,).
        area: Mean risk over all coverages.
    """

    coverage: Floats
    risk: Floats
    whole: NDArray[np.bool_]
    area: Estimate

    def coverage_at(self, risk: float) -> float:
        """Largest share that a threshold can keep with at most this risk; 0 when none can."""
        kept = self.coverage[self.whole & (self.risk <= risk + 1e-12)]
        return float(kept.max()) if len(kept) else 0.0


def calibration(confidence: ArrayLike, correct: ArrayLike, bins: int = 10) -> Calibration:
    """How far confidence is from the share that is right.

    Args:
        confidence: 0 … 1, shape (n,).
        correct: 1 where the judgement is right, shape (n,).
        bins: Of equal width; each includes its lower end, the last both.
    """
    p, right = np.asarray(confidence, float), np.asarray(correct, float)
    if not len(p):
        return Calibration(undefined(NOTHING), undefined(NOTHING), ())
    place = np.minimum((p * bins + 1e-9).astype(int), bins - 1)
    found = tuple(_bin(k, bins, p[place == k], right[place == k]) for k in range(bins))
    gaps = [b.n * abs(b.right - b.confidence) for b in found if b.right is not None and b.confidence is not None]
    return Calibration(Estimate(float(((p - right) ** 2).mean())), Estimate(float(sum(gaps) / len(p))), found)


def risk_coverage(confidence: ArrayLike, correct: ArrayLike) -> RiskCoverage:
    """Risk by coverage; where confidences tie, the order is not the model's and the risk is shared."""
    p, right = np.asarray(confidence, float), np.asarray(correct, float)
    if not len(p):
        return RiskCoverage(np.empty(0), np.empty(0), np.empty(0, bool), undefined(NOTHING))
    order = np.argsort(-p, kind="stable")
    wrong = 1 - right[order]
    _, starts, counts = np.unique(-p[order], return_index=True, return_counts=True)
    shared = np.repeat(np.add.reduceat(wrong, starts) / counts, counts)
    kept = np.arange(1, len(p) + 1)
    risk = np.cumsum(shared) / kept
    whole = np.isin(kept, starts + counts)
    return RiskCoverage(kept / len(p), risk, whole, Estimate(float(risk.mean())))


def _bin(k: int, bins: int, confidence: Floats, right: Floats) -> Bin:
    mean = (float(confidence.mean()), float(right.mean())) if len(confidence) else (None, None)
    return Bin(k / bins, (k + 1) / bins, len(confidence), *mean)
