"""What a run learned, apart from the segments that it learned it from: any others can be coded with it.

Everything is numbers and ids. Segments are weighed one by one, so that what becomes of one never hangs on which others
come with it: the last digits of a matrix product depend on its shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.codebook import Framework
from belonging_llm.codes.decide import Chances, chances, cuts, farthest_asked, strength
from belonging_llm.codes.probe import NO_LESSONS, Lessons, PolarityProbe, Probe, Sight, see, teach, teach_polarity
from belonging_llm.codes.score import Scale, least_doubtful
from belonging_llm.codes.signals import Embed, Floats, Measures, Signals, weigh
from belonging_llm.codes.unaided import Carried, train
from belonging_llm.codes.word import UNHEARD, Word
from belonging_llm.embeddings import Vectors
from belonging_llm.themes import Theme

# How segments are coded; another number, and what was coded before is no longer what would be said now.
METHOD = 2


@dataclass(frozen=True)
class Material:
    """Segments as they are weighed.

    Attributes:
        vectors: Unit length, float32, shape (n, dim).
        middle: From the encoder's inner layers, shape (n, any); None where it has none.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    vectors: Vectors
    middle: Vectors | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def one(self, row: int) -> Material:
        """One of them alone."""
        middle = None if self.middle is None else self.middle[row : row + 1]
        return Material(self.ids[row : row + 1], self.texts[row : row + 1], self.vectors[row : row + 1], middle)


@dataclass(frozen=True)
class Lesson:
    """What people taught: of the development split, of the calibration split, and when belonging is absent.

    Attributes:
        polar_rows: Segments that somebody gave a code with a polarity, one entry a coding, shape (n,).
        polar_absent: What they said: 1 absent, 0.5 mixed, 0 experienced.
    """

    development: Lessons = NO_LESSONS
    calibration: Lessons = NO_LESSONS
    polar_rows: Floats | None = None
    polar_absent: Floats | None = None


@dataclass(frozen=True)
class Pool:
    """Segments that people coded and that may be shown beside others.

    Attributes:
        ids: n of them.
        shares: Share of people who gave each code, shape (n, n_codes); NaN where nobody judged.
    """

    ids: tuple[str, ...]
    shares: Floats


@dataclass(frozen=True)
class Weighed:
    """All that is known of segments before a model is asked.

    Attributes:
        absent: Learned probability that belonging is absent where a code applies, shape (n,); None where too little
            was coded.
    """

    signals: Signals
    likely: Chances
    absent: Floats | None


@dataclass(frozen=True)
class Coder:
    """What a run learned.

    Attributes:
        codes: Ids of the codebook's assignable codes, in its order; all columns below are theirs.
        carried: What nobody taught; None where there were too few segments.
        probe: What people taught; None where they coded nothing, likewise `polarity`.
        cut: The chance of each code from which a yes is guessed, shape (n_codes,).
        farthest: A model that answers in words is asked where a segment is no farther from even than this.
        least: A model that weighs all codes is asked where a segment is at least so open.
        scale: What makes the scores of a model that weighs codes comparable; None where none was asked.
        word: What the word of a model that answers is worth.
        pool: What such a model is shown; None where it is shown nothing.
    """

    codes: tuple[str, ...]
    measures: Measures
    sight: Sight
    carried: Carried | None
    probe: Probe | None
    polarity: PolarityProbe | None
    cut: Floats
    farthest: float
    least: float
    scale: Scale | None = None
    word: Word = UNHEARD
    pool: Pool | None = None

    def weigh(self, given: Material, framework: Framework, themes: Sequence[Theme], embed: Embed) -> Weighed:
        """Weigh segments all together, as those were that this was learned from."""
        signals = weigh(given.ids, given.vectors, framework, themes, embed, texts=given.texts, measures=self.measures)
        seen, _ = see(given.vectors, given.texts, signals, given.middle, self.sight)
        evidence = strength(signals)
        unaided = evidence if self.carried is None else self.carried.over(evidence, seen)
        learned = None if self.probe is None else self.probe.says(seen, unaided)
        absent = None if self.polarity is None else self.polarity.absent(seen)
        return Weighed(signals, chances(unaided, learned, self.cut), absent)

    def weigh_each(self, given: Material, framework: Framework, themes: Sequence[Theme], embed: Embed) -> Weighed:
        """Weigh segments one by one: each comes out the same, whatever comes with it."""
        if not len(given):
            none = np.zeros((0, len(self.codes)))
            nothing = weigh((), given.vectors, framework, (), embed, measures=self.measures)
            return Weighed(nothing, Chances(none, none, np.zeros(len(self.codes), bool)), None)
        held, once = _holders(themes), _remembering(embed)
        apart = [
            self.weigh(given.one(row), framework, held.get(ident, ()), once) for row, ident in enumerate(given.ids)
        ]
        return _together(apart)


def learn_coder(
    given: Material, framework: Framework, themes: Sequence[Theme], embed: Embed, taught: Lesson, *, share: float
) -> tuple[Coder, Weighed]:
    """Learn from segments, and say what is known of them.

    Args:
        share: Largest share of segments that a model is asked about.
    """
    signals = weigh(given.ids, given.vectors, framework, themes, embed, texts=given.texts)
    seen, sight = see(given.vectors, given.texts, signals, given.middle)
    evidence = strength(signals)
    carried = train(evidence, seen)
    unaided = evidence if carried is None else carried.over(evidence, seen)
    probe = teach(seen, taught.development, taught.calibration, unaided) if len(taught.development) else None
    polarity = None
    if taught.polar_rows is not None and taught.polar_absent is not None:
        polarity = teach_polarity(seen, taught.polar_rows.astype(np.intp), taught.polar_absent)
    likely = chances(unaided, None if probe is None else probe.says(seen, unaided))
    assert signals.measures is not None  # noqa: S101 - `weigh` has measured them
    coder = Coder(
        codes=tuple(code.id for code in framework.assignable),
        measures=signals.measures,
        sight=sight,
        carried=carried,
        probe=probe,
        polarity=polarity,
        cut=cuts(likely.chance),
        farthest=farthest_asked(likely, share),
        least=least_doubtful(likely.chance, share),
    )
    return coder, Weighed(signals, likely, None if polarity is None else polarity.absent(seen))


def _remembering(embed: Embed) -> Embed:
    """The codebook's texts are the same for every segment."""
    known: dict[tuple[str, ...], Vectors] = {}

    def once(texts: Sequence[str]) -> Vectors:
        key = tuple(texts)
        if key not in known:
            known[key] = embed(texts)
        return known[key]

    return once


def _holders(themes: Sequence[Theme]) -> dict[str, list[Theme]]:
    """The themes that hold each segment, with that member alone."""
    found: dict[str, list[Theme]] = {}
    for theme in themes:
        for member in theme.members:
            found.setdefault(member.segment_id, []).append(theme.model_copy(update={"members": (member,)}))
    return found


def _together(apart: Sequence[Weighed]) -> Weighed:
    def rows(*parts: Floats) -> Floats:
        return np.concatenate(parts)

    first = apart[0]
    signals = [one.signals for one in apart]
    absent = [one.absent for one in apart if one.absent is not None]
    return Weighed(
        Signals(
            rows(*(s.similarity for s in signals)),
            rows(*(s.theme for s in signals)),
            rows(*(s.leaning for s in signals)),
            rows(*(s.quoted for s in signals)),
            rows(*(s.manner for s in signals)),
            first.signals.rest,
            first.signals.measures,
        ),
        Chances(
            rows(*(one.likely.chance for one in apart)),
            rows(*(one.likely.leaning for one in apart)),
            first.likely.taught,
        ),
        rows(*absent) if absent else None,
    )
