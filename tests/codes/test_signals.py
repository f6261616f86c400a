"""Cheap evidence, worked out by hand on vectors of words."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.clusters import Belongs
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes.signals import Signals, profile, weigh
from belonging_llm.embeddings import Vectors
from belonging_llm.themes import MappedCode, Mapping, Theme, ThemeMember

ENCODER = HashEncoder(64)
PLANE = {"east": 0.0, "A. east": 0.0, "B. north": 90.0, "north": 90.0, "west": 180.0, "north east": 45.0}


def plane(texts: Sequence[str]) -> Vectors:
    """Points of the compass as unit vectors."""
    turned = np.radians([PLANE[text] for text in texts])
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def framework(*codes: Code) -> Framework:
    return Framework(id="f", name="F", codes=codes)


def theme(members: dict[str, float], *codes: str) -> Theme:
    return Theme(
        id="T1",
        ordinal=1,
        name="t",
        definition="d",
        members=tuple(ThemeMember(segment_id=i, strength=s, belongs=Belongs.CORE) for i, s in members.items()),
        mapping=Mapping(codes=tuple(MappedCode(code=c, rationale="r") for c in codes)),
    )


A, B = Code(id="a", name="A", definition="east"), Code(id="b", name="B", definition="north")


def test_a_codes_profile_is_its_meaning_then_its_use() -> None:
    assert profile(Code(id="a", name="A")) == ["A"]
    full = Code(id="a", name="A", definition="east", include="Use it.", exclude="Not.")
    assert profile(full) == ["A. east", "Use it."]


def test_likeness_is_centred_by_segment_then_scaled_by_code() -> None:
    # East is (1, 0) like A and B, centred (.5, -.5); north is (-.5, .5); north-east is like both alike, so (0, 0).
    # Each column is then .5, -.5, 0: mean 0, standard deviation sqrt(.5 / 3) = .40825, and .5 / .40825 = 1.2247.
    found = weigh(["s1", "s2", "s3"], plane(["east", "north", "north east"]), framework(A, B), [], plane)
    wanted = [[1.2247, -1.2247], [-1.2247, 1.2247], [0, 0]]
    assert found.similarity == pytest.approx(np.array(wanted), abs=1e-4)


def test_a_single_code_is_not_centred_away() -> None:
    # Cosines 1, 0 and .70711: mean .56904, standard deviation .41983.
    found = weigh(["s1", "s2", "s3"], plane(["east", "north", "north east"]), framework(A), [], plane)
    assert found.similarity[:, 0] == pytest.approx(np.array([1.0265, -1.3554, 0.3289]), abs=1e-3)


def test_examples_count_by_their_mean_and_their_best() -> None:
    # A's meaning: east. Examples: east and north; absent: west. For "east": meaning 1; examples 1, 0, -1: mean 0,
    # best 1; so (1 + 0 + 1) / 3 = .6667. For "north": meaning 0; examples 0, 1, 0: mean .3333, best 1: .4444.
    code = A.model_copy(update={"examples": ("east", "north"), "absent_examples": ("west",)})
    found = weigh(["s1", "s2"], plane(["east", "north"]), framework(code), [], plane)
    # Two values lie one standard deviation from their mean whatever they are; their order tells.
    assert found.similarity[:, 0] == pytest.approx(np.array([1, -1]), abs=1e-4)


def test_segments_that_are_all_alike_have_no_likeness_to_speak_of() -> None:
    found = weigh(["s1", "s2"], plane(["east", "east"]), framework(A, B), [], plane)
    assert np.array_equal(found.similarity, np.zeros((2, 2)))


@pytest.mark.parametrize("count", [2, 3, 5, 7])
def test_rounding_is_not_taken_for_a_difference(count: int) -> None:
    """The same words several times: the spread is some 1e-17, and dividing by it makes whole deviations of noise."""
    vectors = ENCODER.encode(["tutor tutor friend night"] * count)
    found = weigh([f"s{i}" for i in range(count)], vectors, framework(*CODES), [], ENCODER.encode)
    assert found.similarity == pytest.approx(np.zeros((count, 3)), abs=1e-3)


def test_the_strongest_theme_counts() -> None:
    themes = [
        theme({"s1": 0.4, "s2": 1.0}, "a"),
        theme({"s1": 0.9, "elsewhere": 1.0}, "a", "b"),
        theme({"s1": 0.5}, "a"),
        theme({"s2": 1.0}),
    ]
    found = weigh(["s1", "s2"], plane(["east", "north"]), framework(A, B), themes, plane)
    assert found.theme.tolist() == [[0.9, 0.9], [1.0, 0.0]]


def test_a_theme_mapped_to_a_heading_says_nothing_of_the_codes() -> None:
    top = Code(id="top", name="Top", assignable=False)
    found = weigh(["s1"], plane(["east"]), framework(top, A, B), [theme({"s1": 1.0}, "top")], plane)
    assert found.theme.tolist() == [[0.0, 0.0]]


def test_leaning_is_presence_less_absence() -> None:
    both = A.model_copy(update={"examples": ("east", "north"), "absent_examples": ("west",)})
    only = B.model_copy(update={"examples": ("north",)})
    found = weigh(["s1", "s2"], plane(["east", "west"]), framework(both, only), [], plane)
    # East: best presence 1, absence -1. West: best presence 0 (north), absence 1.
    assert found.leaning[:, 0] == pytest.approx(np.array([2, -1]), abs=1e-6)
    assert np.isnan(found.leaning[:, 1]).all()


def test_headings_have_no_column() -> None:
    top = Code(id="top", name="Top", assignable=False)
    found = weigh(["s1", "s2"], plane(["east", "north"]), framework(top, A, B), [], plane)
    assert found.similarity.shape == found.theme.shape == found.leaning.shape == (2, 2)


def test_no_segments_have_no_rows() -> None:
    found = weigh([], np.empty((0, 0), np.float32), framework(A, B), [], plane)
    assert found.similarity.shape == found.theme.shape == found.leaning.shape == (0, 2)


WORDS = st.lists(st.sampled_from(["tutor", "friend", "zoom", "night", "alone", "home"]), min_size=1, max_size=8)
CODES = (
    Code(id="people", name="People", definition="tutor friend", examples=("a friend",), absent_examples=("alone",)),
    Code(id="place", name="Place", definition="home zoom", include="night"),
    Code(id="time", name="Time"),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS.map(" ".join), min_size=1, max_size=12), st.randoms())
def test_the_order_of_segments_changes_nothing(texts: list[str], random: Random) -> None:
    def weighed(rows: list[int]) -> Signals:
        ids = [f"s{i}" for i in rows]
        themes = [theme({"s0": 0.5, "s1": 1.0}, "people")]
        return weigh(ids, ENCODER.encode([texts[i] for i in rows]), framework(*CODES), themes, ENCODER.encode)

    order = list(range(len(texts)))
    first = weighed(order)
    random.shuffle(order)
    second = weighed(order)
    np.testing.assert_allclose(second.similarity, first.similarity[order], atol=1e-3)
    np.testing.assert_allclose(second.theme, first.theme[order])
    np.testing.assert_allclose(second.leaning, first.leaning[order], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS.map(" ".join), min_size=2, max_size=12))
def test_likeness_has_mean_zero_and_at_most_unit_spread(texts: list[str]) -> None:
    ids = [f"s{i}" for i in range(len(texts))]
    found = weigh(ids, ENCODER.encode(texts), framework(*CODES), [], ENCODER.encode)
    assert np.isfinite(found.similarity).all()
    assert found.similarity.mean(axis=0) == pytest.approx(0, abs=1e-6)
    assert (found.similarity.std(axis=0) <= 1 + 1e-6).all()
