"""Precision, recall and F1 against scikit-learn; consensus by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.scores import ALWAYS, NEITHER, NEVER_ASSIGNED, NO_REFERENCE, macro, micro

CELLS = st.lists(st.one_of(st.just(0), st.integers(0, 30)), min_size=4, max_size=4)


def labels(cells: list[int]) -> tuple[list[int], list[int]]:
    a, b, c, d = cells
    return [1] * (a + b) + [0] * (c + d), [1] * a + [0] * b + [1] * c + [0] * d


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_scores_are_those_of_others(cells: list[int]) -> None:
    a, b, c, d = cells
    found, (truth, said) = ev.scores(cells), labels(cells)
    # Others answer 0 where there is nothing to divide by; we answer that there is no figure.
    expected = {
        "precision": (precision_score, a + c, NEVER_ASSIGNED),
        "recall": (recall_score, a + b, NO_REFERENCE),
        "f1": (f1_score, a + b + c, NEITHER),
    }
    for name, (theirs, under, reason) in expected.items():
        mine = getattr(found, name)
        if under:
            assert mine.value == pytest.approx(theirs(truth, said)), name
        else:
            assert (mine.value, mine.reason) == (None, reason)
    assert found.false_positive_rate.value == (pytest.approx(c / (c + d)) if c + d else None)
    assert found.false_negative_rate.value == (pytest.approx(b / (a + b)) if a + b else None)
    counts = found.true_positive, found.false_negative, found.false_positive, found.true_negative
    assert counts == tuple(cells)


def test_by_hand() -> None:
    # 8 hits, 2 missed, 4 extra, 86 right: precision 8/12, recall 8/10, F1 16/22, false alarms 4/90.
    found = ev.scores([8, 2, 4, 86])
    assert found.precision.value == pytest.approx(2 / 3)
    assert found.recall.value == pytest.approx(0.8)
    assert found.f1.value == pytest.approx(8 / 11)
    assert found.false_positive_rate.value == pytest.approx(4 / 90)
    assert found.false_negative_rate.value == pytest.approx(0.2)


def test_a_code_that_everybody_always_assigns_has_no_false_alarms_to_count() -> None:
    assert ev.scores([5, 0, 0, 0]).false_positive_rate.reason == ALWAYS


@settings(max_examples=40, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=5))
def test_micro_is_over_all_decisions_and_macro_over_codes(many: list[list[int]]) -> None:
    every = [ev.scores(cells) for cells in many]
    pooled = micro(np.array(many, float))
    truth = [x for cells in many for x in labels(cells)[0]]
    said = [x for cells in many for x in labels(cells)[1]]
    if any(truth) or any(said):
        assert pooled.f1.value == pytest.approx(f1_score(truth, said))
    else:
        assert pooled.f1.reason == NEITHER
    defined = [s.f1.value for s in every if s.f1.value is not None]
    mean = macro([s.f1 for s in every])
    assert mean.value == (pytest.approx(np.mean(defined)) if defined else None)
    lost = len(many) - len(defined)
    assert bool(mean.flag) == bool(lost and defined)


def test_macro_says_what_it_leaves_out() -> None:
    found = macro([ev.Estimate(0.5), ev.undefined(NO_REFERENCE), ev.Estimate(1.0)])
    assert found.value == 0.75
    assert found.flag.startswith("undefined for 1 of")
    assert macro([]).reason == macro([ev.undefined(NO_REFERENCE)]).reason == "it is undefined for every code"


def test_consensus_is_the_majority_and_a_tie_is_nobodys() -> None:
    units = list("pqrst")
    judged = {"x": units, "y": units, "z": ["p", "q", "r"]}
    assigned = [("p", "x", "k"), ("p", "y", "k"), ("q", "x", "k"), ("s", "x", "k"), ("s", "y", "k"), ("t", "x", "k")]
    # p: 2 of 3; q: 1 of 3; r: none; s: 2 of 2; t: 1 of 2.
    assert ev.consensus(ev.ratings(judged, assigned))[:, 0].tolist() == [1, 0, 0, 1, -1]


def test_consensus_of_nobody_is_missing() -> None:
    found = ev.ratings({"x": ["u"], "y": ["u"]}, [], codes=["k"], withheld=[("u", "x", "k"), ("u", "y", "k")])
    assert ev.consensus(found).tolist() == [[-1]]
