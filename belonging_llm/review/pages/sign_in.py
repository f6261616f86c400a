"""Come in and go: signing in, setting a password by the one-time link, signing out."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.errors import InputError
from belonging_llm.review.page import ANYONE, EVERYBODY, Page
from belonging_llm.review.passwords import SHORTEST, hashed, is_right
from belonging_llm.review.tokens import new_token, token_digest
from belonging_llm.review.visit import Visit

_WRONG = "Name and password do not belong together."
_OFTEN = "There were too many attempts. Wait a quarter of an hour, or ask for a new link."
_USED = "This link was used, has expired, or was replaced by a newer one. Ask for another."


def show(visit: Visit) -> Response:
    """The form."""
    return visit.render("sign_in.html.j2", problem="", name="")


def enter(visit: Visit) -> Response:
    """Check name and password; nothing tells which of them was wrong."""
    name, address = visit.field("name").strip(), visit.request.client.host if visit.request.client else ""
    account, attempts = token_digest(name.casefold()), visit.store.attempts
    attempt = attempts.admit(account, address)
    if attempt is None:
        return _again(visit, name, _OFTEN, 429)
    found = next((r for r in visit.store.reviewers.all() if r.name == name and r.revoked_at is None), None)
    right = is_right(visit.field("password"), found.password if found else "")
    if not right or found is None:
        return _again(visit, name, _WRONG, 401)
    attempts.succeeded(attempt)
    token = new_token()
    visit.store.sessions.begin(token_digest(token), found.name)
    reply = visit.redirect(visit.rendering.url("start"))
    visit.cookie.give(reply, token)
    return reply


def leave(visit: Visit) -> Response:
    """End the session on the server; the cookie is worth nothing from here on."""
    visit.store.sessions.end(token_digest(visit.token))
    reply = visit.redirect(visit.rendering.url("sign-in"))
    visit.cookie.take_back(reply)
    return reply


def welcome(visit: Visit) -> Response:
    """The form for a first (or a new) password."""
    found = visit.store.reviewers.invited(token_digest(visit.part("link")))
    if found is None:
        return _unusable(visit)
    return visit.render("welcome.html.j2", name=found.name, shortest=SHORTEST, problem="")


def set_password(visit: Visit) -> Response:
    """Keep the password and use up the link."""
    digest = token_digest(visit.part("link"))
    found = visit.store.reviewers.invited(digest)
    if found is None:
        return _unusable(visit)
    try:
        if visit.field("password") != visit.field("again"):
            raise InputError("the two passwords differ")
        kept = hashed(visit.field("password"))
    except InputError as error:
        return visit.render("welcome.html.j2", status=422, name=found.name, shortest=SHORTEST, problem=str(error))
    if not visit.store.reviewers.set_password(digest, kept):
        return _unusable(visit)
    visit.store.attempts.forgive(token_digest(found.name.casefold()))
    return visit.redirect(visit.rendering.url("sign-in"))


def _again(visit: Visit, name: str, problem: str, status: int) -> Response:
    return visit.render("sign_in.html.j2", status=status, problem=problem, name=name)


def _unusable(visit: Visit) -> Response:
    return visit.render("refused.html.j2", status=410, why=_USED, code=410)


PAGES = (
    Page("sign-in", "/sign-in", show, ANYONE),
    Page("enter", "/sign-in", enter, ANYONE, method="POST", form={"name": "nobody", "password": "not this one"}),
    Page("sign-out", "/sign-out", leave, EVERYBODY, method="POST"),
    Page("welcome", "/welcome/{link}", welcome, ANYONE, examples=("/welcome/{link}",)),
    Page(
        "set-password",
        "/welcome/{link}",
        set_password,
        ANYONE,
        method="POST",
        examples=("/welcome/{link}",),
        form={"password": "short", "again": "short"},
    ),
)
