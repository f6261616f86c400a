"""Evidence is a place in the text: find the words a model quotes, or do without them."""

from __future__ import annotations

import re
import unicodedata

from belonging_llm.segments import Span

_ALIKE = str.maketrans(dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’", "'") | dict.fromkeys("–—‐‑", "-"))
_TRIM = " \t\n\"'.…,;:!?“”‘’"
SHORTEST = 3


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
    plain, places = _plain(text)
    wanted = _plain(words)[0]
    at = plain.find(wanted)
    # Words that are mostly spaces may shrink.
    if at < 0 or len(wanted) < SHORTEST:
        return None
    return Span(places[at], places[at + len(wanted) - 1] + 1)


def _plain(text: str) -> tuple[str, list[int]]:
    """A text in lower case with plain quotes and single spaces, and where each character came from."""
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
    return re.sub(r"\s+$", "", "".join(plain)), places
