"""Counts, codes and answers of sentinels, drawn from distributions that are known."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from belonging_llm.evaluation import Counts, counts, holm, odd_one_out, surprise
from evals.drift.rates import LOOK, WATCH, Rate, Simulation, design

Random = np.random.Generator


def shares(repetitions: int, seed: int) -> Simulation:
    """Prediction of counts: participants' shares are beta, logit-normal, or a mixture in which one in ten stands out.

    12 or 40 past participants and 1 or 4 new ones, each with 15 to 45 segments; mean share .1 or .4, intraclass
    correlation .1. Logit-normal: standard deviation .7. Mixture: one participant in ten has three times the share, at
    most .9. Nothing has changed. For comparison: a binomial test that takes segments as independent.
    """
    dice, rates = np.random.default_rng(seed), []
    for kind in ("beta", "logit-normal", "mixture"):
        for past, new in ((12, 1), (12, 4), (40, 1), (40, 4)):
            found = [_one_share(dice, kind, past, new, mean) for mean in (0.1, 0.4) for _ in range(repetitions)]
            p, naive = np.array(found).T
            where = f"{kind}, {past} past, {new} new"
            # A mixture breaks what the prediction assumes: how much that costs is to be seen.
            wanted = None if kind == "mixture" else (0, 0.01)
            rates.append(Rate(f"{where}: alarm", int((p <= WATCH.level).sum()), len(p), wanted))
            rates.append(Rate(f"{where}: p ≤ .05", int((p <= LOOK).sum()), len(p)))
            rates.append(Rate(f"{where}: p ≤ .05, binomial", int((naive <= LOOK).sum()), len(p)))
    return Simulation("shares", design(shares), tuple(rates))


def _one_share(dice: Random, kind: str, past: int, new: int, mean: float) -> tuple[float, float]:
    before, now = (_people(dice, kind, n, mean) for n in (past, new))
    naive = stats.binomtest(now.marked, now.units, max(before.marked, 1) / before.units, "greater").pvalue
    found = surprise(now, before, WATCH.level, above_only=True)
    return float(found.p_value or 0.0), float(naive)


def _people(dice: Random, kind: str, n: int, mean: float, rho: float = 0.1) -> Counts:
    said = dice.integers(15, 46, n)
    if kind == "beta":
        own = dice.beta(mean * (1 / rho - 1), (1 - mean) * (1 / rho - 1), n)
    elif kind == "logit-normal":
        own = expit(logit(mean) + 0.7 * dice.standard_normal(n))
    else:
        own = np.where(dice.random(n) < 0.1, min(3 * mean, 0.9), mean)
    return counts(said, dice.binomial(said, own))


def years(repetitions: int, seed: int) -> Simulation:
    """A year of weekly batches in which nothing changes: in how many years is there any alarm?

    One interview a week onto 12; what is past grows. Novelty: two shares, .3 (misfits) and .01 (close together).
    Codes: three of mean share .02, .1 and .4. Intraclass correlation .1. For comparison: any week with p ≤ .05.
    """
    dice = np.random.default_rng(seed)
    found = np.array([_year(dice) for _ in range(max(repetitions // 5, 6))])
    names = [f"{what}: {sign} in a year" for sign in ("alarm", "p ≤ .05") for what in ("novelty", "codes")]
    wanted: list[tuple[float, float] | None] = [(0, 0.1), (0, 0.1), None, None]
    rates = [Rate(n, int(found[:, k].sum()), len(found), wanted[k]) for k, n in enumerate(names)]
    return Simulation("years", design(years), tuple(rates))


def _year(dice: Random) -> tuple[bool, bool, bool, bool]:
    means = [0.3, 0.01, 0.02, 0.1, 0.4]
    past = [_people(dice, "beta", 12, mean) for mean in means]
    least, least_code = 1.0, 1.0
    for _ in range(WATCH.batches):
        new = [_people(dice, "beta", 1, mean) for mean in means]
        p = [
            float(surprise(n, b, WATCH.level, above_only=k < 2).p_value or 0.0)
            for k, (n, b) in enumerate(zip(new, past, strict=True))
        ]
        least, least_code = min(least, 2 * min(p[:2])), min(least_code, float(holm(p[2:]).min()))
        past = [counts(np.r_[b.n, n.n], np.r_[b.k, n.k]) for n, b in zip(new, past, strict=True)]
    return least <= WATCH.level, least_code <= WATCH.level, least <= LOOK, least_code <= LOOK


def codes(repetitions: int, seed: int) -> Simulation:
    """Ten codes of mean share .1, intraclass correlation .05, 40 past participants; one code changes its share.

    A batch of 4 or 10 interviews. Power is the share of batches in which that code raises an alarm.
    """
    dice, rates = np.random.default_rng(seed), []
    for new, share, wanted in (
        (4, 0.1, (0, 0.01)),
        (4, 0.4, None),
        (4, 0.6, (0.9, 1)),
        (10, 0.3, None),
        (10, 0.4, (0.9, 1)),
    ):
        hits = sum(_code_moved(dice, new, share) for _ in range(repetitions))
        rates.append(Rate(f"{new} interviews, share .1 before, {share} now: alarm", hits, repetitions, wanted))
    return Simulation("codes", design(codes), tuple(rates))


def _code_moved(dice: Random, new: int, share: float) -> bool:
    p = []
    for k in range(10):
        past = _people(dice, "beta", 40, 0.1, 0.05)
        p.append(surprise(_people(dice, "beta", new, share if k == 0 else 0.1, 0.05), past, WATCH.level / 10).p_value)
    return bool(holm([one or 0.0 for one in p])[0] <= WATCH.level)


def sentinels(repetitions: int, seed: int) -> Simulation:
    """30 sentinels, 8 codes, answered 3 times (the first batch after a series began) or 12 times before.

    A change turns one answer about a sentinel, for a share of the sentinels. A wavering model turns each answer with
    probability .01 whenever it is asked, so that 8 % of the sentinels differ each time anyway.
    """
    dice, rates = np.random.default_rng(seed), []
    designs: tuple[tuple[int, float, float, tuple[float, float] | None], ...] = (
        (3, 0, 0, (0, 0.01)),
        (3, 0.01, 0, (0, 0.01)),
        (12, 0.01, 0, (0, 0.01)),
        (3, 0, 0.2, None),
        (3, 0, 0.35, (0.9, 1)),
        (12, 0, 0.2, (0.9, 1)),
        (3, 0.01, 0.35, None),
        (3, 0.01, 0.5, (0.9, 1)),
        (12, 0.01, 0.35, None),
        (12, 0.01, 0.45, (0.9, 1)),
    )
    for times, wavering, changed, wanted in designs:
        hits = sum(_model_changed(dice, times, wavering, changed) for _ in range(repetitions))
        name = f"{times} times before, wavering {wavering}, {changed} of the sentinels changed: alarm"
        rates.append(Rate(name, hits, repetitions, wanted))
    return Simulation("sentinels", design(sentinels), tuple(rates))


def _model_changed(dice: Random, times: int, wavering: float, changed: float) -> bool:
    usual = dice.random((30, 8)) < 0.3
    said = np.stack([usual ^ (dice.random(usual.shape) < wavering) for _ in range(times + 1)]).astype(np.int8)
    turned = np.flatnonzero(dice.random(30) < changed)
    said[-1, turned, dice.integers(8, size=len(turned))] ^= 1
    return odd_one_out(said, level=WATCH.level).p_value <= WATCH.level


SIMULATIONS = (shares, years, codes, sentinels)
