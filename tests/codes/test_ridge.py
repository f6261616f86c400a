"""One ridge-penalised logistic regression: shared answers, and the same in fewer dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from belonging_llm.codes import ridge


def test_fewer_dimensions_say_the_same() -> None:
    """A hundred dimensions, thirty taught rows: the penalty leaves nothing across what these span."""
    draw = np.random.default_rng(0)
    seen, rows = draw.normal(size=(80, 100)), np.arange(30)
    share = (seen[rows, 0] > 0).astype(float)
    whole = ridge.fit(seen[rows], share).decision_function(seen)
    near = ridge.spanned(seen, rows)
    assert near.shape == (80, 30)
    assert ridge.fit(near[rows], share).decision_function(near) == pytest.approx(whole, abs=1e-3)


def test_taught_by_some_rows_every_row_has_its_log_odds() -> None:
    draw = np.random.default_rng(1)
    seen, rows = draw.normal(size=(80, 100)), np.arange(5, 35)
    share = (seen[rows, 0] > 0).astype(float)
    model = ridge.fit(seen[rows], share)
    assert ridge.taught_by(rows, share, seen).scores(seen) == pytest.approx(model.decision_function(seen), abs=5e-3)
    assert ridge.scores(model, seen) == pytest.approx(model.decision_function(seen))
    few = seen[:, :4]
    assert ridge.taught_by(rows, share, few).scores(few) == pytest.approx(
        ridge.fit(few[rows], share).decision_function(few)
    )


def test_many_rows_stay_as_they_are() -> None:
    seen = np.random.default_rng(0).normal(size=(80, 5))
    assert ridge.spanned(seen, np.arange(30)) is seen
    assert ridge.spanned(seen, np.arange(0)) is seen


def test_a_segment_that_coders_are_split_on_pulls_both_ways() -> None:
    seen = np.array([[-1.0], [1.0], [0.0]])
    found = ridge.fit(seen, np.array([0.0, 1.0, 0.5])).decision_function(seen)
    assert found[2] == pytest.approx(0, abs=1e-6)
    assert found[0] == pytest.approx(-found[1], abs=1e-6)


def test_who_did_not_judge_teaches_nothing() -> None:
    seen = np.array([[-1.0], [1.0], [40.0]])
    said = ridge.fit(seen, np.array([0.0, 1.0, np.nan]))
    assert said.coef_ == pytest.approx(ridge.fit(seen[:2], np.array([0.0, 1.0])).coef_)
