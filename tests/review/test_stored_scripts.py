"""Scripts that somebody left in words, names, codes, memos or labels are text on every page: nothing runs, nothing loads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import disputed
import edited
import pytest
import world
from browsing import Browsing
from hostile_markup import STRINGS
from serving import Served
from visited import looked_at, visited

from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import EvidenceSpan
from belonging_llm.store import JudgementKind, Mark, Said


def test_there_are_three_hundred_different_ones() -> None:
    assert len(set(STRINGS)) >= 300


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hostile") / "study"
    made = world.make(folder, participants=["P01"], hostile="\n".join(STRINGS))
    _name_everything(made, STRINGS)
    with Served(made) as running:
        yield running
    shutil.rmtree(folder.parent, ignore_errors=True)


def _name_everything(made: world.World, strings: list[str]) -> None:
    """Codes, memos and reasons as well; what `world.make` says stands in words, names, themes and rationales."""
    study = made.open()
    whole = "\n".join(strings)
    codes = [
        Code(id=f"c{n} {text}", name=text, definition=text, include=text, exclude=text, examples=(text,))
        for n, text in enumerate(strings)
    ]
    study.store.codebooks.use(Framework(id="x", name=whole, description=whole, codes=tuple(codes)))
    made.ids["code"] = codes[0].id
    framework = study.framework()
    for who in (world.CODER, world.OTHER):
        study.store.judgements.submit(
            Said(
                key=f"hostile {who}",
                kind=JudgementKind.BLIND,
                segment_id=made.ids["segment"],
                reviewer=who,
                coder=who,
                marks=tuple(Mark(code=code.id, spans=(EvidenceSpan(start=0, end=5),)) for code in codes[:3]),
                memo=whole,
                codebook_digest=framework.digest,
            )
        )
    segments = study.store.corpus.every_segment()
    made.ids.update(disputed.fill(study, segments, models="", others="", hostile=whole))
    edited.fill(study, strings)
    study.store.corpus.set_participants({"P01": {f"attribute {n}": text for n, text in enumerate(strings)}})
    study.store.close()


def test_nothing_runs_and_nothing_loads(browsing: Browsing, served: Served, tmp_path: Path) -> None:
    bad, seen = [], 0
    for name, path, window in visited(browsing, served):
        window.goto(path)
        window.page.wait_for_load_state("networkidle")
        _touch(window.page)
        seen += 1
        bad += [f"{name}: the policy stopped {what}" for what in window.stopped()]
        bad += [f"{name}: asked for {what}" for what in window.outside]
        bad += [f"{name}: a dialog opened" for _ in window.dialogs]
        bad += [f"{name}: script ran" for _ in range(1) if window.page.evaluate("window.ran === true")]
        bad += [f"{name}: {what}" for what in window.errors]
        window.outside.clear(), window.dialogs.clear(), window.errors.clear()
    assert seen >= len(looked_at())
    assert bad == []


def _touch(page: object) -> None:
    """Open what is folded, point at and focus everything, so that handlers would fire."""
    page.evaluate(  # type: ignore[attr-defined]
        """() => {
        for (const one of document.querySelectorAll('details')) one.open = true;
        for (const one of document.querySelectorAll('main *')) {
            for (const kind of ['mouseover', 'focus', 'load', 'error', 'animationend', 'toggle'])
                one.dispatchEvent(new Event(kind));
        }
    }"""
    )


def test_the_watch_would_see_a_script(browsing: Browsing, served: Served) -> None:
    window = browsing.window(served)
    window.goto("/sign-in")
    window.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    for _ in range(100):
        if window.stopped():
            break
        window.page.wait_for_timeout(50)
    assert any("script" in what for what in window.stopped())
    window.close()
