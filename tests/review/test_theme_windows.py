"""Themes page by page: every segment once, in its order, with or without words that are looked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import world
from serving import Client, Served

from belonging_llm import theme_board, withdrawal
from belonging_llm.clusters import Belongs
from belonging_llm.review.pages.themes.reading import SHOWN
from belonging_llm.store import segment_words
from belonging_llm.study import Study
from belonging_llm.themes import Theme, ThemeMember
from belonging_llm.themes.edits import Merge, Move, Rename, Split

_BOX = re.compile(r'name="segments" value="([^"]+)"')
_NEXT = re.compile(r'href="([^"]+)" data-key="j"')
BELONGS = (Belongs.CORE, Belongs.NEAR)


def fill(study: Study) -> tuple[list[str], list[str]]:
    """Two themes of a new run: of the first 120 segments, and of all but ten of the others."""
    ids = list(study.store.words.people())
    parts = ids[:120], ids[120:-10]
    run = study.store.runs.start("more", {"llm": {"model": "pretend"}, "seed": 0})
    study.store.themes.add(
        run.id,
        [
            Theme(
                id=ident,
                ordinal=n,
                name=f"Theme {ident}",
                definition="d",
                # Some at its core, then some near it, as they are when themes are found.
                members=tuple(ThemeMember(i, 1 - k / len(part), BELONGS[k > 80]) for k, i in enumerate(part)),
            )
            for n, (ident, part) in enumerate(zip(("Tone", "Ttwo"), parts, strict=True), 1)
        ],
    )
    study.store.runs.finish(run.id, "complete")
    return parts


def turned(client: Client, path: str) -> list[list[str]]:
    """What each page shows, from the first to the last."""
    pages = []
    while path:
        text = client.get(path).text
        pages.append(_BOX.findall(text))
        found = _NEXT.search(text)
        path = found[1].replace("&amp;", "&") if found else ""
    return pages


def test_pages_of_a_theme_hold_every_segment_once(tmp_path: Path) -> None:
    made = world.make(tmp_path / "study", participants=[f"P{n:02}" for n in range(40)], disputes=False)
    with Served(made) as served:
        first, second = fill(served.study)
        dora = served.client("dora")
        pages = turned(dora, "/themes/Tone")
        assert [len(page) for page in pages] == [SHOWN, SHOWN, 20]
        assert [i for page in pages for i in page] == first
        listed = dora.get("/themes").text
        assert "120 segments by" in listed
        assert f"{len(second)} segments by" in listed
        assert "10 segments are in no theme" in listed
        held = [s.id for s in served.study.store.words.of(first) if "forum" in s.text]
        assert 0 < len(held) < len(first)
        assert [i for page in turned(dora, "/themes/Tone?q=forum") for i in page] == held
        assert len([i for page in turned(dora, "/themes/none") for i in page]) == 10
        # An edit by somebody else, past this server's pages, is seen by the next look.
        theme_board.revise(served.study, Move(segments=tuple(first[:3]), to="Ttwo", source="Tone"), by="x", reason="y")
        assert [i for page in turned(dora, "/themes/Tone") for i in page] == first[3:]
        assert "117 segments by" in dora.get("/themes").text
        theme_board.revise(served.study, Rename(theme="Tone", name="Something plainer"), by="x", reason="y")
        assert "Something plainer" in dora.get("/themes").text
        split = Split(theme="Tone", segments=tuple(first[3:6]), name="A part")
        theme_board.revise(served.study, split, by="x", reason="y")
        theme_board.revise(served.study, Merge(into="Ttwo", themes=("Tone",)), by="x", reason="y")
        assert {i for page in turned(dora, "/themes/Ttwo") for i in page} == {*first[:3], *first[6:], *second}
        assert dora.get("/themes/Tone").status_code == 404


def test_themes_that_are_held_follow_whoever_leaves(tmp_path: Path) -> None:
    made = world.make(tmp_path / "study", participants=[f"P{n:02}" for n in range(40)], disputes=False)
    opened = made.open()
    first, _ = fill(opened)
    gone = opened.store.words.of(first[:1])[0].participant
    theirs = {s for s, who in opened.store.words.people().items() if who == gone}
    run = opened.store.themes.last()
    assert set(opened.store.themes.seen(run).themes[0].own) & theirs
    withdrawal.withdraw(opened, gone, "")
    kept = {i for theme in opened.store.themes.seen(run).themes for i in theme.own}
    assert kept
    assert not kept & theirs
    opened.store.close()


@pytest.mark.parametrize("few", [1, 10_000])
def test_words_are_looked_for_among_some_segments_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    opened = world.make(tmp_path / "study", disputes=False).open()
    monkeypatch.setattr(segment_words, "FEW", few)
    everywhere = sorted(opened.store.words.holding("forum"))
    assert len(everywhere) > 1
    other = next(i for i in opened.store.words.people() if i not in everywhere)
    assert opened.store.words.holding("FORUM", among=[*everywhere[1:], other]) == set(everywhere[1:])
    assert opened.store.words.holding("forum", among=[]) == set()
    opened.store.close()
