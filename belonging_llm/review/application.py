"""The application: every request is told who makes it, whether they may, and is answered in a thread of its own."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from belonging_llm.errors import InputError, StaleError
from belonging_llm.review.cookies import Cookie
from belonging_llm.review.guard import Guard
from belonging_llm.review.page import ANYONE, Page
from belonging_llm.review.proxies import Proxied, Proxies
from belonging_llm.review.registry import PAGES
from belonging_llm.review.rendering import Rendering
from belonging_llm.review.tokens import form_token, new_token, same, token_digest
from belonging_llm.review.visit import Visit
from belonging_llm.review.warming import Warming
from belonging_llm.store import Role, Session
from belonging_llm.store.reviewing import Overtaken
from belonging_llm.study import Study

_LOG = logging.getLogger("belonging.review")
MOST_FIELDS = 2000


def application(
    study: Study,
    *,
    hosts: Collection[str],
    port: int,
    secure: bool,
    proxies: Proxies | None = None,
    pages: tuple[Page, ...] = PAGES,
) -> ASGIApp:
    """The application on a study.

    Args:
        hosts: Names with ports that it is asked for by, in lower case.
        port: That it listens on.
        secure: Whether browsers ask for it over TLS.
        proxies: That alone may ask it; None where anybody may.
        pages: Every page that it has.
    """
    warming = Warming(study)
    desk = Desk(study, Rendering(pages), Cookie(port, secure), warming)
    routes = [Route(page.path, desk.endpoint(page), methods=[page.method], name=page.name) for page in pages]
    inner = Starlette(routes=routes, exception_handlers={404: _lost, 405: _lost}, lifespan=warming)
    return Guard(Proxied(inner, proxies) if proxies else inner, frozenset(hosts), secure)


@dataclass(frozen=True)
class Desk:
    """Where requests are taken in."""

    study: Study
    rendering: Rendering
    cookie: Cookie
    warming: Warming

    def endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """What the router calls for a page."""

        async def answer(request: Request) -> Response:
            self.warming.note()
            fields = await self._fields(request)
            return await run_in_threadpool(self._answer, page, request, fields)

        return answer

    async def _fields(self, request: Request) -> FormData:
        if request.method != "POST":
            return FormData()
        return await request.form(max_files=0, max_fields=MOST_FIELDS)

    def _answer(self, page: Page, request: Request, fields: FormData) -> Response:
        token = self.cookie.read(request)
        session = self.study.store.sessions.find(token_digest(token)) if token else None
        visit = Visit(request, page, self.study, self.rendering, self.cookie, session, token or new_token(), fields)
        reply = self._refusal(visit) or self._page(visit)
        if page.roles is ANYONE and not token and request.method == "GET":
            self.cookie.give(reply, visit.token)
        return reply

    def _refusal(self, visit: Visit) -> Response | None:
        """Why this visit is not let in; None where it is."""
        posts = visit.request.method == "POST"
        if not visit.page.admits(_role(visit.session)):
            return _told(visit, 403, "That is not yours to see or do.") if visit.session else self._outside(visit)
        given = visit.request.headers.get("X-CSRF-Token") or visit.field("csrf")
        if posts and not same(given, form_token(visit.token)):
            return _told(visit, 403, "This form is not from a page that this session was shown. Load it again.")
        return None

    def _outside(self, visit: Visit) -> Response:
        """Somebody who has not signed in, or not any more."""
        sign_in = self.rendering.url("sign-in")
        if visit.partial:
            return PlainTextResponse("Sign in first.\n", status_code=401, headers={"HX-Redirect": sign_in})
        if visit.request.method == "POST":
            return _told(visit, 401, "You are not signed in, or not any more. Nothing was kept.")
        return RedirectResponse(sign_in, status_code=303)

    def _page(self, visit: Visit) -> Response:
        try:
            return visit.page.answer(visit)
        except HTTPException as error:
            return _told(visit, error.status_code, error.detail)
        except (Overtaken, StaleError) as error:
            return _told(visit, 409, str(error))
        except InputError as error:
            return _told(visit, 422, str(error))
        except Exception as error:
            # A message may quote what people said: only where it happened goes into the log.
            frames = traceback.extract_tb(error.__traceback__)
            where = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames))
            _LOG.error("%s failed: %s at %s", visit.page.name, type(error).__name__, where)
            return _told(visit, 500, "Something went wrong here, and nothing was kept. The server's log says where.")


def _role(session: Session | None) -> Role | None:
    return session.reviewer.role if session else None


def _told(visit: Visit, status: int, why: str) -> Response:
    return visit.render("refused.html.j2", status=status, block="why" if visit.partial else "", why=why, code=status)


def _lost(request: Request, error: Exception) -> Response:
    return PlainTextResponse("There is no such page.\n", status_code=404)
