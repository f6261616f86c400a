"""QualCoder's projects come in: codings, memos, annotations, journals, cases and attributes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from projects import QUALCODER, bring, database

from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.reading import Wish, read
from belonging_llm.study import create

TEXT = "😀 I felt at home there every night. My group met online and laughed.\n"


def utf16(words: str) -> tuple[int, int]:
    """Where words stand as the program's text field counts: an emoji is two."""
    start = len(TEXT[: TEXT.index(words)].encode("utf-16-le")) // 2
    return start, start + len(words.encode("utf-16-le")) // 2


def rows(**more: list[tuple[object, ...]]) -> dict[str, list[tuple[object, ...]]]:
    home, group = utf16("felt at home"), utf16("My group met")
    return {
        "project": [("v5", "", "About nights.", "QualCoder 3.5")],
        "source": [
            (1, "talk.txt", TEXT, None, "first talk", "ann", ""),
            (2, "photo.png", None, "/images/photo.png", "", "ann", ""),
            (3, "empty.txt", " ", None, "", "ann", ""),
        ],
        "code_text": [
            (1, 1, "felt at home", *home, "ann", "", "a memo"),
            (2, 1, "felt at home", *home, "ann", "", ""),
            (1, 1, "My group met", *group, "bob", "", None),
            (9, 1, "felt", *home, "ann", "", ""),
            (1, 3, "x", 0, 1, "ann", "", ""),
            (1, 77, "x", 0, 1, "ann", "", ""),
            (1, 1, "x", None, 1, "ann", "", ""),
        ],
        "code_name": [(1, "home", "Feels at home.", 2, "ann", "", "#CC3311"), (2, "group", "", None, "ann", "", "red")],
        "code_cat": [(2, "inner", "ann", "", "", 1), (1, "outer", "ann", "", "", None)],
        "code_image": [(1, 2, 1), (2, 2, 1)],
        "code_av": [],
        "annotation": [(1, 1, *home, "look here", "bob", "")],
        "journal": [(1, "Day 1", "Much to think about.", "", "ann"), (2, "Day 2", "", "", "ann")],
        "cases": [(1, "P01", "first"), (2, "P02", "")],
        "case_text": [(1, 1, 0, 10), (1, 2, 0, 0)],
        "attribute_type": [("age", "in years", "case", "numeric"), ("place", "", "file", "character")],
        "attribute": [("age", "case", "31", 1), ("place", "file", "online", 1), ("age", "case", "", 2)],
    } | more


def test_everything_that_is_text_comes_in(tmp_path: Path) -> None:
    name, found = read(database(tmp_path / "nights.qda" / "data.qda", QUALCODER, rows()).parent, Wish())
    made = found.project
    assert (name, made.name, made.origin) == ("QualCoder project", "nights", "QualCoder 3.5")
    source = made.sources[0]
    users, codes = {u.guid: u.name for u in made.users}, {c.guid: c.name for c in made.codes}
    said = [(source.text[p.start : p.end], codes[m.code], users[m.user]) for p in source.passages for m in p.marks]
    assert said == [
        ("felt at home", "home", "ann"),
        ("felt at home", "group", "ann"),
        ("My group met", "home", "bob"),
    ]
    # The text field's way of counting was found out by the words that the database keeps with each coding.
    assert "UTF-16 units" in found.notes[0]
    notes = {m.guid: m.text for m in made.notes}
    assert notes[source.passages[0].marks[0].memos[0]] == "a memo"
    assert [notes[m] for m in made.memos] == ["Much to think about."]
    assert [p.description for p in source.passages if not p.marks] == ["look here"]
    assert [(c.name, codes.get(c.parent or ""), c.codable) for c in made.codes] == [
        ("outer", None, False),
        ("inner", "outer", False),
        ("home", "inner", True),
        ("group", None, True),
    ]
    assert [(c.name, c.values, c.sources) for c in made.cases] == [
        ("P01", {"age": "31"}, (source.guid,)),
        ("P02", {}, ()),
    ]
    assert source.values == {"place": "online"}


def test_what_cannot_be_kept_is_counted(tmp_path: Path) -> None:
    found = read(database(tmp_path / "data.qda", QUALCODER, rows()), Wish())[1]
    # Seven codings of text and two of pictures.
    assert found.codings == 9 == found.project.codings + sum(one.codings for one in found.left_out)
    lost = "\n".join(map(str, found.left_out))
    for what in (
        "file photo.png: it is a picture, recording or document without text",
        "file empty.txt (1 coding): its text is empty",
        "codings of file 77 (1 coding): the file is not in the project",
        "a coding of talk.txt (1 coding): the code that it names is not in the project",
        "a coding of talk.txt (1 coding): it has no place in the text",
        "codings of areas of pictures (2 codings): only text can be kept",
        "journal entry Day 2: it is empty",
        "1 files of the case P01: they were left out or are not there",
    ):
        assert what in lost


def test_older_databases_lack_columns(tmp_path: Path) -> None:
    tables = QUALCODER | {"code_text": QUALCODER["code_text"][:-1]}
    given_ = rows(code_text=[row[:-1] for row in rows()["code_text"]])
    for table in ("code_image", "code_av", "annotation", "journal"):
        del tables[table]
    assert read(database(tmp_path / "data.qda", tables, given_), Wish())[1].project.codings == 3


def test_a_folder_of_a_project_counts_as_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    database(folder / "nights.qda" / "data.qda", QUALCODER, rows())
    (folder / "nights.qda" / "documents").mkdir()
    (folder / "nights.qda" / "documents" / "talk.txt").write_text(TEXT)
    study = create(tmp_path / "study")
    items = bring(study, folder)
    assert [(item.path.name, item.kind, item.added) for item in items] == [("nights.qda", "refi", 3)]
    assert study.store.corpus.participants() == {"P01": {"age": "31", "place": "online"}, "P02": {}}
    assert {s.participant for s in study.store.corpus.segments()} == {"P01"}
    again = bring(study, folder / "nights.qda")[0]
    assert (again.added, again.note, again.problem) == (0, "already in", "")


@pytest.mark.parametrize(
    ("name", "says"), [("x.qda", "holds no data.qda"), ("y.db", "neither Taguette's nor QualCoder's")]
)
def test_what_is_neither_says_so(name: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "x.qda":
        path.mkdir()
    else:
        database(path, {"other": ("a",)}, {})
    with pytest.raises(ExchangeError, match=re.escape(says)):
        read(path, Wish())
