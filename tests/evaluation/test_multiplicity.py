"""Corrections for several tests, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.multiplicity import adjusted_by_yekutieli

# Ties, certainties and impossibilities among them.
P_VALUES = st.lists(st.one_of(st.sampled_from([0.0, 0.01, 0.05, 1.0]), st.floats(0, 1)), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.2]))
def test_adjusted_p_values_are_those_of_others(p_values: list[float], q: float) -> None:
    rejected, yekutieli, *_ = multipletests(p_values, q, "fdr_by")
    assert adjusted_by_yekutieli(p_values) == pytest.approx(yekutieli)
    found = ev.benjamini_yekutieli(p_values, q)
    # On the very border rounding decides.
    clear = np.abs(yekutieli - q) > 1e-9
    assert (found == rejected)[clear].all()
    assert ev.holm(p_values) == pytest.approx(multipletests(p_values, q, "holm")[1])


@given(P_VALUES)
def test_adjusting_never_lowers_a_p_value_and_keeps_the_order(p_values: list[float]) -> None:
    for found in (ev.holm(p_values), adjusted_by_yekutieli(p_values)):
        assert (found >= np.array(p_values) - 1e-12).all()
        assert (found <= 1).all()
        assert (np.diff(found[np.argsort(p_values)]) >= -1e-12).all()


def test_by_hand() -> None:
    # Holm: .01·3, .02·2, .04·1, each at least the one before. Yekutieli: 1 + 1/2 + 1/3 = 11/6 times .01·3/1, .02·3/2,
    # .04·3/3, each at most the one after: .03, .03, .04.
    assert ev.holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert adjusted_by_yekutieli([0.04, 0.01, 0.02]) == pytest.approx(np.array([0.04, 0.03, 0.03]) * 11 / 6)


def test_one_test_needs_no_correction_and_none_is_no_error() -> None:
    assert ev.holm([0.03]) == adjusted_by_yekutieli([0.03]) == pytest.approx([0.03])
    assert len(ev.holm([])) == len(ev.benjamini_yekutieli([])) == 0
