"""A coder against a reference: precision, recall, F1, and rates of error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, ratio, undefined
from belonging_llm.evaluation.ratings import MISSING, Marks, Ratings

NO_REFERENCE = "the reference never assigns it"
NEVER_ASSIGNED = "the coder never assigns it"
NEITHER = "neither the reference nor the coder assigns it"
ALWAYS = "the reference always assigns it"


@dataclass(frozen=True)
class Scores:
    """One code against the reference, with the counts that every figure rests on."""

    true_positive: float
    false_positive: float
    false_negative: float
    true_negative: float
    precision: Estimate
    recall: Estimate
    f1: Estimate
    false_positive_rate: Estimate
    false_negative_rate: Estimate


def scores(cells: ArrayLike) -> Scores:
    """Scores from `a b c d`: both, reference only, coder only, neither (the reference is the first coder)."""
    table = np.asarray(cells, float)
    hit, missed, extra, right = (float(x) for x in table)
    return Scores(
        true_positive=hit,
        false_positive=extra,
        false_negative=missed,
        true_negative=right,
        precision=estimate(float(precisions(table)), NEVER_ASSIGNED),
        recall=estimate(float(recalls(table)), NO_REFERENCE),
        f1=estimate(float(f1s(table)), NEITHER),
        false_positive_rate=estimate(float(false_positive_rates(table)), ALWAYS),
        false_negative_rate=estimate(float(1 - recalls(table)), NO_REFERENCE),
    )


def precisions(cells: Floats) -> Floats:
    """Of what the coder assigned, the share that the reference has; cells (…, 4)."""
    return ratio(cells[..., 0], cells[..., 0] + cells[..., 2])


def recalls(cells: Floats) -> Floats:
    """Of what the reference has, the share that the coder assigned; cells (…, 4)."""
    return ratio(cells[..., 0], cells[..., 0] + cells[..., 1])


def f1s(cells: Floats) -> Floats:
    """Harmonic mean of precision and recall, 2a/(2a + b + c); NaN where nobody assigns it."""
    return ratio(2 * cells[..., 0], 2 * cells[..., 0] + cells[..., 1] + cells[..., 2])


def false_positive_rates(cells: Floats) -> Floats:
    """Of what the reference has not, the share that the coder assigned; cells (…, 4)."""
    return ratio(cells[..., 2], cells[..., 2] + cells[..., 3])


def macro(found: list[Estimate]) -> Estimate:
    """Mean over codes, each counting the same; undefined codes are left out and named by number."""
    values = [e.value for e in found if e.value is not None]
    if not values:
        return undefined("it is undefined for every code")
    lost = len(found) - len(values)
    return Estimate(
        float(np.mean(values)), flag=f"undefined for {lost} of {len(found)} codes, which are left out" if lost else ""
    )


def micro(cells: Floats) -> Scores:
    """Scores over all codes' cells added up, shape (n_codes, 4); frequent codes dominate."""
    return scores(cells.sum(0))


def consensus(ratings: Ratings) -> Marks:
    """What most coders who judged said, shape (n_units, n_codes); a tie is -1, nobody's judgement."""
    ones, zeros = (ratings.marks == 1).sum(0), (ratings.marks == 0).sum(0)
    return np.where(ones > zeros, 1, np.where(zeros > ones, 0, MISSING)).astype(np.int8)
