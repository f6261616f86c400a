"""How many segments: by hand, against simulation, and consistent with itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.two_coders import scott_pis

KAPPA = st.floats(0, 0.95)
SHARE = st.floats(0.05, 0.95)
WIDTH = st.floats(0.05, 0.3)


def test_by_hand() -> None:
    # kappa .7, prevalence .3: .3·(−.4) + .7·1.3/(2·.21) = −.12 + 2.166667 = 2.046667, times .3 = .614.
    # 1.959964² · .614/.1² = 235.87.
    assert ev.segments_for_kappa(0.7, 0.3, 0.1) == 236
    # No agreement expected: variance 1. 1.959964²/.1² = 384.15.
    assert ev.segments_for_kappa(0, 0.5, 0.1) == 385


@pytest.mark.parametrize(("kappa", "prevalence"), [(0.7, 0.3), (0.6, 0.12), (0.4, 0.5)])
def test_as_many_segments_give_the_wanted_interval(kappa: float, prevalence: float) -> None:
    n = ev.segments_for_kappa(kappa, prevalence, 0.1)
    both = prevalence**2 + kappa * prevalence * (1 - prevalence)
    one = prevalence - both
    cells = np.random.default_rng(6).multinomial(n, [both, one, one, 1 - both - 2 * one], size=4000).astype(float)
    found = scott_pis(cells)
    # The variance is of the intraclass kappa under equal marginals, which is Scott's pi.
    assert 1.96 * np.nanstd(found) == pytest.approx(0.1, rel=0.06)


@settings(max_examples=40, deadline=None)
@given(KAPPA, SHARE, WIDTH)
def test_yes_and_no_cost_the_same_and_precision_costs_more(kappa: float, share: float, width: float) -> None:
    n = ev.segments_for_kappa(kappa, share, width)
    assert abs(n - ev.segments_for_kappa(kappa, 1 - share, width)) <= 1
    assert ev.segments_for_kappa(kappa, share, width / 2) >= n
    assert ev.segments_for_kappa(kappa, share, width, level=0.99) >= n


def test_a_rare_code_costs_more() -> None:
    sizes = [ev.segments_for_kappa(0.7, share, 0.1) for share in (0.5, 0.2, 0.1, 0.05)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 4 * sizes[0]


@pytest.mark.parametrize(
    "given_", [(1, 0.3, 0.1), (-0.1, 0.3, 0.1), (0.7, 0, 0.1), (0.7, 1, 0.1), (0.7, 0.3, 0), (0.7, 0.3, 0.1, 1)]
)
def test_what_has_no_size_is_refused(given_: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="half width"):
        ev.segments_for_kappa(*given_)


def test_design_effect_by_hand() -> None:
    # Twenty segments a person, alike by .1: 1 + 19·.1 = 2.9. One segment a person is its own.
    assert ev.design_effect(20, 0.1) == pytest.approx(2.9)
    assert ev.design_effect(1, 0.5) == ev.design_effect(0.5, 0.5) == 1


@settings(max_examples=60, deadline=None)
@given(KAPPA, SHARE, WIDTH, st.integers(2, 200), st.floats(0, 0.5))
def test_clustered_segments_pay_their_design_effect(
    kappa: float, share: float, width: float, people: int, alike: float
) -> None:
    alone = ev.segments_for_kappa(kappa, share, width)
    found = ev.segments_for_kappa_clustered(kappa, share, width, participants=people, intraclass=alike)
    if found is None:
        # However many, n/deff stays below participants/ICC.
        assert people / alike <= alone
        return
    assert found >= alone
    # Smallest number with n ≥ n₀ · deff.
    assert found >= alone * ev.design_effect(found / people, alike) - 1e-6
    less = found - 1
    assert found == alone or less < alone * ev.design_effect(less / people, alike) + 1e-6


def test_too_few_participants_are_never_enough() -> None:
    assert ev.segments_for_kappa_clustered(0.7, 0.3, 0.1, participants=10, intraclass=0.1) is None
    # 236·.9/(1 − 236·.1/40) = 518.05.
    assert ev.segments_for_kappa_clustered(0.7, 0.3, 0.1, participants=40, intraclass=0.1) == 519
    assert ev.segments_for_kappa_clustered(0.7, 0.3, 0.1, participants=400, intraclass=0.1) == 236
