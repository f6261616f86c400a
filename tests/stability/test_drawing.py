"""Participants first, then segments; every segment with the same chance, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.stability.drawing import draw

PEOPLE = {f"P{p}": [f"P{p}-{k}" for k in range(4 + 4 * p)] for p in range(4)}
AROUND = {"everything": 100, "left_out": 7}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 6), min_size=1),
    st.integers(1, 40),
    st.none() | st.integers(1, 8),
    st.integers(0, 99),
)
def test_a_sample_is_of_the_wanted_size_and_from_the_participants_drawn(
    sizes: dict[str, int], segments: int, participants: int | None, seed: int
) -> None:
    people = {who: [f"{who}{k}" for k in range(n)] for who, n in sizes.items()}
    found = draw(people, segments=segments, participants=participants, seed=seed, **AROUND)
    assert len(set(found.segments)) == len(found.segments) <= segments
    assert set(found.segments) <= {i for given in people.values() for i in given}
    assert set(found.participants) == {i[0] for i in found.segments}
    assert len(found.participants) <= (participants or len(people))
    if participants is None:
        assert len(found.segments) == min(segments, sum(sizes.values()))
    assert (found.asked, found.people) == (sum(sizes.values()), len(people))
    # Neither the order of participants nor of their segments matters.
    turned = {who: people[who][::-1] for who in reversed(people)}
    assert draw(turned, segments=segments, participants=participants, seed=seed, **AROUND) == found


def test_every_participant_is_there_as_their_talk_is() -> None:
    # 4, 8, 12 and 16 segments, of which half are drawn: a systematic draw takes half of each, give or take one.
    found = draw(PEOPLE, segments=20, participants=None, seed=1, **AROUND)
    assert [Counter(i[:2] for i in found.segments)[who] for who in PEOPLE] == pytest.approx([2, 4, 6, 8], abs=1)


@pytest.mark.parametrize("participants", [None, 2])
def test_every_segment_has_the_chance_that_is_recorded(participants: int | None) -> None:
    draws = [draw(PEOPLE, segments=10, participants=participants, seed=seed, **AROUND) for seed in range(3000)]
    seen = Counter(ident for one in draws for ident in one.segments)
    if participants is None:
        assert {one.inclusion for one in draws} == {10 / 40}
        # 3000 draws: a share of .25 has a standard error of .008.
        assert all(seen[i] / 3000 == pytest.approx(0.25, abs=0.04) for given in PEOPLE.values() for i in given)
    else:
        # Two of four participants, then 10 of what these two said.
        assert all(len(one.participants) == 2 for one in draws)
        assert all(one.inclusion == pytest.approx(10 / 2 / len(pool(one.participants))) for one in draws)


def pool(participants: tuple[str, ...]) -> list[str]:
    return [i for who in participants for i in PEOPLE[who]]


def test_another_seed_draws_others() -> None:
    first, second = (draw(PEOPLE, segments=10, participants=None, seed=seed, **AROUND) for seed in (0, 1))
    assert first.segments != second.segments
