"""Everybody in the themes less what they said: what people to come are compared with."""

from __future__ import annotations

import numpy as np
import pytest

from belonging_llm.drift.strangers import fit, less, strangers


def directions(*angles: float) -> np.ndarray:
    """Unit vectors in the plane, by degrees."""
    turned = np.radians(angles)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def test_a_theme_that_one_person_made_is_none_to_them() -> None:
    # Five people speak around 0 degrees; the sixth alone speaks around 90.
    vectors = directions(*range(10), *range(90, 95))
    people = [f"P{k % 5}" for k in range(10)] + ["alone"] * 5
    found = strangers(people, vectors, [list(range(10)), list(range(10, 15))])
    assert found.fits[10:].tolist() == [False] * 5
    assert found.fits[:10].sum() >= 7
    # Those in their middle lie within each other's reach, as a theme's segments do.
    assert found.pocketed[11:14].all()
    assert not found.pocketed[found.fits].any()
    assert 0.98 < found.near < 1


def test_rows_that_are_not_known_are_in_no_theme() -> None:
    vectors = directions(0, 1, 2, 3, 4, 90, 91, 92, 93)
    place = less(vectors, [[0, 1, 2, 3, 4], [5, 6, 7, 8]])
    assert place(np.arange(5), np.array([2, 6])).tolist() == [True, False]
    assert place(np.array([], int), np.array([0])).tolist() == [False]


def test_nothing_to_place_and_no_themes() -> None:
    vectors = directions(0, 1, 2)
    assert fit(vectors, [], np.arange(3)).tolist() == [False] * 3
    assert strangers(["a", "b", "c"], vectors, []).near == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_same_each_time(seed: int) -> None:
    dice = np.random.default_rng(seed)
    vectors = dice.standard_normal((200, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = [f"P{k // 20}" for k in range(200)]
    cores = [list(range(start, 200, 4)) for start in range(4)]
    one, two = (strangers(people, vectors, cores) for _ in range(2))
    assert (one.fits == two.fits).all()
    assert (one.pocketed == two.pocketed).all()
    assert one.near == two.near
