"""Taguette's highlights come in at the words they were drawn over, under whoever drew them."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from projects import TAGUETTE, added, bring, database

from belonging_llm.errors import ContainerError, ExchangeError
from belonging_llm.exchange.html_text import HtmlText
from belonging_llm.exchange.reading import Wish, read
from belonging_llm.study import create

HTML = "<h1>Talk</h1><p>Ça va, I felt at <b>home</b> there &amp; stayed 😀.</p><p>My group met every night.</p>"
WORDS = "TalkÇa va, I felt at home there & stayed 😀.My group met every night."


def bytes_of(words: str) -> tuple[int, int]:
    """Where words stand in the fragment, in UTF-8 bytes without tags, as Taguette counts."""
    start = len(WORDS[: WORDS.index(words)].encode())
    return start, start + len(words.encode())


def rows(**more: list[tuple[object, ...]]) -> dict[str, list[tuple[object, ...]]]:
    return {
        "projects": [(1, "Nights", "About nights.", "")],
        "documents": [(1, "talk", "first", "talk.html", "", 1, HTML), (2, "empty", "", "e.html", "", 1, "<p> </p>")],
        "tags": [(1, 1, "home", "Feels at home."), (2, 1, "group", "")],
        "highlights": [
            (1, 1, *bytes_of("felt at home"), "<p>felt at <b>home</b></p>"),
            (2, 1, *bytes_of("group met every night"), "<p>group met every night</p>"),
            (3, 2, 0, 1, "<p> </p>"),
            (4, 1, 10, 9999, ""),
        ],
        "highlight_tags": [(1, 1), (2, 1), (2, 2), (3, 1), (4, 2), (1, 99)],
        "commands": [added(1, "ann"), added(2, "ann"), added(2, "bob"), (9, "x", 1, "not json"), (8, "y", 1, "[1]")],
        "project_members": [(1, "ann"), (1, "bob")],
    } | more


def test_highlights_tags_and_coders(tmp_path: Path) -> None:
    name, found = read(database(tmp_path / "t.sqlite3", TAGUETTE, rows()), Wish())
    assert name == "Taguette database"
    source = found.project.sources[0]
    users = {u.guid: u.name for u in found.project.users}
    codes = {c.guid: c.name for c in found.project.codes}
    said = [(source.text[p.start : p.end], codes[m.code], users[m.user]) for p in source.passages for m in p.marks]
    assert said == [
        ("felt at home", "home", "ann"),
        ("group met every night", "home", "bob"),
        ("group met every night", "group", "bob"),
    ]
    assert found.codings == 6 == found.project.codings + sum(one.codings for one in found.left_out)
    lost = "\n".join(map(str, found.left_out))
    assert "document empty (1 coding): its text is empty" in lost
    assert "highlight 4 of talk (1 coding): it lies outside the text" in lost
    assert "a tag of highlight 1 of talk (1 coding): the tag that it names is not in the project" in lost


def test_paragraphs_do_not_run_into_each_other() -> None:
    assert HtmlText(HTML).text == "Talk\nÇa va, I felt at home there & stayed 😀.\nMy group met every night.\n"


PIECES = st.lists(
    st.one_of(
        st.sampled_from(["<p>", "</p>", "<b>", "</b>", "<br>", "\n", "&amp;", "&#233;"]),
        st.text("aé😀ב ", min_size=1, max_size=6),
    ),
    max_size=25,
)


@given(PIECES, st.data())
def test_bytes_are_counted_as_taguette_counts_them(pieces: list[str], data: st.DataObject) -> None:
    html = "x" + "".join(pieces)
    # Taguette's own count: the bytes of the words, with no tag and no break.
    plain = re.sub(r"<[^>]*>", "", html).replace("&amp;", "&").replace("&#233;", "é")
    start = data.draw(st.integers(0, len(plain)))
    end = data.draw(st.integers(start, len(plain)))
    found = HtmlText(html)
    assert found.end == len(plain.encode())
    span = found.span(len(plain[:start].encode()), len(plain[:end].encode()))
    assert span is not None
    assert found.text[slice(*span)].replace("\n", "") == plain[start:end].replace("\n", "")


def test_of_several_projects_one_has_to_be_named(tmp_path: Path) -> None:
    two = rows(projects=[(1, "Nights", "", ""), (2, "Days", "", "")])
    path = database(tmp_path / "t.sqlite3", TAGUETTE, two)
    with pytest.raises(
        ExchangeError, match=r"holds 2 projects; it has 1 \(Nights\), 2 \(Days\)\. Name one with --project"
    ):
        read(path, Wish())
    assert read(path, Wish(project="Days"))[1].project.name == "Days"
    assert len(read(path, Wish(project="1"))[1].project.sources) == 1
    with pytest.raises(ExchangeError, match="holds no such project"):
        read(path, Wish(project="Weeks"))


def test_a_highlight_that_is_not_in_the_log_is_its_only_member_s_or_nobody_s(tmp_path: Path) -> None:
    alone = read(database(tmp_path / "1.db", TAGUETTE, rows(commands=[], project_members=[(1, "ann")])), Wish())[1]
    assert {m.user for s in alone.project.sources for p in s.passages for m in p.marks} == {alone.project.users[0].guid}
    two = read(database(tmp_path / "2.db", TAGUETTE, rows(commands=[])), Wish())[1]
    assert {m.user for s in two.project.sources for p in s.passages for m in p.marks} == {""}
    assert any("have no maker in the log" in note for note in two.notes)


def test_words_that_are_not_where_the_offsets_say_are_refused(tmp_path: Path) -> None:
    shifted = [(1, 1, 7, 16, "<p>felt at home</p>"), (2, 1, 30, 41, "<p>group met</p>")]
    path = database(tmp_path / "t.sqlite3", TAGUETTE, rows(highlights=shifted))
    with pytest.raises(ExchangeError, match="its offsets do not fit"):
        read(path, Wish())


def test_tags_under_tags(tmp_path: Path) -> None:
    tables = TAGUETTE | {"tags": (*TAGUETTE["tags"], "parent_id")}
    tags = [(1, 1, "inner", "", 2), (2, 1, "outer", "", None), (3, 1, "a", "", 4), (4, 1, "b", "", 3)]
    found = read(database(tmp_path / "t.sqlite3", tables, rows(tags=tags)), Wish())[1]
    names = {c.guid: c.name for c in found.project.codes}
    above = {c.name: names.get(c.parent or "") for c in found.project.codes}
    assert above["inner"] == "outer"
    assert {above["a"], above["b"]} == {None}


def test_a_database_that_is_still_open_elsewhere_is_not_read_in_half(tmp_path: Path) -> None:
    path = database(tmp_path / "t.sqlite3", TAGUETTE, rows())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE tags SET path = 'changed'")
    connection.commit()
    with pytest.raises(ContainerError, match=r"t\.sqlite3: is open in another program"):
        read(path, Wish())
    connection.close()
    assert {c.name for c in read(path, Wish())[1].project.codes} == {"changed"}


def test_it_becomes_a_study(tmp_path: Path) -> None:
    study = create(tmp_path / "study")
    item = bring(study, database(tmp_path / "t.sqlite3", TAGUETTE, rows()))[0]
    assert (item.kind, item.added) == ("refi", 3)
    assert "3 codings left out" in item.problem
    assert [c.id for c in study.framework().codes] == ["home", "group"]
    assert set(study.store.findings.coders()) == {"ann", "bob"}
