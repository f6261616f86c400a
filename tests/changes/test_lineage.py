"""What became of themes, worked by hand, and what always holds of it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.changes import ThemeChange, lineage, reasoned
from belonging_llm.themes import MappedCode, Mapping, Theme, ThemeMember
from belonging_llm.themes.lineage import Fate, Step


def theme(ident: str, members: str, name: str = "", codes: Sequence[str] = ()) -> Theme:
    return Theme(
        id=ident,
        ordinal=1,
        name=name or ident,
        definition="",
        members=tuple(ThemeMember(segment_id=m, strength=1.0, belongs="core") for m in members.split()),
        mapping=Mapping(codes=tuple(MappedCode(code=c, rationale="") for c in codes), by="m"),
    )


def told(found: Sequence[ThemeChange]) -> list[tuple[str, str, str, int]]:
    return [(c.became, "+".join(t.id for t in c.before), "+".join(t.id for t in c.after), c.shared) for c in found]


def test_the_same_theme_continues_under_its_name_or_another() -> None:
    old = [theme("A", "1 2 3", "Home"), theme("B", "4 5 6", "Rooms")]
    new = [theme("A", "1 2 3 9", "Home"), theme("B2", "4 5 6", "Halls")]
    assert told(lineage(old, new)) == [("continued", "A", "A", 3), ("renamed", "B", "B2", 3)]


def test_two_become_one_and_one_becomes_two() -> None:
    old = [theme("A", "1 2 3"), theme("B", "4 5 6"), theme("C", "11 12 13 14")]
    new = [theme("AB", "1 2 3 4 5"), theme("C1", "11 12"), theme("C2", "13 14")]
    assert told(lineage(old, new)) == [("merged", "A+B", "AB", 5), ("split", "C", "C1+C2", 4)]


def test_themes_of_new_interviews_are_born_and_those_without_heirs_retire() -> None:
    old = [theme("A", "1 2 3"), theme("B", "4 5 6")]
    new = [theme("A", "1 2 3"), theme("N", "21 22 23")]
    assert told(lineage(old, new)) == [("continued", "A", "A", 3), ("born", "", "N", 0), ("retired", "B", "", 0)]


def test_new_interviews_break_no_theme_up() -> None:
    # Three of thirteen members are known from before, and all three come from A.
    (found,) = lineage([theme("A", "1 2 3")], [theme("A2", "1 2 3 21 22 23 24 25 26 27 28 29 30", "A")])
    assert (found.became, found.shared) == ("continued", 3)


def test_another_place_in_the_framework_is_noted() -> None:
    (found,) = lineage([theme("A", "1", codes=["home"])], [theme("A", "1", codes=["group"])])
    assert (found.became, found.remapped) == ("continued", True)


def test_reasons_on_record_stand_with_the_themes_that_they_are_about() -> None:
    found = lineage([theme("A", "1 2 3"), theme("B", "4 5 6")], [theme("A", "1 2 3 4 5 6", "Both")])
    steps = [
        Step(fate=Fate.CONTINUED, before=("A",), after=("A",), reason="3 of 6"),
        Step(fate=Fate.MERGED, before=("B",), after=("A",), reason="most of it went there"),
        Step(fate=Fate.UNMET, before=("Z",), reason="the theme is gone"),
    ]
    (one,) = reasoned(found, steps)
    assert (one.became, one.reasons) == ("merged", ("merged: most of it went there",))


PARTITIONS = st.lists(st.integers(0, 4), min_size=12, max_size=12)


def parted(labels: Sequence[int], prefix: str) -> list[Theme]:
    groups = {k: " ".join(str(i) for i, label in enumerate(labels) if label == k) for k in sorted(set(labels))}
    return [theme(f"{prefix}{k}", members) for k, members in groups.items()]


@given(PARTITIONS, PARTITIONS)
def test_every_theme_of_both_runs_is_told_of_once(before: list[int], after: list[int]) -> None:
    old, new = parted(before, "A"), parted(after, "B")
    found = lineage(old, new)
    assert sorted(t.id for c in found for t in c.before) == sorted(t.id for t in old)
    assert sorted(t.id for c in found for t in c.after) == sorted(t.id for t in new)


@given(PARTITIONS)
def test_a_run_held_against_itself_changed_nothing(labels: list[int]) -> None:
    old = parted(labels, "A")
    assert {c.became for c in lineage(old, old)} == {"continued"}
