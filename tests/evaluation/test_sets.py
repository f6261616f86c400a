"""Several codes on one unit: distances and alpha against NLTK and against the general alpha."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import jaccard_distance as their_jaccard
from nltk.metrics.distance import masi_distance as their_masi

from belonging_llm import evaluation as ev
from belonging_llm.evaluation import sets as sets_module
from belonging_llm.evaluation.alpha import NO_PAIRS, NO_VARIATION

CODES = ("a", "b", "c")
SETS = st.frozensets(st.sampled_from(CODES))
Given = list[list[frozenset[str] | None]]  # coders × units
Apart = Callable[[Collection[str], Collection[str]], float]


def judgements(most_coders: int = 3) -> st.SearchStrategy[Given]:
    cell = st.one_of(SETS, SETS, st.none())
    return st.tuples(st.integers(1, most_coders), st.integers(1, 7)).flatmap(
        lambda shape: st.lists(
            st.lists(cell, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
        )
    )


def as_ratings(rows: Given) -> ev.Ratings:
    judged = {f"c{c}": [f"u{u}" for u, v in enumerate(row) if v is not None] for c, row in enumerate(rows)}
    assigned = [(f"u{u}", f"c{c}", code) for c, row in enumerate(rows) for u, v in enumerate(row) for code in v or ()]
    return ev.ratings(judged, assigned, codes=CODES)


def between(apart: Apart) -> Callable[[Sequence[Any], Any], np.ndarray]:
    return lambda values, _: np.array([[apart(a, b) for b in values] for a in values])


@given(SETS, SETS)
def test_distances_are_those_of_others(one: frozenset[str], other: frozenset[str]) -> None:
    if one | other:
        assert ev.masi_distance(one, other) == pytest.approx(their_masi(one, other))
        assert ev.jaccard_distance(one, other) == pytest.approx(their_jaccard(one, other))
    else:
        # Others divide by zero: two people who both found nothing agree.
        assert (ev.masi_distance(one, other), ev.jaccard_distance(one, other)) == (0, 0)
    assert ev.masi_distance(one, other) == ev.masi_distance(other, one)
    assert (ev.masi_distance(one, other) == 0) == (one == other)
    assert ev.jaccard_distance(one, other) <= ev.masi_distance(one, other) + 1e-12 <= 1 + 1e-12


def test_distances_by_hand() -> None:
    # Equal 0; nested: 1 − (1/2)(2/3) = 2/3; overlapping: 1 − (1/3)(1/3) = 8/9; disjoint and empty against some: 1.
    assert ev.masi_distance("ab", "ab") == 0
    assert ev.masi_distance("a", "ab") == pytest.approx(2 / 3)
    assert ev.masi_distance("ab", "bc") == pytest.approx(8 / 9)
    assert ev.masi_distance("a", "b") == ev.masi_distance("", "b") == 1
    assert ev.jaccard_distance("ab", "bc") == pytest.approx(2 / 3)


@settings(max_examples=80, deadline=None)
@given(judgements())
def test_alpha_over_sets_is_alpha_with_a_distance_of_sets(rows: Given) -> None:
    found = ev.set_alpha(as_ratings(rows))
    for mine, apart in ((found.masi, ev.masi_distance), (found.jaccard, ev.jaccard_distance)):
        wanted = ev.krippendorff_alpha(rows, between(apart)).alpha
        assert mine.value == pytest.approx(wanted.value)
        assert mine.reason == wanted.reason


@settings(max_examples=80, deadline=None)
@given(judgements())
def test_alpha_over_sets_is_that_of_others(rows: Given) -> None:
    found = ev.set_alpha(as_ratings(rows))
    units = [[v for v in unit if v is not None] for unit in zip(*rows, strict=True)]
    paired = [v for unit in units if len(unit) > 1 for v in unit]
    if len(set(paired)) < 2:
        # Others answer 1 without variation and fail without pairs.
        reason = NO_VARIATION if paired else NO_PAIRS
        assert (found.masi.value, found.masi.reason) == (None, reason)
        assert (found.jaccard.value, found.jaccard.reason) == (None, reason)
        return
    triples = [(str(c), str(u), v) for c, row in enumerate(rows) for u, v in enumerate(row) if v is not None]
    for mine, theirs in ((found.masi, their_masi), (found.jaccard, their_jaccard)):
        # Theirs cannot compare two empty sets, whose distance is 0.
        task = AnnotationTask(triples, distance=lambda a, b, apart=theirs: apart(a, b) if a or b else 0.0)
        assert mine.value == pytest.approx(task.alpha(), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(judgements(), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(rows: Given, random: Random) -> None:
    new = dict(zip(CODES, random.sample(CODES, 3), strict=True))
    units = list(zip(*rows, strict=True))
    random.shuffle(units)
    shuffled = [[None if v is None else frozenset(new[c] for c in v) for v in row] for row in zip(*units, strict=True)]
    random.shuffle(shuffled)
    one, two = ev.set_alpha(as_ratings(rows)), ev.set_alpha(as_ratings(shuffled))
    assert one.masi.value == pytest.approx(two.masi.value)
    assert one.jaccard.value == pytest.approx(two.jaccard.value)


def test_one_code_is_binary_alpha() -> None:
    rows = [[frozenset("a"), frozenset(), frozenset("a"), None], [frozenset("a"), frozenset("a"), frozenset(), None]]
    found = ev.set_alpha(as_ratings(rows))
    plain = ev.krippendorff_alpha([[None if v is None else len(v) for v in row] for row in rows]).alpha.value
    assert found.masi.value == found.jaccard.value == pytest.approx(plain)


def test_a_judgement_of_none_is_not_a_missing_one() -> None:
    # The first two units of both: a a, b b. With {} {} besides there is a third value that all agree on; with {}
    # against {a} a disagreement; with {} against nobody the unit is left out, and nothing changes.
    agreed: Given = [[frozenset("a"), frozenset("b")], [frozenset("a"), frozenset("b")]]
    a, none = frozenset("a"), frozenset[str]()
    assert ev.set_alpha(as_ratings([[*agreed[0], none], [*agreed[1], none]])).masi.value == 1
    apart = ev.set_alpha(as_ratings([[*agreed[0], none], [*agreed[1], a]])).masi.value
    # Three a, two b, one {}: all 6·6 − 9 − 4 − 1 = 22 ordered pairs of unlike values are 1 apart, of 30 pairs;
    # 2 of 6 coincidences disagree: 1 − (2/6)/(22/30) = 1 − 60/132.
    assert apart == pytest.approx(1 - 60 / 132)
    assert ev.set_alpha(as_ratings([[*agreed[0], none], [*agreed[1], None]])).masi.value == 1


def test_a_code_withheld_leaves_the_set_unknown() -> None:
    judged = {"x": ["u", "v", "w"], "y": ["u", "v", "w"]}
    assigned = [("u", "x", "a"), ("u", "y", "a"), ("v", "x", "b"), ("v", "y", "a")]
    lacking = ev.ratings(judged, assigned, codes=("a", "b"), withheld=[("w", "x", "b")])
    without = ev.ratings({"x": ["u", "v"], "y": ["u", "v"]}, assigned, codes=("a", "b"))
    assert ev.set_alpha(lacking).masi.value == pytest.approx(ev.set_alpha(without).masi.value)
    assert ev.set_alpha(lacking).masi.value != ev.set_alpha(ev.ratings(judged, assigned)).masi.value


@settings(max_examples=40, deadline=None)
@given(judgements(), st.lists(st.integers(1, 4), min_size=7, max_size=7))
def test_weights_of_units_are_copies(rows: Given, sizes: list[int]) -> None:
    given_ = as_ratings(rows)
    # Units are sorted by name and those that nobody judged are not there.
    weights = [sizes[int(unit[1:])] for unit in given_.units]
    copies = [[v for v, n in zip(row, sizes, strict=False) for _ in range(n)] for row in rows]
    one, two = ev.set_alpha(replace(given_, weights=np.array(weights, float))), ev.set_alpha(as_ratings(copies))
    assert one.masi.value == pytest.approx(two.masi.value)
    assert one.jaccard.value == pytest.approx(two.jaccard.value)


@settings(max_examples=30, deadline=None)
@given(judgements(), st.integers(1, 4))
def test_the_size_of_blocks_changes_nothing(rows: Given, block: int) -> None:
    whole = ev.set_alpha(as_ratings(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets_module, "BLOCK", block)
        parts = ev.set_alpha(as_ratings(rows))
    assert parts.masi.value == pytest.approx(whole.masi.value)
    assert parts.jaccard.value == pytest.approx(whole.jaccard.value)
