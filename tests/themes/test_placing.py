"""New segments by nearest exemplars: worked by hand in the plane, where a cosine is that of an angle."""

from __future__ import annotations

import numpy as np
import pytest

from belonging_llm.clusters import Belongs
from belonging_llm.themes import Move, Split, Undo, arrive, fitting, locate, place
from belonging_llm.themes.arriving import wanted
from belonging_llm.themes.due import why_due

from .edited import edits


def at(*degrees: float) -> np.ndarray:
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


EAST = locate("E", ["e1", "e2", "e3"], at(0, 10, 20))
NORTH = locate("N", ["n1", "n2", "n3"], at(80, 90, 100))


def test_a_place_has_the_middle_and_how_close_its_own_segments_are() -> None:
    # Each one's closeness to the other two: at 0° and at 20° (cos 10° + cos 20°)/2, at 10° cos 10°.
    outer, middle = (np.cos(np.deg2rad(10)) + np.cos(np.deg2rad(20))) / 2, np.cos(np.deg2rad(10))
    assert EAST.centre == pytest.approx(at(10)[0], abs=1e-6)
    assert EAST.typical == pytest.approx(outer, abs=1e-5)
    # A tenth of the way from the lowest to the highest of three: two tenths of the step from first to second.
    assert EAST.floor == pytest.approx(np.quantile([outer, middle, outer], 0.1), abs=1e-5)


def test_segments_go_where_they_are_closest_and_nowhere_if_they_are_close_to_nothing() -> None:
    found = place(at(12, 88, 50), [EAST, NORTH])
    assert [f.theme for f in found] == ["E", "N", ""]
    assert found[2].nearest in ("E", "N")
    assert found[0].closeness == pytest.approx(np.mean(np.cos(np.deg2rad([12, 2, 8]))), abs=1e-6)
    assert found[0].strength == 1.0


def test_without_themes_everything_fits_nowhere() -> None:
    assert place(at(3), []) == [place(at(7), [])[0]]
    assert place(at(3), [])[0].theme == ""


def test_a_theme_of_one_segment_takes_the_same_words_alone() -> None:
    one = locate("E", ["e1"], at(0))
    assert [f.theme for f in place(at(0, 5), [one])] == ["E", ""]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 40, 150])
def test_how_close_a_themes_own_segments_are_is_told_without_themselves(size: int) -> None:
    dice = np.random.default_rng(size)
    vectors = dice.standard_normal((size, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{k:03d}" for k in range(size)]
    found = locate("t", ids, vectors)
    own = []
    for k in range(size):
        others = [i for i, ident in enumerate(found.segments) if ident != ids[k]]
        near = np.sort(found.vectors[others] @ vectors[k])[-5:]
        own.append(float(near.mean()) if len(near) else 1.0)
    assert found.floor == pytest.approx(np.quantile(own, 0.1), abs=2e-6)
    assert found.typical == pytest.approx(np.median(own), abs=2e-6)


def test_what_fits_is_what_gets_a_place() -> None:
    dice = np.random.default_rng(1)
    vectors = dice.standard_normal((300, 8)).astype(np.float32) + np.repeat(3 * np.eye(5, 8), 60, axis=0)
    vectors = np.asarray(vectors, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    places = [locate(str(k), [str(i) for i in range(30)], vectors[60 * k : 60 * k + 30]) for k in range(4)]
    fits = fitting(vectors, places)
    assert fits.tolist() == [bool(one.theme) for one in place(vectors, places)]
    assert 0 < fits.sum() < len(fits)
    assert fitting(vectors, []).tolist() == [False] * 300


def test_exemplars_are_few_and_spread_to_the_edges_whatever_order_the_segments_come_in() -> None:
    angles = np.linspace(0, 90, 500)
    ids = [f"s{n:03d}" for n in range(500)]
    found = locate("T", ids, at(*angles), most=5)
    turned = locate("T", ids[::-1], at(*angles[::-1]), most=5)
    assert found.segments == turned.segments
    assert {"s000", "s499"} <= set(found.segments)
    assert len(found.vectors) == 5


def test_segments_as_close_to_a_second_theme_as_its_own_are_in_it_also() -> None:
    wide = locate("W", ["w1", "w2", "w3"], at(0, 30, 60))
    (found,) = place(at(15), [EAST, wide])
    assert (found.theme, [theme for theme, _ in found.also]) == ("E", ["W"])
    came = arrive(["x"], at(15), [EAST, wide]).members
    assert {t: m.belongs for t, (m,) in came.items()} == {"E": Belongs.PLACED, "W": Belongs.ALSO}


def test_what_a_person_split_off_draws_new_segments_and_gives_them_back_when_undone() -> None:
    split = edits(Split(theme="E", segments=("e3",), name="n", new="S"), Move(segments=("n1",), to="S"))
    assert wanted(split) == ["e3", "n1"]
    vectors = {"e3": at(20)[0], "n1": at(80)[0]}
    came = arrive(["x"], at(20), [EAST, NORTH], split[:1], {"e3": vectors["e3"]})
    assert {theme: [m.segment_id for m in some] for theme, some in came.members.items()} == {"E": ["x"], "S": ["x"]}
    assert came.placements[0].theme == "S"
    undone = [*split[:1], *edits(Move(segments=("e1",)), Undo(edit=1))[1:]]
    assert set(arrive(["x"], at(19), [EAST, NORTH], undone, vectors).members) == {"E"}


def test_a_moved_segment_stands_for_the_theme_that_it_was_put_into_and_for_no_other() -> None:
    move = edits(Move(segments=("e1", "e2"), to="N"))
    vectors = {"e1": at(0)[0], "e2": at(10)[0]}
    (found,) = arrive(["x"], at(1), [EAST, NORTH], move, vectors).placements
    assert found.nearest == "E"  # e3 alone is at 20°, nearer than the mean of N's five
    gone = edits(Move(segments=("e1", "e2", "e3"), to="N"))
    (found,) = arrive(["x"], at(1), [EAST, NORTH], gone, vectors | {"e3": at(20)[0]}).placements
    assert found.nearest == "N"


def test_grouping_anew_is_due_after_a_fifth_more_or_when_a_test_says_so() -> None:
    assert why_due(100, 19) == ""
    assert why_due(100, 20)
    assert why_due(100, 0, novel=True)
