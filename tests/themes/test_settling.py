"""What a new clustering makes of the themes there were, by hand: ten segments a theme, letters for where they were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from belonging_llm.themes import Edit, Fate, Merge, Overlap, Rename, Retire, Step, Theme
from belonging_llm.themes.matching import Group, match
from belonging_llm.themes.settling import Settled, settle

from .edited import edits, theme


def named(letter: str, *numbers: int) -> list[str]:
    return [f"{letter}{n}" for n in numbers or range(10)]


A, B = theme("TA", *named("a")), theme("TB", *named("b"))


def settled(
    *groups: Sequence[str], old: Sequence[Theme] = (A, B), made: Sequence[Edit] = (), kept: Sequence[str] = ()
) -> Settled:
    before = {t.id: Group(t.id, frozenset(t.own)) for t in old}
    new = [Group(str(n), frozenset(group)) for n, group in enumerate(groups)]
    known = {s for t in old for s in t.own}
    here = {*kept} or known | {s for group in groups for s in group}
    return settle(old, before, new, edits=made, known=known, kept=here, taken={t.id for t in old})


def told(found: Settled) -> list[tuple[Fate, tuple[str, ...], tuple[str, ...]]]:
    return [(s.fate, s.before, s.after) for s in found.steps]


def test_groups_of_the_same_segments_are_the_same_themes_in_whatever_order_they_come() -> None:
    found = settled(named("b"), named("a"))
    assert dict(found.groups) == {"TB": (0,), "TA": (1,)}
    assert [s.fate for s in found.steps] == [Fate.CONTINUED, Fate.CONTINUED]
    assert found.steps[0].overlap == Overlap(before=10, after=10, shared=10)


def test_a_theme_that_comes_apart_goes_on_in_its_larger_part_and_the_other_is_split_from_it() -> None:
    found = settled(named("a", 0, 1, 2, 3, 4, 5), named("b"), named("a", 6, 7, 8, 9))
    (new,) = {ident for ident, _ in found.groups} - {"TA", "TB"}
    assert told(found)[2] == (Fate.SPLIT, ("TA",), (new,))
    assert found.steps[2].overlap == Overlap(before=10, after=4, shared=4)
    assert "4 of 4 of its segments come from TA" in found.steps[2].reason


def test_themes_that_grow_together_go_on_in_the_one_that_had_more_in_common() -> None:
    found = settled([*named("a"), *named("b", 0, 1, 2, 3, 4, 5, 6)])
    assert told(found) == [(Fate.CONTINUED, ("TA",), ("TA",)), (Fate.MERGED, ("TB",), ("TA",))]
    assert "7 of 10 of its segments are in TA now" in found.steps[1].reason


def test_a_group_of_new_segments_is_born_and_a_theme_without_segments_in_any_group_retires() -> None:
    new = named("n")
    found = settled(named("a"), new)
    (_, born), retired = found.steps[:2], found.steps[-1]
    assert (born.fate, born.before, born.reason) == (Fate.BORN, (), "no earlier theme has a segment of it")
    assert (retired.fate, retired.before, retired.after) == (Fate.RETIRED, ("TB",), ())
    assert "10 of its 10 segments are in no theme now" in retired.reason


def test_too_little_in_common_is_not_the_same_theme() -> None:
    # 3 shared of 10 + 10 - 3 = 17: 0.18, under a quarter. Of the group's known segments less than half come from TA.
    found = settled([*named("a", 0, 1, 2), *named("b", 0, 1, 2, 3, 4, 5, 6)], named("a", 3, 4, 5, 6, 7, 8, 9))
    assert dict(found.groups) == {"TB": (0,), "TA": (1,)}
    far = settled([*named("a", 0, 1, 2), *named("c"), *named("d")], old=[A, theme("TC", *named("c"), *named("d"))])
    assert told(far)[0] == (Fate.CONTINUED, ("TC",), ("TC",))
    assert far.steps[1].fate is Fate.RETIRED


def test_an_id_is_never_given_twice_not_even_for_the_same_segments() -> None:
    born = dict(settled(named("n"), old=[]).groups)
    (ident,) = born
    again = settle(
        [], {}, [Group("0", frozenset(named("n")))], edits=(), known=(), kept=named("n"), taken={ident}
    )  # fmt: skip
    assert {i for i, _ in again.groups}.isdisjoint(born)


def test_a_theme_that_people_named_does_not_end_because_no_group_answers_to_it() -> None:
    rename = edits(Rename(theme="TB", name="Ours"))
    found = settled(named("a"), made=rename)
    assert [t.id for t in found.carried] == ["TB"]
    assert found.steps[-1] == Step(
        fate=Fate.KEPT, before=("TB",), after=("TB",), edit=1,
        reason="no group answers to it; it stays as people left it, with 10 segments",
    )  # fmt: skip


def test_of_a_held_theme_whose_segments_all_left_nothing_can_be_kept() -> None:
    found = settled(named("a"), made=edits(Rename(theme="TB", name="Ours")), kept=named("a"))
    assert not found.carried
    assert (found.steps[-1].fate, found.steps[-1].reason) == (Fate.RETIRED, "its segments left")


def test_a_theme_that_a_person_retired_is_held_by_nobody() -> None:
    assert not settled(named("a"), made=edits(Retire(theme="TB"))).carried


def test_what_people_merged_stays_one_when_a_group_comes_away_from_it() -> None:
    merge = edits(Merge(into="TA", themes=("TB",)))
    found = settled(named("a", 0, 1, 2, 3, 4, 5), named("b"), named("a", 6, 7, 8, 9), made=merge)
    assert dict(found.groups) == {"TA": (0, 2), "TB": (1,)}
    assert (found.steps[-1].fate, found.steps[-1].edit) == (Fate.KEPT, 1)
    assert "4 of 4 of a group of its own come from it; people hold it together" in found.steps[-1].reason


def test_every_theme_of_before_and_after_is_in_the_lineage() -> None:
    dice = np.random.default_rng(0)
    segments = np.array([f"s{n}" for n in range(60)])
    for _ in range(50):
        old = [theme(f"T{k}", *segments[part]) for k, part in enumerate(parts(dice))]
        found = settled(*(segments[part].tolist() for part in parts(dice)), old=old, kept=segments.tolist())
        ended = {i for s in found.steps if s.fate in (Fate.MERGED, Fate.RETIRED) for i in s.before}
        begun = {i for s in found.steps if s.fate in (Fate.BORN, Fate.SPLIT) for i in s.after}
        went_on = {i for s in found.steps if s.fate is Fate.CONTINUED for i in s.before}
        before, after = {t.id for t in old}, {ident for ident, _ in found.groups}
        assert ended == before - after
        assert begun == after - before
        assert went_on == before & after
        assert len(found.groups) == len(after)


def parts(dice: np.random.Generator) -> list[np.ndarray]:
    where = dice.integers(0, 5, 60)
    return [np.flatnonzero(where == k) for k in range(4)]


def test_groups_without_known_segments_are_matched_by_their_centres() -> None:
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    old = [Group("TA", frozenset("x"), east), Group("TB", frozenset("y"), north)]
    near = np.array([0.95, np.sqrt(1 - 0.95**2)], np.float32)
    found = match(old, [Group("0", frozenset("n"), near)], known={"x", "y"}, kept={"n"})
    assert found.pairs == {0: 0}
    # cos = .95 is enough, .8 is not.
    far = np.array([0.8, 0.6], np.float32)
    assert match(old, [Group("0", frozenset("n"), far)], known={"x", "y"}, kept={"n"}).pairs == {}


def test_centres_decide_between_themes_with_equally_much_in_common() -> None:
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    old = [Group("TA", frozenset("ab"), east), Group("TB", frozenset("cd"), north)]
    found = match(old, [Group("0", frozenset("abcd"), north)], known=set("abcd"), kept=set("abcd"))
    assert found.pairs == {0: 1}
