"""Codebooks: the built-in ones are whole, and a faulty one is refused with its place."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from pydantic import ValidationError

from belonging_llm.codebook import KINDS, RELATIONS, Code, Framework, built_in, crosswalk, from_rows, load, read_yaml
from belonging_llm.errors import CodebookError

YAML = textwrap.dedent("""
    id: own
    name: Our codebook
    codes:
      - id: top
        name: Heading
        assignable: false
      - id: warmth
        name: Warmth
        parent: top
        kind: core
        examples: ["It was warm."]
      - id: access
        name: Access
        kind: determinant
    """)


def written(folder: Path, content: str) -> Path:
    file = folder / "own.yaml"
    file.write_text(content, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", built_in())
def test_built_in_frameworks_are_whole(name: str) -> None:
    framework = load(name)
    assert framework.id == name
    assert framework.sources
    for code in framework.assignable:
        assert code.definition
        assert code.include
        assert code.examples
        assert code.kind in KINDS


def test_four_frameworks_come_with_the_package() -> None:
    assert built_in() == [
        "advance-he-building-belonging",
        "odl-belonging",
        "online-learning-mechanisms",
        "wonkhe-pearson-foundations",
    ]


def test_the_crosswalk_names_codes_that_exist() -> None:
    rows = crosswalk()
    assert rows
    for row in rows:
        assert load(row.from_framework).code(row.from_code)
        assert load(row.to_framework).code(row.to_code)
        assert row.relation in RELATIONS
        assert row.from_framework != row.to_framework


def test_the_crosswalk_says_each_thing_once() -> None:
    pairs = [(r.from_framework, r.from_code, r.to_framework, r.to_code) for r in crosswalk()]
    assert len(set(pairs)) == len(pairs)


def test_a_framework_file_by_hand(tmp_path: Path) -> None:
    framework = load(str(written(tmp_path, YAML)))
    assert [code.id for code in framework.codes] == ["top", "warmth", "access"]
    assert [code.id for code in framework.assignable] == ["warmth", "access"]
    assert framework.code("warmth").examples == ("It was warm.",)
    assert framework.code("top").kind == "code"
    assert framework.version == 1


def test_a_code_that_is_not_there_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        load(str(written(tmp_path, YAML))).code("nothing")


@pytest.mark.parametrize(
    ("change", "by", "field"),
    [
        ("name: Warmth", "nam: Warmth", r"codes\.1\.name"),
        ("name: Our codebook\n", "", "name"),
        ("id: own", "id: 7", "id"),
        ("kind: core", "kind: feeling", r"warmth.*feeling"),
        ("kind: core", "colour: red", r"codes\.1\.colour"),
        ("id: access", "id: warmth", "more than once: warmth"),
        ("parent: top", "parent: nowhere", "parent.*warmth"),
        ('["It was warm."]', '"It was warm."', r"codes\.1\.examples"),
        ("assignable: false", "assignable: perhaps", r"codes\.0\.assignable"),
        ("codes:", "codes: []\nmore:", "more|assigned"),
        ("id: own", "id: [own", "YAML"),
        (YAML, "", "dictionary|mapping"),
        (YAML, "- a\n- b", "dictionary|mapping"),
        ("id: own", "id: own\nversion: 2026-02-30", "version|YAML"),
    ],
)
def test_a_faulty_file_is_refused_with_its_name_and_field(tmp_path: Path, change: str, by: str, field: str) -> None:
    assert change in YAML
    with pytest.raises(CodebookError, match=rf"(?s)own\.yaml: .*(?:{field})"):
        read_yaml(written(tmp_path, YAML.replace(change, by, 1)))


def test_a_file_that_cannot_be_read_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=r"absent\.yaml"):
        load(str(tmp_path / "absent.yaml"))
    (tmp_path / "latin.yaml").write_bytes("id: Zoë".encode("latin-1"))
    with pytest.raises(CodebookError, match=r"latin\.yaml"):
        load(str(tmp_path / "latin.yaml"))
    (tmp_path / "torn.yaml").write_text("id: x\ncodes: [\n", "utf-8")
    with pytest.raises(CodebookError, match=r'in ".*torn\.yaml", line 3') as torn:
        load(str(tmp_path / "torn.yaml"))
    assert "unicode string" not in str(torn.value)


def test_an_unknown_name_lists_the_built_in_ones() -> None:
    with pytest.raises(CodebookError, match=r"no-such.*odl-belonging"):
        load("no-such")


def test_a_codebook_without_a_code_to_assign_is_refused() -> None:
    with pytest.raises(ValidationError, match="no code may be assigned"):
        Framework(id="a", name="A", codes=(Code(id="x", name="X", assignable=False),))


def test_a_table_becomes_a_codebook() -> None:
    rows = [
        {"code": "warmth", "name": "Warmth", "definition": "Feeling warm.", "include": "when", "exclude": "when not",
         "examples": "One. | Two.\nThree. |four| ", "parent": "", "kind": "core"},
        {"code": "access", "name": "", "definition": ""},
    ]  # fmt: skip
    framework = from_rows(rows, name="ours", place="codes.csv")
    warmth, access = framework.codes
    assert (framework.id, framework.name) == ("ours", "ours")
    assert warmth.examples == ("One.", "Two.", "Three. |four|")
    assert (warmth.kind, warmth.parent, warmth.include, warmth.exclude) == ("core", None, "when", "when not")
    assert (access.name, access.kind, access.examples) == ("access", "code", ())


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([{"code": "a"}, {"code": "b", "kind": "feeling"}], r"codes\.csv, row 3: .*feeling"),
        ([{"code": "a"}, {"code": "a"}], r"codes\.csv: .*more than once: a"),
        ([{"code": "a", "parent": "b"}], r"codes\.csv: .*parent.*a"),
        ([], r"codes\.csv: no code"),
        ([{"code": "a"}, {"code": "", "name": "Nameless"}], r"codes\.csv, row 3"),
        ([{"code": "a"}, {"name": "No code column"}], r"codes\.csv"),
    ],
)
def test_a_faulty_table_is_refused_with_file_and_row(rows: list[dict[str, str]], place: str) -> None:
    with pytest.raises(CodebookError, match=place):
        from_rows(rows, name="ours", place="codes.csv")


def test_a_digest_is_that_of_the_content(tmp_path: Path) -> None:
    base = read_yaml(written(tmp_path, YAML))
    assert read_yaml(written(tmp_path, "# a comment\n" + YAML)).digest == base.digest
    changes = [("Our codebook", "Your codebook"), ("It was warm.", "It was cold."), ("kind: core", "kind: facet"),
               ("id: own", "id: own\nversion: 2"), ("parent: top", "parent: access")]  # fmt: skip
    digests = {read_yaml(written(tmp_path, YAML.replace(*change))).digest for change in changes}
    assert len(digests | {base.digest}) == 6


def test_codes_in_another_order_are_another_codebook(tmp_path: Path) -> None:
    base = read_yaml(written(tmp_path, YAML))
    assert base.model_copy(update={"codes": base.codes[::-1]}).digest != base.digest


def test_codes_may_stand_in_another_order(tmp_path: Path) -> None:
    usual = read_yaml(written(tmp_path, YAML))
    assert [code.id for code in usual.assignable] == ["warmth", "access"]
    turned = usual.reordered(["access", "warmth"])
    assert [code.id for code in turned.assignable] == ["access", "warmth"]
    assert [code.id for code in usual.assignable] == ["warmth", "access"]
    assert {code.id: code for code in turned.codes} == {code.id: code for code in usual.codes}
    assert (turned.id, turned.name, turned.digest == usual.digest) == (usual.id, usual.name, False)
