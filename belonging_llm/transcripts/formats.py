"""Which reader reads which file: by its ending, and by what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from belonging_llm.archives import is_zip
from belonging_llm.errors import ContainerError, TranscriptError
from belonging_llm.transcripts.docx import read_docx
from belonging_llm.transcripts.encoding import read_bytes
from belonging_llm.transcripts.model import Transcript
from belonging_llm.transcripts.odt import read_odt
from belonging_llm.transcripts.options import Options
from belonging_llm.transcripts.pdf import read_pdf
from belonging_llm.transcripts.plain import read_text
from belonging_llm.transcripts.srt import read_srt
from belonging_llm.transcripts.webvtt import read_webvtt

Reader = Callable[[Path, Options], Transcript]

_TEXT: dict[str, Reader] = {
    ".txt": read_text,
    ".text": read_text,
    ".md": read_text,
    ".markdown": read_text,
    ".vtt": read_webvtt,
    ".srt": read_srt,
}
_BINARY: dict[str, Reader] = {".docx": read_docx, ".odt": read_odt, ".pdf": read_pdf}
ENDINGS = (*_TEXT, *_BINARY)

_ZIP = "a zip container, as Word, OpenDocument and Excel files are"
_PDF = "a PDF"
_OLD = "an old or encrypted Office file"
_HOLDS = {".docx": _ZIP, ".odt": _ZIP, ".pdf": _PDF}

_SRT = re.compile(r"\s*\d+[ \t]*\r?\n[ \t]*\d{1,2}:\d{2}:\d{2}[,.]\d{1,3}[ \t]*-->")
_HEAD = 2048


def read(path: Path, options: Options | None = None) -> Transcript:
    """Read one file.

    Raises:
        TranscriptError: the ending is unknown, the file holds something else, or the reader refuses the content.
    """
    reader = _reader(path)
    try:
        return reader(path, options or Options())
    except ContainerError as error:
        raise TranscriptError(str(error)) from error


def _reader(path: Path) -> Reader:
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        known = ", ".join(sorted(ENDINGS))
        raise TranscriptError(f"{path}: transcripts with this ending cannot be read; known are {known}")
    head = _head(path)
    held = _held(head)
    if ending in _BINARY and held == _HOLDS[ending]:
        return _BINARY[ending]
    if ending in _BINARY and held == _OLD:
        raise TranscriptError(
            f"{path}: is encrypted, or written by an old Office; save it as {ending} without a password"
        )
    if ending in _BINARY or held:
        held = held or "plain text, or is damaged"
        raise TranscriptError(f"{path}: is named {ending} but holds {held}; give it its right ending and import again")
    text = (
        head.decode("utf-8-sig", "ignore")
        if not head.startswith((b"\xff\xfe", b"\xfe\xff"))
        else head.decode("utf-16", "ignore")
    )
    if text.startswith("WEBVTT"):
        return read_webvtt
    return read_srt if ending not in {".vtt", ".srt"} and _SRT.match(text) else _TEXT[ending]


def _head(path: Path) -> bytes:
    if not path.is_file():
        # A folder, a pipe that would never end, or nothing: this says which.
        return read_bytes(path)
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return read_bytes(path)


def _held(head: bytes) -> str:
    """What a file that is not text holds; empty for text."""
    if head.lstrip().startswith(b"%PDF-"):
        return _PDF
    if is_zip(head):
        return _ZIP
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return _OLD
    return "rich text (RTF)" if head.startswith(b"{\\rtf") else ""
