"""Self-training: what the codebook points at teaches how the code sounds in this corpus."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from belonging_llm.codes import carry_over, ridge
from belonging_llm.codes.unaided import CLEAR, FEWEST, MOST, _thinned

Array = NDArray[np.float64]


def corpus(n: int = 400) -> tuple[Array, Array, Array]:
    """One code: an eighth of the segments have it and say so in three ways; the codebook knows the first alone."""
    draw = np.random.default_rng(1)
    has = draw.random(n) < 0.125
    seen = draw.normal(size=(n, 40)) * 0.7
    seen[:, :3] += 2.0 * has[:, None]
    strength = seen[:, :1] + 1.2 * draw.normal(size=(n, 1))
    return (strength - strength.mean()) / strength.std(), seen, has


def test_segments_that_say_the_same_otherwise_are_found() -> None:
    strength, seen, has = corpus()
    before, after = (roc_auc_score(has, values[:, 0]) for values in (strength, carry_over(strength, seen)))
    assert before < 0.90
    assert after > before + 0.03


def test_the_result_is_in_standard_deviations() -> None:
    found = carry_over(*corpus()[:2])
    assert (found.mean(), found.std()) == (pytest.approx(0, abs=1e-9), pytest.approx(1))


def test_a_code_without_evidence_gains_none() -> None:
    strength, seen, _ = corpus()
    both = np.concatenate([strength, np.zeros_like(strength)], axis=1)
    found = carry_over(both, seen)
    assert not found[:, 1].any()
    assert found[:, 0] == pytest.approx(carry_over(strength, seen)[:, 0])


def test_too_few_segments_are_left_as_they_are() -> None:
    strength, seen, _ = corpus(FEWEST - 1)
    assert carry_over(strength, seen) is strength


def test_the_order_of_segments_changes_nothing() -> None:
    strength, seen, _ = corpus()
    order = np.random.default_rng(2).permutation(len(seen))
    assert carry_over(strength[order], seen[order]) == pytest.approx(carry_over(strength, seen)[order], abs=1e-3)


def test_work_does_not_grow_with_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[int] = []
    real = ridge.fit

    def fit(seen: Array, share: Array) -> object:
        taught.append(len(seen))
        return real(seen, share)

    monkeypatch.setattr(ridge, "fit", fit)
    carry_over(*corpus(6000)[:2])
    assert max(taught) <= MOST < CLEAR * 6000 + 6000


def test_thinned_rows_are_spread_evenly_and_keep_both_ends() -> None:
    rows = np.arange(1000)
    kept = _thinned(rows, 0.2)
    assert (len(kept), kept[0], kept[-1]) == (0.2 * MOST, 0, 999)
    assert np.ptp(np.diff(kept)) <= 1
    assert _thinned(rows[:10], 0.2) is not None
    assert len(_thinned(rows[:10], 0.2)) == 10
