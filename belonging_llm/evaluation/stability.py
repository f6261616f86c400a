"""Does the model say the same again? Stability is not validity: a model can be wrong in the same way every time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from belonging_llm.evaluation.alpha import NO_PAIRS, NO_VARIATION, binary_alphas, binary_tallies
from belonging_llm.evaluation.estimate import Estimate, Floats, Interval, estimate, ratio
from belonging_llm.evaluation.intervals import Intervals, Resampling, bootstrap

RULE_OF_THREE = "the rule of three, as if units were independent"
NO_LATER = "fewer than two later judgements of the same unit"


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


@dataclass(frozen=True)
class Flips:
    """One code, judged once and then again; intervals resample clusters.

    Attributes:
        units: Units with a first judgement and a later one.
        pairs: Pairs of a first judgement and a later one of the same unit.
        rate: Share of these pairs that differ.
        among: Share of pairs of later judgements that differ.
        alpha: Krippendorff's (2011, nominal), with the first and all later judgements as coders.
    """

    units: int
    pairs: int
    rate: Estimate
    among: Estimate
    alpha: Estimate


def flips(
    said: NDArray[np.int8], clusters: NDArray[np.intp], *, kinds: int, resampling: Resampling | None = None
) -> list[Flips]:
    """One record a code.

    Args:
        said: What was said, shape (1 + n_later, n_units, n_codes): 0 … kinds − 1, or -1 for nothing; the first row
            is what the later ones are compared with.
        clusters: Cluster of each unit, 0 … n_clusters − 1, shape (n_units,).
    """
    tallies = _flip_tallies(said, kinds)
    summed = np.zeros((int(clusters.max(initial=-1)) + 1, *tallies.shape[1:]))
    np.add.at(summed, clusters, tallies)
    if not len(summed):
        summed = np.zeros((1, *tallies.shape[1:]))
    found = bootstrap(summed, lambda sums: _flip_figures(sums, kinds), resampling)
    units = (tallies[:, :, 1] > 0).sum(0)
    return [_flips(found, k, int(units[k]), int(summed[:, k, 1].sum())) for k in range(said.shape[2])]


def _flip_tallies(said: NDArray[np.int8], kinds: int) -> Floats:
    """What each unit adds: flips, pairs, flips among later, pairs among later, coincidences (kinds × kinds)."""
    each = np.stack([said == kind for kind in range(kinds)], axis=-1).astype(float)
    first, later = each[0], each[1:].sum(0)
    n = later.sum(-1)
    pairs = first.sum(-1) * n
    flipped = pairs - (first * later).sum(-1)
    among = n * (n - 1) / 2
    differing = (n**2 - (later**2).sum(-1)) / 2
    counts = first + later
    judged = counts.sum(-1)
    over = np.where(judged > 1, judged - 1, np.inf)[..., None, None]
    coincident = counts[..., :, None] * counts[..., None, :] - counts[..., None, :] * np.eye(kinds)
    flat = (coincident / over).reshape(*judged.shape, kinds * kinds)
    return np.concatenate([np.stack([flipped, pairs, differing, among], axis=-1), flat], axis=-1)


def _flip_figures(sums: Floats, kinds: int) -> Floats:
    """Rate, rate among the later ones, alpha: shape (b, n_codes, 3)."""
    coincident = sums[..., 4:].reshape(*sums.shape[:-1], kinds, kinds)
    totals = coincident.sum(-1)
    n = totals.sum(-1)
    unlike = n - np.trace(coincident, axis1=-2, axis2=-1)
    alpha = 1 - ratio((n - 1) * unlike, n**2 - (totals**2).sum(-1))
    return np.stack([ratio(sums[..., 0], sums[..., 1]), ratio(sums[..., 2], sums[..., 3]), alpha], axis=-1)


def _flips(found: Intervals, k: int, units: int, pairs: int) -> Flips:
    rate, among, alpha = (float(value) for value in found.point[k])
    return Flips(
        units=units,
        pairs=pairs,
        rate=_bounded(found.around(estimate(rate, NO_PAIRS), k, 0), units),
        among=_bounded(found.around(estimate(among, NO_LATER), k, 1), units),
        alpha=found.around(estimate(alpha, NO_VARIATION if pairs else NO_PAIRS), k, 2),
    )


def _bounded(found: Estimate, units: int) -> Estimate:
    """Where nothing flips (or all does) resampling sees no doubt: the rule of three then tells how much there is.

    Hanley & Lippman-Hand (1983): nothing among n leaves rates up to about 3/n.
    """
    if found.value not in (0.0, 1.0) or found.interval is None:
        return found
    reach = min(3 / max(units, 1), 1.0)
    low, high = (0.0, reach) if found.value == 0 else (1 - reach, 1.0)
    return replace(
        found, interval=Interval(low, high, method=RULE_OF_THREE), flag=f"the interval is by {RULE_OF_THREE}"
    )
