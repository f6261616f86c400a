"""Tell prose from the furniture around it: menus, headings, link lists, cookie notices."""

from __future__ import annotations

import re
from collections.abc import Iterator

MIN_WORDS = 6
LONG_LINE = 120

_FURNITURE = re.compile(
    r"cookies?\b|subscribe|newsletter|all rights reserved|privacy (?:policy|notice)|terms (?:of|and) |"
    r"share (?:this|on)|sign up|log ?in|skip to|read more|related (?:posts|articles)|follow us|©|copyright",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"^\s*(?:#{1,6}\s|\||```|~~~|!\[|<[a-z/!]|(?:[-*_]\s*){3,}$)", re.IGNORECASE)
_LINK = re.compile(r"!?\[[^\]]*\]\([^)]*\)|https?://\S+")
_ENDS = re.compile(r"[.!?…](?:[\"'”’)\]*_]|\s|$)")


def blocks(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """Spans of paragraphs; a paragraph with very long lines is taken line by line."""
    for match in re.finditer(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*", text[start:]):
        begin, lines = match.start() + start, match.group().split("\n")
        if len(lines) == 1 or (max(map(len, lines)) <= LONG_LINE and not _is_list(lines)):
            yield begin, match.end() + start
            continue
        for line in lines:
            yield begin, begin + len(line)
            begin += len(line) + 1


def is_prose(block: str) -> bool:
    """Whether a block holds sentences that somebody wrote to be read."""
    if _MARKUP.match(block) or _is_link_list(block):
        return False
    words = len(block.split())
    if words < 40 and _FURNITURE.search(block):
        return False
    return words >= MIN_WORDS and _ENDS.search(block) is not None


def _is_list(lines: list[str]) -> bool:
    """Whether most lines are too short for prose and do not end as sentences do: a menu."""
    short = [len(line.split()) < MIN_WORDS and not _ENDS.search(line) for line in lines]
    return sum(short) * 2 >= len(lines)


def _is_link_list(block: str) -> bool:
    linked = sum(len(link) for link in _LINK.findall(block))
    return linked * 2 > len(block.strip())
