"""axe finds nothing on any page, in light and dark, wide and narrow; nothing runs over the edge of a small screen."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import Browsing, Scheme
from serving import Served
from visited import visited

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing(browsing: Browsing, served: Served, scheme: Scheme, width: int) -> None:
    axe, found, seen = Axe(), [], 0
    for name, path, window in visited(browsing, served, every_example=scheme == "light", width=width, scheme=scheme):
        window.goto(path)
        violations = axe.run(window.page, options=RULES).response["violations"]
        found += [f"{name}: {v['id']} {[node['html'][:120] for node in v['nodes']]}" for v in violations]
        if window.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{name}: wider than {width} px")
        seen += 1
    assert seen > 5
    assert found == []


def test_axe_finds_what_is_wrong(browsing: Browsing, served: Served) -> None:
    window = browsing.window(served)
    window.goto("/sign-in")
    window.page.evaluate("document.querySelector('label').remove()")
    ids = [v["id"] for v in Axe().run(window.page, options=RULES).response["violations"]]
    window.close()
    assert "label" in ids


def test_dialogs_of_the_coding_page_are_accessible(browsing: Browsing, served: Served) -> None:
    for scheme in ("light", "dark"):
        window = browsing.window(served, scheme=scheme)
        window.sign_in("ann")
        found = []
        for key in ("?", "h"):
            window.page.keyboard.press(key)
            window.page.wait_for_selector("dialog[open] h2")
            window.page.wait_for_load_state("networkidle")
            found += [v["id"] for v in Axe().run(window.page, options=RULES).response["violations"]]
            window.page.keyboard.press("Escape")
        window.page.keyboard.press("1")
        window.page.keyboard.press("e")
        window.page.keyboard.press("Shift+ArrowRight")
        found += [v["id"] for v in Axe().run(window.page, options=RULES).response["violations"]]
        window.close()
        assert found == []
