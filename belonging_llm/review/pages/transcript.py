"""A whole transcript, to read or to print, under pseudonyms."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.page import EVERYBODY, Page
from belonging_llm.review.reading import whole
from belonging_llm.review.visit import Visit
from belonging_llm.store import Role


def show(visit: Visit) -> Response:
    """The transcript that a segment is from; coders may ask for those of their own segments only."""
    ident = visit.part("segment")
    if visit.reviewer.role is Role.CODER and visit.store.queues.item(visit.reviewer.name, ident) is None:
        raise visit.missing("this segment", "your queue")
    try:
        segment = visit.store.corpus.segment(ident)
    except KeyError as error:
        raise visit.missing("this segment") from error
    visit.saw([(segment.transcript_id, "")])
    transcript = visit.store.corpus.transcript(segment.transcript_id)
    own = next(turn for turn in transcript.turns if turn.ordinal == segment.turn)
    cut = (transcript.text[own.start : segment.start], transcript.text[segment.end : own.end])
    return visit.render(
        "transcript.html.j2",
        block="turns" if visit.partial else "",
        segment=segment,
        turns=list(whole(transcript)),
        ahead=cut[0],
        behind=cut[1],
    )


PAGES = (Page("transcript", "/transcript/{segment}", show, EVERYBODY, examples=("/transcript/{segment}",)),)
