"""Transcripts: one reader per format, all yielding the same `Transcript`."""

from __future__ import annotations

from pathlib import Path

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts.model import Role, Transcript, Turn
from belonging_llm.transcripts.plain import parse_text, read_text

__all__ = ["READERS", "Role", "Transcript", "Turn", "parse_text", "read"]

READERS = {".txt": read_text, ".text": read_text, ".md": read_text, ".markdown": read_text}


def read(path: Path) -> Transcript:
    """Read one file by its ending.

    Raises:
        TranscriptError: the ending is unknown, or the reader refuses the content.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise TranscriptError(f"{path}: transcripts with this ending cannot be read; known are {known}")
    return reader(path)
