"""Themes as people left them: every edit, its undoing, and what happens when a later clustering looks different."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.clusters import Belongs
from belonging_llm.themes import (
    Change,
    Merge,
    Move,
    Remap,
    Rename,
    Restore,
    Retire,
    Split,
    Theme,
    ThemeMember,
    Undo,
    replay,
)
from belonging_llm.themes.edits import held, shaped_by, standing, undone

from .edited import edits, homes, theme

A = theme("A", "a1", "a2", "a3", "a4", also=["b1"])
B = theme("B", "b1", "b2", "b3")
C = theme("C", "c1", "c2")
FOUND = [t.model_copy(update={"ordinal": n}) for n, t in enumerate((A, B, C), 1)]
ALL = {"a1", "a2", "a3", "a4", "b1", "b2", "b3", "c1", "c2", "out"}


def after(*changes: Change, found: list[Theme] = FOUND, present: set[str] = ALL) -> dict[str, set[str]]:
    return homes(replay(found, edits(*changes), present).themes)


def test_without_edits_nothing_changes() -> None:
    assert list(replay(FOUND, [], ALL).themes) == FOUND


def test_merged_themes_are_one_under_the_id_name_and_place_of_the_one_they_were_merged_into() -> None:
    (merged, other) = replay(FOUND, edits(Merge(into="B", themes=("A",))), ALL).themes
    assert (merged.id, merged.name, set(merged.own)) == ("B", "Name of B", {*A.own, *B.own})
    # b1 was also in A: one segment, one place.
    assert [m.segment_id for m in merged.members].count("b1") == 1
    assert (other.id, other.ordinal, other.members) == ("C", 2, C.members)
    assert set(merged.exemplars) == {"b1", "b2", "a1", "a2"}


def test_merges_of_merged_themes_follow_each_other_and_come_apart_one_by_one() -> None:
    chain = (Merge(into="B", themes=("A",)), Merge(into="C", themes=("B",)))
    assert after(*chain) == {"C": {*A.own, *B.own, *C.own}}
    assert after(*chain, Undo(edit=1)) == {"A": set(A.own), "C": {*B.own, *C.own}}
    assert after(*chain, Undo(edit=2)) == {"B": {*A.own, *B.own}, "C": set(C.own)}
    assert after(*chain, Undo(edit=1), Undo(edit=2)) == homes(FOUND)


def test_themes_merged_both_ways_are_one_and_no_endless_search() -> None:
    ways = (Merge(into="B", themes=("A",)), Undo(edit=1), Merge(into="A", themes=("B",)), Undo(edit=2))
    assert after(*ways) == {"B": {*A.own, *B.own}, "C": set(C.own)}


def test_split_segments_leave_for_a_theme_of_their_own() -> None:
    change = Split(theme="A", segments=("a1", "a2"), name="Their own", definition="Another thing.", new="N")
    found = {t.id: t for t in replay(FOUND, edits(change), ALL).themes}
    assert homes(list(found.values())) == {"A": {"a3", "a4"}, "N": {"a1", "a2"}, "B": set(B.own), "C": set(C.own)}
    assert (found["N"].name, found["N"].definition, found["N"].by) == ("Their own", "Another thing.", "people: Ana")
    assert {m.belongs for m in found["N"].members} == {Belongs.PERSON}
    # What stands for A must be in it.
    assert set(found["A"].exemplars) <= {"a3", "a4"}


def test_moved_segments_are_at_home_where_they_were_put_and_stay_where_they_are_also() -> None:
    found = {t.id: t for t in replay(FOUND, edits(Move(segments=("b1", "out"), to="C")), ALL).themes}
    assert homes(list(found.values()))["C"] == {"c1", "c2", "b1", "out"}
    assert "b1" not in found["B"].own
    assert "b1" in {m.segment_id for m in found["A"].members}
    without = {t.id: t for t in replay(FOUND, edits(Move(segments=("b1",), to="C", source="A")), ALL).themes}
    assert "b1" not in {m.segment_id for m in without["A"].members}


def test_segments_moved_out_are_in_no_theme() -> None:
    found = replay(FOUND, edits(Move(segments=("b1",))), ALL).themes
    assert "b1" not in {m.segment_id for t in found for m in t.members}


def test_pinned_segments_stay_whatever_a_later_clustering_says() -> None:
    later = [theme("A", "a1", "a3"), theme("B", "b1", "b2", "b3", "a2"), theme("D", "c1", "c2", "a4")]
    put = (Move(segments=("a1",), to="B"), Move(segments=("c1",), to="A"))
    assert after(*put, found=later) == {"A": {"a3", "c1"}, "B": {"b1", "b2", "b3", "a2", "a1"}, "D": {"c2", "a4"}}


def test_of_two_words_about_one_segment_or_name_the_later_counts() -> None:
    assert after(Move(segments=("a1",), to="B"), Move(segments=("a1",), to="C"))["C"] == {"c1", "c2", "a1"}
    (named,) = [t for t in replay(FOUND, edits(Rename(theme="A", name="x"), Rename(theme="A", name="y")), ALL).themes
                if t.id == "A"]  # fmt: skip
    assert (named.name, named.definition, named.by) == ("y", A.definition, "people: Ana")


def test_remapped_themes_say_who_mapped_them_and_why() -> None:
    (mapped,) = [t for t in replay(FOUND, edits(Remap(theme="A", codes=("x", "y", "x"))), ALL).themes if t.id == "A"]
    assert [(c.code, c.rationale) for c in mapped.mapping.codes] == [("x", "because"), ("y", "because")]
    assert mapped.mapping.by == "people: Ana"


def test_retired_themes_are_none_until_they_are_restored() -> None:
    assert "A" not in after(Retire(theme="A"))
    assert after(Retire(theme="A"), Restore(theme="A")) == homes(FOUND)
    assert "A" not in after(Retire(theme="A"), Restore(theme="A"), Undo(edit=2))


def test_what_cannot_be_honoured_is_said() -> None:
    made = edits(
        Rename(theme="Z", name="x"), Move(segments=("a1",), to="Z"), Move(segments=("gone", "c1"), to="A"),
        Merge(into="Y", themes=("Z",)), Retire(theme="Z"), Split(theme="A", segments=("gone",), name="n", new="N"),
    )  # fmt: skip
    found = replay(FOUND, made, ALL)
    told = {}
    for unmet in found.unmet:
        told.setdefault(unmet.edit.id, []).append(unmet.reason)
    assert told == {
        1: ["there is no theme Z any more"],
        2: ["there is no theme Z any more"],
        3: ["1 of its 2 segments are no longer in the study"],
        4: ["none of its themes is there any more"],
        5: ["there is no theme Z any more"],
        6: ["1 of its 1 segments are no longer in the study", "no segment is left in N"],
    }
    assert homes(found.themes)["A"] == {*A.own, "c1"}


def test_merged_themes_stay_one_when_only_one_of_them_is_left() -> None:
    assert after(Merge(into="A", themes=("B",)), found=[B, C]) == {"A": set(B.own), "C": set(C.own)}


def test_what_came_to_a_split_theme_later_goes_back_when_the_split_is_undone() -> None:
    split = Split(theme="A", segments=("a1",), name="n", new="N")
    came = ThemeMember(segment_id="new", strength=0.8, belongs=Belongs.PLACED)
    found = [A.model_copy(update={"members": (*A.members, came)}), B, C,
             theme("N", edit=1).model_copy(update={"members": (came,)})]  # fmt: skip
    assert after(split, found=found, present={*ALL, "new"})["N"] == {"a1", "new"}
    assert "new" not in after(split, found=found, present={*ALL, "new"})["A"]
    assert after(split, Undo(edit=1), found=found, present={*ALL, "new"}) == homes(FOUND) | {"A": {*A.own, "new"}}


def test_undoing_an_undo_brings_the_edit_back() -> None:
    made = edits(Rename(theme="A", name="x"), Undo(edit=1), Undo(edit=2))
    assert undone(made) == {2}
    assert [e.id for e in standing(made)] == [1]


def test_codings_rest_on_members_and_mappings_not_on_names() -> None:
    assert shaped_by([]) == shaped_by(edits(Rename(theme="A", name="x"))) == ""
    merge = edits(Merge(into="A", themes=("B",)))
    assert shaped_by(merge) != ""
    assert shaped_by([*merge, *edits(Rename(theme="C", name="z"), Undo(edit=1))[1:]]) == ""
    split = [edits(Split(theme="A", segments=("a1",), name=name, new="N")) for name in "xy"]
    assert shaped_by(split[0]) == shaped_by(split[1])


def test_people_hold_what_they_worked_on_but_not_what_they_retired() -> None:
    made = edits(Merge(into="A", themes=("B",)), Retire(theme="C"), Rename(theme="D", name="x"), Undo(edit=3))
    assert held(made) == {"A", "B"}


THEMES = st.sampled_from("ABC")
SEGMENTS = st.lists(st.sampled_from(sorted(ALL)), min_size=1, max_size=4, unique=True).map(tuple)
CHANGES = st.one_of(
    st.builds(Merge, into=THEMES, themes=st.tuples(THEMES)),
    st.builds(Move, segments=SEGMENTS, to=st.one_of(st.just(""), THEMES)),
    st.builds(Rename, theme=THEMES, name=st.text("xyz", min_size=1, max_size=3)),
    st.builds(Remap, theme=THEMES, codes=st.just(("k",))),
    st.builds(Retire, theme=THEMES),
    st.builds(Split, theme=THEMES, segments=SEGMENTS, name=st.just("n"), new=st.sampled_from(["N1", "N2"])),
)


@given(st.lists(CHANGES, max_size=6), CHANGES)
def test_undo_restores_exactly(before: list[Change], change: Change) -> None:
    was = replay(FOUND, edits(*before), ALL)
    now = replay(FOUND, edits(*before, change, Undo(edit=len(before) + 1)), ALL)
    assert now.themes == was.themes
    redone = replay(FOUND, edits(*before, change, Undo(edit=len(before) + 1), Undo(edit=len(before) + 2)), ALL)
    assert redone.themes == replay(FOUND, edits(*before, change), ALL).themes


@given(st.lists(CHANGES, max_size=8))
def test_a_segment_has_one_home_and_none_is_invented(changes: list[Change]) -> None:
    found = replay(FOUND, edits(*changes), ALL)
    own = [s for t in found.themes for s in t.own]
    assert len(own) == len(set(own))
    assert set(own) <= ALL
    assert [t.ordinal for t in found.themes] == list(range(1, len(found.themes) + 1))
    assert all(
        t.members and {q.segment_id for q in t.quotes} <= {m.segment_id for m in t.members} for t in found.themes
    )
    if not any(isinstance(c, Retire) or (isinstance(c, Move) and not c.to) for c in changes):
        assert set(own) >= ALL - {"out"}


@pytest.mark.parametrize("seed", range(3))
def test_order_of_storage_does_not_matter(seed: int) -> None:
    import random

    made = edits(Merge(into="B", themes=("A",)), Move(segments=("c1",), to="B"), Rename(theme="B", name="x"))
    shuffled = list(made)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - nothing is kept secret by it
    assert replay(FOUND, shuffled, ALL) == replay(FOUND, made, ALL)
