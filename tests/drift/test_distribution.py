"""Are codes assigned as often as before?"""

from __future__ import annotations

import pytest

from belonging_llm.codes import Coding, Outcome
from belonging_llm.drift.distribution import distribution, measure, past_counts, tallies
from belonging_llm.drift.record import State
from belonging_llm.evaluation import Watch
from belonging_llm.store import PastCount, WatchCount

WATCH = Watch()


def coding(segment: str, code: str, outcome: Outcome) -> Coding:
    return Coding(segment_id=segment, code=code, coder="model", outcome=outcome)


def past(code: str, n: int, k: int, participants: int) -> PastCount:
    return PastCount(measure=measure(code), n=n, k=k, participants=participants)


def now(code: str, *pairs: tuple[int, int]) -> list[WatchCount]:
    return [WatchCount(measure=measure(code), participant=f"N{i}", n=n, k=k) for i, (n, k) in enumerate(pairs)]


def test_failed_outcomes_are_no_outcomes() -> None:
    given = [
        coding("s1", "a", Outcome.ASSIGNED),
        coding("s2", "a", Outcome.ABSTAINED),
        coding("s3", "a", Outcome.NOT_ASSIGNED),
        coding("s4", "a", Outcome.FAILED),
        coding("s1", "b", Outcome.FAILED),
    ]
    found = tallies(given, dict.fromkeys(["s1", "s2", "s3", "s4"], "P") | {"s3": "Q"})
    assert [(t.measure, t.participant, t.n, t.k) for t in found] == [("code a", "P", 2, 1), ("code a", "Q", 1, 0)]


def test_equal_rows_come_packed() -> None:
    found = past_counts([past("a", 10, 2, 3), past("a", 20, 0, 1), past("b", 5, 5, 9)], measure("a"))
    assert (found.clusters, found.units, found.marked) == (4, 50, 6)


def test_a_code_that_moved_raises_an_alarm_and_the_others_do_not() -> None:
    before = [past(code, 30, k, 10) for code in "abc" for k in (2, 3, 4, 3)]
    found = distribution(
        [*now("a", *[(30, 15)] * 4), *now("b", *[(30, 3)] * 4), *now("c", *[(30, 4)] * 4)],
        before,
        ["a", "b", "c"],
        WATCH,
    )
    a, b, c = found.codes
    assert (a.state, b.state, c.state) == (State.ALARM, State.STEADY, State.STEADY)
    assert found.state is State.ALARM
    assert (a.assigned, a.segments, a.participants, a.past_participants) == (60, 120, 4, 40)
    assert a.difference.value == pytest.approx(0.4)
    assert a.difference.low is not None and a.difference.low > 0.3  # noqa: PT018
    assert b.most is not None and 12 < b.most < 60  # noqa: PT018


def test_a_code_that_vanished_raises_one_too() -> None:
    before = [past("a", 30, k, 10) for k in (14, 15, 16, 15)]
    found = distribution(now("a", *[(30, 0)] * 4), before, ["a"], WATCH)
    assert found.codes[0].state is State.ALARM
    assert found.codes[0].difference.value == pytest.approx(-0.5)


def test_little_is_said_to_be_little() -> None:
    before = [past("a", 30, 3, 10)]
    one = distribution(now("a", (2, 1)), before, ["a"], WATCH).codes[0]
    assert one.state is State.UNKNOWN
    assert "no count in so few interviews" in one.reason
    none = distribution([], before, ["a"], WATCH)
    assert (none.state, none.reason) == (State.UNKNOWN, "nothing was coded in this batch")
    first = distribution(now("a", (30, 3)), [], ["a"], WATCH)
    assert (first.state, first.codes[0].p_value) == (State.UNKNOWN, None)
    assert "fewer than 5 participants" in first.reason


def test_codes_share_one_level() -> None:
    """The same counts pass for one code and not among many."""
    before = {code: [past(code, 30, k, 10) for k in (2, 3, 4, 3)] for code in map(str, range(40))}
    strange = now("0", *[(30, 12), (30, 11), (30, 11), (30, 11)])
    alone = distribution(strange, before["0"], ["0"], WATCH).codes[0]
    usual = [t for code in list(before)[1:] for t in now(code, *[(30, 3)] * 4)]
    among = distribution(strange + usual, [p for rows in before.values() for p in rows], list(before), WATCH).codes[0]
    assert alone.p_value is not None
    assert among.p_value == pytest.approx(min(1.0, 40 * alone.p_value))
