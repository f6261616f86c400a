"""Any number of coders over exclusive categories: Fleiss, Gwet, Conger, Brennan & Prediger.

`ratings` is shape (n_coders, n_units) of category rows 0 … q − 1, with -1 where a coder did not judge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, ratio, undefined

TOO_FEW = "no unit was judged by two coders"
NO_VARIATION = "every value is the same, so agreement beyond chance is not defined"
INCOMPLETE = "units are not all judged by the same number of coders; Fleiss' kappa needs complete data"


@dataclass(frozen=True)
class SeveralCoders:
    """Chance-corrected agreement of several coders, missing values allowed.

    Attributes:
        percent_agreement: Mean over units of the share of agreeing pairs (units judged at least twice).
        ac1: Gwet (2008); every judged unit counts towards chance, also those judged once.
        ac1_chance: Its chance agreement.
        fleiss_generalised: Fleiss (1971) with chance from mean category shares, for missing values (Gwet 2014).
        conger: Conger (1980), generalised by Gwet (2014): chance from each coder's own shares.
        brennan_prediger: Chance is 1/q (Brennan & Prediger 1981).
    """

    percent_agreement: Estimate
    ac1: Estimate
    ac1_chance: Estimate
    fleiss_generalised: Estimate
    conger: Estimate
    brennan_prediger: Estimate


def several_coders(ratings: ArrayLike, categories: int) -> SeveralCoders:
    """Every coefficient for one question; `categories` is q, used ones and unused ones.

    Raises:
        ValueError: not a coders × units array of categories below q.
    """
    given = _checked(ratings, categories)
    counts = category_counts(given, categories)
    judged = counts.sum(1)
    seen, several = judged > 0, judged > 1
    if not several.any():
        return SeveralCoders(*(undefined(TOO_FEW),) * 6)
    agreeing = ratio((counts * (counts - 1)).sum(1), judged * (judged - 1))
    agreed = float(np.nanmean(agreeing[several]))
    share = np.mean(ratio(counts[seen], judged[seen, None]), axis=0)
    chance = float((share * (1 - share)).sum() / (categories - 1)) if categories > 1 else np.nan
    flat = float((share**2).sum())
    return SeveralCoders(
        percent_agreement=estimate(agreed, TOO_FEW),
        ac1=estimate(
            _beyond(agreed, chance),
            "there is only one category",
            se=_ac1_error(agreeing[seen], counts[seen], share, agreed, chance),
        ),
        ac1_chance=estimate(chance, "there is only one category"),
        fleiss_generalised=estimate(_beyond(agreed, flat), NO_VARIATION),
        conger=estimate(_beyond(agreed, _conger_chance(given, categories)), NO_VARIATION),
        brennan_prediger=estimate(_beyond(agreed, 1 / categories), "there is only one category"),
    )


def fleiss_kappa(counts: ArrayLike, weights: ArrayLike | None = None) -> Estimate:
    """Fleiss' kappa (1971, eq. 7) from how many coders put each unit into each category.

    Args:
        counts: Shape (n_units, q); every row sums to the same number of coders, at least 2.
        weights: Size of each unit, (n_units,); all alike when None.
    """
    table = np.asarray(counts, float)
    if table.ndim != 2 or not len(table):
        return undefined(TOO_FEW)
    judged = table.sum(1)
    if (judged != judged[0]).any():
        return undefined(INCOMPLETE)
    if judged[0] < 2:
        return undefined(TOO_FEW)
    size = np.ones(len(table)) if weights is None else np.asarray(weights, float)
    agreed = float(np.average((table * (table - 1)).sum(1) / (judged * (judged - 1)), weights=size))
    share = np.average(table / judged[0], axis=0, weights=size)
    return estimate(_beyond(agreed, float((share**2).sum())), NO_VARIATION)


def randolph_kappa(counts: ArrayLike) -> Estimate:
    """Randolph's free-marginal kappa (2005): Fleiss' with chance 1/q. `counts` as for `fleiss_kappa`."""
    table = np.asarray(counts, float)
    judged = table.sum(1)
    if not len(table) or (judged < 2).any():
        return undefined(TOO_FEW)
    agreed = float(((table * (table - 1)).sum(1) / (judged * (judged - 1))).mean())
    return estimate(_beyond(agreed, 1 / table.shape[1]), "there is only one category")


def category_counts(ratings: NDArray[np.intp], categories: int) -> Floats:
    """How many coders put each unit into each category: shape (n_units, q)."""
    return np.stack([(ratings == k).sum(0) for k in range(categories)], axis=1).astype(float)


def _checked(ratings: ArrayLike, categories: int) -> NDArray[np.intp]:
    given = np.asarray(ratings, dtype=np.intp)
    if given.ndim != 2 or given.min(initial=-1) < -1 or given.max(initial=-1) >= categories:
        raise ValueError(f"ratings are coders × units, each a category below {categories} or -1 for not judged")
    return given


def _beyond(agreed: float, chance: float) -> float:
    return float(ratio(agreed - chance, 1 - chance))


def _conger_chance(given: NDArray[np.intp], categories: int) -> float:
    """Gwet (2014, ch. 2): squared mean share less its between-coder variance, summed over categories."""
    voiced = given[(given >= 0).any(1)]
    if len(voiced) < 2:
        return np.nan
    shares = np.stack([ratio((voiced == k).sum(1), (voiced >= 0).sum(1)) for k in range(categories)], axis=1)
    return float((shares.mean(0) ** 2 - shares.var(0, ddof=1) / len(voiced)).sum())


def _ac1_error(agreeing: Floats, counts: Floats, share: Floats, agreed: float, chance: float) -> float | None:
    """Standard error over units (Gwet 2014, eq. 5.28), without finite-population correction."""
    n, q = counts.shape
    judged = counts.sum(1)
    if n < 2 or q < 2 or chance >= 1:
        return None
    several = judged > 1
    scale = n / several.sum()
    own = np.where(several, scale * (np.nan_to_num(agreeing) - chance) / (1 - chance), 0.0)
    value = (agreed - chance) / (1 - chance)
    pull = ((counts / judged[:, None]) @ (1 - share)) / (q - 1)
    centred = own - 2 * (1 - value) * (pull - chance) / (1 - chance) - value
    return float(np.sqrt((centred**2).sum() / (n * (n - 1))))
