"""Every page that can be looked at, as somebody who may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import world
from browsing import Browsing, Watched
from serving import Served

from belonging_llm.review.page import ANYONE, Page
from belonging_llm.review.registry import PAGES
from belonging_llm.store import Role

WHO = {Role.CODER: world.CODER, Role.ADJUDICATOR: world.ADJUDICATOR, Role.ADMIN: world.ADMIN}
# Files, and addresses that only lead elsewhere.
_NOT_LOOKED_AT = {"static", "start", "code"}


def looked_at() -> list[Page]:
    return [page for page in PAGES if page.method == "GET" and page.name not in _NOT_LOOKED_AT]


def viewer(page: Page) -> Role | None:
    """The first role that may see it."""
    return None if page.roles is ANYONE else next(role for role in Role if page.admits(role))


def visited(
    browsing: Browsing, served: Served, *, every_example: bool = True, **how: Any
) -> Iterator[tuple[str, str, Watched]]:
    """Pages' names and addresses, each with a window in which somebody who may see it is signed in."""
    for role in (None, *Role):
        pages = [page for page in looked_at() if viewer(page) is role]
        if not pages:
            continue
        window = browsing.window(served, **how)
        if role:
            window.sign_in(WHO[role])
        for page in pages:
            for n, example in enumerate((page.examples or (page.path,))[: None if every_example else 1]):
                yield page.name + (f"-{n}" if n else ""), served.world.fill(example), window
        window.close()
