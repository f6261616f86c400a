"""A figure is a number or a reason; a quotient by nothing is neither."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.estimate import estimate, ratio

INTERVAL = ev.Interval(0.1, 0.4)


def test_an_estimate_has_a_value_or_a_reason_and_never_both() -> None:
    with pytest.raises(ValueError, match="either a value or a reason"):
        ev.Estimate(None)
    with pytest.raises(ValueError, match="either a value or a reason"):
        ev.Estimate(0.3, "no units")
    assert ev.undefined("no units") == ev.Estimate(None, "no units")


@given(st.floats())
def test_what_is_not_finite_is_undefined(value: float) -> None:
    found = estimate(value, "no units", se=value)
    if np.isfinite(value):
        assert (found.value, found.reason, found.se) == (value, "", value)
    else:
        assert found == ev.undefined("no units")


def test_a_standard_error_that_does_not_exist_is_none() -> None:
    assert estimate(0.3, "", se=float("nan")).se is None
    assert estimate(0.3, "", flag="one coder never varies").flag == "one coder never varies"


def test_only_a_value_has_an_interval() -> None:
    assert ev.Estimate(0.3).within(INTERVAL).interval == INTERVAL
    assert ev.undefined("no units").within(INTERVAL).interval is None


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-3, 3)), min_size=1, max_size=6))
def test_a_quotient_by_zero_is_nan_without_a_warning(pairs: list[tuple[int, int]]) -> None:
    over, under = zip(*pairs, strict=True)
    found = ratio(over, under)
    for value, (a, b) in zip(found, pairs, strict=True):
        assert np.isnan(value) if b == 0 else value == a / b


def test_a_quotient_spreads_over_shapes() -> None:
    assert ratio([[1], [2]], [1, 2]).shape == (2, 2)
    assert np.isnan(ratio(1, float("nan")))
    assert np.isnan(ratio(0, 1e-17))  # what rounding leaves of zero
