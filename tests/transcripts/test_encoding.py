"""Bytes become text in a stated way, and every place of the text is known in the bytes."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts.encoding import MOST_BYTES, MOST_LINES, decode, read_bytes


def test_a_guessed_encoding_is_said() -> None:
    assert decode("Zoë".encode(), "x").notes == ()
    (note,) = decode("Zoë".encode("cp1252"), "x").notes
    assert "Windows-1252" in note


def test_a_byte_order_mark_is_a_promise() -> None:
    with pytest.raises(TranscriptError, match=r"P01\.txt: begins as UTF-8"):
        decode(codecs.BOM_UTF8 + b"caf\xe9", "P01.txt")


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "P01.txt").write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(TranscriptError, match=r"P01\.txt: is larger than 4 MiB"):
        read_bytes(tmp_path / "P01.txt")
    with pytest.raises(TranscriptError, match="lines"):
        decode(b"x\n" * (MOST_LINES + 1), "x")


def test_carriage_returns_by_hand() -> None:
    found = decode(b"ab\r\ncd\re\r\n", "x")
    assert found.text == "ab\ncd\ne\n"
    # The pairs' first halves fell away, at 2 and 8; the lone one became a line end in its place.
    assert [(a.start, a.end, a.first, a.last) for a in found.anchors()] == [(0, 2, 0, 2), (2, 7, 3, 8), (7, 8, 9, 10)]


TEXTS = st.lists(
    st.sampled_from(["a", "é", "e\u0301", "\U0001f600", "\u200f\u05d0", " ", "\r\n", "\n", "\r", "\u2028", "\x85"])
    | st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\ufeff"),
    min_size=1,
).map("".join)


@given(TEXTS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_every_place_is_found_again_in_the_bytes(written: str, encoding: str) -> None:
    try:
        found = decode(written.encode(encoding), "x")
    except TranscriptError:
        assert not written.strip()
        return
    assert found.written == written
    covered = []
    for anchor in found.anchors():
        assert anchor.copied
        piece = written[anchor.first : anchor.last]
        assert found.text[anchor.start : anchor.end] == piece.replace("\r", "\n")
        covered += range(anchor.start, anchor.end)
        before = written[: anchor.first].encode(found.encoding)
        assert written.encode(found.encoding)[len(before) :].decode(found.encoding).startswith(piece)
    assert covered == list(range(len(found.text)))
