"""Whatever way a program counts characters, its stretches come in at the words that somebody marked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from projects import coding, one_text, qdpx, simple, stretch, text_source

from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.offsets import (
    ATLAS,
    BOM,
    CONVENTIONS,
    NVIVO,
    Choice,
    Convention,
    Marked,
    choose,
    is_edge,
    place,
    tidy,
)
from belonging_llm.exchange.reading import Wish, read

# Line ends of two kinds, emoji, a letter beyond the plane, marks that combine, right-to-left, a family joined by joiners.
RICH = (
    "Ich war müde 😀 und trotzdem dabei.\r\n"
    "Das 𝒜 stand oben, e\u0301in Zeichen mit Akzent.\r\n"
    "שלום לכולם, אמרה היא 👩\u200d👩\u200d👧 laut.\n"
    "Then we laughed together 🎉🎉 for hours.\r\nThe forum felt like home to everybody there.\n"
)


def count(raw: str, at: int, how: Convention) -> int:
    """Where code point `at` of the kept text begins by a convention: written anew, character by character."""
    pieces = re.findall(r"\r\n|\r|\n|[^\r\n]", raw.removeprefix(BOM))
    here = 1 if how.bom and raw.startswith(BOM) else 0
    for piece in pieces[:at]:
        if piece in ("\r\n", "\r", "\n"):
            here += {"as stored": len(piece), "one": 1, "two": 2}[how.line_ends]
        else:
            here += 2 if how.units == "utf-16" and ord(piece) > 0xFFFF else 1
    return here


def words(text: str) -> list[tuple[int, int]]:
    return [m.span() for m in re.finditer(r"[^\s.,]{2,}", text)]


def as_counted(raw: str, spans: list[tuple[int, int]], how: Convention) -> list[tuple[int, int]]:
    return [(count(raw, a, how), count(raw, b, how)) for a, b in spans]


@pytest.mark.parametrize("how", CONVENTIONS, ids=lambda c: c.key)
def test_every_convention_is_found_out_from_a_rich_text(how: Convention) -> None:
    raw = BOM + RICH
    spans = words(tidy(raw))
    choice = choose([Marked(raw, as_counted(raw, spans, how))])
    assert (choice.best.convention, choice.best.share, choice.told) == (how, 1.0, True)
    assert list(place(Marked(raw, as_counted(raw, spans, how)), choice.best.convention).spans) == spans


# NUL is refused before anything is counted; halves of surrogate pairs are no text.
ANY = st.text(
    st.one_of(
        st.sampled_from(" \r\n\taeIé\u0301\u200d😀𝒜אبक漢-'’"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    min_size=1,
    max_size=80,
)


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]], Convention]:
    raw = draw(st.sampled_from(["", BOM])) + draw(ANY)
    text = tidy(raw)
    assume(text)
    edges = [at for at in range(len(text) + 1) if is_edge(text, at)]
    ends = st.tuples(st.sampled_from(edges), st.sampled_from(edges)).map(sorted)
    spans = draw(st.lists(ends.map(tuple), min_size=1, max_size=6))
    return raw, spans, draw(st.sampled_from(CONVENTIONS))  # type: ignore[return-value]


@given(marked())
@example((BOM + "😀 a\r\nhome", [(4, 8)], Convention("utf-16", "as stored", bom=True)))
def test_any_text_counted_any_way_comes_in_where_it_was_marked(
    case: tuple[str, list[tuple[int, int]], Convention],
) -> None:
    raw, spans, how = case
    given_ = Marked(raw, as_counted(raw, spans, how))
    truth = place(given_, how)
    assert (list(truth.spans), truth.split) == (spans, 0)
    choice = choose([given_])
    found = place(given_, choice.best.convention)
    # The right way always fits as well as the best: where no other fits as well, it is the one that is taken.
    assert choice.best.share == 1.0
    if choice.told:
        assert list(found.spans) == spans
    else:
        assert choice.runner_up is not None
        assert choice.runner_up.good == choice.best.good


@given(
    st.lists(
        st.sampled_from(["nights", "at home", "😀😀", "\r\n", "שלום לך", "e\u0301te\u0301", "𝒜𝒜𝒜 then"]),
        min_size=8,
        max_size=30,
    ),
    st.sampled_from(CONVENTIONS),
)
def test_where_words_can_tell_the_words_come_out(parts: list[str], how: Convention) -> None:
    raw = BOM + "\r\n" + " ".join(["😀", *parts, "home again and again"])
    spans = words(tidy(raw))
    given_ = Marked(raw, as_counted(raw, spans, how))
    choice = choose([given_])
    assume(choice.told)
    text = given_.text
    found = place(given_, choice.best.convention)
    assert [text[slice(*span)] for span in found.spans if span] == [text[a:b] for a, b in spans]


def test_among_equals_the_standard_is_taken_and_the_tie_is_said() -> None:
    # One stretch in front of everything that could be counted differently, one at a place where a shift by one
    # stays outside of words.
    raw = "home 😀  -  there"
    given_ = Marked(raw, [(0, 4), (8, 9)])
    choice = choose([given_])
    assert choice.best.convention == Convention()
    assert not choice.told
    assert "CANNOT TELL" in str(choice)


@pytest.mark.parametrize(("likely", "spans"), [(NVIVO, ((0, 4), (7, 8))), (ATLAS, ((0, 4), (8, 9)))])
def test_among_equals_what_the_program_is_known_for_is_taken(
    likely: Convention, spans: tuple[tuple[int, int], ...]
) -> None:
    raw = "home 😀  -  there"
    found = place(Marked(raw, [(0, 4), (8, 9)]), choose([Marked(raw, [(0, 4), (8, 9)])], likely).best.convention)
    assert found.spans == spans


def test_ends_inside_a_character_are_moved_outwards_and_counted() -> None:
    # "a😀b" in UTF-16: a 0, emoji 1 and 2, b 3. A stretch from 2 to 3 begins inside the emoji.
    found = place(Marked("a😀b", [(2, 3)]), Convention("utf-16"))
    assert (found.spans, found.split) == (((1, 2),), 1)


def test_places_outside_the_text_are_no_places() -> None:
    assert place(Marked("home", [(0, 5), (-1, 2), (3, 2), (0, 4)]), Convention()).spans == (None, None, None, (0, 4))


@pytest.mark.parametrize(
    ("text", "at", "edge"),
    [
        ("at home", 2, True),
        ("at home", 3, True),
        ("at home", 4, False),
        ("home", 0, True),
        ("home", 4, True),
        ("e\u0301te", 1, False),
        ("漢字", 1, True),
        ("สวัสดี", 2, True),
        ("👩\u200d👧", 1, False),
        ("👩\u200d👧", 2, False),
        ("don't", 4, True),
    ],
)
def test_edges_of_words(text: str, at: int, edge: bool) -> None:
    assert is_edge(text, at) is edge


def test_offsets_that_fit_no_way_are_refused_and_can_be_forced(tmp_path: Path) -> None:
    text = "We all laughed together every night and somebody answered."
    inside = [(4, 9), (12, 17), (20, 26), (28, 35)]
    path = one_text(tmp_path / "odd.qdpx", text, inside)
    with pytest.raises(ExchangeError, match=r"odd\.qdpx: its offsets do not fit .* only \d of 8 .*--offsets best"):
        read(path, Wish())
    _, settled = read(path, Wish(offsets="best"))
    assert [(p.start, p.end) for s in settled.project.sources for p in s.passages] == inside


def test_somebody_may_say_how_a_file_counts(tmp_path: Path) -> None:
    text = "😀 home"
    _, settled = read(one_text(tmp_path / "a.qdpx", text, [(3, 7)]), Wish(offsets="utf-16"))
    passage = settled.project.sources[0].passages[0]
    assert text[passage.start : passage.end] == "home"
    assert "as was asked" in settled.notes[0]


def test_line_ends_that_xml_took_away_are_still_counted_as_two(tmp_path: Path) -> None:
    """XML turns CRLF in a text that stands in it into LF; the program that wrote it had counted both."""
    text = "One line here.\nAnother line there.\nAnd home at last, for ever.\n"
    spans = words(text)
    counted = as_counted(text.replace("\n", "\r\n"), spans, Convention())
    inner = [stretch(n, a, b, coding(n)) for n, (a, b) in enumerate(counted, 1)]
    _, settled = read(qdpx(tmp_path / "a.qdpx", simple(text_source(1, *inner, text=text))), Wish())
    assert [(p.start, p.end) for p in settled.project.sources[0].passages] == spans
    assert "line ends as two" in settled.notes[0]


def test_an_unknown_way_to_count_is_refused() -> None:
    with pytest.raises(ExchangeError, match="utf-16-crlf-bom"):
        Wish(offsets="bytes")


def test_the_report_names_the_score_and_the_runner_up() -> None:
    raw = BOM + RICH
    choice: Choice = choose([Marked(raw, as_counted(raw, words(tidy(raw)), NVIVO))])
    ends = 2 * len(words(tidy(raw)))
    assert f"UTF-16 units, line ends as stored: {ends} of {ends} ends fall on word edges; next best" in str(choice)
