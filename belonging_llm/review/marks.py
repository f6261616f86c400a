"""A coder's marks as the codebook in use has them: codes that were merged since show as the one that absorbed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from belonging_llm.codes import EvidenceSpan
from belonging_llm.codes.merging import polarity_of
from belonging_llm.store import Mark


def marks_now(marks: Sequence[Mark], absorbed: Mapping[str, str]) -> tuple[Mark, ...]:
    """The same marks, one for each code in use.

    Args:
        absorbed: For codes that were merged into another, that other.
    """
    alike: dict[str, list[Mark]] = {}
    for mark in marks:
        alike.setdefault(absorbed.get(mark.code, mark.code), []).append(mark)
    return tuple(_one(code, several) for code, several in alike.items())


def _one(code: str, several: Sequence[Mark]) -> Mark:
    spans = sorted({(span.start, span.end) for mark in several for span in mark.spans})
    return Mark(
        code=code,
        polarity=polarity_of(mark.polarity for mark in several),
        spans=tuple(EvidenceSpan(start=start, end=end) for start, end in spans),
    )
