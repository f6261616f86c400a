"""Transcripts: one reader per format, all yielding the same `Transcript`."""

from __future__ import annotations

from belonging_llm.transcripts.formats import ENDINGS, read
from belonging_llm.transcripts.model import Basis, Role, Speaker, Transcript, Turn
from belonging_llm.transcripts.options import Changes, Options
from belonging_llm.transcripts.plain import parse_text
from belonging_llm.transcripts.source import Anchor, Source, Unit

__all__ = [
    "ENDINGS",
    "Anchor",
    "Basis",
    "Changes",
    "Options",
    "Role",
    "Source",
    "Speaker",
    "Transcript",
    "Turn",
    "Unit",
    "parse_text",
    "read",
]
