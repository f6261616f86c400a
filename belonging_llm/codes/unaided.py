"""Codes that nobody taught: the codebook's own evidence, carried over to segments that say the same otherwise.

Self-training (Scudder 1965; Yarowsky 1995): what the codebook points at most clearly is taken as examples, a probe
learns from them how the code sounds in this corpus, and its word is added to the codebook's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codes import ridge
from belonging_llm.codes.signals import Floats, standardise

# Shares of the segments: taken as examples of a code; left out as neither example nor counterexample.
CLEAR, UNCLEAR = 0.1, 0.25
ROUNDS = 2
# How much of the result is the codebook's evidence; the rest is what was learned from it.
KEPT = 0.3
FEWEST, MOST = 40, 600


def carry_over(strength: Floats, seen: Floats) -> Floats:
    """Strengths after self-training, in standard deviations by code, shape (n_segments, n_codes).

    Args:
        strength: The codebook's evidence, in standard deviations by code, shape (n_segments, n_codes).
        seen: Features as `probe.features` makes them, shape (n_segments, d).
    """
    if len(strength) < FEWEST:
        return strength
    found = strength
    for _ in range(ROUNDS):
        learned = np.stack([_learned(found[:, k], seen) for k in range(found.shape[1])], axis=1)
        found = standardise(KEPT * strength + (1 - KEPT) * standardise(learned))
    return found


def _learned(strength: Floats, seen: Floats) -> Floats:
    """What a probe says of every segment that learned from the strongest and the weaker ones."""
    if not np.ptp(strength):
        return strength
    order = np.argsort(-strength, kind="stable")
    n = len(order)
    clear, rest = _thinned(order[: int(CLEAR * n)], 0.2), _thinned(order[int(UNCLEAR * n) :], 0.8)
    rows = np.concatenate([clear, rest])
    return ridge.taught_by(rows, np.concatenate([np.ones(len(clear)), np.zeros(len(rest))]), seen)


def _thinned(rows: NDArray[np.intp], part: float) -> NDArray[np.intp]:
    """At most so many of the rows, evenly spread over them: more teach no better and take longer."""
    most = int(part * MOST)
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]
