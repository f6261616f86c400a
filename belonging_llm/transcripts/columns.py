"""Which column of a table says who speaks, and which holds what is said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from belonging_llm.transcripts.speakers import is_code, is_generic, is_interviewer

_NUMBERS = re.compile(r"[\d:.,;>\s\[\]()-]*")
_HEADINGS = frozenset("speaker speakers name who person voice participant role turn label".split())


def speaker_column(rows: Sequence[Mapping[int, str]]) -> tuple[int, int] | None:
    """The columns of speakers and of words; None where a table is no conversation.

    The words stand in the column that holds most of them. A column of speakers is short, stands in most rows, and
    names roles or participants' codes or the same few people again and again.
    """
    size = Counter[int]()
    for row in rows:
        for column, cell in row.items():
            size[column] += len(cell.split())
    if len(size) < 2 or len(rows) < 2:
        return None
    words = max(size, key=lambda column: (size[column], -column))
    scores = {column: _likeness(rows, column) for column in size if column != words}
    best = max(scores, key=lambda column: (scores[column], -column))
    return (best, words) if scores[best] > 0 else None


def is_heading(cell: str) -> bool:
    """Whether a cell of the speakers' column is its heading."""
    return cell.casefold().strip(" :") in _HEADINGS


def _likeness(rows: Sequence[Mapping[int, str]], column: int) -> float:
    """How far a column looks like one of speakers, from 0 (not at all) to 1."""
    cells = [cell.strip().rstrip(":").rstrip() for row in rows if (cell := row.get(column, "")).strip()]
    cells = [cell for cell in cells if not is_heading(cell)]
    if len(cells) * 2 < len(rows) or not all(len(cell) <= 60 and len(cell.split()) < 7 for cell in cells):
        return 0.0
    named = [cell for cell in cells if not _NUMBERS.fullmatch(cell)]
    if len(named) * 2 <= len(cells):
        return 0.0
    times = Counter(cell.casefold() for cell in named)
    known = sum(times[cell.casefold()] > 1 or _says_who(cell) for cell in named)
    return known / len(cells) if known * 2 > len(cells) else 0.0


def _says_who(cell: str) -> bool:
    return is_interviewer(cell) or is_generic(cell) or is_code(cell)
