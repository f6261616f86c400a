"""Learn from people's codings: one regularised logistic regression a code, calibrated, on cheap evidence.

Learned from the development split alone. Where people disagreed, a segment counts for both answers, each
as far as they gave it. With too few examples of a code nothing is learned, and the codebook's own wording
decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codes import ridge
from belonging_llm.codes.fusion import Judged, calibrated
from belonging_llm.codes.signals import Floats, Signals, standardise
from belonging_llm.codes.surface import cues
from belonging_llm.embeddings import Vectors

# Found on two published sets and the sample by cross-validation over documents; see evals/.
VECTOR, MIDDLE, SURFACE, EVIDENCE = 3.0, 7.0, 0.7, 0.5
FEWEST = 3
FEWEST_POLAR = 20
FOLDS = 5


@dataclass(frozen=True)
class Lessons:
    """What people said of some segments.

    Attributes:
        rows: The segments, as rows of the features, shape (n,).
        shares: Share of the people who judged it that gave each code, shape (n, n_codes); NaN where nobody judged.
        groups: Participant of each segment, as integers, shape (n,): held out together.
    """

    rows: NDArray[np.intp]
    shares: Floats
    groups: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)


NO_LESSONS = Lessons(np.empty(0, np.intp), np.empty((0, 0)), np.empty(0, np.intp))


@dataclass(frozen=True)
class Learned:
    """What the probe says of every segment.

    Attributes:
        scores: Log-odds before calibration, 0 where yes and no are equally likely were both equally frequent;
            float64, shape (n_segments, n_codes); NaN for codes that could not be learned.
        chances: Calibrated probability that a person gives the code, same shape; NaN likewise.
        taught: Codes that could be learned, shape (n_codes,).
    """

    scores: Floats
    chances: Floats
    taught: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))


def features(vectors: Vectors, texts: Sequence[str], signals: Signals, middle: Vectors | None = None) -> Floats:
    """What the probe sees: meaning, manner and the codebook's own evidence; float32, shape (n_segments, d).

    Args:
        middle: Vectors from the encoder's inner layers, shape (n_segments, any); None where it has none.
    """
    parts = [
        VECTOR * (vectors - vectors.mean(0)),
        SURFACE * standardise(cues(texts)),
        EVIDENCE * signals.similarity,
        EVIDENCE * signals.theme,
        EVIDENCE * signals.quoted,
    ]
    if middle is not None:
        # A few of their dimensions would drown all others.
        parts.append(MIDDLE * standardise(middle) / np.sqrt(middle.shape[1]))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def learn(seen: Floats, lessons: Lessons, checks: Lessons = NO_LESSONS, unaided: Floats | None = None) -> Learned:
    """Learn every code and say what it says of every segment.

    Args:
        seen: Features of all segments, shape (n_segments, d).
        lessons: From the development split.
        checks: From the calibration split; without it, calibration rests on development segments held out in
            turn, participant by participant.
        unaided: What the codebook alone says of every pair, shape (n_segments, n_codes): a second voice, heard as
            far as it proves right beside the first.
    """
    seen = ridge.spanned(seen, lessons.rows)
    n_codes = lessons.shares.shape[1] if len(lessons) else 0
    scores = np.full((len(seen), n_codes), np.nan)
    held_out = np.full((len(lessons), n_codes), np.nan)
    for k in range(n_codes):
        share = lessons.shares[:, k]
        if not _enough(share):
            continue
        scores[:, k] = ridge.scores(ridge.fit(seen[lessons.rows], share), seen)
        held_out[:, k] = _held_out(seen[lessons.rows], share, lessons.groups)
    beside = () if unaided is None else (unaided,)
    apart = Judged((held_out, *(voice[lessons.rows] for voice in beside)), lessons.shares)
    checked = Judged(tuple(voice[checks.rows] for voice in (scores, *beside)), checks.shares) if len(checks) else None
    chances = calibrated((scores, *beside), apart + checked if checked else apart, checked or apart)
    # A code whose few examples leave no fold to calibrate on counts as not learned.
    taught = np.asarray(~np.isnan(chances).all(axis=0) & bool(len(seen)))
    return Learned(scores, chances, taught)


def learn_polarity(seen: Floats, rows: NDArray[np.intp], absent: Floats) -> Floats | None:
    """Probability that belonging is absent where a code applies, all codes together; None with too few examples.

    Args:
        rows: Segments of the features that people gave a code with a polarity; one may come several times.
        absent: What they said, shape (n,): 1 absent, 0 experienced, 0.5 mixed.
    """
    if len(rows) < FEWEST_POLAR or not 0 < absent.mean() < 1:
        return None
    seen = ridge.spanned(seen, rows)
    model = ridge.fit(seen[rows], absent)
    return np.asarray(model.predict_proba(seen)[:, 1])


def _enough(share: Floats) -> bool:
    judged = share[~np.isnan(share)]
    return len(judged) > 0 and (judged >= 0.5).sum() >= FEWEST and (judged < 0.5).sum() >= FEWEST


def _held_out(seen: Floats, share: Floats, groups: NDArray[np.intp]) -> Floats:
    """Scores of segments by probes that saw none of their participant's; NaN where a fold could not be learned."""
    found = np.full(len(seen), np.nan)
    names = np.unique(groups)
    if len(names) < 2:
        # One participant only: fold over segments, the best that can be had.
        names, groups = np.arange(FOLDS), np.arange(len(seen)) % FOLDS
    for fold in range(min(FOLDS, len(names))):
        out = np.isin(groups, names[fold::FOLDS])
        if _enough(np.where(out, np.nan, share)):
            found[out] = ridge.scores(ridge.fit(seen[~out], share[~out]), seen[out])
    return found
