"""WebVTT: captions of Zoom, Teams, YouTube and others."""

from __future__ import annotations

from pathlib import Path

from belonging_llm.errors import TranscriptError
from belonging_llm.provenance import bytes_digest
from belonging_llm.transcripts.cues import find_cues, utterances
from belonging_llm.transcripts.draft import assemble
from belonging_llm.transcripts.encoding import decode, read_bytes
from belonging_llm.transcripts.model import Transcript
from belonging_llm.transcripts.options import Options

# Captions that light up word by word have four tags for each, and an hour has 10,000 words.
MOST_TAGS = 400_000
MOST_ENTITIES = 50_000


def read_webvtt(path: Path, _: Options | None = None) -> Transcript:
    """Read captions; cues that one speaker says in a row become one turn.

    Raises:
        TranscriptError: unreadable, or without a cue that says something.
    """
    return read_captions(path, "WebVTT")


def read_captions(path: Path, format: str) -> Transcript:
    """Read captions of either format: the cues are written alike.

    Raises:
        TranscriptError: unreadable, or without a cue that says something.
    """
    raw = read_bytes(path)
    found = decode(raw, str(path))
    if found.written.count("<") > MOST_TAGS or found.written.count("&") > MOST_ENTITIES:
        raise TranscriptError(f"{path}: holds more tags or entities than captions ever do")
    cues, odd = find_cues(found.written)
    if not cues:
        raise TranscriptError(f"{path}: holds no cue (a line like 00:00:01.000 --> 00:00:04.000); is it {format}?")
    said, notes = utterances(found.written, cues)
    return assemble(
        said,
        name=path.stem,
        place=str(path),
        format=format,
        encoding=found.encoding,
        digest=bytes_digest(raw),
        notes=[f"{len(cues)} cues", *found.notes, *odd, *notes],
    )
