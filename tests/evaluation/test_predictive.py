"""What past clusters make one expect of new ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from belonging_llm.evaluation import Counts, counts, surprise
from belonging_llm.evaluation import predictive as pre
from belonging_llm.evaluation.predictive import Expectation, difference, expectation

LEVEL = 0.05 / 52


def known(mean: float, rho: float) -> Expectation:
    return Expectation(np.array([mean]), np.array([rho]), np.ones(1), 10)


def test_one_cluster_by_hand() -> None:
    # μ = ½ and ρ = ⅓ are a = b = 1: of two units, 0, 1 and 2 are equally likely.
    lower, upper = known(1 / 2, 1 / 3).tails([2])
    assert lower == pytest.approx([1 / 3, 2 / 3, 1])
    assert upper == pytest.approx([1, 2 / 3, 1 / 3])


def test_one_cluster_is_beta_binomial() -> None:
    # μ = .2, ρ = .1: a = .2 · 9, b = .8 · 9.
    lower, _ = known(0.2, 0.1).tails([30])
    assert lower == pytest.approx(stats.betabinom(30, 1.8, 7.2).cdf(np.arange(31)))


def test_several_clusters_have_the_variance_of_their_sum() -> None:
    lower, _ = known(0.2, 0.1).tails([30, 10])
    mass = np.diff(np.r_[0, lower])
    k = np.arange(41)
    variance = mass @ k**2 - (mass @ k) ** 2
    # n μ (1 − μ) (1 + (n − 1) ρ) each: 30 · .16 · 3.9 + 10 · .16 · 1.9 = 18.72 + 3.04.
    assert mass @ k == pytest.approx(8)
    assert variance == pytest.approx(21.76)


def test_large_batches_are_told_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    exact, _ = known(0.2, 0.1).tails([300, 200])
    monkeypatch.setattr(pre, "LARGE", 400)
    assert known(0.2, 0.1).tails([300, 200])[0] == pytest.approx(exact, abs=0.005)


def test_likelihood_counted_by_steps_is_that_of_each_cluster() -> None:
    past = counts([3, 5, 9, 4, 7], [1, 0, 4, 4, 2])
    found = expectation(past)
    a, b = found.mean * (1 / found.correlation - 1), (1 - found.mean) * (1 / found.correlation - 1)
    logs = sum(stats.betabinom(n, a, b).logpmf(k) for n, k in zip(past.n, past.k, strict=True))
    _, _, prior = pre._grid(past)
    mean, rho, _ = pre._grid(past)
    order = {(m, r): p for m, r, p in zip(mean.tolist(), rho.tolist(), prior.tolist(), strict=True)}
    logs += np.array([order[m, r] for m, r in zip(found.mean.tolist(), found.correlation.tolist(), strict=True)])
    assert np.log(found.weight) - np.log(found.weight).max() == pytest.approx(logs - logs.max(), abs=1e-8)


def test_weighted_rows_are_that_many_clusters() -> None:
    spread = counts([10] * 6 + [20] * 2, [1] * 6 + [9] * 2)
    packed = Counts(np.array([10, 20]), np.array([1, 9]), np.array([6, 2]))
    new = counts([15], [9])
    assert surprise(new, packed, LEVEL) == surprise(new, spread, LEVEL)
    assert (packed.clusters, packed.units, packed.marked) == (8, 100, 24)


def test_a_share_far_from_all_others_is_a_surprise_and_one_like_them_is_none() -> None:
    past = counts([30] * 40, [3, 2, 4, 3] * 10)
    strange, usual = (surprise(counts([30] * 4, [k] * 4), past, LEVEL) for k in (15, 3))
    assert strange.p_value is not None and strange.p_value < LEVEL  # noqa: PT018
    assert usual.p_value is not None and usual.p_value > 0.5  # noqa: PT018
    assert usual.most is not None and 12 < usual.most <= 60  # noqa: PT018
    at_edge = surprise(counts([30] * 4, [usual.most // 4] * 3 + [usual.most - 3 * (usual.most // 4)]), past, LEVEL)
    assert at_edge.p_value is not None and at_edge.p_value <= LEVEL  # noqa: PT018


def test_few_past_participants_predict_widely() -> None:
    few, many = (surprise(counts([30], [12]), counts([30] * n, [3] * n), LEVEL) for n in (5, 60))
    assert few.p_value is not None and many.p_value is not None and few.p_value > 10 * many.p_value  # noqa: PT018


def test_too_little_to_test_with_says_so() -> None:
    none = surprise(counts([10], [3]), counts([10] * 4, [1] * 4), LEVEL)
    assert (none.p_value, none.expected.value) == (None, None)
    assert "fewer than 5 participants" in none.reason
    assert surprise(counts([], []), counts([10] * 9, [1] * 9), LEVEL).reason == "nothing new to count"


def test_difference_by_hand() -> None:
    # New .3, past .2. Pulls of the new ones: 5 − 3, 1 − 3; (4 + 4) / 20² · 2 / 1 = .04. The past ones do not differ.
    found = difference(counts([10, 10], [5, 1]), counts([10, 10], [2, 2]))
    assert found.value == pytest.approx(0.1)
    assert found.se == pytest.approx(0.2)
    assert found.interval is not None
    assert found.interval.high == 1.0  # t with one degree of freedom reaches beyond what a difference can be


def test_one_participant_has_no_interval() -> None:
    found = difference(counts([10], [5]), counts([10, 10], [2, 1]))
    assert (found.value, found.interval) == (pytest.approx(0.35), None)
    assert "one participant" in found.flag


def test_a_count_above_its_units_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one unit"):
        Counts(np.array([3]), np.array([4]))


@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1)), min_size=5, max_size=12),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_tails_are_chances(past: list[tuple[int, float]], sizes: list[int]) -> None:
    found = expectation(counts([n for n, _ in past], [int(n * share) for n, share in past]))
    lower, upper = found.tails(sizes)
    assert len(lower) == sum(sizes) + 1
    assert (np.diff(lower) >= -1e-12).all()
    assert lower[-1] == pytest.approx(1, abs=1e-6)
    assert lower[:-1] + upper[1:] == pytest.approx(1, abs=1e-6)
