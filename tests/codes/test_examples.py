"""Which segments that people coded are shown: the nearest, of others, in other words, whatever is asked beside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import Example, Lessons, nearest
from belonging_llm.codes import examples as module
from belonging_llm.codes.examples import MARK, SHOWN, marked, wording
from belonging_llm.segments import Segment

BOOK = Framework(id="b", name="B", codes=(Code(id="kin", name="Kin"), Code(id="sea", name="Sea")))
NAN = float("nan")


def segment(number: int, participant: str, text: str = "") -> Segment:
    words = text or f"What was said, number {number}."
    return Segment(
        id=f"s{number}", transcript_id="t", document="d", participant=participant, turn=1, part=1, start=0,
        end=len(words), text=words,
    )  # fmt: skip


def at(*degrees: float) -> np.ndarray:
    """Unit vectors at angles: the smaller the difference, the nearer."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def lessons(shares: dict[int, tuple[float, float]]) -> Lessons:
    rows = np.array(list(shares), np.intp)
    return Lessons(rows, np.array(list(shares.values())), np.zeros(len(rows), np.intp))


def ids(examples: tuple[Example, ...], code: str = "kin", applies: bool = True) -> list[str]:
    return [one.segment_id for one in examples if (one.code, one.applies) == (code, applies)]


def test_the_nearest_with_a_code_and_one_without_by_hand() -> None:
    said = [segment(i, f"P{i}") for i in range(6)]
    # Row 0 is asked about both codes; 1 to 5 lie 10, 20, … degrees away from it.
    people = lessons({1: (0, 0), 2: (1, 0), 3: (0.5, 0), 4: (1, 0.2), 5: (0, 1)})
    found = nearest({0: [0, 1]}, said, at(0, 10, 20, 30, 40, 50), people, BOOK, most=2)[0]
    assert [(one.segment_id, one.code, one.applies) for one in found] == [
        ("s2", "kin", True),
        ("s3", "kin", True),
        ("s1", "kin", False),
        ("s5", "sea", True),
        ("s1", "sea", False),
    ]
    assert found[0].text == "[coded] What was said, number 2."


def test_where_coders_differ_or_did_not_judge_nothing_is_shown() -> None:
    said = [segment(i, f"P{i}") for i in range(4)]
    people = lessons({1: (0.4, NAN), 2: (NAN, 0.2), 3: (0.49, NAN)})
    assert nearest({0: [0, 1]}, said, at(0, 1, 2, 3), people, BOOK, most=3) == {0: ()}


def test_never_the_segment_itself_its_participants_or_its_words() -> None:
    said = [
        segment(0, "P0", "I felt at home."),
        segment(1, "P0"),
        segment(2, "P2", "i felt  at\nHOME."),
        segment(3, "P3"),
    ]
    people = lessons(dict.fromkeys(range(4), (1.0, 0.0)))
    found = nearest(dict.fromkeys(range(4), (0,)), said, at(0, 1, 2, 30), people, BOOK, most=4)
    assert ids(found[0]) == ["s3"]
    # To s1 both who said the same are others: it is shown once, the nearer of the two.
    assert ids(found[1]) == ["s2", "s3"]
    assert ids(found[2]) == ["s1", "s3"]
    assert ids(found[3]) == ["s2", "s1"]


def test_the_same_words_are_shown_once() -> None:
    said = [segment(0, "P0"), *(segment(i, f"P{i}", "Yes, me too.") for i in (1, 2, 3)), segment(4, "P4")]
    people = lessons(dict.fromkeys(range(1, 5), (1.0, 0.0)))
    assert ids(nearest({0: [0]}, said, at(0, 5, 5, 5, 50), people, BOOK, most=3)[0]) == ["s1", "s4"]


def test_equally_near_ones_come_in_the_order_of_segments_whatever_order_people_judged_in() -> None:
    said = [segment(i, f"P{i}") for i in range(5)]
    for order in ([4, 2, 3, 1], [1, 2, 3, 4]):
        people = lessons({i: (1.0, 0.0) for i in order})
        assert ids(nearest({0: [0]}, said, at(0, 9, 9, 9, 9), people, BOOK, most=3)[0]) == ["s1", "s2", "s3"]


@pytest.mark.parametrize("most", [0, 2])
def test_without_codings_or_wish_nothing_is_shown(most: int) -> None:
    said = [segment(0, "P0"), segment(1, "P1")]
    nobody = Lessons(np.empty(0, np.intp), np.empty((0, 2)), np.empty(0, np.intp))
    assert nearest({0: [0]}, said, at(0, 1), nobody, BOOK, most=most) == {}
    assert nearest({0: [0]}, said, at(0, 1), lessons({1: (1, 1)}), BOOK, most=0) == {}
    assert nearest({}, said, at(0, 1), lessons({1: (1, 1)}), BOOK, most=2) == {}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_choice_keeps_its_rules_and_hangs_on_nothing_else(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 14))
    said = [
        segment(i, f"P{data.draw(st.integers(0, 4))}", f"text {data.draw(st.integers(0, 9))}") for i in range(count)
    ]
    vectors = at(*data.draw(st.lists(st.integers(0, 90), min_size=count, max_size=count)))
    share = st.sampled_from([0.0, 0.4, 0.5, 1.0, NAN])
    people = lessons({i: (data.draw(share), data.draw(share)) for i in data.draw(st.sets(st.integers(0, count - 1)))})
    open_to = {i: [0, 1] for i in data.draw(st.sets(st.integers(0, count - 1), min_size=1))}
    found = nearest(open_to, said, vectors, people, BOOK, most=2)
    for row, examples in found.items():
        for one in examples:
            assert one.participant != said[row].participant
            assert one.words != wording(said[row].text)
            shares = people.shares[people.rows.tolist().index(int(one.segment_id[1:]))]
            told = shares[int(one.code == "sea")]
            assert told >= 0.5 if one.applies else told == 0
        for code in ("kin", "sea"):
            assert len(ids(examples, code)) <= 2
            assert len(ids(examples, code, applies=False)) <= 1
        alone = nearest({row: open_to[row]}, said, vectors, people, BOOK, most=2)
        assert alone[row] == examples, "what else is asked about changes nothing"


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    said = [segment(i, f"P{i % 7}") for i in range(60)]
    vectors = at(*random.uniform(0, 180, 60))
    people = lessons({i: tuple(random.integers(0, 2, 2).astype(float)) for i in range(0, 60, 2)})
    open_to = {i: [0, 1] for i in range(0, 60, 3)}
    whole = nearest(open_to, said, vectors, people, BOOK, most=3)
    monkeypatch.setattr(module, "BLOCK", 7)
    assert nearest(open_to, said, vectors, people, BOOK, most=3) == whole


@given(st.text(max_size=900))
def test_an_example_is_marked_and_of_bounded_length(text: str) -> None:
    shown = marked(text)
    assert shown.startswith(MARK)
    assert len(shown) <= len(MARK) + SHOWN + 2
    kept = shown.removeprefix(MARK)
    assert kept == text if len(text) <= SHOWN else text.startswith(kept.removesuffix(" …"))
