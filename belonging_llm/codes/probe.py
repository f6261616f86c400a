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
from belonging_llm.codes.fusion import Judged, Mixing, mixed
from belonging_llm.codes.ridge import Line
from belonging_llm.codes.signals import Floats, Signals, Standard
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


@dataclass(frozen=True)
class Sight:
    """On what scale features stand.

    Attributes:
        centre: Mean vector, shape (dim,).
        manner: Of the cues of the surface; `middle` of the inner layers, None where there are none.
    """

    centre: Floats
    manner: Standard
    middle: Standard | None


def features(vectors: Vectors, texts: Sequence[str], signals: Signals, middle: Vectors | None = None) -> Floats:
    """What the probe sees: meaning, manner and the codebook's own evidence; float32, shape (n_segments, d).

    Args:
        middle: Vectors from the encoder's inner layers, shape (n_segments, any); None where it has none.
    """
    return see(vectors, texts, signals, middle)[0]


def see(
    vectors: Vectors,
    texts: Sequence[str],
    signals: Signals,
    middle: Vectors | None = None,
    sight: Sight | None = None,
) -> tuple[Floats, Sight]:
    """Features, and the scale that they stand on: the given one, or these segments' own. Otherwise as `features`."""
    manner = cues(texts)
    sight = sight or Sight(vectors.mean(0), Standard.of(manner), None if middle is None else Standard.of(middle))
    parts = [
        VECTOR * (vectors - sight.centre),
        SURFACE * sight.manner.lay_on(manner),
        EVIDENCE * signals.similarity,
        EVIDENCE * signals.theme,
        EVIDENCE * signals.quoted,
    ]
    if middle is not None and sight.middle is not None:
        # A few of their dimensions would drown all others.
        parts.append(MIDDLE * sight.middle.lay_on(middle) / np.sqrt(middle.shape[1]))
    return np.concatenate(parts, axis=1, dtype=np.float32), sight


@dataclass(frozen=True)
class Probe:
    """What people taught, ready to be asked of any segments.

    Attributes:
        directions: Along which features are read, shape (d, r); None reads them as they are.
        weights: Shape (n_codes, r), NaN for codes that could not be learned; likewise `intercepts`, shape (n_codes,).
        taught: Codes that could be learned, shape (n_codes,).
    """

    directions: Floats | None
    weights: Floats
    intercepts: Floats
    mixing: Mixing | None
    taught: NDArray[np.bool_]

    def says(self, seen: Floats, unaided: Floats | None = None) -> Learned:
        """What it says of segments, from their features (n, d) and, where it was taught with it, `unaided`."""
        scores = _scores(self.weights, self.intercepts, ridge.along(seen, self.directions))
        voices = (scores,) if unaided is None else (scores, unaided)
        chances = np.full(scores.shape, np.nan) if self.mixing is None else self.mixing.chances(voices)
        return Learned(scores, chances, self.taught)


def learn(seen: Floats, lessons: Lessons, checks: Lessons = NO_LESSONS, unaided: Floats | None = None) -> Learned:
    """Learn every code and say what it says of every segment. As `teach`."""
    return teach(seen, lessons, checks, unaided).says(seen, unaided)


def teach(seen: Floats, lessons: Lessons, checks: Lessons = NO_LESSONS, unaided: Floats | None = None) -> Probe:
    """Learn every code.

    Args:
        seen: Features of all segments, shape (n_segments, d).
        lessons: From the development split.
        checks: From the calibration split; without it, calibration rests on development segments held out in
            turn, participant by participant.
        unaided: What the codebook alone says of every pair, shape (n_segments, n_codes): a second voice, heard as
            far as it proves right beside the first.
    """
    directions = ridge.basis(seen, lessons.rows)
    read = ridge.along(seen, directions)
    n_codes = lessons.shares.shape[1] if len(lessons) else 0
    weights, intercepts = np.full((n_codes, read.shape[1]), np.nan), np.full(n_codes, np.nan)
    held_out = np.full((len(lessons), n_codes), np.nan)
    for k in range(n_codes):
        share = lessons.shares[:, k]
        if not _enough(share):
            continue
        line = ridge.line(ridge.fit(read[lessons.rows], share))
        weights[k], intercepts[k] = line.weights, line.intercept
        held_out[:, k] = _held_out(read[lessons.rows], share, lessons.groups)
    scores = _scores(weights, intercepts, read)
    beside = () if unaided is None else (unaided,)
    apart = Judged((held_out, *(voice[lessons.rows] for voice in beside)), lessons.shares)
    checked = Judged(tuple(voice[checks.rows] for voice in (scores, *beside)), checks.shares) if len(checks) else None
    mixing = mixed(apart + checked if checked else apart, checked or apart)
    # A code whose few examples leave no fold to calibrate on counts as not learned.
    taught = np.asarray(~np.isnan(intercepts) & (mixing is not None) & bool(len(seen)))
    return Probe(directions, weights, intercepts, mixing, taught)


def _scores(weights: Floats, intercepts: Floats, read: Floats) -> Floats:
    """Log-odds, shape (n, n_codes); NaN for codes that could not be learned."""
    found = np.full((len(read), len(intercepts)), np.nan)
    for k in np.flatnonzero(~np.isnan(intercepts)):
        found[:, k] = Line(weights[k], intercepts[k]).scores(read)
    return found


@dataclass(frozen=True)
class PolarityProbe:
    """What people taught of absence; attributes as in `Probe`, for one question."""

    directions: Floats | None
    line: Line

    def absent(self, seen: Floats) -> Floats:
        """Probability that belonging is absent where a code applies, shape (n,)."""
        return np.asarray(1 / (1 + np.exp(-self.line.scores(ridge.along(seen, self.directions)))))


def learn_polarity(seen: Floats, rows: NDArray[np.intp], absent: Floats) -> Floats | None:
    """Probability that belonging is absent, by segment; None with too few examples. As `teach_polarity`."""
    probe = teach_polarity(seen, rows, absent)
    return None if probe is None else probe.absent(seen)


def teach_polarity(seen: Floats, rows: NDArray[np.intp], absent: Floats) -> PolarityProbe | None:
    """Learn when belonging is absent where a code applies, all codes together; None with too few examples.

    Args:
        rows: Segments of the features that people gave a code with a polarity; one may come several times.
        absent: What they said, shape (n,): 1 absent, 0 experienced, 0.5 mixed.
    """
    if len(rows) < FEWEST_POLAR or not 0 < absent.mean() < 1:
        return None
    directions = ridge.basis(seen, rows)
    return PolarityProbe(directions, ridge.line(ridge.fit(ridge.along(seen, directions)[rows], absent)))


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
