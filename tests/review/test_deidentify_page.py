"""Suggestions are decided by keyboard, one after the other; the table that a spreadsheet opens has the decisions."""

from __future__ import annotations

from pathlib import Path

import pytest
import world
from browsing import Browsing
from playwright.sync_api import expect
from serving import Served

from belonging_llm import deidentification
from belonging_llm.deidentification import mark
from belonging_llm.transcripts import parse_text

TALK = """Interviewer: Who helped you?

P09: My name is Priya Sharma and it was Bernie who helped. Bernie rang me on 07700 900123 every week.

P09: At Northfell University they call me the duchess, and Bernie laughs.
"""


@pytest.fixture
def named(tmp_path: Path) -> Served:
    made = world.make(tmp_path / "study", participants=("P01",))
    opened = made.open()
    opened.store.corpus.add(parse_text(TALK, name="P09", place="P09"))
    opened.store.close()
    return Served(made)


def test_suggestions_are_decided_by_keyboard(named: Served, browsing: Browsing) -> None:
    with named as served:
        window = browsing.window(served)
        page = window.page
        window.sign_in("mia")
        window.goto("/deidentify")
        page.click("text=Look for suggestions")
        page.wait_for_selector(".suggestion")
        rows = deidentification.suggestions(served.study)
        order = [row.found for row in rows]
        assert "Bernie" in order
        assert page.inner_text("#words") == order[0]
        assert page.locator(".suggestion mark").first.inner_text() == order[0]
        for turn, key in enumerate(("y", "n", "r")):
            assert page.inner_text("#words") == order[turn]
            page.keyboard.press(key)
            if key == "r":
                page.keyboard.type("somebody")
                page.keyboard.press("Enter")
            expect(page.locator("#words")).to_have_text(order[turn + 1])
        page.goto(f"{served.base}/deidentify?state=all&row={mark(order[0])}")
        page.keyboard.press("u")
        page.wait_for_selector("button[data-key=u]", state="detached")
        decided = {row.found: (row.decision, row.by) for row in deidentification.suggestions(served.study)}
        assert [decided[words] for words in order[:3]] == [("", ""), ("no", "mia"), ("somebody", "mia")]
        assert (window.outside, window.dialogs, window.errors, window.stopped()) == ([], [], [], [])
        assert {(v.reviewer, v.page) for v in served.study.store.viewings.latest()} == {("mia", "deidentify")}
        window.close()


def test_a_late_decision_is_refused_and_a_missed_name_is_added(named: Served) -> None:
    with named as served:
        mia = served.client("mia")
        mia.post("/deidentify/look")
        bernie = next(row for row in deidentification.suggestions(served.study) if row.found == "Bernie")
        form = {"row": mark("Bernie"), "seen": deidentification.state(bernie), "state": "all"}
        assert mia.post("/deidentify/decide", form | {"decision": "no"}).status_code == 303
        late = mia.post("/deidentify/decide", form | {"decision": "yes"})
        assert late.status_code == 409
        assert "mia decided “no” meanwhile" in late.text
        assert mia.post("/deidentify/decide", form | {"decision": "words", "words": " "}).status_code == 422
        assert mia.post("/deidentify/add", {"words": "the duchess", "kind": "person"}).status_code == 303
        refused = mia.post("/deidentify/add", {"words": "the emperor", "kind": "person"})
        assert refused.status_code == 422
        assert 'value="the emperor"' in refused.text, "what was typed is still there"
        assert "the duchess" in {row.found for row in deidentification.suggestions(served.study)}
