"""Resampling participants: the same draws as a loop over them, and the same interval as scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.intervals import cluster_weights, warnings
from belonging_llm.evaluation.two_coders import kappas


def mean_of(sums: np.ndarray) -> np.ndarray:
    """A mean from sums and counts (…, 2)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=2, max_size=8), st.integers(0, 5))
def test_a_mean_is_resampled_as_in_a_loop(people: list[list[int]], seed: int) -> None:
    how = ev.Resampling(draws=60, seed=seed)
    found = ev.bootstrap(np.array([[sum(p), len(p)] for p in people], float), mean_of, how)
    looped = []
    for drawn in cluster_weights(len(people), how):
        said = [x for person, times in zip(people, drawn, strict=True) for x in person * int(times)]
        looped.append(sum(said) / len(said))
    assert found.draws == pytest.approx(np.array(looped))
    assert found.point == pytest.approx(np.mean([x for person in people for x in person]))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(looped, [0.025, 0.975])))


def test_every_resample_has_as_many_participants() -> None:
    weights = cluster_weights(7, ev.Resampling(draws=50))
    assert weights.shape == (50, 7)
    assert (weights.sum(1) == 7).all()
    assert (cluster_weights(7, ev.Resampling(draws=50)) == weights).all()
    assert (cluster_weights(7, ev.Resampling(draws=50, seed=1)) != weights).any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bca_is_that_of_scipy(seed: int) -> None:
    # Skewed data, so that the correction matters.
    values = np.random.default_rng(seed).exponential(size=40)
    found = ev.bootstrap(np.stack([values, np.ones(40)], 1), mean_of, ev.Resampling(draws=20000, method="bca"))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20000, method="BCa", rng=np.random.default_rng(1))
    wanted = theirs.confidence_interval
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=0.015)
    plain = ev.bootstrap(np.stack([values, np.ones(40)], 1), mean_of, ev.Resampling(draws=20000))
    assert found.high > plain.high


def test_bca_of_kappa_is_that_of_scipy() -> None:
    draw = np.random.default_rng(4)
    first = draw.random(60) < 0.4
    second = np.where(draw.random(60) < 0.8, first, ~first)
    cells = np.stack([first & second, first & ~second, ~first & second, ~first & ~second], 1).astype(float)
    found = ev.bootstrap(cells, kappas, ev.Resampling(draws=8000, method="bca"))
    theirs = stats.bootstrap(
        (np.arange(60),),
        lambda rows, axis: kappas(cells[rows].sum(axis - 1)),  # the cells come after the rows
        n_resamples=8000,
        method="BCa",
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_an_interval_names_its_method() -> None:
    tallies = np.array([[1, 2], [2, 2], [0, 2]], float)
    for method in ("percentile", "bca"):
        found = ev.bootstrap(tallies, mean_of, ev.Resampling(draws=50, seed=3, level=0.9, method=method)).at()
        assert found is not None
        assert found.method == f"participant bootstrap, {method}, 50 resamples, seed 3"
        assert found.level == 0.9
    with pytest.raises(ValueError, match="studentised"):
        ev.Resampling(method="studentised")


def test_the_share_of_degenerate_resamples_is_told() -> None:
    # One of four participants is all that varies: without it kappa is undefined. (3/4)⁴ = .316 of resamples.
    cells = np.array([[2, 1, 1, 3], [0, 0, 0, 4], [0, 0, 0, 4], [0, 0, 0, 4]], float)
    found = ev.bootstrap(cells, kappas, ev.Resampling(draws=4000))
    assert found.degenerate == pytest.approx(0.316, abs=0.02)
    at = found.at()
    assert at is not None
    assert at.degenerate == found.degenerate
    assert np.isnan(found.draws).mean() == found.degenerate


def test_mostly_degenerate_is_no_interval() -> None:
    # Each of two people in four is needed: 1 − 2(3/4)⁴ + (1/2)⁴ = .43 of the resamples have both.
    def needs_both(sums: np.ndarray) -> np.ndarray:
        return np.where((sums > 0).all(-1), sums.sum(-1), np.nan)

    tallies = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], float)
    found = ev.bootstrap(tallies, needs_both, ev.Resampling(draws=2000))
    assert found.degenerate > 0.5
    assert found.at() is None
    assert found.around(ev.Estimate(2.0)).interval is None


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_one_cluster_gives_no_interval(method: str) -> None:
    found = ev.bootstrap(np.array([[[4.0, 1, 1, 4]]]), kappas, ev.Resampling(draws=20, method=method))
    assert found.point.tolist() == [pytest.approx(0.6)]
    assert found.at(0) is None
    assert found.draws.shape == (0, 1)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_an_undefined_figure_has_no_interval(method: str) -> None:
    found = ev.bootstrap(np.tile([0.0, 0, 0, 5], (6, 1)), kappas, ev.Resampling(draws=20, method=method))
    assert found.at() is None
    assert found.degenerate == 1


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_what_never_varies_has_an_interval_of_a_point(method: str) -> None:
    found = ev.bootstrap(np.tile([2.0, 4], (6, 1)), mean_of, ev.Resampling(draws=50, method=method)).at()
    assert found is not None
    assert (found.low, found.high) == (0.5, 0.5)


def test_nobody_and_nothing_can_be_resampled() -> None:
    assert ev.bootstrap(np.zeros((0, 2, 4)), kappas).low.shape == (2,)
    assert ev.bootstrap(np.zeros((5, 0, 4)), kappas).low.shape == (0,)


def test_many_statistics_at_once_are_each_statistic() -> None:
    cells = np.random.default_rng(0).integers(0, 5, (12, 3, 4)).astype(float)
    for method in ("percentile", "bca"):
        how = ev.Resampling(draws=200, method=method)
        together = ev.bootstrap(cells, kappas, how)
        for k in range(3):
            alone = ev.bootstrap(cells[:, k], kappas, how)
            assert together.draws[:, k] == pytest.approx(alone.draws)
            assert together.low[k] == pytest.approx(float(alone.low))
            assert together.high[k] == pytest.approx(float(alone.high))


def test_people_who_resemble_themselves_widen_the_interval() -> None:
    # Ten people who say the same ten times over know no more than ten answers.
    said = np.random.default_rng(1).integers(0, 2, 10).astype(float)
    people = ev.bootstrap(np.stack([10 * said, np.full(10, 10.0)], 1), mean_of).at()
    units = ev.bootstrap(np.stack([np.repeat(said, 10), np.ones(100)], 1), mean_of).at()
    assert people is not None
    assert units is not None
    # √10 times as wide.
    assert (people.high - people.low) / (units.high - units.low) == pytest.approx(np.sqrt(10), rel=0.15)


def test_few_clusters_are_warned_of() -> None:
    assert "each counts as its own" in warnings(50, None)[0]
    assert warnings(1, "participant_id") == ["one participant_id only: no interval can be made"]
    assert "fewer than 10" in warnings(9, "participant_id")[0]
    assert warnings(10, "participant_id") == []
