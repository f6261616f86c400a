"""Segments as they are read: in full, with their evidence marked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from belonging_llm.segments import Segment, Span


@dataclass(frozen=True)
class Piece:
    """A stretch of a segment's text that is either all evidence or none."""

    text: str
    marked: bool


@dataclass(frozen=True)
class Passage:
    """A segment in full, its evidence marked, with notes on how it comes to stand here."""

    segment: Segment
    pieces: tuple[Piece, ...]
    notes: tuple[str, ...] = ()
    rationale: str = ""

    @property
    def place(self) -> str:
        """Who says it and where."""
        of = self.segment
        return of.label if of.document == of.participant else f"{of.label}, in {of.document}"


def show(segment: Segment, spans: Iterable[Span] = (), notes: tuple[str, ...] = (), rationale: str = "") -> Passage:
    """A segment with what lies in `spans` marked."""
    return Passage(segment, _pieces(segment.text, spans), notes, rationale)


def _pieces(text: str, spans: Iterable[Span]) -> tuple[Piece, ...]:
    """A text cut where marks begin and end; overlapping spans are marked once."""
    pieces, at = [], 0
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        start = max(span.start, at)
        if span.end > start:
            pieces += [Piece(text[at:start], False), Piece(text[start : span.end], True)]
            at = span.end
    pieces.append(Piece(text[at:], False))
    return tuple(piece for piece in pieces if piece.text)
