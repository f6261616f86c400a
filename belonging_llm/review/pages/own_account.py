"""What somebody sets for themselves: whether single keys do things, and which letter is which code."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.errors import InputError
from belonging_llm.review.code_tree import rows
from belonging_llm.review.keys import TAKEN, is_free
from belonging_llm.review.page import EVERYBODY, Page
from belonging_llm.review.pages.code import letters_of
from belonging_llm.review.visit import Visit
from belonging_llm.store import Role

KEYS = {
    "on": "Single keys do things on the coding page",
    "alt": "They do so only with Alt held down",
    "off": "They do nothing; everything is done with Tab, Enter and Space",
}


def show(visit: Visit) -> Response:
    """Who they are here, and the form."""
    codes = [row for row in rows(visit.study.framework(), letters_of(visit)) if row.code.assignable]
    return visit.render(
        "own_account.html.j2",
        keys=visit.reviewer.preferences.get("keys", "on"),
        ways=KEYS,
        codes=codes if visit.reviewer.role is Role.CODER else [],
        taken=TAKEN,
        kept=visit.asked("kept") == "yes",
    )


def keep(visit: Visit) -> Response:
    """Keep the preferences."""
    keys = visit.field("keys") if visit.field("keys") in KEYS else "on"
    chosen = {"keys": keys} | _letters(visit)
    visit.store.reviewers.prefer(visit.reviewer.name, chosen)
    return visit.redirect(visit.rendering.url("own-account"), kept="yes")


def _letters(visit: Visit) -> dict[str, str]:
    found: dict[str, str] = {}
    for code in visit.study.framework().assignable:
        letter = visit.field(f"letter {code.id}").strip().lower()
        if not letter:
            continue
        if not is_free(letter):
            raise InputError(f"{letter}: give {code.name} a letter from a to z other than {', '.join(sorted(TAKEN))}")
        if letter in found.values():
            raise InputError(f"{letter}: two codes cannot have the same letter")
        found[f"letter {code.id}"] = letter
    return found


PAGES = (
    Page("own-account", "/me", show, EVERYBODY),
    Page("prefer", "/me", keep, EVERYBODY, method="POST", form={"keys": "on"}),
)
