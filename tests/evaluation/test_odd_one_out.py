"""Is the last answer unlike the others?"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.evaluation import odd_one_out

LEVEL = 0.05 / 52


def said(*times: list[list[int]]) -> np.ndarray:
    return np.array(times, np.int8)


def test_the_odd_one_of_four_by_hand() -> None:
    # One question, one code: 0, 0, 0 and now 1. Each of the four is as likely to be the odd one: 1/4.
    found = odd_one_out(said([[0]], [[0]], [[0]], [[1]]), level=LEVEL)
    assert found.p_value == pytest.approx(1 / 4)
    # Two questions: 1/16.
    assert odd_one_out(said([[0], [1]], [[0], [1]], [[0], [1]], [[1], [0]]), level=LEVEL).p_value == pytest.approx(
        1 / 16
    )


def test_what_does_not_change_is_no_surprise() -> None:
    found = odd_one_out(np.zeros((4, 10, 3), np.int8), level=LEVEL)
    assert (found.p_value, found.changed.value, found.wavered.value) == (1.0, 0.0, 0.0)
    assert found.changed.interval is not None
    # Nothing of ten: 1 − .025 ** (1/10).
    assert found.changed.interval.high == pytest.approx(1 - 0.025**0.1)
    assert [t.p_value for t in found.by_code] == [None] * 3


def test_a_model_that_always_wavered_is_no_surprise() -> None:
    dice = np.random.default_rng(0)
    answers = (dice.random((6, 30, 4)) < 0.5).astype(np.int8)
    found = odd_one_out(answers, level=LEVEL)
    assert found.p_value > 0.01
    assert found.wavered.value is not None and found.wavered.value > 0.5  # noqa: PT018


def test_codes_of_one_question_count_as_one() -> None:
    """However many codes turn in one call, it is one odd one out of four."""
    answers = np.zeros((4, 1, 8), np.int8)
    answers[-1] = 1
    assert odd_one_out(answers, level=LEVEL).p_value == pytest.approx(1 / 4)


def test_one_earlier_time_tells_nothing() -> None:
    found = odd_one_out(said([[0], [0]], [[1], [1]]), level=LEVEL)
    assert (found.p_value, found.times) == (1.0, 1)
    assert found.wavered.reason == "fewer than two earlier times"


def test_questions_without_an_answer_are_left_out() -> None:
    answers = np.zeros((4, 3, 2), np.int8)
    answers[-1, 0] = -1
    answers[:-1, 1] = -1
    answers[-1, 2] = 1
    found = odd_one_out(answers, level=LEVEL)
    assert (found.questions, found.changed.value, found.p_value) == (1, 1.0, pytest.approx(1 / 4))
    nothing = odd_one_out(np.full((2, 2, 1), -1, np.int8), level=LEVEL)
    assert (nothing.questions, nothing.p_value, nothing.changed.value) == (0, 1.0, None)


def test_turns_by_code_by_hand() -> None:
    # Code 0: four turned to yes, of four steady: sign test 2 · (1/2)⁴ = 1/8. Code 1: one to no, p = 1. Holm: 2/8 and 1.
    answers = np.zeros((3, 4, 2), np.int8)
    answers[:, 0, 1] = 1
    answers[-1, :, 0] = 1
    answers[-1, 0, 1] = 0
    first, second = odd_one_out(answers, level=LEVEL).by_code
    assert (first.to_yes, first.to_no, first.steady, first.p_value) == (4, 0, 4, pytest.approx(1 / 4))
    assert (second.to_yes, second.to_no, second.steady, second.p_value) == (0, 1, 4, pytest.approx(1))


def test_so_many_changed_questions_are_enough() -> None:
    # (1/4)⁵ = .00098 is above .05/52 = .00096; (1/4)⁶ is below.
    assert odd_one_out(np.zeros((4, 30, 1), np.int8), level=LEVEL).enough == 6
    assert odd_one_out(np.zeros((4, 5, 1), np.int8), level=LEVEL).enough is None
    changed = np.zeros((4, 30, 1), np.int8)
    changed[-1, :6] = 1
    assert odd_one_out(changed, level=LEVEL).p_value <= LEVEL


def test_questions_with_one_earlier_answer_are_never_enough() -> None:
    """Twelve questions that all changed since the one time before: p is 1, so no change could have been noticed."""
    answers = np.zeros((2, 12, 1), np.int8)
    answers[-1] = 1
    found = odd_one_out(answers, level=LEVEL)
    assert (found.p_value, found.enough) == (1.0, None)
    # Six with three answers before, (1/4)⁶ = .00024, beside ten with one; of five of them, (1/4)⁵ = .00098 > .00096.
    mixed = np.zeros((4, 16, 1), np.int8)
    mixed[:2, 6:] = -1
    assert odd_one_out(mixed, level=LEVEL).enough == 6
    mixed[:2, 5] = -1
    assert odd_one_out(mixed, level=LEVEL).enough is None
    # With two answers before a question counts as 1/3: (1/3)⁷ = .00046, (1/3)⁶ = .0014.
    assert odd_one_out(np.zeros((3, 30, 1), np.int8), level=LEVEL).enough == 7


@given(st.integers(0, 10_000))
def test_p_is_the_share_of_exchanges_that_are_as_odd(seed: int) -> None:
    """Against all exchanges, one by one."""
    answers = np.random.default_rng(seed).integers(0, 2, (3, 4, 2)).astype(np.int8)

    def oddness(q: int, t: int) -> int:
        return sum(int((answers[t, q] != answers[u, q]).sum()) for u in range(3))

    observed = sum(oddness(q, 2) for q in range(4))
    every = [sum(oddness(q, t) for q, t in enumerate(choice)) for choice in itertools.product(range(3), repeat=4)]
    expected = np.mean([one >= observed for one in every])
    assert odd_one_out(answers, level=LEVEL).p_value == pytest.approx(expected)
