"""Whether people who coded a segment for themselves disagree on it, and about what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from belonging_llm.codes import Outcome
from belonging_llm.deliberation.word import Opinion, Word, shared


class About(StrEnum):
    """What a disagreement is about: whether the code applies, which way, or where in the segment."""

    CODE = "code"
    POLARITY = "polarity"
    SPAN = "span"


class Standing(StrEnum):
    """How far people are with a segment.

    `reopened`: it was settled, and a coder has said something else since.
    """

    ONCE = "once"
    AGREED = "agreed"
    OPEN = "open"
    REOPENED = "reopened"
    SETTLED = "settled"


@dataclass(frozen=True)
class Contested:
    """A code that people disagree about on one segment.

    Attributes:
        said: What each person said of it; whoever abstained is not among them.
    """

    code: str
    about: tuple[About, ...]
    said: Mapping[str, Opinion]


def contested(words: Sequence[Word]) -> tuple[Contested, ...]:
    """Codes that are contested between people, by code."""
    codes = sorted({code for word in words for code in word.marks})
    return tuple(found for code in codes if (found := _one(code, words)).about)


def standing(words: Sequence[Word], ruling: Word | None) -> Standing:
    """How far people are with a segment.

    Args:
        words: Of the people who coded it for themselves, at least one.
        ruling: The adjudicator's, whatever they had seen.
    """
    if ruling is not None:
        return Standing.REOPENED if any(w.at > ruling.at for w in words) else Standing.SETTLED
    if len(words) < 2:
        return Standing.ONCE
    return Standing.OPEN if contested(words) else Standing.AGREED


def _one(code: str, words: Sequence[Word]) -> Contested:
    open_ = (Outcome.ABSTAINED, Outcome.FAILED)
    said = {w.coder: one for w in words if (one := w.on(code)).outcome not in open_}
    return Contested(code, tuple(_about(list(said.values()))), said)


def _about(said: Sequence[Opinion]) -> Iterator[About]:
    given = [one for one in said if one.assigned]
    if 0 < len(given) < len(said):
        yield About.CODE
    if len({one.polarity for one in given if one.polarity}) > 1:
        yield About.POLARITY
    marked = [one.spans for one in given if one.spans]
    if any(not shared(a, b) for a, b in combinations(marked, 2)):
        yield About.SPAN
