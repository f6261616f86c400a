"""Fuse what was learned from people with what the codebook says, and calibrate: how much each voice counts is learned.

Platt scaling (1999) with several inputs: one slope a voice for all codes, and an intercept for each code that leans on
what all codes share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from belonging_llm.codes.signals import Floats

# Pulls a code's intercept towards what all codes share; worth this many examples.
SHARED = 20.0
# Log odds beyond which no chance goes: voices that part a few examples cleanly have slopes without end.
SUREST = 15.0
# Where everybody said the same, the next one may still differ.
RAREST = 0.018


@dataclass(frozen=True)
class Judged:
    """What voices say of segments that people judged, and what people said.

    Attributes:
        voices: Each of shape (n, n_codes); NaN where a voice has nothing to say.
        truth: Share of people who gave the code, shape (n, n_codes); NaN where nobody judged.
    """

    voices: tuple[Floats, ...]
    truth: Floats

    @property
    def there(self) -> NDArray[np.bool_]:
        """Pairs with a judgement and all voices."""
        return np.asarray(~np.isnan(self.truth) & ~np.isnan(np.sum(self.voices, axis=0)))

    def __add__(self, other: Judged) -> Judged:
        """Both together."""
        voices = tuple(np.concatenate(pair) for pair in zip(self.voices, other.voices, strict=True))
        return Judged(voices, np.concatenate([self.truth, other.truth]))


@dataclass(frozen=True)
class Mixing:
    """How voices are fused, and where chances stand.

    Attributes:
        slopes: How much each voice counts, shape (n_voices,).
        shared: Intercept of all codes; `shift` what calibration adds to it.
        shifts: What it adds for each code, shape (n_codes,).
    """

    slopes: Floats
    shared: Floats
    shift: Floats
    shifts: Floats

    def chances(self, voices: Sequence[Floats]) -> Floats:
        """Chances of any segments, shape (n, n_codes), from what each voice says of them, each of that shape."""
        logits = _fused(self.slopes, self.shared, voices, voices[0].shape) + float(self.shift) + self.shifts
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -SUREST, SUREST))))


def calibrated(voices: Sequence[Floats], weighing: Judged, checking: Judged) -> Floats:
    """Chances of all segments from all voices, shape (n_segments, n_codes); NaN where nothing can be said.

    Args:
        voices: What each voice says of every segment, shape (n_segments, n_codes); otherwise as `mixed`.
    """
    found = mixed(weighing, checking)
    return np.full(voices[0].shape, np.nan) if found is None else found.chances(voices)


def mixed(weighing: Judged, checking: Judged) -> Mixing | None:
    """Learn how to fuse and calibrate; None where nothing was judged.

    Args:
        weighing: Segments to learn from how much each voice counts.
        checking: Segments on which expected and observed shares are to meet.
    """
    there = checking.there
    if not there.any():
        return None
    slopes, shared = platt(weighing)
    checked = _fused(slopes, shared, checking.voices, checking.truth.shape)
    shift = _shift(checked[there], checking.truth[there], 0.0)
    checked = checked + shift
    shifts = np.zeros(there.shape[1])
    for k in range(there.shape[1]):
        if (rows := there[:, k]).any():
            shifts[k] = _shift(checked[rows, k], checking.truth[rows, k], SHARED)
    return Mixing(np.array(slopes), np.array(shared), np.array(shift), shifts)


def _fused(
    slopes: Sequence[float] | Floats, shared: float | Floats, voices: Sequence[Floats], shape: tuple[int, ...]
) -> Floats:
    pairs = zip(slopes, voices, strict=True)
    return np.asarray(sum((float(s) * voice for s, voice in pairs), np.full(shape, float(shared))))


def platt(heard: Judged) -> tuple[list[float], float]:
    """A slope for each voice and an intercept; 0 for a voice that does not rise with the truth beside the others."""
    truth = heard.truth[heard.there]
    inputs = np.stack([voice[heard.there] for voice in heard.voices], axis=1)
    rate = float(np.clip(truth.mean(), RAREST, 1 - RAREST))
    slopes, intercept = np.zeros(inputs.shape[1]), float(np.log(rate / (1 - rate)))
    label = np.concatenate([np.ones(len(truth)), np.zeros(len(truth))])
    weight = np.concatenate([truth, 1 - truth])
    used = weight > 0
    listened = np.ptp(inputs, axis=0) > 0
    while listened.any() and len(np.unique(label[used])) == 2:
        doubled = np.tile(inputs[:, listened], (2, 1))[used]
        model = LogisticRegression(C=1e3).fit(doubled, label[used], sample_weight=weight[used])
        if (model.coef_[0] > 0).all():
            slopes[listened], intercept = model.coef_[0], float(model.intercept_[0])
            break
        listened[np.flatnonzero(listened)[model.coef_[0].argmin()]] = False
    return slopes.tolist(), intercept


def _shift(logits: Floats, truth: Floats, shrunk: float) -> float:
    """The change of intercept that makes expected and observed shares meet, shrunk as by so many more examples."""
    shift = 0.0
    for _ in range(25):
        p = 1 / (1 + np.exp(-(logits + shift)))
        slope = (p * (1 - p)).sum() + shrunk * 0.1
        step = ((truth - p).sum() - shrunk * 0.1 * shift) / max(slope, 1e-9)
        shift += float(np.clip(step, -1, 1))
        if abs(shift) > FARTHEST:
            return float(np.sign(shift) * FARTHEST)
    return shift


# Where nobody, or everybody, gave a code, shares meet at no finite shift.
FARTHEST = 4.0
