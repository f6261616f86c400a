"""Weigh all codes of a segment in one short call: how likely a model finds each code's letter as its answer.

For models that tell log-probabilities. A small model prefers some letters whatever it reads; what counts
is how much more likely a letter is here than over all segments that were asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
from pydantic import ConfigDict, RootModel
from scipy.special import log_softmax

from belonging_llm.asking import Asker, Question
from belonging_llm.codebook import Framework
from belonging_llm.codes.judge import BATCH, QUESTION_SHOWN, SHOWN, OpenSegment
from belonging_llm.codes.signals import Floats
from belonging_llm.errors import ReplyError
from belonging_llm.prompts import Prompt

MEANING_SHOWN = 220
NONE = "none of these"
MOST = len(ascii_uppercase) - 1
# Before anything is known of a model: a standard deviation of its score moves the log-odds by this much,
# believed like so many judgements.
USUAL, BELIEVED = 0.6, 30.0
FEWEST = 20
# Servers round.
ROUNDING = 1e-3


class Likelihoods(RootModel[dict[str, float]]):
    """Log-probability of each letter."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Option:
    """A code as the prompt shows it."""

    letter: str
    meaning: str


@dataclass(frozen=True)
class Scale:
    """What makes scores comparable, and what they are worth.

    Attributes:
        centre: Mean score of each code over the segments asked about, shape (n_codes,); likewise `spread`.
        slope: How far one spread moves the log-odds; 0 where the model's scores taught nothing.
        heard: Judgements by people that the slope was learned from.
    """

    centre: tuple[float, ...]
    spread: tuple[float, ...]
    slope: float
    heard: int

    def shifts(self, scores: Floats) -> Floats:
        """Changes of the log-odds from scores (…, n_codes)."""
        spread = np.array(self.spread)
        standard = (scores - np.array(self.centre)) / np.where(spread > 0, spread, 1)
        return np.asarray(self.slope * np.clip(standard, -3, 3))


def fits(framework: Framework) -> bool:
    """Whether the codebook has few enough codes to give each a letter."""
    return len(framework.assignable) <= MOST


def score(
    open_segments: Sequence[OpenSegment],
    framework: Framework,
    *,
    asker: Asker,
    prompt: Prompt,
    done: Callable[[int], None] = lambda _: None,
) -> dict[str, Floats | Exception]:
    """Scores by segment, shape (n_codes,): the log-probability of each code's letter among all letters.

    Raises:
        Incomplete: the model's endpoint is gone.
    """
    found: dict[str, Floats | Exception] = {}
    for start in range(0, len(open_segments), BATCH):
        batch = open_segments[start : start + BATCH]
        answers = asker.ask_all([weighing(item, framework, prompt) for item in batch])
        for item, answer in zip(batch, answers, strict=True):
            found[item.segment.id] = answer if isinstance(answer, Exception) else scores_of(answer)
        done(len(found))
    return found


def doubtful(chance: Floats, share: float) -> list[int]:
    """Rows to ask about, those first where an answer is expected to settle most.

    Args:
        chance: Shape (n_segments, n_codes).
        share: Largest share of segments.
    """
    order = np.argsort(-_openness(chance), kind="stable")
    return [int(i) for i in order[: int(share * len(chance) + 1e-9)]]


def least_doubtful(chance: Floats, share: float) -> float:
    """How open the last segment is that `doubtful` asks about; infinite where it asks about none."""
    rows = doubtful(chance, share)
    return float(_openness(chance)[rows[-1]]) if rows else float("inf")


def doubtful_beyond(chance: Floats, least: float) -> list[int]:
    """Rows that are at least so open, the most open first."""
    how_open = _openness(chance)
    return [int(i) for i in np.argsort(-how_open, kind="stable") if how_open[i] >= least]


def _openness(chance: Floats) -> Floats:
    """How much an answer is expected to settle, by segment."""
    return np.asarray((chance * (1 - chance)).sum(axis=1))


def scale(scores: Floats, chance: Floats, shares: Floats | None) -> Scale:
    """Centre and spread from all scores; the slope from those segments that people judged.

    Args:
        scores: Of the segments asked about, shape (n, n_codes).
        chance: Before the model was asked, same shape.
        shares: What people said, same shape, NaN where they said nothing; None where nobody did.
    """
    if len(scores) < FEWEST:
        return Scale((0.0,) * scores.shape[1], (1.0,) * scores.shape[1], 0.0, 0)
    centre, spread = scores.mean(0), scores.std(0)
    standard = np.clip((scores - centre) / np.where(spread > 0, spread, 1), -3, 3)
    known = ~np.isnan(shares) if shares is not None else np.zeros(scores.shape, bool)
    slope = _slope(standard[known], chance[known], shares[known]) if shares is not None and known.any() else USUAL
    return Scale(tuple(map(float, centre)), tuple(map(float, spread)), slope, int(known.sum()))


def _slope(standard: Floats, chance: Floats, share: Floats) -> float:
    """Logistic regression of what people said on the score, with the chance before as offset; never negative."""
    offset = np.log(np.clip(chance, 1e-6, 1 - 1e-6) / np.clip(1 - chance, 1e-6, 1))
    slope = USUAL
    for _ in range(50):
        p = 1 / (1 + np.exp(-(offset + slope * standard)))
        pull = (standard * (share - p)).sum() - BELIEVED * (slope - USUAL) * 0.1
        bend = (standard**2 * p * (1 - p)).sum() + BELIEVED * 0.1
        slope += float(np.clip(pull / bend, -0.5, 0.5))
    return max(0.0, slope)


def weighing(item: OpenSegment, framework: Framework, prompt: Prompt) -> Question[Likelihoods]:
    """What is asked about one segment."""
    options = [Option(letter, meaning) for letter, meaning in zip(ascii_uppercase, _meanings(framework), strict=False)]
    letters = tuple(option.letter for option in options)

    def check(answer: Likelihoods) -> None:
        if set(answer.root) != set(letters) or not all(np.isfinite(list(answer.root.values()))):
            raise ReplyError("likelihoods of other letters than those asked for, or none at all")
        if max(answer.root.values()) > ROUNDING:
            raise ReplyError("a logarithm of a probability above 0")

    rendered = prompt.render(
        options=options, question=item.question[:QUESTION_SHOWN], segment=item.segment.text[:SHOWN]
    )
    return Question(rendered, Likelihoods, 1, options=letters, check=check, about=(item.segment.participant,))


def _meanings(framework: Framework) -> list[str]:
    found = [f"{code.name}: {code.definition or code.name}"[:MEANING_SHOWN] for code in framework.assignable]
    return [*found, NONE]


def scores_of(answer: Likelihoods) -> Floats:
    """Log-probability of each code's letter among all letters, shape (n_codes,)."""
    values = np.array([answer.root[letter] for letter in sorted(answer.root)])
    return np.asarray(log_softmax(values)[:-1])


def shifts_of(said: Mapping[str, Floats | Exception], scale: Scale) -> dict[str, Floats | Exception]:
    """What each segment's scores move, by segment."""
    return {ident: one if isinstance(one, Exception) else scale.shifts(one) for ident, one in said.items()}
