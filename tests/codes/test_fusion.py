"""Voices fused and calibrated: worked cases and what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

from belonging_llm.codes.fusion import Judged, calibrated, platt

Array = NDArray[np.float64]


def column(values: Array) -> Array:
    return np.asarray(values, float)[:, None]


def test_two_voices_count_as_much_as_they_tell() -> None:
    """Truth is drawn with log-odds 1.5 a + 0.5 b - 1; 20,000 segments leave a standard error of about .02."""
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 20_000))
    truth = (draw.random(20_000) < expit(1.5 * a + 0.5 * b - 1)).astype(float)
    slopes, intercept = platt(Judged((column(a), column(b)), column(truth)))
    assert slopes == pytest.approx([1.5, 0.5], abs=0.08)
    assert intercept == pytest.approx(-1, abs=0.08)


def test_a_voice_that_falls_with_the_truth_is_not_turned_round() -> None:
    draw = np.random.default_rng(1)
    a = draw.normal(size=500)
    truth = column(draw.random(500) < expit(2 * a))
    heard = Judged((column(-a), column(a)), truth)
    slopes, _ = platt(heard)
    assert slopes[0] == 0
    assert slopes[1] > 1
    alone = Judged((column(-a),), truth)
    chances = calibrated([column(-a)], alone, alone)
    assert chances.std() == pytest.approx(0, abs=1e-12)
    assert chances[0, 0] == pytest.approx(truth.mean(), abs=1e-6)


def test_shares_meet_where_they_are_checked() -> None:
    """Weighed where a tenth have the code, checked where half have it: the slope stays, the chances follow."""
    draw = np.random.default_rng(2)
    a = draw.normal(size=(4000, 1))
    seldom = Judged((a,), (draw.random((4000, 1)) < expit(2 * a - 3)).astype(float))
    often = Judged((a,), (draw.random((4000, 1)) < expit(2 * a)).astype(float))
    found = calibrated([a], seldom, often)
    assert found.mean() == pytest.approx(often.truth.mean(), abs=1e-6)
    assert found == pytest.approx(expit(2 * a), abs=0.03)


def test_a_code_with_few_checks_leans_on_all_codes() -> None:
    voices = np.zeros((40, 2))
    truth = np.full((40, 2), np.nan)
    truth[:, 0] = np.arange(40) < 20
    truth[:2, 1] = 1
    heard = Judged((voices,), truth)
    found = calibrated([voices], heard, heard)
    # All 42: 22/42 = .52. Two yeses alone would say 1; they pull one code's chance up, and not far.
    assert 0.5 <= found[0, 0] < 0.53
    assert 0.53 < found[0, 1] < 0.75


def test_without_judgements_nothing_is_said() -> None:
    heard = Judged((np.zeros((3, 2)),), np.full((3, 2), np.nan))
    assert np.isnan(calibrated([np.zeros((5, 2))], heard, heard)).all()


def test_a_voice_that_has_nothing_to_say_leaves_a_code_without_a_chance() -> None:
    voice, truth = np.array([[0.0, np.nan], [1.0, np.nan]]), np.array([[0.0, 1.0], [1.0, 1.0]])
    heard = Judged((voice,), truth)
    found = calibrated([voice], heard, heard)
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()


PAIRS = st.lists(
    st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.sampled_from([0, 1 / 3, 0.5, 1])), min_size=1, max_size=30
)


@settings(max_examples=50, deadline=None)
@given(PAIRS)
@example([(0.0, 0.0, 1), (-4.0, 0.0, 0), (-3.5, 0.0, 1)])  # voices that part them cleanly
def test_slopes_are_never_negative_and_chances_are_chances(pairs: list[tuple[float, float, float]]) -> None:
    a, b, truth = (column(np.array(values)) for values in zip(*pairs, strict=True))
    heard = Judged((a, b), truth)
    slopes, intercept = platt(heard)
    assert min(slopes) >= 0
    assert np.isfinite(intercept)
    if not any(slopes):
        # .982 is 1 / (1 + exp(-4)): what everybody said is not taken for certain.
        assert expit(intercept) == pytest.approx(np.clip(truth.mean(), 0.018, 0.982))
    found = calibrated([a, b], heard, heard)
    assert ((found > 0) & (found < 1)).all()
