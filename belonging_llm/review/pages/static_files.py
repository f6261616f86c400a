"""Styles and scripts."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.page import ANYONE, Page
from belonging_llm.review.static import files
from belonging_llm.review.visit import Visit


def send(visit: Visit) -> Response:
    """One file; its address changes with its content, so it may be kept."""
    found = files().get(visit.part("name"))
    if found is None:
        raise visit.missing("this file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": found.kind}
    return Response(found.content, headers=headers)


PAGES = (Page("static", "/static/{name}", send, ANYONE, examples=("/static/review.css",)),)
