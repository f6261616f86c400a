"""Does the model say the same again? Stability is not validity: a model can be wrong in the same way every time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from belonging_llm.evaluation.alpha import NO_PAIRS, NO_VARIATION, binary_alphas, binary_tallies
from belonging_llm.evaluation.estimate import Estimate, estimate


@dataclass(frozen=True)
class Stability:
    """One code over repeated runs.

    Attributes:
        flip_rate: Share of pairs of runs, over units, that disagree.
        alpha: Krippendorff's alpha with runs as coders.
    """

    runs: int
    units: int
    flip_rate: Estimate
    alpha: Estimate

    @property
    def same(self) -> float | None:
        """1 − flip rate."""
        return None if self.flip_rate.value is None else 1 - self.flip_rate.value


def stability(marks: NDArray[np.int8]) -> list[Stability]:
    """One record a code, from runs × units × codes of 1, 0 and -1 (no judgement)."""
    judged = (marks >= 0).sum(0, dtype=float)
    ones = (marks == 1).sum(0, dtype=float)
    tallies = binary_tallies(marks).sum(0)
    pairs = judged * (judged - 1) / 2
    differing = ones * (judged - ones)
    alphas = binary_alphas(tallies)
    found = []
    for k in range(marks.shape[2]):
        units = int((pairs[:, k] > 0).sum())
        rate = differing[:, k].sum() / pairs[:, k].sum() if units else np.nan
        why = NO_VARIATION if units else NO_PAIRS
        found.append(Stability(len(marks), units, estimate(float(rate), NO_PAIRS), estimate(float(alphas[k]), why)))
    return found
