"""Who has an account, and how far the coders are."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.drawing import drawn_from
from belonging_llm.review.page import ADMINS, Page
from belonging_llm.review.visit import Visit
from belonging_llm.store import Reviewer


def show(visit: Visit) -> Response:
    """Every account; of coders their progress."""
    rows = [(one, visit.store.queues.get(one.name), visit.store.queues.progress(one.name)) for one in _all(visit)]
    drawn = {one.name: drawn_from(visit.study, queue) for one, queue, _ in rows if queue}
    return visit.render("people.html.j2", rows=rows, drawn=drawn)


def revoke(visit: Visit) -> Response:
    """Close an account; whoever is in with it is out with the next request."""
    name = visit.part("reviewer")
    if name not in {one.name for one in _all(visit)}:
        raise visit.missing(f"the account {name}")
    visit.store.reviewers.revoke(name)
    return visit.redirect(visit.rendering.url("people"))


def _all(visit: Visit) -> list[Reviewer]:
    return visit.store.reviewers.all()


PAGES = (
    Page("people", "/people", show, ADMINS, menu="People"),
    Page("revoke", "/people/{reviewer}/revoke", revoke, ADMINS, method="POST", examples=("/people/{spare}/revoke",)),
)
