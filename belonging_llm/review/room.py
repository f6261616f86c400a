"""The one room of the study that is served, and what several pages show of segments."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette

from belonging_llm.inspection import Room
from belonging_llm.review.visit import Visit
from belonging_llm.segments import Segment, Span
from belonging_llm.study import Study
from belonging_llm.transcripts import Transcript

_MAKING = threading.Lock()


def room(visit: Visit) -> Room:
    """The room, as of now."""
    return room_of(visit.request.app, visit.study)


def room_of(app: Starlette, study: Study) -> Room:
    """The room of an application, as of now."""
    with _MAKING:
        if not hasattr(app.state, "room"):
            app.state.room = Room(study)
    found: Room = app.state.room
    found.refresh()
    return found


@dataclass(frozen=True)
class Piece:
    """A stretch of a segment's text; `marked` where evidence covers it."""

    text: str
    marked: bool


@dataclass(frozen=True)
class Shown:
    """A segment with what stands around it.

    Attributes:
        question: What the interviewer asked before; empty where nobody did.
        before: What the participant said before it in the same turn; likewise `after`.
    """

    segment: Segment
    question: str
    before: str
    after: str


def shown(visit: Visit, segment_id: str) -> Shown:
    """A segment in its context; the access log has it before it is shown.

    Raises:
        HTTPException: 404, it is not in the study.
    """
    segment = visit.store.outcomes.segments([segment_id]).get(segment_id)
    if segment is None:
        raise visit.missing("this segment")
    visit.saw([(segment.transcript_id, segment.id)])
    talk = visit.store.corpus.transcript(segment.transcript_id)
    turn = next((turn for turn in talk.turns if turn.ordinal == segment.turn), None)
    if turn is None:
        return Shown(segment, "", "", "")
    before, after = talk.text[turn.start : segment.start].strip(), talk.text[segment.end : turn.end].strip()
    return Shown(segment, _question(talk, segment), before, after)


def _question(talk: Transcript, segment: Segment) -> str:
    asked = talk.questions.get(segment.turn)
    return talk.said(asked) if asked else ""


def pieces(text: str, spans: Iterable[Span]) -> list[Piece]:
    """A text cut where evidence begins and ends; overlapping spans are one."""
    return [piece for piece in _pieces(text, _joined(spans)) if piece.text]


def _pieces(text: str, spans: Sequence[Span]) -> Iterator[Piece]:
    at = 0
    for span in spans:
        yield Piece(text[at : span.start], False)
        yield Piece(text[span.start : span.end], True)
        at = span.end
    yield Piece(text[at:], False)


def _joined(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(span.end, found[-1].end))
        else:
            found.append(span)
    return found
