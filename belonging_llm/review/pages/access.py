"""The access log, for who answers for the study."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.page import ADMINS, Page
from belonging_llm.review.visit import Visit

SHOWN = 100


def show(visit: Visit) -> Response:
    """Views of transcripts and segments, the last first."""
    log = visit.store.viewings.latest(before=visit.number("before"), limit=SHOWN + 1)
    names = visit.store.corpus.names()
    more = log[SHOWN - 1].id if len(log) > SHOWN else None
    return visit.render("access.html.j2", log=log[:SHOWN], names=names, more=more)


PAGES = (Page("access", "/access", show, ADMINS, menu="Access log"),)
