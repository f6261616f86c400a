"""Who is told to slow down speaks for all: nobody begins while others rest, and afterwards fewer go side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.pacing import Pace


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pace(most: int, clock: Clock) -> Pace:
    return Pace(most, clock, clock.sleep)


def test_nobody_rests_unasked() -> None:
    clock = Clock()
    with pace(4, clock).turn():
        pass
    assert clock.slept == []


def test_all_rest_until_the_last_rest_is_over() -> None:
    clock = Clock()
    one = pace(4, clock)
    one.slow_down(5)
    one.slow_down(3)
    clock.now = 1.0
    with one.turn():
        assert clock.now == 5.0
    with one.turn():
        assert clock.slept == [4.0]


def test_a_rest_that_is_made_longer_meanwhile_is_kept_to_its_end() -> None:
    clock = Clock()
    one = Pace(4, clock, lambda seconds: (one.slow_down(10) if not clock.slept else None, clock.sleep(seconds))[1])
    one.slow_down(2)
    with one.turn():
        assert clock.slept == [2.0, 8.0]


def test_a_sleep_that_does_not_sleep_is_not_waited_for_for_ever() -> None:
    slept: list[float] = []
    one = Pace(4, lambda: 0.0, slept.append)
    one.slow_down(7)
    with one.turn():
        assert slept == [7.0]


def test_width_halves_once_a_rest_and_grows_by_one_a_round() -> None:
    clock = Clock()
    one = pace(20, clock)
    assert one.width == 20
    for _ in range(15):
        one.slow_down(1)
    assert one.width == 10, "those who were under way together are told together"
    clock.now = 1.0
    one.slow_down(1)
    assert one.width == 5
    for _ in range(6):
        one.went_well()
    assert one.width == 6
    for _ in range(1000):
        one.went_well()
    assert one.width == 20


def test_one_always_goes() -> None:
    clock = Clock()
    one = pace(1, clock)
    for n in range(9):
        clock.now = float(n)
        one.slow_down(1)
    with one.turn():
        assert one.width == 1


@given(st.integers(1, 8), st.integers(0, 4), st.integers(1, 40))
def test_no_more_go_side_by_side_than_may(most: int, slowed: int, count: int) -> None:
    clock = Clock()
    one = pace(most, clock)
    for _ in range(slowed):
        clock.now += 1.0
        one.slow_down(0.5)
    going, seen, lock = 0, [], threading.Lock()

    def request(_: int) -> None:
        nonlocal going
        with one.turn():
            with lock:
                going += 1
                seen.append(going)
            with lock:
                going -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(request, range(count)))
    assert len(seen) == count
    assert max(seen) <= one.width <= most


def test_a_turn_that_fails_is_over() -> None:
    one = pace(1, Clock())
    for _ in range(3):
        with pytest.raises(OSError, match="gone"), one.turn():
            raise OSError("gone")
    with ExitStack() as turns:
        turns.enter_context(one.turn())
