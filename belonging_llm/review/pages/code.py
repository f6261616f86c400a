"""Blind coding: a coder's own queue."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.page import CODERS, Page
from belonging_llm.review.visit import Visit


def show(visit: Visit) -> Response:
    """The queue."""
    items = visit.store.queues.page(visit.reviewer.name)
    visit.saw((item.transcript_id, item.segment_id) for item in items)
    return visit.render("code.html.j2", items=items, progress=visit.store.queues.progress(visit.reviewer.name))


PAGES = (Page("code", "/code", show, CODERS, menu="Coding"),)
