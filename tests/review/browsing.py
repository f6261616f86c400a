"""Chromium without a window, driven by Playwright; tests skip where it is not installed."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright
from serving import Served
from world import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
Scheme = Literal["light", "dark"]
# Collected in the page: what the policy stopped, and dialogs are seen from outside.
_WATCH = """
window.stopped = [];
document.addEventListener('securitypolicyviolation', e => window.stopped.push(e.violatedDirective + ' ' + e.blockedURI));
"""


@dataclass
class Watched:
    """A window, and what went wrong in it.

    Attributes:
        outside: Requests to anywhere but the server.
        dialogs: Dialogs that opened.
        errors: What the page's console said was wrong.
    """

    context: BrowserContext
    page: Page
    base: str
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def goto(self, path: str) -> None:
        self.page.goto(self.base + path, wait_until="load")

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.goto("/sign-in")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def stopped(self) -> list[str]:
        """What the policy stopped on the page that is shown."""
        return list(self.page.evaluate("window.stopped"))

    def close(self) -> None:
        self.context.close()


class Browsing(AbstractContextManager["Browsing"]):
    """One browser for all tests; every window is a context of its own, without cookies of another."""

    def __enter__(self) -> Browsing:
        if not CHROMIUM:
            pytest.skip("chromium is not installed")
        self._playwright = sync_playwright().start()
        args = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if CHROMIUM:
            self.browser.close()
            self._playwright.stop()

    def window(self, served: Served, *, width: int = 1280, height: int = 900, scheme: Scheme = "light") -> Watched:
        """A new window on a served study."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.add_init_script(_WATCH)
        seen = Watched(context, context.new_page(), served.base)
        seen.page.on(
            "request", lambda r: None if r.url.startswith((served.base, "data:")) else seen.outside.append(r.url)
        )
        seen.page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
        seen.page.on("pageerror", lambda e: seen.errors.append(str(e)))

        def dismissed(dialog: object) -> None:
            seen.dialogs.append(str(dialog))
            dialog.dismiss()  # type: ignore[attr-defined]

        seen.page.on("dialog", dismissed)
        return seen
