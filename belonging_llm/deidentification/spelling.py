"""Find written words again in a text, however they are spelled there: case, apostrophes, hyphens, line ends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cached_property

# Between two letters of a word: a soft hyphen, or the hyphen and line end of a word that typesetting divided.
_BREAK = r"(?:\u00ad|[-\u2010]\n)?"
_SPACE = r"(?:[\s_\u00a0]+|[-\u2010]\n)"
_SAME = {c: group for group in ("'’ʼ‘`", "-‐‑–") for c in group}
_PLURAL = re.compile(r"e?s", re.IGNORECASE)


class Words:
    """Words as somebody wrote them, to be found wherever they stand as whole words.

    Case does not matter, but where another row has the same words in another case (`Will`, `will`): then each stands
    for itself. A plural (`the Sharmas`) counts where its case is as written.
    """

    def __init__(self, written: str, apart: Collection[str] = ()) -> None:
        """Take words, and the same words in other cases that rows of their own stand for."""
        self.written = unicodedata.normalize("NFC", written.strip())
        self._apart = {plain(one) for one in apart} - {plain(self.written)}

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Every stretch of the text that holds the words; stretches may overlap."""
        at = 0
        while self.written and (found := self._pattern.search(text, at)):
            at = found.start() + 1
            if self._stands_alone(text, *found.span()) and plain(found[0]) not in self._apart:
                yield found.span()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts, before = [], ""
        for word in self.written.split():
            letters = _BREAK.join(_letter(c) for c in _letters(word))
            parts.append(letters if not before else _SPACE + letters)
            before = word
        return re.compile("".join(parts), re.IGNORECASE)

    def _stands_alone(self, text: str, start: int, end: int) -> bool:
        if _inside_word(text, start):
            return False
        if not _inside_word(text, end):
            return True
        suffix = _PLURAL.match(text, end)
        as_written = text[start:end] == self.written and self.written[-1:].isalpha()
        return bool(as_written and suffix and not _inside_word(text, suffix.end()))


def plain(words: str) -> str:
    """Words with one kind of space, apostrophe and hyphen, none within words, composed; case as it is."""
    text = unicodedata.normalize("NFC", re.sub(r"\u00ad", "", re.sub(r"(?<=\w)[-\u2010]\n(?=\w)", "", words)))
    text = "".join(_SAME[c][0] if c in _SAME else c for c in text)
    return re.sub(r"[\s_\u00a0]+", " ", text).strip()


def same(words: str) -> str:
    """What two spellings of the same words share."""
    return plain(words).casefold()


def folded(text: str) -> str:
    """A text in which words of any spelling can be looked for quickly."""
    return same(text).replace("i̇", "i").replace("ı", "i")


def may_hold(text: str, words: str) -> bool:
    """Whether a folded text can hold words at all."""
    return max(folded(words).split(), key=len, default="") in text


def _letters(word: str) -> list[str]:
    """Characters with the marks that go with them."""
    found: list[str] = []
    for c in word:
        if found and unicodedata.combining(c):
            found[-1] += c
        else:
            found.append(c)
    return found


def _letter(letter: str) -> str:
    if letter in _SAME:
        return f"[{re.escape(_SAME[letter])}]"
    forms = {letter, unicodedata.normalize("NFC", letter), unicodedata.normalize("NFD", letter)}
    return f"(?:{'|'.join(re.escape(form) for form in sorted(forms, key=len, reverse=True))})"


def _inside_word(text: str, at: int) -> bool:
    """Whether a word goes on from before a place to after it."""
    return 0 < at < len(text) and _of_word(text[at - 1]) and _of_word(text[at])


def _of_word(c: str) -> bool:
    return c.isalnum() or unicodedata.category(c).startswith("M")
