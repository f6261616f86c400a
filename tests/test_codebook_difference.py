"""What two versions of a codebook differ in, word by word; and edits of one code."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codebook import Code, FieldChange, Framework, differ, fresh_id, load, put, read_yaml, retire, to_yaml
from belonging_llm.errors import CodebookError

TOP = Code(id="top", name="Top", assignable=False)
HOME = Code(id="home", name="At home", parent="top", definition="It feels like home to me.")
GROUP = Code(id="group", name="Group", parent="top")


def book(*codes: Code) -> Framework:
    return Framework(id="own", name="Ours", codes=codes)


def test_codes_come_go_and_change() -> None:
    renamed = HOME.model_copy(update={"name": "Home", "definition": "It feels like a home to everybody."})
    found = differ(book(TOP, HOME, GROUP), book(TOP, Code(id="new", name="New"), renamed))
    assert [c.id for c in found.added] == ["new"]
    assert [c.id for c in found.removed] == ["group"]
    (change,) = found.changed
    assert (change.renamed, change.means_otherwise) == (True, True)
    assert {f.field: (f.before, f.after) for f in change.fields}["name"] == ("At home", "Home")
    (text,) = (f for f in change.fields if f.field == "definition")
    assert [(p.kind, p.text) for p in text.pieces] == [
        ("same", "It feels like "),
        ("added", "a "),
        ("same", "home to "),
        ("removed", "me"),
        ("added", "everybody"),
        ("same", "."),
    ]
    assert not found.reordered
    assert not differ(book(TOP, HOME), book(TOP, HOME))


def test_order_head_and_other_words_are_changes_without_another_meaning() -> None:
    found = differ(book(TOP, HOME, GROUP), book(TOP, GROUP, HOME).model_copy(update={"name": "Yours"}))
    assert found.reordered
    assert found.changed == ()
    assert [(f.field, f.before, f.after) for f in found.head] == [("name", "Ours", "Yours")]
    examples = differ(book(TOP, HOME), book(TOP, HOME.model_copy(update={"examples": ("a", "b")}))).changed[0]
    assert [(f.field, f.before, f.after) for f in examples.fields] == [("examples", "", "a\nb")]
    assert not examples.means_otherwise


@given(st.text("ab \n.é'-", max_size=40), st.text("ab \n.é'-", max_size=40))
def test_pieces_hold_both_texts_whole(before: str, after: str) -> None:
    pieces = FieldChange("definition", before, after).pieces
    assert "".join(p.text for p in pieces if p.kind != "added") == before
    assert "".join(p.text for p in pieces if p.kind != "removed") == after


def test_a_new_code_stands_behind_its_siblings_and_below_its_parent() -> None:
    other = Code(id="other", name="Other")
    assert [c.id for c in put(book(TOP, HOME, other), GROUP).codes] == ["top", "home", "group", "other"]
    assert [c.id for c in put(book(TOP, HOME), other).codes] == ["top", "home", "other"]
    assert [(depth, c.id) for depth, c in put(book(TOP, HOME, other), GROUP).tree] == [
        (0, "top"),
        (1, "home"),
        (1, "group"),
        (0, "other"),
    ]


def test_who_stood_below_a_retired_code_stands_below_the_one_above_it() -> None:
    below = Code(id="below", name="Below", parent="home")
    left = retire(book(TOP, HOME, below), "home")
    assert [(c.id, c.parent) for c in left.codes] == [("top", None), ("below", "top")]
    with pytest.raises(CodebookError, match="home: is not in the codebook"):
        retire(left, "home")


def test_edits_that_make_no_codebook_are_refused() -> None:
    with pytest.raises(CodebookError, match="codes that stand below themselves: top, home"):
        put(book(TOP, HOME), TOP.model_copy(update={"parent": "home"}))
    with pytest.raises(CodebookError, match="whose parent is not in the codebook: home"):
        put(book(TOP, HOME), HOME.model_copy(update={"parent": "nowhere"}))
    with pytest.raises(CodebookError, match="no code may be assigned"):
        retire(book(TOP, HOME), "home")


def test_an_id_is_made_from_a_name_and_never_used_again() -> None:
    assert fresh_id("Émotional — connection!", []) == "emotional-connection"
    assert fresh_id("Home", {"home", "home-2"}) == "home-3"
    assert fresh_id("日本", []) == "code"


def test_a_codebook_goes_to_a_file_and_back(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    for framework in (book(TOP, HOME), load("odl-belonging")):
        path.write_text(to_yaml(framework), encoding="utf-8")
        assert read_yaml(path) == framework
