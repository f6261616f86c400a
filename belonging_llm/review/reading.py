"""A segment with what was said around it, under pseudonyms: interviewers by their part, participants by their id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from belonging_llm.segments import Segment
from belonging_llm.store import Store
from belonging_llm.transcripts import Role, Transcript, Turn

BEFORE, AFTER = 2, 1


@dataclass(frozen=True)
class Said:
    """A turn, or a part of one.

    Attributes:
        who: The participant's id, or `Interviewer`; never a name as the transcript writes it.
        interviewer: Whether an interviewer speaks.
    """

    number: int
    who: str
    interviewer: bool
    words: str


@dataclass(frozen=True)
class Around:
    """A segment in its place.

    Attributes:
        question: What the interviewer asked before it, where that is not among `before`.
        before: Turns before the segment's own, in order; `after` likewise.
        ahead: Words of the segment's own turn before the segment; `behind` those after it.
    """

    segment: Segment
    question: Said | None
    before: tuple[Said, ...]
    ahead: str
    behind: str
    after: tuple[Said, ...]


def around(store: Store, segment: Segment) -> Around:
    """A segment with its question and its neighbours."""
    transcript = store.corpus.transcript(segment.transcript_id)
    turns = [turn for turn in transcript.turns if turn.role is not Role.BOILERPLATE]
    place = next(n for n, turn in enumerate(turns) if turn.ordinal == segment.turn)
    own, near, then = turns[place], turns[max(0, place - BEFORE) : place], turns[place + 1 : place + 1 + AFTER]
    if _apart(turns):
        near = [*takewhile(lambda turn: _belongs(turn, own), reversed(near))][::-1]
        then = [*takewhile(lambda turn: _belongs(turn, own), then)]
    question = transcript.questions.get(segment.turn)
    return Around(
        segment=segment,
        question=_said(transcript, question) if question and question not in near else None,
        before=tuple(_said(transcript, turn) for turn in near),
        ahead=transcript.text[own.start : segment.start],
        behind=transcript.text[segment.end : own.end],
        after=tuple(_said(transcript, turn) for turn in then),
    )


def _apart(turns: Sequence[Turn]) -> bool:
    """Whether several people speak, each in one piece, as in a table of answers: they do not hear each other."""
    pieces = [who for who, _ in groupby(turn.participant for turn in turns if turn.role is Role.PARTICIPANT)]
    return len(pieces) == len(set(pieces)) > 1


def _belongs(turn: Turn, own: Turn) -> bool:
    return turn.role is Role.INTERVIEWER or turn.participant == own.participant


def whole(transcript: Transcript) -> Iterator[Said]:
    """Every turn of a transcript."""
    for turn in transcript.turns:
        if turn.role is not Role.BOILERPLATE:
            yield _said(transcript, turn)


def _said(transcript: Transcript, turn: Turn) -> Said:
    asks = turn.role is Role.INTERVIEWER
    who = "Interviewer" if asks else turn.participant or "Participant"
    return Said(turn.ordinal, who, asks, transcript.said(turn))
