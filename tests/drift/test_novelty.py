"""Do new segments fit the themes, by participants whom the themes did not know?"""

from __future__ import annotations

import numpy as np
import pytest

from belonging_llm.drift.novelty import (
    Placed,
    by_participant,
    close_together,
    cross_fitted,
    nearness,
    novelty,
)
from belonging_llm.drift.record import State
from belonging_llm.evaluation import Watch, counts

WATCH = Watch()


def directions(*angles: float) -> np.ndarray:
    """Unit vectors in the plane, by degrees."""
    turned = np.radians(angles)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def test_nobody_is_placed_in_themes_that_know_them() -> None:
    people = ["a", "b", "a", "c", "d", "c"]
    seen: dict[int, set[int]] = {}

    def place(known: np.ndarray, new: np.ndarray) -> np.ndarray:
        for row in new.tolist():
            seen[row] = set(known.tolist())
        return np.asarray(new % 2 == 0)

    assert cross_fitted(people, place, folds=2).tolist() == [True, False] * 3
    for row, known in seen.items():
        assert known.isdisjoint(i for i, who in enumerate(people) if who == people[row])
    assert len(seen) == len(people)


def test_three_neighbours_make_a_pocket() -> None:
    near, nobody = float(np.cos(np.radians(10))), np.zeros((0, 2), np.float32)
    vectors = directions(0, 3, 6, 9, 90)
    assert close_together(vectors, nobody, near, among=9).tolist() == [True] * 4 + [False]
    assert close_together(vectors[:3], nobody, near, among=9).tolist() == [False] * 3
    # Those from before count as neighbours.
    assert close_together(vectors[:3], directions(5), near, among=9).tolist() == [True] * 3
    assert close_together(vectors[:0], vectors, near, among=9).shape == (0,)


def test_neighbours_are_looked_for_among_as_many_whatever_there_is() -> None:
    near = float(np.cos(np.radians(10)))
    vectors, before = directions(0, 3), directions(5, 4, 2)
    # Room for two of those from before: three others at most, of which the first is one of the two themselves.
    assert close_together(vectors, before, near, among=4).tolist() == [True, True]
    assert close_together(vectors, before, near, among=3).tolist() == [False, False]
    # More than there is room for: the last two are compared with the three first, who have two others each.
    many = directions(0, 1, 2, 3, 50)
    assert close_together(many, before[:0], near, among=3).tolist() == [False, False, False, True, False]
    assert close_together(many, before, near, among=0).tolist() == [False] * 5


@pytest.mark.parametrize("size", [5, 3000])
def test_comparing_few_rows_at_a_time_changes_nothing(size: int) -> None:
    dice = np.random.default_rng(size)
    vectors = dice.standard_normal((size, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = vectors @ vectors.T
    assert nearness([vectors]) == pytest.approx(np.quantile(np.sort(cosine, axis=1)[:, -4], 0.25), abs=1e-6)
    expected = (cosine >= 0.95).sum(1) - 1 >= 3
    found = close_together(vectors, vectors[:0], 0.95, among=size)
    # Cosines right at the edge may be rounded differently.
    assert (found != expected).sum() <= 1


def test_nearness_is_that_of_a_themes_third_neighbours() -> None:
    # Four directions within 9 degrees: third neighbours at 9, 6, 6 and 9 degrees; the lower quartile of their cosines.
    expected = np.quantile(np.cos(np.radians([9, 6, 6, 9])), 0.25)
    assert nearness([directions(0, 3, 6, 9)]) == pytest.approx(expected, abs=1e-6)
    assert nearness([directions(0, 3)]) == 1.0


def test_counts_by_participant() -> None:
    assert by_participant(["b", "a", "b"], np.array([True, False, True])) == {"a": (1, 0), "b": (2, 2)}


def test_a_batch_like_those_before_raises_nothing_and_one_that_fits_nowhere_does() -> None:
    misfits, pocketed = counts([30] * 20, [6, 4, 8, 5] * 5), counts([30] * 20, [0, 1, 0, 0] * 5)
    people = [f"N{k // 30}" for k in range(120)]
    usual = np.arange(120) % 5 != 0
    found = novelty(Placed(people, usual, np.zeros(120, bool), "base"), misfits, pocketed, WATCH)
    assert (found.state, found.misfits, found.participants) == (State.STEADY, 24, 4)
    strange = novelty(Placed(people, usual & False, np.ones(120, bool), "base"), misfits, pocketed, WATCH)
    assert strange.alarm
    assert strange.enough is not None and strange.enough < 120  # noqa: PT018


def test_a_dense_pocket_is_noticed_where_the_number_that_fits_nowhere_is_not() -> None:
    misfits, pocketed = counts([30] * 20, [12, 9, 14, 10] * 5), counts([30] * 20, [0, 1, 0, 0] * 5)
    people = [f"N{k // 30}" for k in range(120)]
    fits = np.arange(120) % 5 > 1
    pocket = ~fits & (np.arange(120) % 5 == 0)
    scattered = novelty(Placed(people, fits, np.zeros(120, bool), "base"), misfits, pocketed, WATCH)
    dense = novelty(Placed(people, fits, pocket | ~fits, "base"), misfits, pocketed, WATCH)
    assert scattered.state is State.STEADY
    assert dense.alarm
    assert dense.p_misfits == scattered.p_misfits


def test_too_little_is_said_to_be_too_little() -> None:
    few = counts([30] * 4, [6] * 4)
    found = novelty(Placed(["N"] * 30, np.zeros(30, bool), np.zeros(30, bool), "base"), few, few, WATCH)
    assert found.state is State.UNKNOWN
    assert "fewer than 5 participants" in found.reason
    tiny = novelty(Placed(["N"], np.zeros(1, bool), np.zeros(1, bool), "b"), *(counts([30] * 9, [6] * 9),) * 2, WATCH)
    assert (tiny.state, tiny.enough) == (State.UNKNOWN, None)
    assert "no number of segments" in tiny.reason
