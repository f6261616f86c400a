"""Two coders on one question: every coefficient of the paradox panel, for tables of any shape at once.

A 2 × 2 table is given as its cells `a b c d`, shape (…, 4): both assigned, only the first, only the
second, neither. Everything is computed for all leading dimensions together, so that codes, pairs of
coders and resamples cost one call. NaN in an array means undefined; `panel` turns it into a reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, ratio

NO_UNITS = "no unit was judged by both coders"
BOTH_CONSTANT = "neither coder varies: chance agreement is certain, so agreement beyond it is not defined"
ONE_CONSTANT = "one coder never varies; kappa is 0 whatever the other does"
NO_POSITIVES = "neither coder ever assigned it"
NO_NEGATIVES = "both coders always assigned it"


@dataclass(frozen=True)
class Panel:
    """What two coders' agreement on one code looks like from every side; never one figure alone.

    Attributes:
        n: Units judged by both.
        kappa: Cohen (1960), with the large-sample standard error of Fleiss, Cohen & Everitt (1969).
        ac1: Gwet (2008), eq. for two raters.
        pabak: 2·po − 1 (Byrt, Bishop & Carlin 1993, eq. 4).
        prevalence_index: (a − d)/n (Byrt et al. 1993, eq. 2), signed.
        bias_index: (b − c)/n (Byrt et al. 1993, eq. 1), signed.
        positive_agreement: 2a/(2a + b + c) (Cicchetti & Feinstein 1990); likewise `negative_agreement`.
        scott_pi: Scott (1955).
    """

    n: float
    percent_agreement: Estimate
    kappa: Estimate
    ac1: Estimate
    pabak: Estimate
    prevalence_index: Estimate
    bias_index: Estimate
    positive_agreement: Estimate
    negative_agreement: Estimate
    scott_pi: Estimate


def panel(cells: ArrayLike) -> Panel:
    """The whole panel for one 2 × 2 table given as `a b c d`.

    Raises:
        ValueError: not four counts of at least 0.
    """
    table = np.asarray(cells, float)
    if table.shape != (4,) or (table < 0).any():
        raise ValueError("a 2 × 2 table is four counts a, b, c, d of at least 0")
    a, b, c, d = table
    n = float(table.sum())
    one = n > 0 and not _both_constant(table) and (0 in (a + b, c + d) or 0 in (a + c, b + d))
    kappa = estimate(
        float(kappas(table)),
        NO_UNITS if n == 0 else BOTH_CONSTANT,
        se=float(kappa_errors(table)),
        flag=ONE_CONSTANT if one else "",
    )

    def value(found: Floats, why: str) -> Estimate:
        return estimate(float(found), NO_UNITS if n == 0 else why)

    return Panel(
        n=n,
        percent_agreement=value(percent(table), NO_UNITS),
        kappa=kappa,
        ac1=value(ac1s(table), NO_UNITS),
        pabak=value(2 * percent(table) - 1, NO_UNITS),
        prevalence_index=value(ratio(a - d, n), NO_UNITS),
        bias_index=value(ratio(b - c, n), NO_UNITS),
        positive_agreement=value(ratio(2 * a, 2 * a + b + c), NO_POSITIVES),
        negative_agreement=value(ratio(2 * d, 2 * d + b + c), NO_NEGATIVES),
        scott_pi=value(scott_pis(table), BOTH_CONSTANT),
    )


def percent(cells: Floats) -> Floats:
    """Share of units on which both said the same; cells (…, 4) give shape (…,)."""
    return ratio(cells[..., 0] + cells[..., 3], cells.sum(-1))


def kappas(cells: Floats) -> Floats:
    """Cohen's kappa (1960, eq. 1): (po − pe)/(1 − pe); NaN where neither coder varies. Shape (…,)."""
    a, b, c, d = np.moveaxis(cells, -1, 0)
    # The same from counts alone: 0, and not -0.00, where one coder never varies.
    found = ratio(2 * (a * d - b * c), (a + b) * (b + d) + (a + c) * (c + d))
    return np.where(_both_constant(cells), np.nan, found)


def kappa_errors(cells: Floats) -> Floats:
    """Large-sample standard error of kappa (Fleiss, Cohen & Everitt 1969, eq. 13). Shape (…,)."""
    a, b, c, d = np.moveaxis(cells, -1, 0)
    return kappa_error_of(np.stack([np.stack([a, b], -1), np.stack([c, d], -1)], -2))


def ac1s(cells: Floats) -> Floats:
    """Gwet's AC1 (2008) for two categories: chance is 2π(1 − π), π the mean share assigned. Shape (…,)."""
    share = _mean_share(cells)
    chance = 2 * share * (1 - share)
    return ratio(percent(cells) - chance, 1 - chance)


def scott_pis(cells: Floats) -> Floats:
    """Scott's pi (1955); NaN where nobody varies. Shape (…,)."""
    share = _mean_share(cells)
    chance = share**2 + (1 - share) ** 2
    return ratio(percent(cells) - chance, 1 - chance)


def _mean_share(cells: Floats) -> Floats:
    return ratio(2 * cells[..., 0] + cells[..., 1] + cells[..., 2], 2 * cells.sum(-1))


def _both_constant(cells: Floats) -> Floats:
    """One cell holds everything: each coder always said the same."""
    return np.asarray((cells > 0).sum(-1) <= 1)


@dataclass(frozen=True)
class NominalPanel:
    """Two coders, each of whom put every unit into one of several categories.

    Attributes:
        table: Counts, shape (q, q): rows the first coder's category, columns the second's.
        brennan_prediger: S of Bennett, Alpert & Goldstein (1954): chance is 1/q.
        alpha: Krippendorff's nominal alpha for two coders without missing values.
    """

    table: Floats
    percent_agreement: Estimate
    kappa: Estimate
    scott_pi: Estimate
    ac1: Estimate
    brennan_prediger: Estimate
    alpha: Estimate


def nominal_panel(table: ArrayLike) -> NominalPanel:
    """Coefficients over several exclusive categories; `table` is (q, q) counts.

    Standard errors: kappa as in Fleiss, Cohen & Everitt (1969); AC1 and S as in Gwet (2008), without
    finite-population correction.

    Raises:
        ValueError: not a square table of counts of at least 0.
    """
    counts = np.asarray(table, float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise ValueError("a table of two coders is square, with counts of at least 0")
    n, q = float(counts.sum()), counts.shape[0]
    agreed = float(ratio(np.trace(counts), n))
    rows, columns = ratio(counts.sum(1), n), ratio(counts.sum(0), n)
    share = (rows + columns) / 2
    constant = (counts > 0).sum() <= 1
    one = not constant and 1 in ((rows > 0).sum(), (columns > 0).sum())
    why = NO_UNITS if n == 0 else BOTH_CONSTANT
    pi = _beyond(agreed, float((share**2).sum()))
    gwet = _beyond(agreed, float((share * (1 - share)).sum() / (q - 1))) if q > 1 else np.nan
    return NominalPanel(
        table=counts,
        percent_agreement=estimate(agreed, NO_UNITS),
        kappa=estimate(
            np.nan if constant else _beyond(agreed, float(rows @ columns)),
            why,
            se=float(kappa_error_of(counts)),
            flag=ONE_CONSTANT if one else "",
        ),
        scott_pi=estimate(pi, why),
        ac1=estimate(gwet, why, se=_ac1_error(counts)),
        brennan_prediger=estimate(_beyond(agreed, 1 / q), why, se=_flat_error(agreed, n, q) if q > 1 and n else None),
        # Each of the 2n values meets its partner; drawing without replacement adds 1/2n (Krippendorff 2011).
        alpha=estimate(1 - (1 - pi) * (2 * n - 1) / (2 * n) if n else np.nan, why),
    )


def _beyond(agreed: float, chance: float) -> float:
    return float(ratio(agreed - chance, 1 - chance))


def kappa_error_of(tables: Floats) -> Floats:
    """Standard error of kappa for tables (…, q, q), Fleiss, Cohen & Everitt (1969), eq. 13; NaN if undefined."""
    n = tables.sum((-2, -1))
    p = ratio(tables, n[..., None, None])
    rows, columns = p.sum(-1), p.sum(-2)
    agreed = np.trace(p, axis1=-2, axis2=-1)
    chance = (rows * columns).sum(-1)
    kappa = ratio(agreed - chance, 1 - chance)
    off = (1 - kappa)[..., None]
    diagonal = np.diagonal(p, axis1=-2, axis2=-1)
    first = (diagonal * (1 - (rows + columns) * off) ** 2).sum(-1)
    # Rows of the second term take the other coder's marginal: p_ij (p_.i + p_j.)².
    cross = (columns[..., :, None] + rows[..., None, :]) ** 2
    second = off[..., 0] ** 2 * ((p * cross).sum((-2, -1)) - (diagonal * (rows + columns) ** 2).sum(-1))
    third = (kappa - chance * (1 - kappa)) ** 2
    return ratio(np.sqrt(np.maximum(first + second - third, 0)), (1 - chance) * np.sqrt(n))


def _ac1_error(counts: Floats) -> float | None:
    """Gwet (2008), eq. 31, from each unit's own contribution."""
    n, q = counts.sum(), counts.shape[0]
    if n < 2 or q < 2:
        return None
    share = (counts.sum(0) + counts.sum(1)) / (2 * n)
    agreed = np.trace(counts) / n
    chance = float((share * (1 - share)).sum() / (q - 1))
    value = _beyond(float(agreed), chance)
    hit = np.eye(q)
    pull = (share[:, None] + share[None, :]) / 2
    own = (hit - chance) / (1 - chance) - 2 * (1 - value) * ((1 - pull) / (q - 1) - chance) / (1 - chance)
    return float(np.sqrt((counts * (own - value) ** 2).sum()) / n)


def _flat_error(agreed: float, n: float, q: int) -> float:
    return float(np.sqrt(agreed * (1 - agreed) / n) / (1 - 1 / q))
