"""De-identification: suggestions, a table for people to decide, replacements that keep offsets true, a key outside.

Nothing here claims that a text is anonymous: rules and models miss what identifies indirectly, and people decide.
"""

from __future__ import annotations

from belonging_llm.deidentification.apply import Applied, Originals, apply, review
from belonging_llm.deidentification.deciding import (
    Occurrence,
    Progress,
    add,
    decide,
    occurrences,
    progress,
    state,
    suggestions,
)
from belonging_llm.deidentification.key import Key, open_key
from belonging_llm.deidentification.kinds import Kind
from belonging_llm.deidentification.originals import raw_files, unseal
from belonging_llm.deidentification.remaining import Place
from belonging_llm.deidentification.replacing import Replacer
from belonging_llm.deidentification.suggest import counted, suggest
from belonging_llm.deidentification.table import FILE, Row, mark

__all__ = [
    "FILE",
    "Applied",
    "Key",
    "Kind",
    "Occurrence",
    "Originals",
    "Place",
    "Progress",
    "Replacer",
    "Row",
    "add",
    "apply",
    "counted",
    "decide",
    "mark",
    "occurrences",
    "open_key",
    "progress",
    "raw_files",
    "review",
    "state",
    "suggest",
    "suggestions",
    "unseal",
]
