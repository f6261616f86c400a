"""What somebody sets for themselves."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.page import EVERYBODY, Page
from belonging_llm.review.visit import Visit


def show(visit: Visit) -> Response:
    """Who they are here, and the form."""
    return visit.render("own_account.html.j2")


def keep(visit: Visit) -> Response:
    """Keep the preferences."""
    keys = "on" if visit.field("keys") == "on" else "off"
    visit.store.reviewers.prefer(visit.reviewer.name, visit.reviewer.preferences | {"keys": keys})
    return visit.redirect(visit.rendering.url("own-account"))


PAGES = (
    Page("own-account", "/me", show, EVERYBODY),
    Page("prefer", "/me", keep, EVERYBODY, method="POST", form={"keys": "on"}),
)
