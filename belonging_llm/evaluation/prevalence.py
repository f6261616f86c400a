"""How often a code really occurs: a model's share corrected by what people found in an audited sample.

A model that errs in one direction gives a precise and wrong share. The estimators here use the
model's codings everywhere and people's on a probability sample, and are right whatever the model
does (Angelopoulos et al. 2023; Egami et al. 2023). Variance is taken between participants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from belonging_llm.evaluation.estimate import Estimate, Floats, Interval, undefined

FEW_POSITIVES = 5
NO_PROBABILITIES = (
    "the probability with which each segment could be audited is not known; draw the sample with "
    "`belonging audit plan`, which records it"
)
NOTHING_AUDITED = "nothing was audited"
# The formula knows nothing of it, and its interval is symmetric.
CUT = "the interval is cut where no share can lie, below 0% or above 100%"
OUTSIDE = "the estimate itself lies outside 0% to 100%: the sample is too small for this correction"
ONE_CLUSTER = "one participant only: no variance between participants can be had"


@dataclass(frozen=True)
class Corrected:
    """A prevalence from model and people together.

    Attributes:
        estimate: With its t interval between participants (z where units are taken as independent), cut at 0 and 1; its
            flag says so.
        tuning: λ, the weight of the model's count (PPI++): 0 leaves people's sample alone. The design-based estimator
            takes the count whole, so that it is always 1 there, however good or bad the model is.
        gain: How many times as many audited segments a people-only estimate would need for this precision;
            None when either variance is unknown or zero.
    """

    estimate: Estimate
    naive: Estimate
    human_only: Estimate
    tuning: float | None
    gain: float | None
    audited: int
    audited_positive: int


def ppi_mean(
    human: ArrayLike,
    model_on_audited: ArrayLike,
    model_on_rest: ArrayLike,
    *,
    audited_by: ArrayLike | None = None,
    rest_by: ArrayLike | None = None,
    tuning: float | None = None,
    level: float = 0.95,
) -> Corrected:
    """Prediction-powered mean λf̄ + mean(y − λf) (PPI++, Angelopoulos, Duchi & Zrnic 2023).

    The audited units must be a uniform random sample of all units (or of all participants).

    Args:
        human: 0/1 by people on the audited units, shape (n,); likewise `model_on_audited`.
        model_on_rest: 0/1 by the model on the other units, shape (N,); without any, people alone answer.
        audited_by: Participant of each audited unit, as integers shared with `rest_by`; without them units
            are taken as independent and the interval is normal.
        tuning: λ; None finds the one with the smallest variance, within 0 … 1.
    """
    y, f, rest = (np.asarray(part, float) for part in (human, model_on_audited, model_on_rest))
    if not len(y):
        return _nothing(NOTHING_AUDITED, float(rest.mean()) if len(rest) else None)
    if not len(rest):
        rest, rest_by, tuning = f, audited_by, 0.0
    clustered = audited_by is not None and rest_by is not None
    own = np.asarray(audited_by, np.intp) if clustered else np.arange(len(y))
    others = np.asarray(rest_by, np.intp) if clustered else len(y) + np.arange(len(rest))
    how_much = _tuning(y, f, rest, own, others, clustered) if tuning is None else tuning
    point = how_much * rest.mean() + (y - how_much * f).mean()
    if clustered:
        df = len(np.unique(own)) - 1
        error = _cluster_error(_pulls(y - how_much * f, own), _pulls(how_much * rest, others))
    else:
        df = None
        error = float(np.sqrt((how_much * rest).var() / len(rest) + (y - how_much * f).var() / len(y)))
    alone = _cluster_error(_pulls(y, own), {}) if clustered else float(y.std() / np.sqrt(len(y)))
    return Corrected(
        estimate=_with_interval(float(point), error, df, level, _flag(y)),
        naive=Estimate(float(rest.mean())),
        human_only=_with_interval(float(y.mean()), alone, df, level, _flag(y)),
        tuning=float(how_much),
        gain=float(alone**2 / error**2) if error > 0 and alone > 0 else None,
        audited=len(y),
        audited_positive=int(y.sum()),
    )


def design_based(
    model: ArrayLike,
    human: ArrayLike,
    inclusion: ArrayLike | None,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Corrected:
    """Mean of the pseudo-outcomes f + R/π·(y − f) (Egami, Hinck, Stewart & Wei 2023, eq. 3).

    Args:
        model: 0/1 on every unit, shape (n,).
        human: 0/1 by people, NaN on units that were not audited.
        inclusion: Probability (0, 1] with which each unit came into the audit; None, or another value on
            any unit, refuses the estimate: what could not be audited is not corrected.
        clusters: Participant of each unit, as integers.
    """
    f, y = np.asarray(model, float), np.asarray(human, float)
    audited = ~np.isnan(y)
    naive = float(f.mean()) if len(f) else None
    if not audited.any():
        return _nothing(NOTHING_AUDITED, naive)
    chance = None if inclusion is None else np.asarray(inclusion, float)
    if chance is None or not ((chance > 0) & (chance <= 1)).all():
        return _nothing(NO_PROBABILITIES, naive)
    outcomes = pseudo_outcomes(f, y, chance)
    own = np.arange(len(f)) if clusters is None else np.asarray(clusters, np.intp)
    g = len(np.unique(own))
    if g < 2:
        return _nothing(ONE_CLUSTER, naive)
    df = len(np.unique(own[audited])) - 1 if clusters is not None else g - 1
    error = _cluster_error(_pulls(outcomes, own), {})
    weighted = np.where(audited, np.nan_to_num(y) / chance, 0.0)
    share = np.where(audited, 1 / chance, 0.0)
    # Hájek: people alone, each audited unit standing for 1/π of them.
    alone = float(weighted.sum() / share.sum())
    pulls = _pulls(weighted - alone * share, own, centre=False)
    scale = len(f) / share.sum()
    alone_error = _cluster_error({k: v * scale for k, v in pulls.items()}, {})
    flag = _flag(y[audited])
    return Corrected(
        estimate=_with_interval(float(outcomes.mean()), error, df, level, flag),
        naive=Estimate(float(f.mean())),
        human_only=_with_interval(alone, alone_error, df, level, flag),
        tuning=1.0,
        gain=float(alone_error**2 / error**2) if error > 0 and alone_error > 0 else None,
        audited=int(audited.sum()),
        audited_positive=int(np.nansum(y)),
    )


def pseudo_outcomes(model: Floats, human: Floats, inclusion: Floats) -> Floats:
    """F + R/π·(y − f), shape (n,); the model's own value where nobody audited."""
    audited = ~np.isnan(human)
    correction = np.where(audited, np.nan_to_num(human) - model, 0.0)
    return np.asarray(model + np.divide(correction, inclusion, out=np.zeros(len(model)), where=audited))


def _tuning(
    y: Floats, f: Floats, rest: Floats, own: NDArray[np.intp], others: NDArray[np.intp], clustered: bool
) -> float:
    """The λ that minimises the variance, within 0 … 1 (PPI++, eq. 8; between participants where known)."""
    if not clustered:
        together = np.concatenate([f, rest]).var(ddof=1)
        if not together or len(y) < 2:
            return 0.0
        return float(np.clip(np.cov(y, f, ddof=0)[0, 1] / ((1 + len(y) / len(rest)) * together), 0, 1))
    of_y, of_f, of_rest = _pulls(y, own), _pulls(f, own), _pulls(rest, others)
    pull = {g: of_f.get(g, 0.0) - of_rest.get(g, 0.0) for g in of_f.keys() | of_rest.keys()}
    under = sum(v**2 for v in pull.values())
    return float(np.clip(sum(of_y.get(g, 0.0) * v for g, v in pull.items()) / under, 0, 1)) if under > 0 else 0.0


def _pulls(values: Floats, groups: NDArray[np.intp], *, centre: bool = True) -> dict[int, float]:
    """What each participant adds to the mean's deviation."""
    if not len(values):
        return {}
    names, index = np.unique(groups, return_inverse=True)
    totals = np.bincount(index, values - (values.mean() if centre else 0), len(names)) / len(values)
    return dict(zip(names.tolist(), totals.tolist(), strict=True))


def _cluster_error(first: dict[int, float], second: dict[int, float]) -> float:
    groups = first.keys() | second.keys()
    g = len(groups)
    if g < 2:
        return float("nan")
    return float(np.sqrt(g / (g - 1) * sum((first.get(k, 0.0) + second.get(k, 0.0)) ** 2 for k in groups)))


def _with_interval(point: float, error: float, df: int | None, level: float, flag: str) -> Estimate:
    if not np.isfinite(error) or (df is not None and df < 1):
        return Estimate(point, flag=flag or ONE_CLUSTER)
    tail = (1 + level) / 2
    reach = float(stats.norm.ppf(tail) if df is None else stats.t.ppf(tail, df)) * error
    method = "normal, units taken as independent" if df is None else f"t between participants, {df} df"
    low, high = np.clip((point - reach, point + reach), 0, 1)
    remarks = [
        flag,
        OUTSIDE if not 0 <= point <= 1 else "",
        CUT if (low, high) != (point - reach, point + reach) else "",
    ]
    interval = Interval(float(low), float(high), level, method)
    return Estimate(point, se=error, flag="; ".join(filter(None, remarks)), interval=interval)


def _flag(human: Floats) -> str:
    positives = int(np.nansum(human))
    return f"only {positives} audited positives" if positives < FEW_POSITIVES else ""


def _nothing(reason: str, naive: float | None) -> Corrected:
    none = undefined(reason)
    return Corrected(none, Estimate(naive) if naive is not None else none, none, None, None, 0, 0)
