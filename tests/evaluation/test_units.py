"""Coders who cut the text differently, compared with every character counted one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm import evaluation as ev

LENGTHS = {"d": 12, "e": 7, "empty": 0}
CODERS, CODES = ("x", "y", "z"), ("a", "b")


@st.composite
def spans(draw: st.DrawFn) -> ev.CodedSpan:
    document = draw(st.sampled_from(["d", "e"]))
    start = draw(st.integers(0, LENGTHS[document] - 1))
    end = draw(st.integers(start + 1, LENGTHS[document]))
    return ev.CodedSpan(document, draw(st.sampled_from(CODERS)), draw(st.sampled_from(CODES)), start, end)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(spans(), max_size=8), st.dictionaries(st.sampled_from(CODERS), st.sets(st.sampled_from(sorted(LENGTHS))))
)
def test_stretches_count_as_their_characters(given_: list[ev.CodedSpan], judged: dict[str, set[str]]) -> None:
    found = ev.by_character(given_, judged=judged, lengths=LENGTHS)
    agreed = ev.agree(found, unit="character", resampling=ev.Resampling(draws=20))
    went = {c: judged.get(c, set()) | {s.document for s in given_ if s.coder == c} for c in found.coders}
    texts = [(d, i) for d in ("d", "e") for i in range(LENGTHS[d])]
    for code in found.codes:
        said = [
            [
                (any((s.document, s.coder, s.code) == (d, c, code) and s.start <= i < s.end for s in given_))
                if d in went[c]
                else None
                for d, i in texts
            ]
            for c in found.coders
        ]
        one = agreed.codes[code]
        wanted = ev.krippendorff_alpha(said).alpha
        assert one.alpha.value == pytest.approx(wanted.value)
        assert one.n_positive == {c: sum(bool(v) for v in row) for c, row in zip(found.coders, said, strict=True)}
        for a, b in found.pairs:
            both = [(u, v) for u, v in zip(said[a], said[b], strict=True) if u is not None and v is not None]
            cells = [both.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False))]
            mine, theirs = one.pairs[f"{found.coders[a]}|{found.coders[b]}"], ev.panel(cells)
            assert mine.n == sum(cells)
            assert mine.kappa.value == pytest.approx(theirs.kappa.value)
            assert mine.ac1.value == pytest.approx(theirs.ac1.value)
            assert mine.kappa.se is None


@settings(max_examples=40, deadline=None)
@given(st.lists(spans(), min_size=1, max_size=6), st.integers(1, 6))
def test_the_order_and_the_cutting_of_spans_do_not_matter(given_: list[ev.CodedSpan], at: int) -> None:
    halves = []
    for s in given_:
        cut = min(s.start + at, s.end)
        parts = [(s.start, cut), (cut, s.end)] if cut < s.end else [(s.start, s.end)]
        halves += [ev.CodedSpan(s.document, s.coder, s.code, *part) for part in reversed(parts)]
    judged = {"x": ["d", "e"], "y": ["d"]}
    one = ev.agree(ev.by_character(given_, judged=judged, lengths=LENGTHS), unit="character")
    two = ev.agree(ev.by_character(halves[::-1], judged=judged, lengths=LENGTHS), unit="character")
    for code in one.ratings.codes:
        assert one.codes[code].alpha.value == pytest.approx(two.codes[code].alpha.value)
        for pair, panel in one.codes[code].pairs.items():
            assert panel.kappa.value == pytest.approx(two.codes[code].pairs[pair].kappa.value)


def test_by_hand() -> None:
    # x codes 0–4 and y 2–6 of ten characters: both 2, only x 2, only y 2, neither 4.
    # po = .6; shares .4 and .4: pe = .16 + .36 = .52; kappa = .08/.48 = 1/6.
    given_ = [ev.CodedSpan("d", "x", "k", 0, 4), ev.CodedSpan("d", "y", "k", 2, 6)]
    found = ev.by_character(given_, judged={}, lengths={"d": 10})
    assert found.units == ("d [0, 2)", "d [2, 4)", "d [4, 6)", "d [6, 10)")
    assert found.weights.tolist() == [2, 2, 2, 4]
    assert (found.cluster_names, found.clustered_by) == (("d",), "document_id")
    panel = ev.agree(found, unit="character").codes["k"].pairs["x|y"]
    assert (panel.n, panel.percent_agreement.value) == (10, pytest.approx(0.6))
    assert panel.kappa.value == pytest.approx(1 / 6)


def test_a_document_that_a_coder_went_through_without_coding_is_judged() -> None:
    found = ev.by_character([ev.CodedSpan("d", "x", "k", 0, 5)], judged={"y": ["d"]}, lengths={"d": 10, "e": 4})
    assert found.marks[:, :, 0].tolist() == [[1, 0], [0, 0]]
    # Nobody went through the other document.
    assert found.cluster_names == ("d",)


@pytest.mark.parametrize("empty", ["a", "z"])
def test_a_document_without_characters_counts_for_nothing(empty: str) -> None:
    given_ = [ev.CodedSpan("d", "x", "k", 0, 3), ev.CodedSpan("d", "y", "k", 0, 3)]
    found = ev.by_character(given_, judged={"x": ["d", empty], "y": ["d", empty]}, lengths={"d": 10, empty: 0})
    assert found.cluster_names == ("d",)
    assert ev.agree(found, unit="character").codes["k"].pairs["x|y"].n == 10


def test_nobody_and_nothing() -> None:
    assert ev.by_character([], judged={}, lengths={}).marks.shape == (0, 0, 0)
    assert ev.by_character([], judged={"x": ["d"]}, lengths={"d": 3}).marks.shape == (1, 1, 0)


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 2), (-1, 2), (0, 13)])
def test_a_span_outside_its_document_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="document d: the span"):
        ev.by_character([ev.CodedSpan("d", "x", "k", start, end)], judged={}, lengths=LENGTHS)


def test_a_document_without_a_length_is_refused() -> None:
    for given_, judged in (([ev.CodedSpan("q", "x", "k", 0, 1)], {}), ([], {"x": ["q"]})):
        with pytest.raises(ValueError, match="document q has no length"):
            ev.by_character(given_, judged=judged, lengths=LENGTHS)
