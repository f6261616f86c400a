"""PDF files with text in them: lines without running heads, words without the hyphens of typesetting."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from belonging_llm.errors import TranscriptError
from belonging_llm.provenance import bytes_digest
from belonging_llm.transcripts.draft import Draft, Piece, made
from belonging_llm.transcripts.encoding import read_bytes
from belonging_llm.transcripts.model import Transcript
from belonging_llm.transcripts.options import Options
from belonging_llm.transcripts.plain import parse_text
from belonging_llm.transcripts.source import Source, Unit
from belonging_llm.transcripts.speakers import is_code, is_generic, is_interviewer

MOST_BYTES = 32 << 20
MOST_MEGABYTES = 160
# Processor time: something for every file, and more for large ones, which take long honestly.
_SECONDS, _SECONDS_A_MIB = 4, 4

_EDGE = 3
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|p\.|seite|s\.)?\s*(?P<number>\d{1,4})\s*(?:(?:of|/|von)\s*\d{1,4})?\W*", re.IGNORECASE
)
_BROKEN = re.compile(r"[^\W\d_]+[-\u00ad\u2010]$")
_GOES_ON = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Line:
    page: int
    first: int
    text: str


def read_pdf(path: Path, _: Options | None = None) -> Transcript:
    """Read the text of a PDF.

    Raises:
        TranscriptError: damaged, encrypted, or a scan without text.
    """
    raw = read_bytes(path, MOST_BYTES)
    pages = _pages(raw, path)
    lines = [line for number, page in enumerate(pages, 1) for line in _lines(page, number)]
    empty = sum(not page.strip() for page in pages)
    if not lines:
        raise TranscriptError(
            f"{path}: its {len(pages)} pages hold no text, as scans do; let a text recognition (OCR) read it first"
        )
    heads = _running_heads(lines, len(pages))
    kept = [line for n, line in enumerate(lines) if n not in heads]
    draft, joined = _draft(kept)
    counts = {
        "pages": len(pages),
        "pages without text": empty,
        "running heads and page numbers left out": len(heads),
        "words joined that a hyphen divided at the end of a line": joined,
    }
    source = Source(
        format="PDF",
        digest=bytes_digest(raw),
        anchors=draft.anchors,
        notes=tuple(f"{n} {what}" for what, n in counts.items() if n),
    )
    return parse_text(draft.text, name=path.stem, place=str(path), source=source)


def _pages(raw: bytes, path: Path) -> list[str]:
    """The pages' text, from a program that the operating system stops if it takes too much."""
    seconds = _SECONDS + _SECONDS_A_MIB * (len(raw) >> 20)
    program = [sys.executable, "-I", str(Path(__file__).with_name("pdf_pages.py")), str(seconds), str(MOST_MEGABYTES)]
    try:
        # The wall clock is only for machines so busy that the processor's own limit is never reached.
        done = subprocess.run(program, input=raw, capture_output=True, timeout=20 * seconds, check=False)  # noqa: S603
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        raise TranscriptError(f"{path}: takes too long or too much memory to read; print it to a new PDF") from error
    if "problem" in found:
        raise TranscriptError(f"{path}: {found['problem']}")
    return [str(page) for page in found["pages"]]


def _lines(page: str, number: int) -> Iterator[_Line]:
    """A page's lines that hold something, without space around them."""
    for line in re.finditer(r"[^\r\n]+", page):
        text = line.group().strip()
        if text:
            yield _Line(number, line.start() + line.group().index(text), text)


def _running_heads(lines: Sequence[_Line], pages: int) -> set[int]:
    """Which lines are no talk: at the edge of a page, and counting the pages or coming again on most of them."""
    edges = _edges(lines)
    seen = {(lines[n].page, side, _shape(lines[n].text)) for side, edge in edges for n in edge}
    shapes = Counter((side, shape) for _, side, shape in seen)
    numbers = _page_numbers(lines, [n for _, edge in edges for n in edge], pages)
    heads = set()
    for side, edge in edges:
        for n in edge:
            often = shapes[side, _shape(lines[n].text)] >= max(3, 0.4 * pages) and not _is_label(lines[n].text)
            if not often and n not in numbers:
                # Talk begins here; what comes again further in is somebody's manner of speaking.
                break
            heads.add(n)
    return heads


def _page_numbers(lines: Sequence[_Line], edges: Sequence[int], pages: int) -> set[int]:
    """Lines that count the pages: numbers that rise with them."""
    found = {n: int(m["number"]) - lines[n].page for n in edges if (m := _PAGE_NUMBER.fullmatch(lines[n].text))}
    if not found:
        return set()
    offset, times = Counter(found.values()).most_common(1)[0]
    return {n for n, by in found.items() if by == offset} if times > 1 or (pages == 1 and offset == 0) else set()


def _edges(lines: Sequence[_Line]) -> list[tuple[str, list[int]]]:
    """The first and the last lines of every page, from its edge inwards."""
    by_page: dict[int, list[int]] = {}
    for n, line in enumerate(lines):
        by_page.setdefault(line.page, []).append(n)
    return [edge for on in by_page.values() for edge in (("top", on[:_EDGE]), ("end", on[: -_EDGE - 1 : -1]))]


def _shape(text: str) -> str:
    return re.sub(r"\d+", "#", " ".join(text.split())).casefold()


def _is_label(text: str) -> bool:
    name, colon, _ = text.partition(":")
    return bool(colon) and (is_interviewer(name) or is_generic(name) or is_code(name))


def _draft(lines: Sequence[_Line]) -> tuple[Draft, int]:
    """The lines as one text, and how many words were joined."""
    words = Counter(word for line in lines for word in re.findall(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*", line.text))
    draft, joined = Draft(), 0
    for line, following in pairwise([*lines, None]):
        if line is None:
            continue
        text, ending = line.text, "\n"
        broken, rest = _BROKEN.search(text), _GOES_ON.match(following.text) if following else None
        if broken and rest and rest.group()[0].islower():
            joined, ending = joined + 1, ""
            if not words[broken.group() + rest.group()] or text[-1] == "\u00ad":
                text = text[:-1]
        draft.copy(
            [Piece(text, Unit.PAGE, line.page, line.first, line.first + len(text)), made(ending if following else "")]
        )
    return draft, joined
