"""Tell prose from the furniture around it: menus, headings, link lists, cookie notices."""

from __future__ import annotations

import re
from collections.abc import Iterator

MIN_WORDS = 6
LONG_LINE = 120
LONG_BLOCK = 20_000

_FURNITURE = re.compile(
    r"uses? cookies|cookie (?:policy|notice|settings)|accept (?:all )?cookies|subscribe|newsletter|all rights reserved|"
    r"privacy (?:policy|notice)|terms (?:of (?:use|service)|and conditions)|share this (?:page|post|article|on|with a)|"
    r"sign up (?:now|today|for (?:our|free))|skip to|read more|related (?:posts|articles)|follow us|©|copyright|"
    r"min(?:ute)?s? read",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"^\s*(?:#{1,6}\s|\||```|~~~|!\[|<[a-z/!]|(?:[-*_]\s*){3,}$)", re.IGNORECASE)
_LINK = re.compile(r"!?\[[^\]]*\]\([^)]*\)|https?://\S+")
_ENDS = re.compile(r"[.!?…](?:[\"'”’)\]*_]|\s|$)")


def blocks(text: str) -> Iterator[tuple[int, int]]:
    """Spans of paragraphs; headings stand alone, and menus or one-line paragraphs are taken line by line."""
    for lines in _paragraphs(text):
        words = [text[start:end] for start, end in lines]
        if len(lines) == 1 or not (_is_list(words) or _is_unwrapped(words)):
            yield lines[0][0], lines[-1][1]
        else:
            yield from lines


def _paragraphs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Runs of lines that are not blank, as spans; a heading ends its run."""
    run: list[tuple[int, int]] = []
    at = 0
    for line in text.split("\n"):
        span = at, at + len(line)
        at += len(line) + 1
        if run and (not line.strip() or line.startswith("#")):
            yield run
            run = []
        if line.startswith("#"):
            yield [span]
        elif line.strip():
            run.append(span)
    if run:
        yield run


def is_prose(block: str) -> bool:
    """Whether a block holds sentences that somebody wrote to be read."""
    if _MARKUP.match(block) or _is_link_list(block):
        return False
    words = len(block.split())
    if words < 20 and _FURNITURE.search(block):
        return False
    return words >= MIN_WORDS and _ENDS.search(block) is not None


def _is_list(lines: list[str]) -> bool:
    """Whether most lines are too short for prose and do not end as sentences do: a menu."""
    short = [len(line.split()) < MIN_WORDS and not _ENDS.search(line) for line in lines]
    return sum(short) * 2 >= len(lines)


def _is_unwrapped(lines: list[str]) -> bool:
    """Whether lines are whole paragraphs: longer than anybody wraps, and ending as sentences do."""
    whole = [bool(_ENDS.search(line.rstrip()[-3:])) for line in lines if len(line) > LONG_LINE]
    return bool(whole) and sum(whole) * 2 > len(whole)


def _is_link_list(block: str) -> bool:
    # Brackets that never close are searched again from each: long blocks are judged by their beginning.
    block = block[:LONG_BLOCK]
    linked = sum(len(link) for link in _LINK.findall(block))
    return linked * 2 > len(block.strip())
