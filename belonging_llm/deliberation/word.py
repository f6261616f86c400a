"""One person's word on one segment, and what the words of several have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from belonging_llm.codes import Outcome, Polarity
from belonging_llm.segments import Span


class Opinion(NamedTuple):
    """A person's word on one code.

    Attributes:
        polarity: None when not judged.
        spans: Evidence, as offsets into the segment, in order.
        asked: Whether the code was in the codebook that they judged by.
    """

    outcome: Outcome
    polarity: Polarity | None = None
    spans: tuple[Span, ...] = ()
    rationale: str = ""
    asked: bool = True

    @property
    def assigned(self) -> bool:
        """Whether they gave the code."""
        return self.outcome is Outcome.ASSIGNED


NOT_GIVEN = Opinion(Outcome.NOT_ASSIGNED)
NOT_ASKED = Opinion(Outcome.ABSTAINED, asked=False)


@dataclass(frozen=True)
class Word:
    """A person judged a segment against the whole codebook.

    Attributes:
        marks: By code; a code that is not there does not apply, unless they were never asked about it.
        codebook: Digest of the codebook that they judged by; empty where it was not recorded.
        not_asked: Codes in use that came into the codebook after they judged.
    """

    coder: str
    saw_model: bool = False
    at: str = ""
    marks: Mapping[str, Opinion] = field(default_factory=dict)
    codebook: str = ""
    not_asked: frozenset[str] = frozenset()

    def on(self, code: str) -> Opinion:
        """What they said of a code."""
        return self.marks.get(code, NOT_ASKED if code in self.not_asked else NOT_GIVEN)

    @property
    def given(self) -> frozenset[str]:
        """Codes that they assigned."""
        return frozenset(code for code, said in self.marks.items() if said.assigned)


def shared(one: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    """Stretches that both mark, in order."""
    found = (Span(max(a.start, b.start), min(a.end, b.end)) for a in one for b in other)
    return tuple(sorted((s for s in found if s.start < s.end), key=lambda s: (s.start, s.end)))


def together(words: Sequence[Word]) -> dict[str, Opinion]:
    """What people who agree said: codes that somebody gave and nobody denied, with polarity and words in common.

    Whoever abstained on a code or was never asked about it, marked no words or judged no polarity stands in nobody's
    way.
    """
    codes = sorted({code for word in words for code in word.given})
    undenied = [c for c in codes if all(word.on(c).outcome is not Outcome.NOT_ASSIGNED for word in words)]
    return {code: _common([one for word in words if (one := word.on(code)).assigned]) for code in undenied}


def _common(said: Sequence[Opinion]) -> Opinion:
    polarities = {one.polarity for one in said} - {None}
    marked = [one.spans for one in said if one.spans]
    spans = marked[0] if marked else ()
    for others in marked[1:]:
        spans = shared(spans, others)
    return Opinion(Outcome.ASSIGNED, polarities.pop() if len(polarities) == 1 else None, spans)
