"""Confidence against what was right: scikit-learn's Brier score, bins by hand, ties kept together."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.calibration import NOTHING

# Round confidences are what models say: ties and bin edges are common.
SAID = st.lists(
    st.tuples(st.one_of(st.integers(0, 10).map(lambda k: k / 10), st.floats(0, 1)), st.booleans()),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(SAID, st.integers(1, 12))
def test_brier_is_that_of_others_and_bins_hold_everything(said: list[tuple[float, bool]], bins: int) -> None:
    confidence, right = (np.array(part, float) for part in zip(*said, strict=True))
    found = ev.calibration(confidence, right, bins)
    assert found.brier.value == pytest.approx(brier_score_loss(right, confidence, pos_label=1, labels=[0, 1]))
    assert len(found.bins) == bins
    assert sum(one.n for one in found.bins) == len(said)
    error = 0.0
    for one in found.bins:
        assert (one.confidence is None) == (one.right is None) == (one.n == 0)
        if one.confidence is not None and one.right is not None:
            assert one.low - 1e-8 <= one.confidence <= one.high + 1e-8
            error += one.n / len(said) * abs(one.confidence - one.right)
    assert found.ece.value == pytest.approx(error)
    assert 0 <= error <= 1


def test_bins_by_hand() -> None:
    # Two bins: .2 and .4 (half right), .5 and 1 (both right; .5 belongs to the upper bin, 1 too).
    # Gaps |.5 − .3| and |1 − .75|, each half of the judgements: .1 + .125.
    found = ev.calibration([0.2, 0.4, 0.5, 1.0], [1, 0, 1, 1], 2)
    assert [one.n for one in found.bins] == [2, 2]
    assert found.ece.value == pytest.approx(0.225)
    # .64 + .16 + .25 + 0 over 4.
    assert found.brier.value == pytest.approx(0.2625)


def test_a_tenth_lies_in_its_own_bin() -> None:
    # .3·10 is 2.9999… in floating point in some places; every tenth begins a bin.
    found = ev.calibration(np.arange(10) / 10, np.ones(10), 10)
    assert [one.n for one in found.bins] == [1] * 10


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.5, 0.7, 0.9]), st.booleans()), min_size=1, max_size=6))
def test_risk_is_the_mean_over_all_orders_of_ties(said: list[tuple[float, bool]]) -> None:
    confidence, right = (np.array(part, float) for part in zip(*said, strict=True))
    orders = [order for order in permutations(range(len(said))) if all(np.diff(confidence[list(order)]) <= 0)]
    kept = np.arange(1, len(said) + 1)
    risks = np.mean([np.cumsum(1 - right[list(order)]) / kept for order in orders], axis=0)
    found = ev.risk_coverage(confidence, right)
    assert found.risk == pytest.approx(risks)
    assert found.coverage == pytest.approx(kept / len(said))
    assert found.area.value == pytest.approx(risks.mean())


@settings(max_examples=60, deadline=None)
@given(SAID, st.floats(0, 1))
def test_what_may_be_kept_can_be_kept_by_a_threshold(said: list[tuple[float, bool]], risk: float) -> None:
    confidence, right = (np.array(part, float) for part in zip(*said, strict=True))
    kept = [confidence >= threshold for threshold in set(confidence)]
    wanted = max((k.mean() for k in kept if 1 - right[k].mean() <= risk + 1e-12), default=0)
    assert ev.risk_coverage(confidence, right).coverage_at(risk) == pytest.approx(wanted)


def test_coverage_by_hand() -> None:
    # .9 right; .5 twice, one of them wrong: keeping one of the two cannot be had.
    found = ev.risk_coverage([0.9, 0.5, 0.5], [1, 1, 0])
    assert found.risk == pytest.approx([0, 0.25, 1 / 3])
    assert found.whole.tolist() == [True, False, True]
    assert found.coverage_at(0.25) == pytest.approx(1 / 3)
    assert found.coverage_at(0.34) == 1
    assert ev.risk_coverage([0.9], [0]).coverage_at(0.5) == 0


def test_the_order_of_judgements_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    confidence, right = rng.integers(0, 11, 60) / 10, rng.integers(0, 2, 60)
    order = rng.permutation(60)
    one, two = ev.risk_coverage(confidence, right), ev.risk_coverage(confidence[order], right[order])
    assert one.risk == pytest.approx(two.risk)
    assert ev.calibration(confidence, right).ece.value == pytest.approx(
        ev.calibration(confidence[order], right[order]).ece.value
    )


def test_no_confidence_is_nothing_to_calibrate() -> None:
    found, kept = ev.calibration([], []), ev.risk_coverage([], [])
    assert (found.brier.reason, found.ece.reason, kept.area.reason) == (NOTHING,) * 3
    assert (found.bins, kept.coverage_at(0.5)) == ((), 0)
