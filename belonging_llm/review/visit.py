"""A visit: one request with who makes it, and how it can be answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from belonging_llm.review.cookies import Cookie
from belonging_llm.review.page import Page
from belonging_llm.review.rendering import Rendering
from belonging_llm.store import Reviewer, Session, Store
from belonging_llm.study import Study

_UNSTORABLE = {0: None} | dict.fromkeys(range(0xD800, 0xE000))


@dataclass(frozen=True)
class Visit:
    """What a page's function gets.

    Attributes:
        session: Who is in; None on pages that are anybody's.
        token: The browser's own token; forms carry what is derived from it.
        fields: The form that was sent; empty for GET.
    """

    request: Request
    page: Page
    study: Study
    rendering: Rendering
    cookie: Cookie
    session: Session | None
    token: str
    fields: FormData

    @property
    def store(self) -> Store:
        """The study's database."""
        return self.study.store

    @property
    def reviewer(self) -> Reviewer:
        """Who asks; only on pages that want somebody signed in."""
        if self.session is None:
            raise RuntimeError(f"page {self.page.name} is anybody's, and asks who it is")
        return self.session.reviewer

    @property
    def partial(self) -> bool:
        """Whether a piece of the page is asked for, to be put into the one that is shown."""
        return self.request.headers.get("HX-Request") == "true"

    def part(self, name: str) -> str:
        """A parameter of the path."""
        return str(self.request.path_params[name])

    def asked(self, name: str, default: str = "") -> str:
        """A parameter behind the question mark."""
        return self.request.query_params.get(name, default)

    def number(self, name: str) -> int | None:
        """A parameter behind the question mark as a number that every database can hold; None where it is none."""
        given = self.asked(name)
        return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else None

    def field(self, name: str, default: str = "") -> str:
        """A form's field, without what no database keeps."""
        value = self.fields.get(name, default)
        return value.translate(_UNSTORABLE) if isinstance(value, str) else default

    def all_fields(self, name: str) -> Sequence[str]:
        """Every value of a form's field that can be chosen several times."""
        return [v.translate(_UNSTORABLE) for v in self.fields.getlist(name) if isinstance(v, str)]

    def saw(self, seen: Iterable[tuple[str, str]]) -> None:
        """Write into the access log whose words are about to be sent.

        Args:
            seen: (transcript id, segment id) pairs; the segment's id is empty where the whole transcript is shown.
        """
        self.store.viewings.note(self.reviewer.name, self.page.name, seen)

    def render(self, template: str, *, status: int = 200, block: str = "", **values: Any) -> Response:
        """A page, or one block of it where a piece is wanted."""
        html = self.rendering.render(template, self, block, values)
        return HTMLResponse(html, status_code=status)

    def redirect(self, path: str, **query: str) -> Response:
        """Send the browser elsewhere in this application."""
        to = f"{path}?{urlencode(query)}" if query else path
        if self.partial:
            return Response(status_code=204, headers={"HX-Location": to})
        return RedirectResponse(to, status_code=303)

    def missing(self, what: str, where: str = "the study") -> HTTPException:
        """To be raised where what is asked for is not there (any more)."""
        return HTTPException(404, f"{what[:1].upper()}{what[1:]} is not in {where}; it may have been withdrawn.")
