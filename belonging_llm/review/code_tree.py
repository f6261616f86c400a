"""The codebook as coders see it: a tree, headings and codes, each code with its keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from belonging_llm.codebook import Code, Framework
from belonging_llm.review.keys import digits, letters

_STATES = {"experienced": "experienced", "absent": "absent", "mixed": "both"}
_FORCES = {"experienced": "enables", "absent": "constrains", "mixed": "both"}


@dataclass(frozen=True)
class Row:
    """A heading or a code.

    Attributes:
        depth: In the tree, from 0.
        digit: The key that toggles it; empty where it has none. `letter` likewise.
        polarities: What its polarity may be, and how that is called.
    """

    code: Code
    depth: int
    digit: str
    letter: str
    polarities: Mapping[str, str]


def rows(framework: Framework, chosen: Mapping[str, str]) -> list[Row]:
    """Every code in the order of the tree.

    Args:
        chosen: Letters that a coder chose, by code id.
    """
    placed = list(_walk(framework, None, 0))
    codes = [code for code, _ in placed if code.assignable]
    digit, letter = digits(codes), letters(codes, chosen)
    return [
        Row(code, depth, digit.get(code.id, ""), letter.get(code.id, ""), polarities(code)) for code, depth in placed
    ]


def polarities(code: Code) -> Mapping[str, str]:
    """How the polarities of a code are called: a determinant enables or constrains."""
    return _FORCES if code.kind == "determinant" else _STATES


def _walk(framework: Framework, parent: str | None, depth: int) -> Iterator[tuple[Code, int]]:
    for code in framework.codes:
        if code.parent == parent:
            yield code, depth
            yield from _walk(framework, code.id, depth + 1)
