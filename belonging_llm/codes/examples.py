"""Segments that people coded, shown to a model beside the one that it is asked about: for each code the nearest ones.

Only segments of the development split are chosen from, and of those never one by the same participant or in the same
words. What is shown beside a development segment is then of the kind that is shown beside a test segment, whose
participant nobody's example is from: otherwise the model's word would look worth more where its worth is learned.

Examples are other people's words. They leave with the request that they stand in, and count in its size and digest
in the egress log; a run's counts name the segments that were shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codebook import Framework
from belonging_llm.codes.probe import Lessons
from belonging_llm.codes.signals import Floats
from belonging_llm.embeddings import Vectors
from belonging_llm.segments import Segment

SHOWN = 300
# Stands inside the quotes of every example, so that whoever searches requests can tell it from a segment asked about.
MARK = "[coded] "
# A segment has a code where most of its coders gave it, and is without where nobody did; others are not shown.
MOST_GAVE = 0.5
WITHOUT = 1
# Likeness beyond this is rounding, which must not choose.
DIGITS = 5
BLOCK = 1000


@dataclass(frozen=True)
class Example:
    """A segment as people judged it for one code.

    Attributes:
        applies: Whether they found the code there.
        text: As a prompt shows it: marked, and shortened to a bounded length.
    """

    segment_id: str
    participant: str
    words: str
    code: str
    applies: bool
    text: str


def marked(text: str) -> str:
    """A segment's words as an example shows them."""
    if len(text) > SHOWN:
        text = (text[:SHOWN].rpartition(" ")[0] or text[:SHOWN]).rstrip() + " …"
    return MARK + text


def wording(text: str) -> str:
    """What two segments that say the same have in common: words without case and line ends."""
    return " ".join(text.casefold().split())


def nearest(
    open_to: Mapping[int, Sequence[int]],
    segments: Sequence[Segment],
    vectors: Vectors,
    lessons: Lessons,
    framework: Framework,
    *,
    most: int,
) -> dict[int, tuple[Example, ...]]:
    """Examples for the codes that each segment is asked about.

    Args:
        open_to: Columns of the codebook by row of `segments`.
        vectors: One row a segment, unit length, shape (n_segments, dim).
        lessons: What people said, of the development split alone.
        most: Examples with the code for each code; beside them stands the nearest one without it.

    Returns:
        By row: code after code in the order of its columns, those with the code first, the nearest first. Equally
        near ones come in the order of `segments`.
    """
    rows = np.array(sorted(open_to), np.intp)
    if not most or not len(lessons) or not len(rows):
        return {}
    choice = _Choice(segments, vectors, lessons)
    found: dict[int, list[Example]] = {int(row): [] for row in rows}
    for start in range(0, len(rows), BLOCK):
        here = rows[start : start + BLOCK]
        near = choice.closeness(here)
        for k, code in enumerate(framework.assignable):
            asked = np.array([k in open_to[int(row)] for row in here], bool)
            for applies, count in ((True, most), (False, WITHOUT)):
                for row, chosen in zip(here[asked], choice.top(near[asked], k, applies, count), strict=True):
                    found[int(row)] += [_example(segments[i], code.id, applies) for i in chosen]
    return {row: tuple(examples) for row, examples in found.items()}


class _Choice:
    """Segments to choose from, with what forbids them to each other."""

    def __init__(self, segments: Sequence[Segment], vectors: Vectors, lessons: Lessons) -> None:
        order = np.argsort(lessons.rows, kind="stable")
        self.rows, self.shares, self.vectors = lessons.rows[order], lessons.shares[order], vectors
        self.people = _labels(s.participant for s in segments)
        self.words = _labels(wording(s.text) for s in segments)

    def closeness(self, here: NDArray[np.intp]) -> Floats:
        """Likeness to every segment to choose from, shape (n_here, n); -inf for those that must not be shown."""
        near = np.round(self.vectors[here] @ self.vectors[self.rows].T, DIGITS).astype(np.float64)
        same = self.people[here][:, None] == self.people[self.rows][None]
        same |= self.words[here][:, None] == self.words[self.rows][None]
        return np.where(same, -np.inf, near)

    def top(self, near: Floats, column: int, applies: bool, count: int) -> Iterator[list[int]]:
        """Rows of the nearest segments with (or without) a code, no two of the same words, for each row of `near`."""
        share = self.shares[:, column]
        with_it = np.flatnonzero(share >= MOST_GAVE if applies else share == 0)
        for one in near[:, with_it]:
            chosen: dict[int, int] = {}
            for at in np.argsort(-one, kind="stable"):
                if len(chosen) == count or one[at] == -np.inf:
                    break
                row = int(self.rows[with_it[at]])
                chosen.setdefault(int(self.words[row]), row)
            yield list(chosen.values())


def _example(segment: Segment, code: str, applies: bool) -> Example:
    return Example(segment.id, segment.participant, wording(segment.text), code, applies, marked(segment.text))


def _labels(names: Iterable[str]) -> NDArray[np.intp]:
    """The same number for the same name."""
    return np.unique(list(names), return_inverse=True)[1].astype(np.intp)
