"""Where people land: the first page of the menu that is theirs."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.page import EVERYBODY, Page
from belonging_llm.review.visit import Visit


def show(visit: Visit) -> Response:
    """Send them there."""
    return visit.redirect(visit.rendering.first_for(visit.reviewer.role))


PAGES = (Page("start", "/", show, EVERYBODY),)
