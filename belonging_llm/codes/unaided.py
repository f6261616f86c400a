"""Codes that nobody taught: the codebook's own evidence, carried over to segments that say the same otherwise.

Self-training (Scudder 1965; Yarowsky 1995): what the codebook points at most clearly is taken as examples, a probe
learns from them how the code sounds in this corpus, and its word is added to the codebook's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codes import ridge
from belonging_llm.codes.ridge import Line
from belonging_llm.codes.signals import FLAT, Floats, Standard

# Shares of the segments: taken as examples of a code; left out as neither example nor counterexample.
CLEAR, UNCLEAR = 0.1, 0.25
ROUNDS = 2
# How much of the result is the codebook's evidence; the rest is what was learned from it.
KEPT = 0.3
FEWEST, MOST = 40, 600


@dataclass(frozen=True)
class Carried:
    """What self-training learned; all of shape (n_codes, …) or by code.

    Attributes:
        weights: Shape (n_codes, d); zeros for a code whose evidence did not vary.
        said: Mean and spread of what was learned; `whole` of evidence and that together.
    """

    weights: Floats
    intercepts: Floats
    said: Standard
    whole: Standard

    def over(self, strength: Floats, seen: Floats) -> Floats:
        """Strengths of any segments after this training, shape (n, n_codes)."""
        lines = [Line(w, b) for w, b in zip(self.weights, self.intercepts, strict=True)]
        learned = np.stack([line.scores(seen) for line in lines], axis=1)
        return self.whole.lay_on(_mixed(strength, self.said.lay_on(learned)))


def carry_over(strength: Floats, seen: Floats) -> Floats:
    """Strengths after self-training, in standard deviations by code, shape (n_segments, n_codes).

    Args:
        strength: The codebook's evidence, in standard deviations by code, shape (n_segments, n_codes).
        seen: Features as `probe.features` makes them, shape (n_segments, d).
    """
    carried = train(strength, seen)
    return strength if carried is None else carried.over(strength, seen)


def train(strength: Floats, seen: Floats) -> Carried | None:
    """Learn from the segments that the evidence points at most clearly; None of too few segments. As `carry_over`."""
    if len(strength) < FEWEST:
        return None
    found, carried = strength, None
    for _ in range(ROUNDS):
        lines = [_taught(found[:, k], seen) for k in range(found.shape[1])]
        learned = np.stack([line.scores(seen) for line in lines], axis=1)
        said = Standard.of(learned)
        mixed = _mixed(strength, said.lay_on(learned))
        carried = Carried(
            np.stack([line.weights for line in lines]),
            np.array([float(line.intercept) for line in lines]),
            said,
            Standard.of(mixed),
        )
        found = carried.whole.lay_on(mixed)
    return carried


def _mixed(strength: Floats, learned: Floats) -> Floats:
    return np.asarray(KEPT * strength + (1 - KEPT) * learned)


def _taught(strength: Floats, seen: Floats) -> Line:
    """A probe that learned from the strongest and the weaker segments; one that says nothing where all are alike."""
    # What rounding left of equal strengths picks no examples.
    if np.ptp(strength) <= FLAT:
        return Line(np.zeros(seen.shape[1]), np.zeros(()))
    order = np.argsort(-strength, kind="stable")
    n = len(order)
    clear, rest = _thinned(order[: int(CLEAR * n)], 0.2), _thinned(order[int(UNCLEAR * n) :], 0.8)
    rows = np.concatenate([clear, rest])
    return ridge.taught_by(rows, np.concatenate([np.ones(len(clear)), np.zeros(len(rest))]), seen)


def _thinned(rows: NDArray[np.intp], part: float) -> NDArray[np.intp]:
    """At most so many of the rows, evenly spread over them: more teach no better and take longer."""
    most = int(part * MOST)
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]
