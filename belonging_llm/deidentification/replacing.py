"""Replace decided words in a text: longest first, whole words, never inside another replacement."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from belonging_llm.deidentification.spelling import Words, folded, may_hold, same


@dataclass(frozen=True)
class Edit:
    """A stretch of a text and what stands there afterwards."""

    start: int
    end: int
    replacement: str


class Replacer:
    """What people decided, ready to be applied to any text; the order of decisions does not matter."""

    def __init__(self, decided: Mapping[str, str], standing: Iterable[str] = ()) -> None:
        """Take decisions.

        Args:
            decided: What stands for which words.
            standing: Replacements made before; nothing inside them is touched either.
        """
        kin = defaultdict(list)
        for written in decided:
            kin[same(written)].append(written)
        longest = sorted(decided, key=lambda words: (-len(unicodedata.normalize("NFC", words)), words))
        self._words = [(Words(written, kin[same(written)]), decided[written]) for written in longest]
        self._standing = sorted({*decided.values(), *standing} - {""}, key=lambda r: (-len(r), r))

    def edits(self, text: str, cuts: Collection[int] = ()) -> list[Edit]:
        """What to replace, in order, without overlaps.

        Args:
            cuts: Places that a replacement must not cross (segments begin and end there). One that would is made in
                each part.
        """
        taken = bytearray(len(text))
        for standing in self._standing:
            at = text.find(standing)
            while at >= 0:
                taken[at : at + len(standing)] = b"\1" * len(standing)
                at = text.find(standing, at + len(standing))
        found, fold = [], folded(text)
        for words, replacement in self._words:
            if not may_hold(fold, words.written):
                continue
            for start, end in words.places(text):
                if not any(taken[start:end]):
                    taken[start:end] = b"\1" * (end - start)
                    found += _parts(text, Edit(start, end, replacement), cuts)
        return sorted(found, key=lambda edit: edit.start)

    def __call__(self, text: str) -> str:
        """The text with every decided word replaced."""
        return made(text, self.edits(text))

    def count(self, text: str) -> int:
        """How many stretches it would replace."""
        return len(self.edits(text))


def made(text: str, edits: Iterable[Edit]) -> str:
    """The text after the edits."""
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.replacement]
        at = edit.end
    return "".join([*parts, text[at:]])


def _parts(text: str, edit: Edit, cuts: Collection[int]) -> list[Edit]:
    inner = sorted({cut for cut in cuts if edit.start < cut < edit.end})
    bounds = zip([edit.start, *inner], [*inner, edit.end], strict=True)
    return [Edit(start, end, edit.replacement) for start, end in bounds if text[start:end].strip()]
