"""Clusters against codes: scikit-learn's figures, and overlaps beyond chance by scipy's hypergeometric."""

from __future__ import annotations

import warnings
from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import (
    adjusted_rand_score,
    completeness_score,
    homogeneity_score,
    normalized_mutual_info_score,
    rand_score,
    v_measure_score,
)

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.grouping import EMPTY

# Trivial groupings (all in one, each its own) among them.
PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=20)
MEMBERS = st.dictionaries(st.sampled_from("wxyz"), st.sets(st.integers(0, 11).map(str), max_size=9), max_size=4)


@settings(max_examples=80, deadline=None)
@given(PAIRS)
def test_figures_are_those_of_others(pairs: list[tuple[int, int]]) -> None:
    found, gold = (list(part) for part in zip(*pairs, strict=True))
    mine = ev.compare(found, gold)
    assert mine.n == len(pairs)
    theirs = {
        "ari": adjusted_rand_score,
        "nmi": v_measure_score,
        "homogeneity": homogeneity_score,
        "completeness": completeness_score,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs doubts that many clusters are labels
        for name, of in theirs.items():
            assert getattr(mine, name).value == pytest.approx(of(gold, found), abs=1e-9), name
        assert mine.nmi.value == pytest.approx(normalized_mutual_info_score(gold, found), abs=1e-9)
        if len(pairs) > 1:
            assert mine.rand.value == pytest.approx(rand_score(gold, found))
        else:
            # Others answer 1; one unit has no pair to agree on.
            assert mine.rand.reason == "a single unit has no pairs"


@settings(max_examples=40, deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(pairs: list[tuple[int, int]], random: Random) -> None:
    found, gold = (list(part) for part in zip(*pairs, strict=True))
    names = ["p", "q", "r", "s", "t"]
    random.shuffle(names)
    shuffled = random.sample(pairs, len(pairs))
    one, two = ev.compare(found, gold), ev.compare([names[f] for f, _ in shuffled], [g for _, g in shuffled])
    turned = ev.compare(gold, found)
    for name in ("ari", "nmi", "homogeneity", "completeness", "rand", "purity", "inverse_purity", "p1"):
        assert getattr(one, name).value == pytest.approx(getattr(two, name).value), name
    assert one.purity.value == pytest.approx(turned.inverse_purity.value)
    assert one.homogeneity.value == pytest.approx(turned.completeness.value)
    assert one.ari.value == pytest.approx(turned.ari.value)


def test_by_hand() -> None:
    # Clusters 1 1 1 2 2, classes a a b b b. Table: 1 is 2a 1b, 2 is 2b.
    # Purity (2 + 2)/5; inverse: a 2 of cluster 1, b 2 of cluster 2. F1 of a with 1: 4/(3 + 2), of b with 2: 4/(2 + 3).
    # Pairs: 1 + 1 in both, 3 + 1 by clusters, 1 + 3 by classes, of 10. Rand (10 + 4 − 8)/10; chance 1.6:
    # ARI (2 − 1.6)/(4 − 1.6).
    found = ev.compare([1, 1, 1, 2, 2], "aabbb")
    assert found.purity.value == found.inverse_purity.value == pytest.approx(0.8)
    assert found.p1.value == pytest.approx(0.8)
    assert found.rand.value == pytest.approx(0.6)
    assert found.ari.value == pytest.approx(1 / 6)


def test_nothing_compares_with_nothing() -> None:
    found = ev.compare([], [])
    assert found.n == 0
    assert all(e.reason == EMPTY for e in vars(found).values() if isinstance(e, ev.Estimate))


@settings(max_examples=60, deadline=None)
@given(MEMBERS, MEMBERS)
def test_the_pairing_is_the_best_and_its_chance_that_of_others(
    themes: dict[str, set[str]], codes: dict[str, set[str]]
) -> None:
    found = ev.match(themes, codes, 12, alpha=0.05)
    assert found.f1.shape == found.shared.shape == (len(themes), len(codes))
    assert ((found.f1 >= 0) & (found.f1 <= 1)).all()
    wide = found.f1 if len(themes) <= len(codes) else found.f1.T
    every = [sum(wide[i, j] for i, j in enumerate(order)) for order in permutations(range(wide.shape[1]), len(wide))]
    assert sum(pair.f1 for pair in found.pairs) == pytest.approx(max(every, default=0))
    for pair in found.pairs:
        theirs, gold = themes[pair.theme], codes[pair.code]
        assert pair.shared == len(theirs & gold) > 0
        assert pair.f1 == pytest.approx(2 * pair.shared / (len(theirs) + len(gold)))
        assert pair.p_value == pytest.approx(stats.hypergeom.sf(pair.shared - 1, 12, len(gold), len(theirs)), abs=1e-9)
    sure = [pair for pair in found.pairs if pair.p_value * found.shared.size <= 0.05]
    assert set(found.unmatched_themes) == set(themes) - {pair.theme for pair in sure}
    assert set(found.unmatched_codes) == set(codes) - {pair.code for pair in sure}


def test_the_order_of_themes_changes_no_match() -> None:
    themes = {"t1": set("abcd"), "t2": set("efgh"), "t3": set("ijkl")}
    codes = {"k1": set("efgi"), "k2": set("abc")}
    one, two = ev.match(themes, codes, 40), ev.match(dict(reversed(themes.items())), dict(reversed(codes.items())), 40)
    assert (
        {(p.theme, p.code) for p in one.pairs} == {(p.theme, p.code) for p in two.pairs} == {("t1", "k2"), ("t2", "k1")}
    )
    assert one.unmatched_themes == two.unmatched_themes == ("t3",)


def test_an_overlap_that_chance_gives_is_no_match() -> None:
    # Three of four units each: they share at least two of necessity.
    found = ev.match({"t": set("abc")}, {"k": set("bcd")}, 4)
    assert found.pairs[0].p_value == pytest.approx(1)
    assert (found.unmatched_themes, found.unmatched_codes) == (("t",), ("k",))


def test_large_studies_do_not_overflow() -> None:
    units = np.arange(20000).astype(str)
    found = ev.match({"t": set(units[:6000])}, {"k": set(units[3000:9000])}, 20000)
    # Chance would give 1800; 3000 is far beyond.
    assert 0 <= found.pairs[0].p_value < 1e-100
