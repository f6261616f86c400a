"""A coder codes fifty segments in a real browser without touching a mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import world
from browsing import Browsing, Watched
from serving import Served

from belonging_llm.codes import Polarity
from belonging_llm.store import State

WANTED = 50


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    many = [f"P{n:02}" for n in range(1, 13)]
    with Served(world.make(tmp_path_factory.mktemp("many") / "study", participants=many)) as running:
        yield running


@pytest.fixture
def window(browsing: Browsing, served: Served) -> Iterator[Watched]:
    opened = browsing.window(served)
    yield opened
    assert opened.outside == []
    assert opened.dialogs == []
    assert opened.errors == []
    assert opened.stopped() == []
    opened.close()


def press(window: Watched, *keys: str) -> None:
    for key in keys:
        window.page.keyboard.press(key)


def go_on(window: Watched, *keys: str) -> str:
    """Press keys, the last of which leads to the next segment; returns the segment that was left."""
    left = window.page.url
    press(window, *keys)
    window.page.wait_for_url(lambda url: url != left)
    window.page.wait_for_load_state()
    return left.rsplit("/", 1)[1]


def test_fifty_segments_by_keyboard_alone(served: Served, window: Watched) -> None:
    window.sign_in(world.CODER)
    store, codes = served.study.store, served.study.framework().assignable
    first, third = codes[0].id, codes[2].id
    done: list[str] = []
    for n in range(WANTED - 3):
        keys = [("1",), ("3", "p"), ("1", "3"), ("n",)][n % 4]
        done.append(go_on(window, *keys, "Enter"))
    # Evidence by keyboard: the second and third word of the segment, for the code chosen before.
    evident = go_on(window, "1", "e", "ArrowRight", "Shift+ArrowRight", "Enter", "Enter")
    # Put on, undone, another put on; with a memo and certainty.
    press(window, "2", "Backspace", "1", "c", "m")
    window.page.keyboard.type("not sure about this")
    undone = go_on(window, "Escape", "Enter")
    flagged = go_on(window, "f", "1", "Enter")
    skipped = go_on(window, " ")
    done += [evident, undone, flagged]

    assert len(set(done)) == WANTED
    progress = store.queues.progress(world.CODER)
    assert (progress.submitted, progress.skipped, progress.flagged) == (WANTED, 1, 1)
    records = {one.segment_id: one for one in store.judgements.current(coder=world.CODER)}
    assert set(records) == {*done, skipped}
    assert [m.code for m in records[done[0]].marks] == [first]
    assert [(m.code, m.polarity) for m in records[done[1]].marks] == [(third, Polarity.ABSENT)]
    assert {m.code for m in records[done[2]].marks} == {first, third}
    assert records[done[3]].none_fits
    words = store.corpus.segment(evident).text
    (span,) = records[evident].marks[0].spans
    assert words[span.start : span.end] == " ".join(words.split()[1:3])
    assert [m.code for m in records[undone].marks] == [first]
    assert (records[undone].memo, records[undone].certainty) == ("not sure about this", "sure")
    assert records[flagged].flagged
    assert records[skipped].skipped
    assert all(record.seconds > 0 for record in records.values())
    # What was submitted is the coder's coding at once; what was skipped is not.
    judged = {j.segment_id for j in store.findings.judgements() if j.coder == world.CODER}
    assert judged == set(done)


def test_an_edit_is_a_new_record_and_the_coding_follows(served: Served, window: Watched) -> None:
    window.sign_in(world.OTHER)
    store = served.study.store
    left = go_on(window, "1", "Enter")
    press(window, "ArrowLeft")
    window.page.wait_for_url(f"**/code/{left}")
    assert window.page.locator("input[name=code]:checked").count() == 1
    go_on(window, "1", "2", "Enter")
    chain = store.judgements.history(left, world.OTHER)
    assert [record.supersedes for record in chain] == [0, chain[0].id]
    codes = [c.code for c in store.findings.codings() if (c.segment_id, c.coder) == (left, world.OTHER)]
    assert codes == [chain[1].marks[0].code] != [chain[0].marks[0].code]


def test_what_was_begun_is_there_again(served: Served, window: Watched) -> None:
    window.sign_in(world.OTHER)
    with window.page.expect_response(lambda reply: reply.url.endswith("/draft")):
        press(window, "1", "e", "Enter")
    begun = window.page.url.rsplit("/", 1)[1]
    item = served.study.store.queues.item(world.OTHER, begun)
    assert item is not None
    assert item.state is State.DRAFT
    window.goto("/queue")
    window.goto("/code")
    assert window.page.url.endswith(begun)
    assert window.page.locator("#segment mark").count() == 1
    assert window.page.locator("input[name=code]:checked").count() == 1


def test_words_are_marked_with_the_mouse_in_code_points(served: Served, window: Watched) -> None:
    window.sign_in(world.OTHER)
    press(window, "2")
    box = window.page.locator("#segment").bounding_box()
    assert box
    with window.page.expect_response(lambda reply: reply.url.endswith("/draft")):
        window.page.mouse.dblclick(box["x"] + 30, box["y"] + 12)
    begun = window.page.url.rsplit("/", 1)[1]
    item = served.study.store.queues.item(world.OTHER, begun)
    assert item is not None
    assert item.draft is not None
    spans = [s for mark in item.draft.marks for s in mark.spans]
    assert spans
    assert all(item.words[s.start : s.end] == item.words[s.start : s.end].strip() for s in spans)


def test_single_keys_can_be_turned_off(served: Served, window: Watched, tmp_path: Path) -> None:
    window.sign_in(world.OTHER)
    window.goto("/me")
    window.page.check("input[name=keys][value=off]")
    window.page.click("main button")
    window.goto("/code")
    press(window, "1", "2", "f")
    assert window.page.locator("input[name=flagged]:checked").count() == 0
    window.goto("/me")
    window.page.check("input[name=keys][value=on]")
    window.page.click("main button")
