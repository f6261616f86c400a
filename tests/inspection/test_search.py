"""Filters of pairs, over arrays made by hand and in general."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes import Outcome
from belonging_llm.inspection import KINDS, NO_THEME, VERDICTS, Beside, Matrix, Search, Verdict, search
from belonging_llm.inspection.matrix import OUTCOMES
from belonging_llm.store.outcomes import Place

NAN = float("nan")
PLACES = [Place(f"s{i}", who, "d", "t", i) for i, who in enumerate(["P1", "P1", "P2", "P2"])]
MATRIX = Matrix(
    run_id="r",
    segments=PLACES,
    codes=("home", "group"),
    outcome=np.array([[0, 1], [1, 2], [0, 3], [-1, 1]], np.int8),
    polarity=np.full((4, 2), -1, np.int8),
    confidence=np.array([[0.9, 0.6], [0.3, 0.5], [0.6, NAN], [NAN, 0.1]], np.float32),
    participants=("P1", "P2"),
    participant=np.array([0, 0, 1, 1], np.int32),
    themes=("T1",),
    theme=np.array([0, -1, 0, -1], np.int32),
)
KIND = np.array([[KINDS.index(Beside.SAME)] * 2] * 3 + [[KINDS.index(Beside.EXTRA)] * 2], np.int8)
AUDITED = np.array([[VERDICTS.index(Verdict.REJECT), -1]] + [[-1, -1]] * 3, np.int8)


def found(wanted: Search, *, sealed: tuple[str, ...] = ()) -> list[str]:
    hidden = np.array([p.participant in sealed for p in PLACES], bool)
    attributes = {"P1": {"shift": "day"}, "P2": {"shift": "night"}}
    page = search(wanted, MATRIX, KIND, AUDITED, sealed=hidden, attributes=attributes)
    return [f"{segment} {code}" for segment, code in page.pairs]


def test_each_filter() -> None:
    assert found(Search()) == ["s0 home", "s0 group", "s1 home", "s1 group", "s2 home", "s2 group", "s3 group"]
    assert found(Search(code="home")) == ["s0 home", "s1 home", "s2 home"]
    assert found(Search(outcome=Outcome.ASSIGNED)) == ["s0 home", "s2 home"]
    assert found(Search(low=0.3, high=0.6)) == ["s0 group", "s1 home", "s1 group", "s2 home"]
    assert found(Search(beside=(Beside.EXTRA,))) == ["s3 group"]
    assert found(Search(attribute=("shift", "night"))) == ["s2 home", "s2 group", "s3 group"]
    assert found(Search(participant="P1", code="group")) == ["s0 group", "s1 group"]
    assert found(Search(theme="T1")) == ["s0 home", "s0 group", "s2 home", "s2 group"]
    assert found(Search(theme=NO_THEME)) == ["s1 home", "s1 group", "s3 group"]
    assert found(Search(theme="another study's")) == []
    assert found(Search(audited=True)) == ["s0 home"]
    assert found(Search(audited=Verdict.ACCEPT)) == []
    assert "s0 home" not in found(Search(audited=False))


def test_the_least_sure_come_first_and_those_without_confidence_last() -> None:
    order = found(Search(order="least sure"))
    assert order == ["s3 group", "s1 home", "s1 group", "s0 group", "s2 home", "s0 home", "s2 group"]


def test_sealed_segments_are_never_found() -> None:
    assert found(Search(), sealed=("P2",)) == ["s0 home", "s0 group", "s1 home", "s1 group"]
    assert found(Search(theme="T1"), sealed=("P1", "P2")) == []


@given(
    st.lists(st.lists(st.integers(-1, 3), min_size=3, max_size=3), min_size=1, max_size=12),
    st.sampled_from(Outcome),
    st.integers(1, 5),
    st.booleans(),
)
def test_pages_add_up_to_what_a_plain_loop_finds(
    outcomes: list[list[int]], outcome: Outcome, size: int, by_confidence: bool
) -> None:
    shape = len(outcomes), 3
    matrix = Matrix(
        run_id="r",
        segments=[Place(f"s{i}", "P", "d", "t", i) for i in range(shape[0])],
        codes=("a", "b", "c"),
        outcome=np.array(outcomes, np.int8),
        polarity=np.full(shape, -1, np.int8),
        confidence=np.arange(shape[0] * 3, 0, -1).reshape(shape).astype(np.float32),
        participants=("P",),
        participant=np.zeros(shape[0], np.int32),
        themes=(),
        theme=np.full(shape[0], -1, np.int32),
    )
    kind, audited = np.zeros(shape, np.int8), np.full(shape, -1, np.int8)
    plain = [
        (f"s{i}", code)
        for i, row in enumerate(outcomes)
        for code, one in zip("abc", row, strict=True)
        if one == OUTCOMES.index(outcome)
    ]
    # Confidence falls along the rows, so that the least sure come in the opposite order.
    plain = plain[::-1] if by_confidence else plain
    seen: list[tuple[str, str]] = []
    while len(seen) < len(plain):
        wanted = Search(
            outcome=outcome,
            after=seen[-1] if seen else None,
            size=size,
            order="least sure" if by_confidence else "interviews",
        )
        page = search(wanted, matrix, kind, audited, sealed=np.zeros(shape[0], bool), attributes={})
        assert page.pairs
        seen += page.pairs
    assert seen == plain
