"""Bytes as text: by byte-order mark, else strict UTF-8, else Windows-1252 with a warning."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts.source import Anchor, Unit

# An hour of talk is about 60,000 bytes; no single interview comes near this.
MOST_BYTES = 4 << 20
MOST_LINES = 100_000

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LINE_END = re.compile(r"\r\n?")
_GUESSED = "read as Windows-1252, since it is not UTF-8: see whether quotes and accents are right"


@dataclass(frozen=True)
class Decoded:
    """A text file's characters.

    Attributes:
        written: As the file has them, line ends and all, after the byte-order mark.
        encoding: Python's name of the encoding.
    """

    written: str
    encoding: str

    @property
    def text(self) -> str:
        """With LF line ends."""
        return _LINE_END.sub("\n", self.written)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should look at."""
        return (_GUESSED,) if self.encoding == "cp1252" else ()

    def anchors(self) -> tuple[Anchor, ...]:
        """The map from `text` to `written`: what stands between the carriage returns that fell away."""
        lost = [at.start() for at in re.finditer(r"\r\n", self.written)]
        edges = zip([-1, *lost], [*lost, len(self.written)], strict=True)
        return tuple(_stretch(before + 1, end, n) for n, (before, end) in enumerate(edges) if before + 1 < end)


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """A file's bytes.

    Raises:
        TranscriptError: it cannot be read, is no plain file, or is larger than any transcript.
    """
    try:
        if path.exists() and not path.is_file():
            raise TranscriptError(f"{path}: is no file; name the files in it")
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror}); check its name and rights") from error
    if len(raw) > most:
        raise TranscriptError(f"{path}: is larger than {most >> 20} MiB, as no transcript is; divide it by interview")
    return raw


def decode(raw: bytes, place: str) -> Decoded:
    """A text file's characters.

    Raises:
        TranscriptError: nothing is in it, it holds NUL characters, or no encoding fits.
    """
    written, encoding = _decoded(raw, place)
    if "\0" in written:
        raise TranscriptError(f"{place}: holds NUL characters, so it is not a text file; export it as plain text")
    if not written.strip():
        raise TranscriptError(f"{place}: the file is empty; remove it or export the interview again")
    if max(written.count("\n"), written.count("\r")) > MOST_LINES:
        raise TranscriptError(
            f"{place}: holds more than {MOST_LINES} lines, as no transcript does; divide it by interview"
        )
    return Decoded(written, encoding)


def _decoded(raw: bytes, place: str) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            try:
                return raw[len(mark) :].decode(encoding), encoding
            except UnicodeDecodeError as error:
                said = encoding.upper()
                raise TranscriptError(
                    f"{place}: begins as {said} and then breaks its rules; save it as UTF-8 and import again"
                ) from error
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise TranscriptError(f"{place}: the text is neither UTF-8 nor Windows-1252; save it as UTF-8 and import again")


def _stretch(first: int, last: int, lost: int) -> Anchor:
    return Anchor(start=first - lost, end=last - lost, unit=Unit.FILE, number=1, first=first, last=last)
