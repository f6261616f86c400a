"""Evidence is a place in the text: find the words a model quotes, or do without them.

What is found is always a stretch of the text itself, never what the model wrote.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from belonging_llm.segments import Span

_ALIKE = str.maketrans(dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’", "'") | dict.fromkeys("–—‐‑", "-"))
_TRIM = " \t\n\"'.…,;:!?“”‘’"
SHORTEST = 3
# One edit for every so many characters, up to so many: what a slip of copying changes, not what another sentence says.
EDIT_EACH = 10
MOST_EDITS = 10
# Characters from the first words to the last of a quote that leaves out its middle.
STRETCH = 300
ANCHOR = 6
_ELLIPSIS = re.compile(r"\s*[\[(]?(?:…|\.{3,}|\. \. \.)[\])]?\s*")
# Combining marks belong to the letter before them.
_WORD = re.compile(r"[\w\u0300-\u036f]+(?:'[\w\u0300-\u036f]+)*")
_DENIAL = re.compile(r"\b(?:not|no|never|nobody|nothing|none|neither|nor|without|cannot)\b|n't\b")


@dataclass(frozen=True)
class Found:
    """Where words stand.

    Attributes:
        repaired: They stand there nearly, not literally.
    """

    span: Span
    repaired: bool = False


def find(words: str, text: str) -> Found | None:
    """Where `words` stand in `text`: as `locate` does, then with their middle left out, then nearly.

    An ellipsis between first and last words stands for up to `STRETCH` characters of the text. Nearly is: between
    word edges, with at most one edit for every `EDIT_EACH` characters and never more than `MOST_EDITS`, so that what
    is found is longer than what was asked for by as many characters at most; and with as many denials ("not", "never")
    in it and just beside it.

    Returns:
        Offsets into `text`, or None when the words are not there.
    """
    if span := locate(words, text):
        return Found(span)
    words = words.strip(_TRIM)
    parts = [part for part in _ELLIPSIS.split(words) if part]
    if len(parts) > 1 and (span := _stretch(parts, text)):
        return Found(span)
    span = _nearly(words, text)
    return Found(span, repaired=True) if span else None


def locate(words: str, text: str) -> Span | None:
    """Where `words` stand in `text`: exactly, or apart from quotes, dashes, spaces and case.

    Returns:
        Offsets into `text`, or None when the words are not there or too short to be evidence.
    """
    words = words.strip(_TRIM)
    if len(words) < SHORTEST:
        return None
    at = text.find(words)
    if at >= 0:
        return Span(at, at + len(words))
    plain = _plain(text)
    wanted = _plain(words).text
    at = plain.text.find(wanted)
    # Words that are mostly spaces may shrink.
    if at < 0 or len(wanted) < SHORTEST:
        return None
    return plain.span(at, at + len(wanted))


@dataclass(frozen=True)
class _Plain:
    """A text in lower case with plain quotes and single spaces; `places` says where each character came from."""

    text: str
    places: list[int]

    def span(self, start: int, end: int) -> Span:
        """The stretch of the text itself."""
        return Span(self.places[start], self.places[end - 1] + 1)


def _plain(text: str) -> _Plain:
    plain: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text.translate(_ALIKE)):
        if character.isspace():
            if plain and plain[-1] != " ":
                plain.append(" ")
                places.append(place)
            continue
        for folded in unicodedata.normalize("NFKD", character).casefold():
            plain.append(folded)
            places.append(place)
    return _Plain(re.sub(r"\s+$", "", "".join(plain)), places)


def _stretch(parts: list[str], text: str) -> Span | None:
    """The shortest stretch that begins with the first part and ends with the last, the others between in order."""
    plain = _plain(text)
    wanted = [_plain(part).text for part in parts]
    if min(map(len, wanted)) < ANCHOR:
        return None
    first, *rest = (re.compile(rf"(?<!\w){re.escape(part)}(?!\w)") for part in wanted)
    ends = [(found.start(), _end_of(rest, plain.text, found.end())) for found in first.finditer(plain.text)]
    fitting = [(end - start, start, end) for start, end in ends if end and end - start <= STRETCH]
    return plain.span(*min(fitting)[1:]) if fitting else None


def _end_of(parts: list[re.Pattern[str]], text: str, at: int) -> int:
    """Where the last of these parts ends, each being sought after the one before; 0 where one is missing."""
    for part in parts:
        found = part.search(text, at)
        if not found:
            return 0
        at = found.end()
    return at


def _nearly(words: str, text: str) -> Span | None:
    """The stretch of whole words with the fewest edits; of several the first, of these the shortest."""
    plain, wanted = _plain(text), _plain(words).text
    allowed = min(len(wanted) // EDIT_EACH, MOST_EDITS)
    edges = [found.span() for found in _WORD.finditer(plain.text)]
    ends = [end for _, end in edges]
    denials = len(_DENIAL.findall(wanted))
    best = None
    for start, _ in edges:
        longest = bisect_right(ends, start + len(wanted) + allowed)
        for end in ends[bisect_left(ends, start + len(wanted) - allowed) : longest]:
            edits = Levenshtein.distance(wanted, plain.text[start:end], score_cutoff=allowed)
            # Words given up at an end may hold the very "not".
            beside = plain.text[max(0, start - edits) : end + edits]
            if end > start and edits <= allowed and len(_DENIAL.findall(beside)) == denials:
                best, allowed = (start, end), edits - 1
    return plain.span(*best) if best else None
