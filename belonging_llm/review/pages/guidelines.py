"""The codebook in full: what each code means, when to use it and when not."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.code_tree import rows
from belonging_llm.review.page import EVERYBODY, Page
from belonging_llm.review.pages.code import letters_of
from belonging_llm.review.visit import Visit


def show(visit: Visit) -> Response:
    """Every code; as a piece it goes into the coding page."""
    framework = visit.study.framework()
    return visit.render(
        "guidelines.html.j2",
        block="codes" if visit.partial else "",
        framework=framework,
        rows=rows(framework, letters_of(visit)),
    )


PAGES = (Page("guidelines", "/guidelines", show, EVERYBODY, menu="Guidelines"),)
