"""Plain text and Markdown: interviews with speaker labels, and prose by one author."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from belonging_llm.errors import TranscriptError
from belonging_llm.provenance import bytes_digest
from belonging_llm.transcripts.cast import cast
from belonging_llm.transcripts.encoding import decode, read_bytes
from belonging_llm.transcripts.front_matter import read_front_matter
from belonging_llm.transcripts.layouts import find_bare, find_headed, furniture
from belonging_llm.transcripts.model import Role, Speaker, Transcript, Turn
from belonging_llm.transcripts.options import Options
from belonging_llm.transcripts.prose import blocks, is_prose
from belonging_llm.transcripts.source import Source
from belonging_llm.transcripts.speakers import Label, find_labels

# So many empty lines part a text as a comment does.
_GAP = re.compile(r"\n{7,}")


def read_text(path: Path, _: Options | None = None) -> Transcript:
    """Read one text or Markdown file.

    Raises:
        TranscriptError: unreadable, empty, or without a sentence that could be coded.
    """
    raw = read_bytes(path)
    found = decode(raw, str(path))
    source = Source(
        format="text", encoding=found.encoding, digest=bytes_digest(raw), anchors=found.anchors(), notes=found.notes
    )
    return parse_text(found.text, name=path.stem, place=str(path), source=source)


def parse_text(text: str, *, name: str, place: str, source: Source | None = None) -> Transcript:
    """Find speakers and turns in a text; every offset refers to `text` itself.

    Args:
        source: Where the text comes from; what is found to be furniture is added to its notes.
    """
    header, body = read_front_matter(text, place)
    hidden = [(0, body), *_comments(text, body)]
    masked = _mask(text, hidden)
    labels = _labels(masked, header.get("participant"))
    if labels:
        aside = list(furniture(masked))
        hidden, masked = sorted(hidden + aside), _mask(masked, aside)
        if source is not None and aside:
            note = f"{len(aside)} lines of times or of the transcribing software are no talk"
            source = source.model_copy(update={"notes": (*source.notes, note)})
    speakers = _cast(masked, labels, header, name)
    turns = _interview(masked, hidden, labels, speakers) if labels else _prose(masked, hidden, header, name)
    if not any(turn.role is Role.PARTICIPANT for turn in turns):
        raise TranscriptError(f"{place}: no participant's talk and no prose was found; is it a transcript?")
    return Transcript(
        name=name,
        kind="interview" if labels else "prose",
        text=text,
        turns=tuple(turns),
        header=header,
        speakers=tuple(speakers.values()),
        source=source,
    )


def _labels(masked: str, expected: str | None) -> list[Label]:
    """Who speaks where, in whichever layout fits best."""
    headed = find_headed(masked)
    inline = find_labels(masked, expected)
    if len(headed) > 1 and len(headed) >= len(inline):
        return headed
    return inline or find_bare(masked)


def _comments(text: str, body: int) -> Iterator[tuple[int, int]]:
    """Spans of HTML comments that are closed."""
    at = text.find("<!--", body)
    while at >= 0:
        end = text.find("-->", at + 4)
        if end < 0:
            return
        yield at, end + 3
        at = text.find("<!--", end + 3)


def _mask(text: str, hidden: Sequence[tuple[int, int]]) -> str:
    """The text with some of it blanked to line ends, so that offsets stay true."""
    parts, at = [], 0
    for start, end in hidden:
        parts += [text[at:start], "\n" * (end - start)]
        at = end
    return "".join([*parts, text[at:]])


def _cast(masked: str, labels: list[Label], header: dict[str, str], name: str) -> dict[str, Speaker]:
    said = [
        (label.name, masked[label.end : end].strip()) for label, end in zip(labels, _ends(masked, labels), strict=True)
    ]
    return cast([(who, text) for who, text in said if text], header=header, name=name)


def _ends(masked: str, labels: list[Label]) -> list[int]:
    return [label.start for label in labels[1:]] + [len(masked)] if labels else []


def _interview(
    masked: str, hidden: Sequence[tuple[int, int]], labels: list[Label], speakers: dict[str, Speaker]
) -> list[Turn]:
    turns: list[Turn] = []
    for start, end in _pieces(masked, hidden, 0, labels[0].start):
        turns.append(_turn(turns, "", Role.BOILERPLATE, start, end))
    for label, end in zip(labels, _ends(masked, labels), strict=True):
        for begin, stop in _pieces(masked, hidden, label.end, end):
            speaker = speakers[label.name]
            turns.append(_turn(turns, label.name, speaker.role, begin, stop, speaker.participant))
    return turns


def _prose(masked: str, hidden: Sequence[tuple[int, int]], header: dict[str, str], name: str) -> list[Turn]:
    turns: list[Turn] = []
    who = header.get("participant", name)
    for start, end in blocks(masked):
        prose = is_prose(masked[start:end])
        role = Role.PARTICIPANT if prose else Role.BOILERPLATE
        for begin, stop in _pieces(masked, hidden, start, end):
            turns.append(_turn(turns, "", role, begin, stop, who if prose else None))
    return turns


def _pieces(masked: str, hidden: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Trimmed stretches of talk between what is hidden."""
    at = start
    for first, last in [*_within(hidden, start, end), (end, end)]:
        for gap in [*_GAP.finditer(masked, at, first), None]:
            stop = gap.start() if gap else first
            words = masked[at:stop]
            if words.strip():
                yield at + len(words) - len(words.lstrip()), stop - len(words) + len(words.rstrip())
            at = gap.end() if gap else last


def _within(hidden: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    low = bisect_left(hidden, (start, start))
    high = bisect_left(hidden, (end, end))
    return list(hidden[low:high])


def _turn(before: list[Turn], speaker: str, role: Role, start: int, end: int, who: str | None = None) -> Turn:
    return Turn(ordinal=len(before) + 1, speaker=speaker, role=role, start=start, end=end, participant=who)
