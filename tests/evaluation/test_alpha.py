"""Krippendorff's alpha: against NLTK on data with gaps, and its vectorised form against its front door."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import binary_distance, interval_distance

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.alpha import NO_PAIRS, NO_VARIATION, binary_alphas, binary_tallies

Rows = list[list[int | None]]


def ratings(values: st.SearchStrategy[Any], most_coders: int = 4) -> st.SearchStrategy[list[list[Any]]]:
    """Coders × units with gaps; one coder, empty units and constant data among them."""
    cell = st.one_of(st.none(), values)
    return st.tuples(st.integers(1, most_coders), st.integers(1, 9)).flatmap(
        lambda shape: st.lists(
            st.lists(cell, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
        )
    )


def pairable(rows: list[list[Any]]) -> list[list[Any]]:
    units = [[v for v in unit if v is not None] for unit in zip(*rows, strict=True)]
    return [unit for unit in units if len(unit) > 1]


def oracle(rows: list[list[Any]], distance: Any) -> float:
    triples = [(str(c), str(u), v) for c, row in enumerate(rows) for u, v in enumerate(row) if v is not None]
    return float(AnnotationTask(triples, distance=distance).alpha())


@settings(max_examples=80, deadline=None)
@given(ratings(st.integers(0, 3)), st.sampled_from([("nominal", binary_distance), ("interval", interval_distance)]))
def test_alpha_is_that_of_others(rows: Rows, level: tuple[str, Any]) -> None:
    found, units = ev.krippendorff_alpha(rows, level[0]), pairable(rows)
    assert found.pairable == sum(map(len, units))
    assert found.units_left_out == len(rows[0]) - len(units)
    if not units:
        assert (found.alpha.value, found.alpha.reason) == (None, NO_PAIRS)
    elif len({v for unit in units for v in unit}) == 1:
        # Others answer 1; without variation nobody can tell agreement from a constant.
        assert (found.alpha.value, found.alpha.reason) == (None, NO_VARIATION)
    else:
        assert found.alpha.value == pytest.approx(oracle(rows, level[1]), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(ratings(st.integers(0, 3)), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(rows: Rows, random: Random) -> None:
    names: list[Any] = ["late", "early", 7, "none"]
    random.shuffle(names)
    units = list(zip(*rows, strict=True))
    random.shuffle(units)
    shuffled = [[None if v is None else names[v] for v in row] for row in zip(*units, strict=True)]
    random.shuffle(shuffled)
    one, two = ev.krippendorff_alpha(rows), ev.krippendorff_alpha(shuffled)
    assert one.alpha.value == pytest.approx(two.alpha.value)
    assert (one.pairable, one.units_left_out) == (two.pairable, two.units_left_out)


@settings(max_examples=60, deadline=None)
@given(ratings(st.integers(0, 1), most_coders=5))
def test_the_vectorised_form_is_the_front_door(rows: Rows) -> None:
    marks = np.array([[-1 if v is None else v for v in row] for row in rows], np.int8)
    # The second code is the first with yes and no exchanged: alpha is the same.
    both = np.stack([marks, np.where(marks < 0, -1, 1 - marks)], axis=2).astype(np.int8)
    found = binary_alphas(binary_tallies(both).sum(0))
    wanted = ev.krippendorff_alpha(rows).alpha.value
    assert found == pytest.approx([np.nan if wanted is None else wanted] * 2, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(ratings(st.integers(0, 1)), st.lists(st.integers(1, 4), min_size=9, max_size=9))
def test_weights_are_copies(rows: Rows, sizes: list[int]) -> None:
    weights = np.array(sizes[: len(rows[0])])
    marks = np.array([[[-1 if v is None else v] for v in row] for row in rows], np.int8)
    one = binary_alphas(binary_tallies(marks, weights.astype(float)).sum(0))
    two = binary_alphas(binary_tallies(np.repeat(marks, weights, axis=1)).sum(0))
    assert one == pytest.approx(two, nan_ok=True)


def test_by_hand() -> None:
    # Two coders, units 00 01 11 11, and one judged once. Values: three 0s, five 1s, n = 8.
    # Observed: one unit disagrees, 2 of 8 coincidences. Expected: 2·3·5/(8·7) = 30/56. 1 − (2/8)/(30/56) = 1 − 14/30.
    found = ev.krippendorff_alpha([[0, 0, 1, 1, 1], [0, 1, 1, 1, None]])
    assert found.alpha.value == pytest.approx(16 / 30)
    assert (found.pairable, found.units_left_out) == (8, 1)


def test_ordinal_by_hand() -> None:
    # Values 1 1, 1 2, 2 3: three 1s, two 2s, one 3. Squared ranks apart: 1–2 (3/2 + 2/2)² = 6.25,
    # 2–3 (2/2 + 1/2)² = 2.25, 1–3 (3/2 + 2 + 1/2)² = 16. Observed: 6.25 + 2.25 = 8.5 over 3 pairs.
    # Expected: (3·2·6.25 + 2·1·2.25 + 3·1·16)/15 pairs = (37.5 + 4.5 + 48)/15 = 6. alpha = 1 − 2.8333/6.
    found = ev.krippendorff_alpha([[1, 1, 2], [1, 2, 3]], "ordinal")
    assert found.alpha.value == pytest.approx(1 - 8.5 / 18)


def test_ratio_by_hand() -> None:
    # Values 1 1, 1 3: 1–3 is ((3 − 1)/(3 + 1))² = .25. Observed: .25 over 2 pairs = .125.
    # Expected: 3 of 6 pairs are 1–3: .125. alpha = 0. Two zeros are not apart.
    assert ev.krippendorff_alpha([[1, 1], [1, 3]], "ratio").alpha.value == pytest.approx(0)
    assert ev.krippendorff_alpha([[0, 1], [0, 3]], "ratio").alpha.value is not None


def test_numbers_keep_their_order_whatever_their_type() -> None:
    rows = [[2, 10, 9, 1], [2, 9, 10, 2]]
    plain = ev.krippendorff_alpha(rows, "ordinal").alpha.value
    # Spelled out, 10 would come before 2.
    assert ev.krippendorff_alpha([list(np.array(row)) for row in rows], "ordinal").alpha.value == pytest.approx(plain)


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="cardinal"):
        ev.krippendorff_alpha([[1], [1]], "cardinal")


def test_agreement_that_is_complete_is_one() -> None:
    for level in ("nominal", "ordinal", "interval", "ratio"):
        assert ev.krippendorff_alpha([[1, 2, 3], [1, 2, 3]], level).alpha.value == 1
