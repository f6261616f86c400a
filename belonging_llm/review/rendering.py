"""How pages are written: what people said is data, and a name that is not there is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from belonging_llm.review.page import Page
from belonging_llm.review.static import address
from belonging_llm.review.tokens import form_token
from belonging_llm.store import Role

if TYPE_CHECKING:
    from belonging_llm.review.visit import Visit

TEMPLATES = Path(__file__).parent / "templates"
# Neither can be written as UTF-8 HTML.
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


class Rendering:
    """Templates, and what every one of them may use: `visit`, `url`, `static`, `csrf`, `menu`."""

    def __init__(self, pages: tuple[Page, ...]) -> None:
        self._pages = {page.name: page for page in pages}
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"url": self.url, "static": address}

    def url(self, name: str, **parts: object) -> str:
        """The address of a page."""
        path = self._pages[name].path
        for part, value in parts.items():
            path = path.replace("{" + part + "}", jinja2.filters.do_urlencode(str(value)).replace("/", "%2F"))
        if "{" in path:
            raise ValueError(f"{path}: a part is missing")
        return path

    def first_for(self, role: Role) -> str:
        """The first page of the menu that somebody of a role has; their own account where there is none."""
        theirs = (page.path for page in self._pages.values() if page.menu and page.admits(role))
        return next(theirs, self.url("own-account"))

    def render(self, template: str, visit: Visit, block: str, values: Mapping[str, Any]) -> str:
        """A template (or one block of it) filled in."""
        role = visit.session.reviewer.role if visit.session else None
        shared = {
            "visit": visit,
            "study": visit.study.settings,
            "me": visit.session.reviewer if visit.session else None,
            "csrf": form_token(visit.token),
            "menu": [page for page in self._pages.values() if page.menu and page.admits(role)],
        }
        made = self._environment.get_template(template)
        context = made.new_context({**shared, **values})
        pieces = made.blocks[block](context) if block else made.root_render_func(context)
        return _UNPRINTABLE.sub("\ufffd", "".join(pieces))
