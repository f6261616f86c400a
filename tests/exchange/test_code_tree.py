"""Codebooks survive the way through a tree of codes, and names that repeat get ids that do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from projects import ident

from belonging_llm import codebook
from belonging_llm.codebook import KINDS, Code, Framework
from belonging_llm.errors import CodebookError
from belonging_llm.exchange import labelled
from belonging_llm.exchange.code_tree import LABELS, describe, from_tree, ids_of, to_tree
from belonging_llm.exchange.project import ProjectCode


@pytest.mark.parametrize("name", codebook.built_in())
def test_the_built_in_frameworks_come_back_as_they_were(name: str) -> None:
    framework = codebook.load(name)
    back = from_tree(to_tree(framework, {}), name="anything", about=describe(framework), place="here")
    assert {c.id: c for c in back.codes} == {c.id: c for c in framework.codes}
    assert back.model_dump(exclude={"codes"}) == framework.model_dump(exclude={"codes"})


LINE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20)
PROSE = st.lists(LINE, max_size=3).map("\n".join)


@st.composite
def frameworks(draw: st.DrawFn) -> Framework:
    ids = draw(st.lists(LINE.filter(str.strip), min_size=1, max_size=6, unique=True))
    codes = [
        Code(
            id=one,
            name=draw(st.sampled_from(["home", "group", one.strip()])),
            kind=draw(st.sampled_from(KINDS)),
            parent=draw(st.sampled_from([None, *ids[:at]])),
            assignable=at == 0 or draw(st.booleans()),
            definition=draw(PROSE),
            include=draw(PROSE),
            exclude=draw(PROSE),
            examples=tuple(draw(st.lists(LINE, max_size=3))),
            absent_examples=tuple(draw(st.lists(LINE, max_size=2))),
        )
        for at, one in enumerate(ids)
    ]
    return Framework(id="x", name="x", codes=tuple(codes))


@given(frameworks())
def test_any_codebook_comes_back_as_it_was(framework: Framework) -> None:
    back = from_tree(to_tree(framework, {}), name="x", place="here")
    assert {c.id: c for c in back.codes} == {c.id: c for c in framework.codes}


def test_codes_of_one_name_are_told_apart_by_what_stands_above_them() -> None:
    above = [ProjectCode(guid=ident(n), name=name) for n, name in enumerate(["skills", "framings"], 1)]
    twins = [ProjectCode(guid=ident(n + 2), name="programming", parent=ident(n)) for n in (1, 2)]
    more = [ProjectCode(guid=ident(n + 4), name="programming", parent=ident(1)) for n in (1, 2)]
    assert list(ids_of([*above, *twins]).values()) == [
        "skills",
        "framings",
        "skills/programming",
        "framings/programming",
    ]
    assert len(set(ids_of([*above, *twins, *more]).values())) == 6


def test_an_id_that_was_copied_with_its_code_is_not_given_twice() -> None:
    codes = [ProjectCode(guid=ident(n), name=f"n{n}", description="What.\n\nId: home") for n in (1, 2)]
    assert list(ids_of(codes).values()) == ["n1", "n2"]


def test_a_codebook_of_folders_alone_is_none() -> None:
    with pytest.raises(CodebookError, match=r"here: its codes make no codebook: .*no code may be assigned"):
        from_tree([ProjectCode(guid=ident(1), name="a", codable=False)], name="x", place="here")


@given(PROSE, st.dictionaries(st.sampled_from(LABELS), PROSE.filter(bool)))
def test_labelled_texts_are_read_as_they_were_written(lead: str, fields: dict[str, str]) -> None:
    assert labelled.read(labelled.write(lead, fields, LABELS), LABELS) == (lead, fields)


@pytest.mark.parametrize(
    "text", ["", "Plain words.", "Kind of: sad", "What.\n\nKind: core\nand more below", "a\n\n\nb", "Kind:core"]
)
def test_other_people_s_texts_are_left_alone(text: str) -> None:
    assert labelled.read(text, LABELS) == (text, {})
