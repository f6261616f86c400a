"""SubRip (.srt): numbered captions with commas in their times."""

from __future__ import annotations

from pathlib import Path

from belonging_llm.transcripts.model import Transcript
from belonging_llm.transcripts.options import Options
from belonging_llm.transcripts.webvtt import read_captions


def read_srt(path: Path, _: Options | None = None) -> Transcript:
    """Read captions; cues that one speaker says in a row become one turn.

    Raises:
        TranscriptError: unreadable, or without a cue that says something.
    """
    return read_captions(path, "SubRip")
