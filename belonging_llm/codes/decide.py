"""From evidence to an outcome: how likely each pair is, which pairs to ask about, when to leave one to people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codes.coding import Outcome
from belonging_llm.codes.probe import Learned
from belonging_llm.codes.signals import Floats, Signals

# Standard deviations of likeness; a theme mapped to the code counts as much as THEME of them.
THEME = 0.75
# Without human codings: strength at which a code is as likely as not.
EVEN, STEEP = 2.2, 1.2
# Pairs that a language model is asked about, by how likely they are.
DOUBT = (0.2, 0.8)
CANDIDATES = 2
EVEN_ODDS = 0.5
# An expected kappa below this is rounding.
FLAT = 1e-9


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
        leaning: Log-odds above the cut of the guess that would be made if it had to be: yes at 0 and above.
        taught: Codes learned from human codings, shape (n_codes,).
    """

    chance: Floats
    leaning: Floats
    taught: NDArray[np.bool_]

    def of(self, rows: NDArray[np.intp]) -> Chances:
        """Some of the segments."""
        return Chances(self.chance[rows], self.leaning[rows], self.taught)


def strength(signals: Signals) -> Floats:
    """How much likeness, themes, quoted words and named manner speak for each pair, in standard deviations.

    What speaks for any other code speaks against one that is for the rest.

    Returns:
        Shape (n, n_codes).
    """
    found = np.asarray(signals.similarity + THEME * signals.theme + signals.quoted + signals.manner)
    others = np.maximum(found[:, ~signals.rest], 0)
    if signals.rest.any() and others.shape[1]:
        found[:, signals.rest] = -others.sum(axis=1, keepdims=True) / math.sqrt(others.shape[1])
    return found


def chances(unaided: Floats, learned: Learned | None, cut: Floats | None = None) -> Chances:
    """Learned chances where there are any, else from the codebook's evidence.

    Args:
        unaided: What speaks for each pair without anybody's codings, in standard deviations, shape (n, n_codes).
        cut: The chance of each code from which a yes is guessed, shape (n_codes,); from these chances without.
    """
    chance = 1 / (1 + np.exp(STEEP * (EVEN - unaided)))
    taught = np.zeros(unaided.shape[1], bool)
    if learned is not None and learned.taught.any():
        chance, taught = np.where(learned.taught, learned.chances, chance), learned.taught
    return Chances(chance, _logit(chance) - _logit(cuts(chance) if cut is None else cut), taught)


def cuts(chance: Floats) -> Floats:
    """The chance of each code from which a yes is guessed, shape (n_codes,).

    Where kappa with people is expected to be highest if the chances are right: yes to the k likeliest segments gives
    expected cells that add up from the chances, as Lipton et al. (2014) do for F1.
    """
    n = len(chance)
    if not n:
        return np.full(chance.shape[1], EVEN_ODDS)
    falling = -np.sort(-chance, axis=0)
    said = np.arange(1, n + 1)[:, None] / n
    hit, has = np.cumsum(falling, axis=0) / n, falling.sum(axis=0) / n
    agreed = 1 + 2 * hit - said - has
    by_luck = said * has + (1 - said) * (1 - has)
    kappa = (agreed - by_luck) / np.maximum(1 - by_luck, 1e-9)
    best = np.asarray(falling[kappa.argmax(axis=0), np.arange(chance.shape[1])])
    return np.where(kappa.max(axis=0) > FLAT, best, EVEN_ODDS)


def _logit(chance: Floats) -> Floats:
    held = np.clip(chance, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(held / (1 - held)))


def open_pairs(found: Chances, share: float) -> dict[int, list[int]]:
    """Pairs to ask a model about, by segment: the most doubtful first.

    Args:
        share: Largest share of segments to ask about.

    Returns:
        Columns by row; rows in the order in which an answer is expected to teach most.
    """
    return _columns(found.chance, _most_doubtful(found.chance)[: math.floor(share * len(found.chance) + 1e-9)])


def farthest_asked(found: Chances, share: float) -> float:
    """How far from even the most doubtful pair of the last segment is that `open_pairs` asks about; -1 with none."""
    rows = _most_doubtful(found.chance)[: math.floor(share * len(found.chance) + 1e-9)]
    return float(_distance(found.chance[rows[-1:]]).min()) if rows else -1.0


def open_pairs_within(found: Chances, farthest: float) -> dict[int, list[int]]:
    """Pairs to ask about where a segment's most doubtful pair is no farther from even than that. As `open_pairs`."""
    near = _distance(found.chance).min(axis=1, initial=np.inf) <= farthest
    return _columns(found.chance, [row for row in _most_doubtful(found.chance) if near[row]])


def _distance(chance: Floats) -> Floats:
    """How far each pair is from even; infinite where nobody doubts it."""
    doubtful = (chance >= DOUBT[0]) & (chance <= DOUBT[1])
    return np.where(doubtful, np.abs(chance - 0.5), np.inf)


def _most_doubtful(chance: Floats) -> list[int]:
    """Rows with a doubtful pair, the most doubtful first."""
    nearest = _distance(chance).min(axis=1, initial=np.inf)
    return [int(i) for i in np.argsort(nearest, kind="stable") if np.isfinite(nearest[i])]


def _columns(chance: Floats, rows: Sequence[int]) -> dict[int, list[int]]:
    distance = _distance(chance)
    most = np.minimum(CANDIDATES, np.isfinite(distance).sum(axis=1))
    return {i: sorted(map(int, np.argsort(distance[i], kind="stable")[: most[i]])) for i in rows}


def after(chance: float, shift: float) -> float:
    """A chance whose log-odds the model's word has moved."""
    logit = math.log(max(chance, 1e-6) / max(1 - chance, 1e-6)) + shift
    return 1 / (1 + math.exp(-logit))
