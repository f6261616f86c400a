"""Files that somebody made to break a reader, and files that broke on their way: generated, and named by what they are."""

from __future__ import annotations

import io
import random
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator

from fpdf import FPDF
from openpyxl import Workbook

TALK = "Interviewer: How was it?\n\nP07: I felt at home there, every night of that year.\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nInterviewer: How was it?\n\n00:02.000 --> 00:03.000\nP07: I felt at home.\n"
SRT = "1\n00:00:01,000 --> 00:00:02,000\nInterviewer: Well?\n\n2\n00:00:02,000 --> 00:00:03,000\nP07: I felt at home.\n"
CSV = "speaker,text\nInterviewer,Well?\nP07,I felt at home.\n"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PARAGRAPHS = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in TALK.split("\n\n"))
WORD = f'<w:document xmlns:w="{W}"><w:body>{PARAGRAPHS}</w:body></w:document>'
ODT = (
    '<o:document-content xmlns:o="o" xmlns:t="t"><o:body><o:text>'
    + "".join(f"<t:p>{line}</t:p>" for line in TALK.split("\n\n"))
    + "</o:text></o:body></o:document-content>"
)
ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"
)
MIB = 1 << 20


def zipped(members: dict[str, str | bytes], change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            change(entry)
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def docx(xml: str | bytes = WORD, more: dict[str, str | bytes] | None = None) -> bytes:
    return zipped({"word/document.xml": xml} | (more or {}))


def odt(xml: str | bytes = ODT, more: dict[str, str | bytes] | None = None) -> bytes:
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": xml} | (more or {}))


def xlsx(rows: list[list[str]] | None = None) -> bytes:
    book, out = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows or [line.split(",") for line in CSV.splitlines()]:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def pdf(lines: list[str]) -> bytes:
    made = FPDF()
    made.set_font("Helvetica", size=11)
    made.add_page()
    for line in lines:
        made.cell(text=line, new_x="LMARGIN", new_y="NEXT")
    return bytes(made.output())


def pdf_objects(*bodies: bytes) -> bytes:
    """A PDF of numbered objects with a true table of where they stand; the first is the catalogue."""
    out, places = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(bodies) + 1, rows)
    return out + table + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, len(out))


def pdf_bomb() -> bytes:
    """A page whose stream unpacks to 120 MB."""
    packer = zlib.compressobj(1)
    stream = b"".join(packer.compress(b"(a) Tj " * 150_000) for _ in range(120)) + packer.flush()
    return pdf_objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(stream), stream),
    )


def pdf_circle() -> bytes:
    """A tree of pages that contains itself."""
    return pdf_objects(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>")


def whole() -> dict[str, bytes]:
    """One sound file of every ending."""
    return {
        ".txt": TALK.encode(),
        ".md": TALK.encode(),
        ".vtt": VTT.encode(),
        ".srt": SRT.encode(),
        ".csv": CSV.encode(),
        ".docx": docx(),
        ".odt": odt(),
        ".xlsx": xlsx(),
        ".pdf": pdf(TALK.split("\n\n")),
    }


def damaged() -> Iterator[tuple[str, bytes]]:
    """Sound files with bits turned over or their end missing; some can still be read."""
    chance = random.Random(7)  # noqa: S311 - the same files in every run
    for ending, raw in whole().items():
        few = 6 if ending == ".pdf" else 14
        for n in range(few):
            bits = bytearray(raw)
            for _ in range(1 + n):
                bits[chance.randrange(len(bits))] ^= 1 << chance.randrange(8)
            yield f"flipped-{n}{ending}", bytes(bits)
        for n in range(few // 2):
            yield f"cut-{n}{ending}", raw[: len(raw) * n // (few // 2)]


def refused() -> Iterator[tuple[str, bytes]]:
    """Files that no reader may take, whatever else it does."""
    yield from _wrong_endings()
    yield from _containers()
    yield from _too_much()
    yield from {
        "nul.txt": TALK.encode() + b"\0",
        "nul.vtt": VTT.encode() + b"\0",
        "nul.csv": CSV.encode() + b"\0",
        "broken-mark.txt": b"\xef\xbb\xbfcaf\xe9",
        "no-encoding.txt": b"Interviewer: \x81\x8d\x8f",
        "aliases.md": b"---\na: &a [x, x]\nb: [*a, *a]\n---\n" + TALK.encode(),
        "nested.md": b"---\nx: " + b"[" * 5000 + b"\n---\n" + TALK.encode(),
        "circle.pdf": pdf_circle(),
        "bomb.pdf": pdf_bomb(),
        "scan.pdf": pdf([]),
        "rich.txt": b"{\\rtf1 " + TALK.encode() + b"}",
        "old.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000),
    }.items()


def _wrong_endings() -> Iterator[tuple[str, bytes]]:
    sound = whole()
    for held in (".docx", ".odt", ".xlsx", ".pdf"):
        for said in sound:
            if said != held:
                yield f"really-{held[1:]}{said}", sound[held]
    for said in (".docx", ".odt", ".xlsx", ".pdf"):
        yield f"really-txt{said}", TALK.encode()
        yield f"empty{said}", b""


def _containers() -> Iterator[tuple[str, bytes]]:
    def link(entry: zipfile.ZipInfo) -> None:
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16

    for ending, make, xml in ((".docx", docx, WORD), (".odt", odt, ODT)):
        for n, name in enumerate(("../x", "/etc/x", "a/../../x", "..\\x", "C:\\x")):
            yield f"slip-{n}{ending}", make(xml, {name: "x"})
        yield f"link{ending}", zipped({"word/document.xml": xml, "content.xml": xml}, link)
        yield f"bomb{ending}", make(bytes(9 * MIB))
        yield f"big{ending}", make(bytes(33 * MIB))
        yield f"outside{ending}", make(ENTITY + xml.replace("P07", "&e;"))
        yield f"laughs{ending}", make(LAUGHS + xml.replace("P07", "&a11;"))
        yield f"hidden-laughs{ending}", make((LAUGHS + xml).encode("utf-16"))
        yield f"deep{ending}", make("<a>" * 100_000 + "</a>" * 100_000)
        yield f"many-marks{ending}", make("<a>" + "<b/>" * 700_000 + "</a>")
        yield f"not-xml{ending}", make(random.Random(1).randbytes(10_000))  # noqa: S311
        yield f"many-entries{ending}", make(xml, {f"m{n}": "" for n in range(2100)})
        locked = bytearray(make(xml))
        locked[locked.index(b"PK\x01\x02") + 8] |= 1
        yield f"locked{ending}", bytes(locked)
    sheets = {
        "xl/workbook.xml": '<w><sheet id="a"/></w>',
        "xl/_rels/workbook.xml.rels": '<r><x Id="a" Target="s.xml"/></r>',
    }
    yield "bomb.xlsx", zipped(sheets | {"xl/s.xml": bytes(9 * MIB)})
    yield "laughs.xlsx", zipped(sheets | {"xl/s.xml": LAUGHS + "<s><row><c><v>&a11;</v></c></row></s>"})
    yield "no-sheet.xlsx", zipped(sheets)


def _too_much() -> Iterator[tuple[str, bytes]]:
    yield "long-line.txt", b"x" * (100 * MIB)
    yield "long-line.vtt", VTT.encode() + b"x" * (5 * MIB)
    yield "long-line.csv", CSV.encode() + b"x" * (5 * MIB)
    yield "many-lines.txt", b"x\n" * 200_000
    yield "many-tags.vtt", VTT.encode() + b"<i>" * 500_000
    yield "many-names.vtt", VTT.encode() + b"&amp;" * 60_000
    yield "long-cell.csv", CSV.encode() + b'P07,"' + b"x" * MIB + b'"\n'


def slow(most: int = MIB // 4) -> Iterator[tuple[str, bytes]]:
    """Small enough to be read, and made so that careless searching takes for ever; some are talk after all.

    Args:
        most: About how many bytes each has.
    """
    for n, unit in enumerate(("[", "<!--", " ", "P1: ", "a" * 40 + ":", "[(", "<", "*", "\U0001f600", "0:00 ", "&")):
        many = (unit * (most // len(unit.encode()))).encode()
        yield f"slow-{n}.txt", TALK.encode() + many
        yield f"slow-{n}.vtt", VTT.encode() + many
    few = most // 128
    timing = b"00:01.000 --> 00:02.000\n"
    yield "slow-lines.txt", b"P07: a\n" * 2 * few
    yield "slow-names.txt", b"".join(b"Name%d: a\n" % n for n in range(2 * few))
    yield "slow-cues.vtt", b"WEBVTT\n" + (b"\n" + timing + b"<v A>a") * few
    yield "slow-strays.vtt", VTT.encode() + b"a\n\n" * few
    yield "slow-window.vtt", b"WEBVTT\n\n" + (timing + b"a\n" * few + b"\n") * 2
    yield "slow-rows.csv", b"participant,question,answer\n" + b"".join(b"P%d,Why?,Because.\n" % n for n in range(few))
    yield "slow-returns.txt", TALK.encode().replace(b"\n", b"\r\n") + b"a\r\n" * few
