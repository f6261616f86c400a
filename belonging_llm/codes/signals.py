"""Cheap evidence for every segment and code: likeness to the codebook, and themes' mappings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from belonging_llm.codebook import Code, Framework
from belonging_llm.codes.named import is_rest, manners
from belonging_llm.codes.quoted import hits
from belonging_llm.codes.surface import cues
from belonging_llm.embeddings import Vectors
from belonging_llm.themes import Theme

Floats = npt.NDArray[np.floating[Any]]
# A spread below this is rounding.
FLAT = 1e-6
# However rare quoted words are, they speak for a code as this many standard deviations of likeness at most.
RAREST = 4.0
# However far a segment's manner is from the usual one, it counts as so many standard deviations.
UNLIKE, ALIKE = -2.0, 4.0

Embed = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True)
class Standard:
    """Mean and spread of columns, each of shape (n_columns,): what makes their values comparable.

    Measured on some segments, it may be laid on others: they are then in standard deviations of the first.
    """

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, values: Floats) -> Standard:
        """Of values, shape (n, n_columns); a column that does not vary keeps its size."""
        spread = values.std(axis=0)
        # Identical segments differ by rounding alone, which must not become whole standard deviations.
        return cls(np.asarray(values.mean(axis=0)), np.asarray(np.where(spread > FLAT, spread, 1)))

    def lay_on(self, values: Floats) -> Floats:
        """Values less the mean, in standard deviations; shape as given."""
        return np.asarray((values - self.mean) / self.spread)


@dataclass(frozen=True)
class Measures:
    """On what scale signals stand: likeness, hits of quoted words, and cues of manner."""

    similarity: Standard
    quoted: Standard
    manner: Standard


@dataclass(frozen=True)
class Signals:
    """What is known of every pair before a language model is asked.

    Attributes:
        similarity: Likeness of segment and code, centred per segment, then in standard deviations
            per code; float, shape (n_segments, n_codes).
        theme: Strength of the strongest theme that holds the segment and is mapped to the code,
            0 where there is none; shape (n_segments, n_codes).
        leaning: Closeness to the code's examples of presence, less that to its examples of
            absence; NaN for codes that lack either; shape (n_segments, n_codes).
        quoted: Standard deviations above the mean where the segment holds words that the codebook quotes, at most
            RAREST; 0 where it holds none; shape (n_segments, n_codes).
        manner: Standard deviations above the mean in the cues of manner that the codebook names, 0 for codes of which
            it names none; shape (n_segments, n_codes).
        rest: Codes for whatever fits no other, shape (n_codes,).
        measures: What the standard deviations are those of; None where nobody measured any.
    """

    similarity: Floats
    theme: Floats
    leaning: Floats
    quoted: Floats
    manner: Floats
    rest: npt.NDArray[np.bool_]
    measures: Measures | None = None

    def of(self, here: Any) -> Signals:
        """Some of the segments, by rows; or some pairs, by rows and columns as `np.ix_` gives them."""
        names = ("similarity", "theme", "leaning", "quoted", "manner")
        return replace(self, **{name: getattr(self, name)[here] for name in names})


def weigh(
    segment_ids: Sequence[str],
    vectors: Vectors,
    framework: Framework,
    themes: Sequence[Theme],
    embed: Embed,
    *,
    texts: Sequence[str] = (),
    measures: Measures | None = None,
) -> Signals:
    """Compute all signals at once.

    Args:
        vectors: One row a segment, unit length, float32, shape (n_segments, dim).
        embed: Gives unit vectors for the codebook's texts, by the same encoder.
        texts: The segments' words, to look for what the codebook quotes; without them nothing is looked for.
        measures: On what scale to stand; these segments' own without.
    """
    codes = framework.assignable
    rest = np.array([is_rest(code) for code in codes], bool)
    if not len(segment_ids):
        empty = np.zeros((0, len(codes)))
        return Signals(empty, empty, empty, empty, empty, rest, measures)
    raw = np.stack([_likeness(code, vectors, embed) for code in codes], axis=1)
    raw = raw - raw.mean(axis=1, keepdims=True) if len(codes) > 1 else raw
    found = hits(texts, codes) if texts else np.zeros(raw.shape)
    wanted = manners(codes)
    said = cues(texts) if texts and wanted.any() else np.zeros((len(raw), wanted.shape[1]))
    measures = measures or Measures(Standard.of(raw), Standard.of(found), Standard.of(said))
    return Signals(
        similarity=measures.similarity.lay_on(raw),
        theme=_theme_strength(segment_ids, codes, themes),
        quoted=_rare(found, measures.quoted),
        leaning=np.stack([_leaning(code, vectors, embed) for code in codes], axis=1),
        manner=np.clip(measures.manner.lay_on(said), UNLIKE, ALIKE) @ wanted.T,
        rest=rest,
        measures=measures,
    )


def profile(code: Code) -> list[str]:
    """Texts that say what a code means: name with definition, then when to use it."""
    meaning = f"{code.name}. {code.definition}" if code.definition else code.name
    return [meaning, code.include] if code.include else [meaning]


def _likeness(code: Code, vectors: Vectors, embed: Embed) -> Floats:
    """Mean closeness to the code's meaning, plus mean and best closeness to its examples."""
    meaning = vectors @ embed(profile(code)).T
    parts = [meaning[:, column] for column in range(meaning.shape[1])]
    if examples := [*code.examples, *code.absent_examples]:
        shown = vectors @ embed(examples).T
        parts += [shown.mean(axis=1), shown.max(axis=1)]
    return np.asarray(np.mean(parts, axis=0), dtype=np.float64)


def standardise(values: Floats) -> Floats:
    """Each column less its mean, in its standard deviations; a column that does not vary is 0."""
    return Standard.of(values).lay_on(values)


def _rare(found: Floats, usual: Standard) -> Floats:
    """How far a hit stands out: words that most segments hold tell nothing."""
    return np.asarray(np.clip(usual.lay_on(found), 0, RAREST) * found)


def _theme_strength(segment_ids: Sequence[str], codes: Sequence[Code], themes: Sequence[Theme]) -> Floats:
    row = {segment_id: i for i, segment_id in enumerate(segment_ids)}
    column = {code.id: j for j, code in enumerate(codes)}
    strength = np.zeros((len(row), len(column)))
    for theme in themes:
        for mapped in theme.mapping.codes:
            # A code may have left the codebook, or become a heading, since the theme was mapped.
            for member in theme.members if mapped.code in column else ():
                if member.segment_id in row:
                    place = row[member.segment_id], column[mapped.code]
                    strength[place] = max(strength[place], member.strength)
    return strength


def _leaning(code: Code, vectors: Vectors, embed: Embed) -> Floats:
    if not (code.examples and code.absent_examples):
        return np.full(len(vectors), np.nan)
    present, absent = (vectors @ embed(list(texts)).T for texts in (code.examples, code.absent_examples))
    return np.asarray(present.max(axis=1) - absent.max(axis=1), dtype=np.float64)
