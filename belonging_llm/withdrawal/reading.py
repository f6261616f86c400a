"""The text of any file, for a search: archives are opened, tables and documents read."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path

from belonging_llm import tables, transcripts
from belonging_llm.errors import InputError

# More than this in one file is not looked through; the certificate says so.
LARGEST = 200_000_000
_DEPTH = 3
_OPAQUE = {
    ".mp3", ".mp4", ".m4a", ".wav", ".ogg", ".flac", ".aac", ".mov", ".avi", ".mkv", ".webm", ".png", ".jpg", ".jpeg",
    ".gif", ".webp", ".heic", ".tif", ".tiff", ".bmp", ".7z", ".rar", ".bz2", ".xz", ".zst", ".doc", ".xls", ".ppt",
}  # fmt: skip


def text_of(path: Path) -> str | None:
    """Everything that can be read in a file; None where it cannot be searched."""
    try:
        if path.suffix.lower() in _OPAQUE or path.stat().st_size > LARGEST:
            return None
        if path.suffix.lower() == ".pdf":
            return transcripts.read(path).text
        if path.suffix.lower() == ".parquet":
            return "\n".join(cell for row in tables.read_rows(path) for cell in row.values())
        return _decoded(path.read_bytes(), _DEPTH)
    except (InputError, OSError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return None


def _decoded(raw: bytes, depth: int) -> str:
    """Text in UTF-8 or UTF-16; what is in an archive, member after member."""
    if depth and raw.startswith(b"\x1f\x8b"):
        return _decoded(gzip.GzipFile(fileobj=io.BytesIO(raw)).read(LARGEST), depth - 1)
    if depth and raw.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise ValueError("unpacks to more than is looked through")
            return "\n".join(
                f"{member.filename}\n{_decoded(archive.read(member), depth - 1)}" for member in archive.infolist()
            )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    if raw[:200].count(0) > len(raw[:200]) // 3:
        return raw.decode("utf-16-le", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
