"""Interviews typed in word processors, as people lay them out: made here with the libraries that write them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odf import table as odf_table
from odf import text as odf_text
from odf.opendocument import OpenDocumentText

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts import Changes, Options, Role, Transcript, Unit, read

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
Rows = list[list[str]]


def word(path: Path, paragraphs: list[str], rows: Rows | None = None) -> Path:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    if rows:
        made = document.add_table(len(rows), len(rows[0]))
        for row, cells in zip(made.rows, rows, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    document.save(str(path))
    return path


def odt(path: Path, paragraphs: list[str], rows: Rows | None = None) -> Path:
    document = OpenDocumentText()
    for text in paragraphs:
        document.text.addElement(odf_text.P(text=text))
    if rows:
        made = odf_table.Table()
        for cells in rows:
            row = odf_table.TableRow()
            for text in cells:
                cell = odf_table.TableCell()
                cell.addElement(odf_text.P(text=text))
                row.addElement(cell)
            made.addElement(row)
        document.text.addElement(made)
    document.save(str(path))
    return path


def raw_word(path: Path, body: str) -> Path:
    """A document whose XML is given, for what the library cannot write."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')
    return path


def raw_odt(path: Path, text: str, manifest: str = "<manifest/>") -> Path:
    names = 'xmlns:office="o" xmlns:text="t" xmlns:table="b" xmlns:draw="d"'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:text>{text}</office:text></office:body></office:document-content>",
        )
    return path


def said(transcript: Transcript) -> list[tuple[str, str]]:
    return [(turn.speaker, transcript.said(turn)) for turn in transcript.turns]


def notes(transcript: Transcript) -> str:
    assert transcript.source is not None
    return "; ".join(transcript.source.notes)


WRITERS = pytest.mark.parametrize(("write", "name"), [(word, "talk.docx"), (odt, "talk.odt")])
Writer = Callable[..., Path]
TALK = [("Interviewer", "How was it?"), ("P07", "It was good."), ("Interviewer", "Why?"), ("P07", "Because of them.")]


@WRITERS
def test_paragraphs_with_labels(tmp_path: Path, write: Writer, name: str) -> None:
    path = write(tmp_path / name, ["Interview 7", *(f"{who}: {words}" for who, words in TALK), "And of the tea."])
    found = read(path)
    assert said(found) == [("", "Interview 7"), *TALK[:3], ("P07", "Because of them.\n\nAnd of the tea.")]
    assert found.kind == "interview"
    assert [t.role for t in found.turns[:3]] == [Role.BOILERPLATE, Role.INTERVIEWER, Role.PARTICIPANT]
    assert notes(found) == "6 paragraphs"


@WRITERS
def test_a_stretch_of_talk_knows_its_paragraph(tmp_path: Path, write: Writer, name: str) -> None:
    paragraphs = ["", *(f"{who}: {words}" for who, words in TALK)]
    found = read(write(tmp_path / name, paragraphs))
    start = found.text.index("of them")
    assert found.source is not None
    (place,) = found.source.places(start, start + 7)
    assert (place.unit, place.number) == (Unit.PARAGRAPH, 5)
    assert paragraphs[4][place.first : place.last] == "of them"


@WRITERS
@pytest.mark.parametrize("labels", [["Interviewer", "P07"], ["Sam Example:", "Amina Example:"], ["INT.", "ST"]])
def test_a_table_of_two_columns(tmp_path: Path, write: Writer, name: str, labels: list[str]) -> None:
    words = [words for _, words in TALK]
    rows = [[labels[n % 2], text] for n, text in enumerate(words)]
    found = read(write(tmp_path / name, ["Interview 7, in the library"], rows))
    assert [words for _, words in said(found)] == ["Interview 7, in the library", *words]
    assert [who for who, _ in said(found)] == ["", *(labels[n % 2].rstrip(":") for n in range(4))]
    assert found.turns[0].role is Role.BOILERPLATE


@WRITERS
def test_tables_with_a_heading_times_and_rows_that_go_on(tmp_path: Path, write: Writer, name: str) -> None:
    rows = [
        ["Time", "Speaker", "What was said"],
        ["00:01", "Interviewer", "How was it?"],
        ["00:02", "P07", "It was good."],
        ["00:03", "", "Very good."],
        ["00:04", "Interviewer", "Why?"],
    ]
    found = read(write(tmp_path / name, [], rows))
    assert said(found) == [
        ("", "What was said"),
        ("Interviewer", "How was it?"),
        ("P07", "It was good."),
        ("P07", "Very good."),
        ("Interviewer", "Why?"),
    ]
    assert found.turns[0].role is Role.BOILERPLATE
    assert "5 cells of other columns left out" in notes(found)


@WRITERS
def test_a_table_about_the_participant_is_no_talk(tmp_path: Path, write: Writer, name: str) -> None:
    rows = [["Course", "History"], ["Year", "Second"]]
    found = read(write(tmp_path / name, [f"{who}: {words}" for who, words in TALK], rows))
    assert said(found)[:3] == TALK[:3]


@WRITERS
def test_teams_layout(tmp_path: Path, write: Writer, name: str) -> None:
    lines = ["Amina Example started transcription", "Sam Example   0:03\nHow was it?", "Amina Example   0:07\nIt was good.",
             "Sam Example   1:00:09\nWhy?", "Amina Example   1:00:12\nBecause of them.", "Amina Example stopped transcription"]  # fmt: skip
    if write is odt:
        # The library knows no line ends inside a paragraph; older exports have two paragraphs instead.
        lines = [part for line in lines for part in line.replace("   ", "\t").split("\n")]
    found = read(write(tmp_path / name, lines) if write is word else _tabbed(tmp_path / name, lines))
    assert said(found) == [
        (who.replace("Interviewer", "Sam Example").replace("P07", "Amina Example"), w) for who, w in TALK
    ]
    assert "2 lines of times or of the transcribing software" in notes(found)


def _tabbed(path: Path, lines: list[str]) -> Path:
    gap = '<text:s text:c="3"/>'
    return raw_odt(path, "".join(f"<text:p>{escape(line).replace(chr(9), gap)}</text:p>" for line in lines))


def test_older_teams_layout(tmp_path: Path) -> None:
    lines = [f"0:0:{n}.0 --> 0:0:{n}.120\n{who} Example\n{words}" for n, (who, words) in enumerate(TALK)]
    found = read(word(tmp_path / "talk.docx", lines))
    assert said(found) == [(f"{who} Example", words) for who, words in TALK]


def test_what_is_not_text_is_counted(tmp_path: Path) -> None:
    body = (
        "<w:p><w:pPr><w:rPr><w:b/></w:rPr></w:pPr><w:r><w:t>Interviewer:</w:t><w:tab/><w:t>Well</w:t><w:footnoteReference/></w:r>"
        "<w:r><w:instrText>PAGE</w:instrText><w:noBreakHyphen/><w:t>known</w:t><w:br/><w:t>here?</w:t><w:commentReference/></w:r></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:hyperlink><w:r><w:t>P07: Yes.</w:t></w:r></w:hyperlink></w:p></w:sdtContent></w:sdt>"
    )
    found = read(raw_word(tmp_path / "talk.docx", body))
    assert said(found) == [("Interviewer", "Well-known\nhere?"), ("P07", "Yes.")]
    assert "1 comments left out; 1 footnotes left out" in notes(found)


def test_a_text_box_is_read_once(tmp_path: Path) -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>P07: In the box.</w:t></w:r></w:p></w:txbxContent>"
    body = f"<w:p><w:r><w:t>Interviewer: Where?</w:t><Choice><w:drawing>{box}</w:drawing></Choice><Fallback><w:pict>{box}</w:pict></Fallback></w:r></w:p>"
    assert said(read(raw_word(tmp_path / "talk.docx", body))) == [("Interviewer", "Where?"), ("P07", "In the box.")]


CHANGED = (
    "<w:p><w:r><w:t>Interviewer: Well?</w:t></w:r></w:p><w:p><w:r><w:t xml:space='preserve'>P07: I felt </w:t></w:r>"
    "<w:del><w:r><w:delText>alone</w:delText></w:r></w:del><w:ins><w:r><w:t>at home</w:t></w:r></w:ins><w:r><w:t>.</w:t></w:r></w:p>"
    "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t xml:space='preserve'>It was a </w:t></w:r></w:p><w:p><w:r><w:t>house.</w:t></w:r></w:p>"
)
REGIONS = (
    "<text:tracked-changes><text:changed-region text:id='a'><text:insertion/></text:changed-region>"
    "<text:changed-region text:id='b'><text:deletion><text:p>alone</text:p></text:deletion></text:changed-region></text:tracked-changes>"
    "<text:p>Interviewer: Well?</text:p><text:p>P07: I felt <text:change text:change-id='b'/><text:change-start text:change-id='a'/>at home"
    "<text:change-end text:change-id='a'/>.</text:p>"
)


def test_tracked_changes_are_for_people_to_decide(tmp_path: Path) -> None:
    path = raw_word(tmp_path / "talk.docx", CHANGED)
    with pytest.raises(TranscriptError, match=r"talk\.docx: holds 3 tracked changes; say --changes accept"):
        read(path)
    accepted, rejected = (read(path, Options(changes=how)) for how in (Changes.ACCEPT, Changes.REJECT))
    assert said(accepted)[1] == ("P07", "I felt at home.\n\nIt was a house.")
    assert said(rejected)[1] == ("P07", "I felt alone.\n\nIt was a \n\nhouse.")
    assert "3 tracked changes accepted" in notes(accepted)
    assert accepted.source is not None
    start = accepted.text.index("house")
    (place,) = accepted.source.places(start, start + 5)
    assert (place.number, place.first) == (4, 0)


def test_tracked_changes_in_opendocument(tmp_path: Path) -> None:
    path = raw_odt(tmp_path / "talk.odt", REGIONS)
    with pytest.raises(TranscriptError, match=r"talk\.odt: holds 2 tracked changes"):
        read(path)
    assert said(read(path, Options(changes=Changes.ACCEPT)))[1] == ("P07", "I felt at home.")
    assert said(read(path, Options(changes=Changes.REJECT)))[1] == ("P07", "I felt alone.")


def test_opendocument_spaces_notes_and_lists(tmp_path: Path) -> None:
    text = (
        "<text:h>Interview 7</text:h><text:list><text:list-item><text:p>Interviewer:\n   How<text:s text:c='2'/>was<text:line-break/>it?"
        "<text:note><text:note-body><text:p>not talk</text:p></text:note-body></text:note></text:p></text:list-item></text:list>"
        "<text:p>P07:<text:tab/><text:span>Good</text:span>.</text:p>"
    )
    found = read(raw_odt(tmp_path / "talk.odt", text))
    assert said(found) == [("", "Interview 7"), ("Interviewer", "How  was\nit?"), ("P07", "Good.")]
    assert "1 footnotes left out" in notes(found)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda p: p.write_bytes(b"%PDF-1.4"), "holds a PDF"),
        (lambda p: p.write_bytes(b"Interviewer: Hello"), "plain text"),
        (lambda p: p.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "without a password"),
        (lambda p: p.write_bytes(b""), "plain text, or is damaged"),
        (lambda p: zipfile.ZipFile(p, "w").writestr("a", "b"), "no Word document"),
        (lambda p: raw_word(p, ""), "no participant"),
        (lambda p: raw_odt(p, "<text:p>P07: Yes.</text:p>"), "no Word document"),
    ],
)
def test_what_is_no_word_document_says_what_it_is(tmp_path: Path, make: Callable[[Path], object], why: str) -> None:
    path = tmp_path / "talk.docx"
    make(path)
    with pytest.raises(TranscriptError, match=rf"talk\.docx.*{why}"):
        read(path)


def test_an_encrypted_opendocument_text_says_so(tmp_path: Path) -> None:
    path = raw_odt(tmp_path / "talk.odt", "", "<manifest><encryption-data/></manifest>")
    with pytest.raises(TranscriptError, match="encrypted"):
        read(path)


def test_a_word_document_called_txt_is_refused(tmp_path: Path) -> None:
    path = word(tmp_path / "talk.docx", ["P07: Yes."]).rename(tmp_path / "talk.txt")
    with pytest.raises(TranscriptError, match=r"talk\.txt: is named \.txt but holds a zip container"):
        read(path)


WORDS = st.text(
    st.sampled_from("ab \t\U0001f600é\u0301\u200f\u05d0&<")
    | st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff")
).filter(str.strip)


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_every_place_is_found_again_in_its_paragraph(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    paragraphs = ["Interviewer: Well?", *(f"P07: {text}" for text in words)]
    body = "".join(f"<w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p>" for text in paragraphs)
    path = raw_word(tmp_path_factory.getbasetemp() / "any.docx", body)
    found = read(path)
    assert found.source is not None
    for anchor in found.source.anchors:
        assert found.text[anchor.start : anchor.end] == paragraphs[anchor.number - 1][anchor.first : anchor.last]
    for turn in found.turns:
        first, *_, last = [*found.source.places(turn.start, turn.end)] * 2
        assert first.copied
        assert last.end == turn.end
    spoken = "".join(found.said(turn) for turn in found.turns)
    assert "".join(spoken.split()) == "".join("".join(["Well?", *words]).split())


@given(st.binary(max_size=300), st.sampled_from(["any.docx", "any.odt"]))
def test_any_bytes_as_a_part_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, name: str
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", raw)
        archive.writestr("content.xml", raw)
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(out.getvalue())
    with pytest.raises(TranscriptError, match="any"):
        read(path)


BODIES = {
    "any.docx": CHANGED + "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>INT</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>",
    "any.odt": REGIONS + "<table:table><table:table-row><table:table-cell><text:p>a<text:s text:c='9'/></text:p></table:table-cell>"
    "</table:table-row></table:table>",
}  # fmt: skip


@given(
    st.sampled_from(sorted(BODIES)),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 30), st.booleans()), max_size=4),
    st.sampled_from([None, *Changes]),
)
def test_documents_with_pieces_cut_out_or_doubled_are_refused_or_true(
    tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[int, int, bool]], how: Changes | None
) -> None:
    body = BODIES[name]
    for start, size, doubled in changes:
        piece = body[start : start + size]
        body = body[:start] + (piece * 2 if doubled else "") + body[start + size :]
    write = raw_word if name.endswith("docx") else raw_odt
    try:
        found = read(write(tmp_path_factory.getbasetemp() / name, body), Options(changes=how))
    except TranscriptError:
        return
    assert found.source is not None
    assert all(found.source.places(turn.start, turn.end) for turn in found.turns)
