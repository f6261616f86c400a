"""Segments: the unit of coding, a stretch of one participant's turn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import sentencex
from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import digest, text_digest
from belonging_llm.transcripts import Role, Transcript, Turn

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Span:
    """Half-open stretch of code points."""

    start: int
    end: int


class Segment(BaseModel):
    """A meaning unit; `text == transcript.text[start:end]`, end exclusive, in code points.

    Attributes:
        id: Digest of transcript and offsets, or the id that a segments table gave.
        turn: Ordinal of the turn in its transcript.
        part: Place in the turn, from 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    transcript_id: str
    document: str
    participant: str
    turn: int
    part: int
    start: int
    end: int
    text: str

    @property
    def text_digest(self) -> str:
        """What a vector of these words is filed under."""
        return text_digest(self.text)

    @property
    def label(self) -> str:
        """How people cite it: participant, turn, part."""
        return f"{self.participant}, turn {self.turn}" + (f".{self.part}" if self.part > 1 else "")


def split(transcript: Transcript, *, min_words: int = 12, max_words: int = 60, language: str = "en") -> list[Segment]:
    """Cut participants' turns into meaning units on sentence boundaries.

    Args:
        min_words: A unit shorter than this joins its neighbour in the same turn.
        max_words: Units longer than this are divided where sentences allow; a single sentence
            is only cut (at spaces) beyond twice this length.
        language: ISO 639-1 code that the sentence splitter uses.

    Returns:
        Segments in reading order; together they hold every word of every participant turn.
    """
    lang = transcript.header.get("language", language)
    found = []
    for turn in transcript.turns:
        if turn.role is not Role.PARTICIPANT:
            continue
        spans = [Span(turn.start, turn.end)]
        if turn.segment_id is None:
            spans = list(_units(transcript.said(turn), turn.start, min_words, max_words, lang))
        found += [_segment(transcript, turn, part, span) for part, span in enumerate(spans, 1)]
    return found


def sentences(text: str, language: str = "en") -> list[Span]:
    """Trimmed sentence spans of a text, in order; they hold every character that is not space."""
    spans, at = [], 0
    for sentence in sentencex.segment(language, text):
        start = text.find(sentence, at)
        if start < 0:
            # The splitter rewrote something (odd line ends): leave the rest as one sentence.
            break
        # Words that the splitter skipped belong to the sentence that follows them.
        spans.append(Span(at, start + len(sentence)))
        at = start + len(sentence)
    if at < len(text):
        spans.append(Span(at, len(text)))
    return [trimmed for span in spans if (trimmed := _trim(text, span))]


def _units(text: str, offset: int, min_words: int, max_words: int, language: str) -> Iterator[Span]:
    pieces = [p for s in sentences(text, language) for p in _cut(text, s, 2 * max_words)]
    sizes = [len(text[p.start : p.end].split()) for p in pieces]
    for first, last in _groups(sizes, min_words, max_words):
        yield Span(offset + pieces[first].start, offset + pieces[last].end)


def _groups(sizes: list[int], min_words: int, max_words: int) -> list[tuple[int, int]]:
    """Neighbouring sentences in even groups of at most `max_words` words where they allow it."""
    wanted = sum(sizes) / max(1, ceil(sum(sizes) / max_words))
    groups, first, held = [], 0, 0
    for index, size in enumerate(sizes):
        too_long = held + size > max_words or held + size / 2 > wanted
        if held >= min_words and too_long:
            groups.append((first, index - 1))
            first, held = index, 0
        held += size
    if sizes:
        groups.append((first, len(sizes) - 1))
    if len(groups) > 1 and held < min_words:
        groups[-2:] = [(groups[-2][0], groups[-1][1])]
    return groups


def _cut(text: str, span: Span, limit: int) -> Iterator[Span]:
    """A span in pieces of at most `limit` words, cut at spaces."""
    breaks = [m.end() for m in _SPACE.finditer(text, span.start, span.end)][limit - 1 :: limit]
    for start, end in zip([span.start, *breaks], [*breaks, span.end], strict=True):
        if piece := _trim(text, Span(start, end)):
            yield piece


def _trim(text: str, span: Span) -> Span | None:
    words = text[span.start : span.end]
    if not words.strip():
        return None
    return Span(span.start + len(words) - len(words.lstrip()), span.end - len(words) + len(words.rstrip()))


def _segment(transcript: Transcript, turn: Turn, part: int, span: Span) -> Segment:
    return Segment(
        id=turn.segment_id or digest(transcript.id, span.start, span.end)[:16],
        transcript_id=transcript.id,
        document=transcript.name,
        participant=turn.participant or transcript.name,
        turn=turn.ordinal,
        part=part,
        start=span.start,
        end=span.end,
        text=transcript.text[span.start : span.end],
    )
