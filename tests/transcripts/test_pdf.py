"""PDFs made here with a library that writes them: what typesetting added is taken away, and counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from fpdf import FPDF

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts import Transcript, Unit, read


def pdf(path: Path, pages: list[list[str]], password: str = "") -> Path:
    made = FPDF()
    made.set_font("Helvetica", size=11)
    for lines in pages:
        made.add_page()
        for line in lines:
            made.cell(text=line, new_x="LMARGIN", new_y="NEXT")
    if password:
        made.set_encryption(owner_password="owner", user_password=password)  # noqa: S106
    path.write_bytes(bytes(made.output()))
    return path


def said(transcript: Transcript) -> list[tuple[str, str]]:
    return [(turn.speaker, transcript.said(turn)) for turn in transcript.turns]


def notes(transcript: Transcript) -> str:
    assert transcript.source is not None
    return "; ".join(transcript.source.notes)


WEEKS = ["none", "first", "second", "third", "last"]


def body(page: int) -> list[str]:
    return [
        f"Interviewer: How was week {page}, in a word or",
        "two?",
        "P07: It was good, and I have re-",
        "membered it since. A well-",
        "known thing.",
        f"We are well-known, the {WEEKS[page]}.",
    ]


def test_heads_numbers_and_hyphens_are_taken_away_and_counted(tmp_path: Path) -> None:
    pages = [["Belonging study, interview 7", *body(n), f"Page {n} of 4"] for n in range(1, 5)]
    found = read(pdf(tmp_path / "talk.pdf", pages))
    talk = [
        turn
        for n in range(1, 5)
        for turn in (
            ("Interviewer", f"How was week {n}, in a word or\ntwo?"),
            (
                "P07",
                f"It was good, and I have remembered it since. A well-known thing.\nWe are well-known, the {WEEKS[n]}.",
            ),
        )
    ]
    assert said(found) == talk
    assert notes(found) == (
        "4 pages; 8 running heads and page numbers left out; 8 words joined that a hyphen divided at the end of a line"
    )


def test_every_place_is_found_again_on_its_page(tmp_path: Path) -> None:
    found = read(
        pdf(tmp_path / "talk.pdf", [["Interviewer: Well?"], ["P07: It was re-", "membered. (Both pages are)"]])
    )
    assert found.source is not None
    assert all(anchor.copied and anchor.unit is Unit.PAGE for anchor in found.source.anchors)
    start = found.text.index("remembered")
    places = found.source.places(start, start + len("remembered"))
    assert [(p.number, found.text[p.start : p.end]) for p in places] == [(2, "re"), (2, "membered")]
    # "P07: It was re-" and its line end are 16 characters.
    assert [(p.first, p.last) for p in places] == [(12, 14), (16, 24)]


def test_the_same_answer_on_two_pages_is_no_running_head(tmp_path: Path) -> None:
    found = read(pdf(tmp_path / "talk.pdf", [["Interviewer: Well?", "P07: Yes."], ["Interviewer: Well?", "P07: Yes."]]))
    assert said(found) == [("Interviewer", "Well?"), ("P07", "Yes.")] * 2


def test_a_scan_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match=r"scan\.pdf: its 2 pages hold no text, as scans do"):
        read(pdf(tmp_path / "scan.pdf", [[], []]))


def test_pages_without_text_are_counted(tmp_path: Path) -> None:
    found = read(pdf(tmp_path / "talk.pdf", [["Interviewer: Well?", "P07: Yes."], []]))
    assert "1 pages without text" in notes(found)


def test_an_encrypted_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="without a password"):
        read(pdf(tmp_path / "talk.pdf", [["P07: Yes."]], password="secret"))  # noqa: S106


def test_one_that_only_its_owner_may_change_is_read(tmp_path: Path) -> None:
    made = FPDF()
    made.set_font("Helvetica")
    made.set_encryption(owner_password="owner")  # noqa: S106
    made.add_page()
    made.cell(text="Interviewer: Well?", new_x="LMARGIN", new_y="NEXT")
    made.cell(text="P07: Yes.")
    (tmp_path / "talk.pdf").write_bytes(bytes(made.output()))
    assert said(read(tmp_path / "talk.pdf")) == [("Interviewer", "Well?"), ("P07", "Yes.")]


@pytest.mark.parametrize("raw", [b"%PDF-", b"%PDF-1.7\n%%EOF"])
def test_what_is_no_pdf_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "talk.pdf").write_bytes(raw)
    with pytest.raises(TranscriptError, match=r"talk\.pdf: is damaged"):
        read(tmp_path / "talk.pdf")


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_is_refused_or_read(tmp_path: Path, seed: int) -> None:
    raw = bytearray(pdf(tmp_path / "talk.pdf", [["Interviewer: Well?", "P07: Yes."]]).read_bytes())
    for n in range(40):
        raw[(n * 7919 * (seed + 1)) % len(raw)] ^= 1 << (n + seed) % 8
    raw[:5] = b"%PDF-"
    (tmp_path / "talk.pdf").write_bytes(raw if seed % 2 else raw[: len(raw) * seed // 12 + 5])
    try:
        found = read(tmp_path / "talk.pdf")
    except TranscriptError as error:
        assert "talk.pdf" in str(error)  # noqa: PT017 - either way will do
    else:
        assert found.turns
