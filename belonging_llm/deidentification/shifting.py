"""Carry offsets, transcripts and segments over to the text after replacements."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from belonging_llm.deidentification.replacing import Edit, made
from belonging_llm.segments import Segment
from belonging_llm.transcripts import Speaker, Transcript, Turn
from belonging_llm.transcripts.source import Anchor, Source


class Shift:
    """Where places of the old text are in the new one.

    A place inside a replaced stretch is no place any more: stretches that begin or end there take in the whole
    replacement.
    """

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.edits = list(edits)
        self._starts = [edit.start for edit in self.edits]
        self._ends = [edit.end for edit in self.edits]
        self._gains = [0]
        for edit in self.edits:
            self._gains.append(self._gains[-1] + len(edit.replacement) - (edit.end - edit.start))

    def start(self, at: int) -> int:
        """Where a stretch begins now."""
        done = bisect_right(self._ends, at)
        inside = done < len(self.edits) and self._starts[done] < at
        return (self._starts[done] if inside else at) + self._gains[done]

    def end(self, at: int) -> int:
        """Where a stretch ends now."""
        begun = bisect_left(self._starts, at)
        inside = begun > 0 and at < self._ends[begun - 1]
        return (self._ends[begun - 1] if inside else at) + self._gains[begun]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A stretch; an empty one stays empty."""
        first = self.start(start)
        return (first, first) if start == end else (first, self.end(end))

    def within(self, start: int, end: int, offset: int) -> tuple[int, int]:
        """A stretch counted from `offset` in the old text, counted from where that is now."""
        first, last = self.span(start + offset, end + offset)
        return first - self.start(offset), last - self.start(offset)


def shifted(transcript: Transcript, shift: Shift, words: Callable[[str], str]) -> Transcript:
    """The transcript after replacements.

    Args:
        words: Replaces in what is kept beside the text: names of speakers and participants, the header.
    """
    return Transcript(
        name=words(transcript.name),
        kind=transcript.kind,
        text=made(transcript.text, shift.edits),
        turns=tuple(_turn(turn, shift, words) for turn in transcript.turns),
        header={name: words(value) for name, value in transcript.header.items()},
        speakers=tuple(_speaker(speaker, words) for speaker in transcript.speakers),
        source=_source(transcript.source, shift) if transcript.source else None,
    )


def moved(segment: Segment, into: Transcript, shift: Shift, words: Callable[[str], str]) -> Segment:
    """The segment after replacements; it keeps its id, which codings refer to."""
    start, end = shift.span(segment.start, segment.end)
    return segment.model_copy(
        update={
            "transcript_id": into.id,
            "document": words(segment.document),
            "participant": words(segment.participant),
            "start": start,
            "end": end,
            "text": into.text[start:end],
        }
    )


def cuts(transcript: Transcript, segments: Sequence[Segment]) -> set[int]:
    """Where turns and segments begin and end."""
    spans = [(turn.start, turn.end) for turn in transcript.turns] + [(one.start, one.end) for one in segments]
    return {at for span in spans for at in span}


def _turn(turn: Turn, shift: Shift, words: Callable[[str], str]) -> Turn:
    start, end = shift.span(turn.start, turn.end)
    who = words(turn.participant) if turn.participant else turn.participant
    return turn.model_copy(update={"speaker": words(turn.speaker), "participant": who, "start": start, "end": end})


def _speaker(speaker: Speaker, words: Callable[[str], str]) -> Speaker:
    who = words(speaker.participant) if speaker.participant else speaker.participant
    return speaker.model_copy(update={"name": words(speaker.name), "participant": who})


def _source(source: Source, shift: Shift) -> Source:
    anchors = [part for anchor in source.anchors for part in _pieces(anchor, shift)]
    return source.model_copy(update={"anchors": tuple(_joined(anchors)), "deidentified": True})


def _pieces(anchor: Anchor, shift: Shift) -> list[Anchor]:
    """An anchor in pieces: what was copied and stays, and each replaced stretch as a whole.

    Where the words were not copied (`&amp;`) the anchor stays one piece that widens to whole replacements.
    """
    if not anchor.copied:
        start, end = shift.span(anchor.start, anchor.end)
        return [anchor.model_copy(update={"start": start, "end": end, "whole": True})]
    found, at = [], anchor.start
    first = bisect_right(shift.edits, anchor.start, key=lambda edit: edit.end)
    for edit in shift.edits[first:]:
        if edit.start >= anchor.end:
            break
        low, high = max(edit.start, anchor.start), min(edit.end, anchor.end)
        found.append(_copied(anchor, at, low, shift))
        part = anchor.clipped(low, high)
        place = {"start": shift.start(edit.start), "end": shift.end(edit.end)}
        found.append(part.model_copy(update=place | {"whole": True}))
        at = high
    found.append(_copied(anchor, at, anchor.end, shift))
    return [part for part in found if part.start < part.end]


def _copied(anchor: Anchor, start: int, end: int, shift: Shift) -> Anchor:
    part = anchor.clipped(start, end)
    return part.model_copy(update={"start": shift.start(start), "end": shift.end(end)})


def _joined(anchors: Sequence[Anchor]) -> list[Anchor]:
    """Anchors in order; two that stand for one replacement within one unit of the source become one."""
    found: list[Anchor] = []
    for anchor in anchors:
        before = found[-1] if found else None
        if before is not None and before.end > anchor.start and _one_place(before, anchor):
            last = max(before.last, anchor.last)
            whole = {"first": min(before.first, anchor.first), "last": last, "end": max(before.end, anchor.end)}
            found[-1] = before.model_copy(update=whole | {"whole": True})
        else:
            found.append(anchor)
    return found


def _one_place(one: Anchor, other: Anchor) -> bool:
    return (one.unit, one.number, one.detail) == (other.unit, other.number, other.detail)
