"""Is the last of several repetitions unlike the others? An exact test for answers to the same questions over time.

Were the answerer the same all along, the answers to one question would be exchangeable over the times at which it was
asked: any of them is as likely to be the odd one out (Fisher 1935; Pesarin & Salmaso 2010, ch. 1). The answerer's own
wavering is what the earlier answers differ by among themselves, so no rate of it has to be known. One question (a
segment with all its codes, one call) is the unit that is exchanged, so that codes may hang together as they like.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from belonging_llm.evaluation.estimate import Estimate, Interval, undefined
from belonging_llm.evaluation.multiplicity import holm

NOTHING_BEFORE = "no question was answered both now and before"
MISSING = -1
# Answers to a question, the last among them, of which one can be the odd one.
FEWEST = 3


@dataclass(frozen=True)
class Turned:
    """One code: answers that became yes or no, of those that were steady before.

    Attributes:
        p_value: Exact sign test of as many turns to yes as to no, Holm-adjusted over codes; None where nothing turned.
    """

    to_yes: int
    to_no: int
    steady: int
    p_value: float | None


@dataclass(frozen=True)
class OddOneOut:
    """The last time against the earlier ones.

    Attributes:
        p_value: Chance of being at least as odd as this, were the last time like the others.
        questions: Asked now and at least once before; `times` earlier times at most.
        changed: Share of questions with an answer that differs from what was mostly said before; Clopper & Pearson's
            interval, since questions are asked independently.
        wavered: The same share for each earlier time against the other earlier ones, on average: what the
            answerer's own wavering comes to. Undefined with fewer than two earlier times.
        enough: So many questions, had they all changed, would pass the level asked for; None where no number would.
    """

    p_value: float
    questions: int
    times: int
    changed: Estimate
    wavered: Estimate
    by_code: tuple[Turned, ...]
    enough: int | None


def odd_one_out(said: NDArray[np.int8], *, level: float) -> OddOneOut:
    """Test the last time.

    Args:
        said: 1, 0 or -1 (no answer), shape (n_times, n_questions, n_codes), the last time last.
        level: What the p-value will be compared with; for `enough`.

    Returns:
        With p = 1 where nothing can be told, such as with one earlier time only: two answers that differ say
        nothing of which is the odd one.
    """
    answered: NDArray[np.bool_] = np.asarray((said >= 0).all(2))
    usable: NDArray[np.bool_] = np.asarray(answered[-1] & answered[:-1].any(0))
    oddness = [_oddness(said[answered[:, q], q]) for q in np.flatnonzero(usable)]
    return OddOneOut(
        p_value=_tail(oddness),
        questions=len(oddness),
        times=int(answered[:-1].any(1).sum()),
        changed=_changed(said, answered, usable),
        wavered=_wavered(said, answered, usable),
        by_code=_turns(said, answered, usable),
        enough=_enough([len(one) for one in oddness], level),
    )


def _oddness(answers: NDArray[np.int8]) -> NDArray[np.int64]:
    """How many answers of other times each time's answers differ from, over all codes, shape (n_times,)."""
    ones = (answers == 1).sum(0)
    others = np.where(answers == 1, len(answers) - ones, ones)
    return np.asarray(others.sum(1), np.int64)


def _tail(oddness: list[NDArray[np.int64]]) -> float:
    """P(sum ≥ observed) when each question's odd one is equally likely at any of its times; by convolution."""
    mass = np.ones(1)
    for one in oddness:
        mass = np.convolve(mass, np.bincount(one) / len(one))
    observed = sum(int(one[-1]) for one in oddness)
    return float(min(mass[observed:].sum(), 1.0)) if oddness else 1.0


def _differs(said: NDArray[np.int8], others: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether an answer differs from what was mostly said, for any code; where yes and no came as often it does not.

    Args:
        said: Shape (…, n_questions, n_codes).
        others: How many of `n` (…, n_questions) other answers were yes, shape of `said`.
    """
    lean = 2 * others - n[..., None]
    return np.asarray((lean * (2 * said.astype(np.int64) - 1) < 0).any(-1))


def _changed(said: NDArray[np.int8], answered: NDArray[np.bool_], usable: NDArray[np.bool_]) -> Estimate:
    if not usable.any():
        return undefined(NOTHING_BEFORE)
    ones, n = _yes(said[:-1], answered[:-1])
    found = int((_differs(said[-1], ones, n) & usable).sum())
    exact = stats.binomtest(found, int(usable.sum())).proportion_ci()
    inside = Interval(float(exact.low), float(exact.high), method="Clopper-Pearson, questions")
    return Estimate(found / int(usable.sum()), interval=inside)


def _wavered(said: NDArray[np.int8], answered: NDArray[np.bool_], usable: NDArray[np.bool_]) -> Estimate:
    ones, n = _yes(said[:-1], answered[:-1])
    there = answered[:-1] & usable & (n > 1)
    if not there.any():
        return undefined("fewer than two earlier times")
    differing = _differs(said[:-1], ones - (said[:-1] == 1), np.broadcast_to(n - 1, there.shape))
    return Estimate(float((differing & there).sum() / there.sum()))


def _yes(said: NDArray[np.int8], answered: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Answers that were yes, shape (n_questions, n_codes), and how many answers there are, shape (n_questions,)."""
    return ((said == 1) & answered[..., None]).sum(0), answered.sum(0)


def _turns(said: NDArray[np.int8], answered: NDArray[np.bool_], usable: NDArray[np.bool_]) -> tuple[Turned, ...]:
    rows = np.flatnonzero(usable)
    counts = np.zeros((3, said.shape[2]), int)
    for q in rows:
        before = said[:-1, q][answered[:-1, q]]
        steady = (before == before[0]).all(0)
        counts[0] += steady & (before[0] == 0) & (said[-1, q] == 1)
        counts[1] += steady & (before[0] == 1) & (said[-1, q] == 0)
        counts[2] += steady
    turned = counts[0] + counts[1]
    tested = [k for k in range(said.shape[2]) if turned[k]]
    raw = [stats.binomtest(int(counts[0, k]), int(turned[k])).pvalue for k in tested]
    adjusted = dict(zip(tested, holm(raw).tolist() if raw else [], strict=True))
    return tuple(
        Turned(int(counts[0, k]), int(counts[1, k]), int(counts[2, k]), adjusted.get(k)) for k in range(said.shape[2])
    )


def _enough(times: list[int], level: float) -> int | None:
    """Fewest questions whose change, everything else steady, would be noticed; those with the longest past first.

    Of two answers that differ neither is the odd one, so that a question with one earlier answer can show nothing.
    """
    p, n = 0.0, 0
    for n, one in enumerate(sorted((one for one in times if one >= FEWEST), reverse=True), 1):
        p -= math.log(one)
        if p <= math.log(level):
            return n
    return None
