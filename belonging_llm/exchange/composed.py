"""Texts in the composed form (NFC) that programs expect, with offsets carried along."""

from __future__ import annotations

import unicodedata
from functools import cached_property

# What stands this far back cannot change what the next letter joins with.
_LONGEST = 32


class Composed:
    """A text in NFC and where its characters came from."""

    def __init__(self, text: str) -> None:
        self._given = text

    @cached_property
    def text(self) -> str:
        """The composed text."""
        return self._given if self._same else "".join(new for _, new in self._chunks)

    @cached_property
    def _same(self) -> bool:
        return unicodedata.is_normalized("NFC", self._given)

    @cached_property
    def _chunks(self) -> list[tuple[str, str]]:
        """Stretches that compose by themselves, as given and composed."""
        found: list[tuple[str, str]] = []
        begin = 0
        for at in range(1, len(self._given) + 1):
            if at == len(self._given) or _begins(self._given, begin, at):
                chunk = self._given[begin:at]
                found.append((chunk, unicodedata.normalize("NFC", chunk)))
                begin = at
        return found

    @cached_property
    def _places(self) -> list[int]:
        """For each place in the given text the place in the composed one; -1 inside a stretch that changed length."""
        places, at = [0], 0
        for given, new in self._chunks:
            inner = range(at + 1, at + len(new)) if len(given) == len(new) else [-1] * (len(given) - 1)
            at += len(new)
            places += [*inner, at]
        return places

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A stretch in the composed text; ends inside a character are moved outwards."""
        if self._same:
            return start, end
        first, last = start, end
        while self._places[first] < 0:
            first -= 1
        while self._places[last] < 0:
            last += 1
        return self._places[first], self._places[last]


def _begins(text: str, begin: int, at: int) -> bool:
    """Whether the character at a place cannot join with what stands before it, back to `begin`."""
    before, character = text[begin:at] if at - begin < _LONGEST else text[at - 1], text[at]
    if unicodedata.combining(character):
        return False
    # Hangul vowels and some vowel signs are no marks and join all the same.
    together = unicodedata.normalize("NFC", before + character)
    return together == unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", character)
