"""From evidence to an outcome: how likely each pair is, which pairs to ask about, when to leave one to people."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codes.coding import Outcome
from belonging_llm.codes.probe import Learned
from belonging_llm.codes.signals import Floats, Signals

# Standard deviations of likeness; a theme mapped to the code counts as much as THEME of them.
THEME = 0.75
# Without human codings: likeness at which a code is as likely as not, and at which it would be guessed.
EVEN, STEEP = 2.2, 1.5
GUESSED = 1.6
# Pairs that a language model is asked about, by how likely they are.
DOUBT = (0.2, 0.8)
CANDIDATES = 2


@dataclass(frozen=True)
class Bar:
    """The errors that may be made without a person.

    Attributes:
        assign_error: A code is assigned where at most this share of such assignments is expected to be wrong.
        miss_error: A code is not assigned where at most this share of such segments is expected to have it.
    """

    assign_error: float = 0.5
    miss_error: float = 0.12

    def outcome(self, chance: float) -> Outcome:
        """Assigned, not assigned, or left to people."""
        if chance >= 1 - self.assign_error:
            return Outcome.ASSIGNED
        return Outcome.NOT_ASSIGNED if chance <= self.miss_error else Outcome.ABSTAINED


@dataclass(frozen=True)
class Chances:
    """How likely each pair is before a model is asked; all shape (n_segments, n_codes) but `taught`.

    Attributes:
        chance: Probability that a person would give the code; calibrated where `taught`, else careful.
        leaning: Log-odds of the guess that would be made if it had to be: yes at 0 and above.
        taught: Codes learned from human codings, shape (n_codes,).
    """

    chance: Floats
    leaning: Floats
    taught: NDArray[np.bool_]

    def of(self, rows: NDArray[np.intp]) -> Chances:
        """Some of the segments."""
        return Chances(self.chance[rows], self.leaning[rows], self.taught)


def strength(signals: Signals) -> Floats:
    """How much likeness and themes speak for each pair, in standard deviations; shape (n, n_codes)."""
    return np.asarray(signals.similarity + THEME * signals.theme)


def chances(signals: Signals, learned: Learned | None) -> Chances:
    """Learned chances where there are any, else from likeness and themes."""
    plain = strength(signals)
    chance, leaning = 1 / (1 + np.exp(STEEP * (EVEN - plain))), plain - GUESSED
    if learned is None or not learned.taught.any():
        return Chances(chance, leaning, np.zeros(plain.shape[1], bool))
    return Chances(
        np.where(learned.taught, learned.chances, chance),
        np.where(learned.taught, learned.scores, leaning),
        learned.taught,
    )


def open_pairs(found: Chances, share: float) -> dict[int, list[int]]:
    """Pairs to ask a model about, by segment: the most doubtful first.

    Args:
        share: Largest share of segments to ask about.

    Returns:
        Columns by row; rows in the order in which an answer is expected to teach most.
    """
    chance = found.chance
    doubtful = (chance >= DOUBT[0]) & (chance <= DOUBT[1])
    distance = np.where(doubtful, np.abs(chance - 0.5), np.inf)
    order = np.argsort(distance.min(axis=1, initial=np.inf), kind="stable")
    rows = [int(i) for i in order if doubtful[i].any()][: math.floor(share * len(chance) + 1e-9)]
    most = np.minimum(CANDIDATES, doubtful.sum(axis=1))
    return {i: sorted(map(int, np.argsort(distance[i], kind="stable")[: most[i]])) for i in rows}


def after(chance: float, shift: float) -> float:
    """A chance whose log-odds the model's word has moved."""
    logit = math.log(max(chance, 1e-6) / max(1 - chance, 1e-6)) + shift
    return 1 / (1 + math.exp(-logit))
