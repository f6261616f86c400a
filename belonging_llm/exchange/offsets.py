"""How a program counts characters: found out by how many ends of stretches fall on the edges of words.

The standard says code points. Programs count UTF-16 units, a line end as one or two, or the byte-order mark; nothing in
the file says so. Offsets counted the wrong way drift into the middle of words.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

BOM = "\ufeff"
THRESHOLD = 0.7
_JOINER = "\u200d"
_LINE_END = re.compile(r"\r\n|\r|\n")
# Scripts that put no space between words: every place between two characters may be an edge.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
)

Units = Literal["code point", "utf-16"]
LineEnds = Literal["as stored", "one", "two"]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Convention:
    """A way to count characters.

    Attributes:
        units: What a character beyond the Basic Multilingual Plane (an emoji) counts: one, or two.
        line_ends: What a line end counts: as many characters as the file has there, always one, or always two.
        bom: Whether a byte-order mark counts.
    """

    units: Units = "code point"
    line_ends: LineEnds = "as stored"
    bom: bool = False

    def __str__(self) -> str:
        ends = {"as stored": "line ends as stored", "one": "line ends as one", "two": "line ends as two"}
        return f"{'code points' if self.units == 'code point' else 'UTF-16 units'}, {ends[self.line_ends]}" + (
            ", byte-order mark counted" if self.bom else ""
        )

    @property
    def key(self) -> str:
        """What the command line calls it."""
        parts = ["code-point" if self.units == "code point" else "utf-16"]
        parts += {"as stored": [], "one": ["lf"], "two": ["crlf"]}[self.line_ends]
        return "-".join(parts + (["bom"] if self.bom else []))


# The standard's own comes first: among equals the first is taken.
CONVENTIONS = tuple(
    Convention(units, ends, bom)
    for bom, ends, units in itertools.product((False, True), get_args(LineEnds), get_args(Units))
)
NVIVO = Convention("utf-16", "as stored")
ATLAS = Convention("code point", "one")


@dataclass(frozen=True)
class Marked:
    """A text as a file has it, and the stretches marked in it as the file counts them.

    Attributes:
        quoted: For each stretch the words that should stand there; empty where the file does not say.
    """

    raw: str
    spans: Sequence[tuple[int, int]]
    quoted: Sequence[str] = ()

    @cached_property
    def text(self) -> str:
        """The text as it is kept: LF line ends, no byte-order mark."""
        return tidy(self.raw)

    @cached_property
    def has_mark(self) -> bool:
        """Whether the file's text begins with a byte-order mark."""
        return self.raw.startswith(BOM)

    @property
    def codes(self) -> NDArray[np.uint32]:
        """The kept text's code points."""
        return np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), dtype="<u4")

    @property
    def line_widths(self) -> Ints:
        """How many characters the file has at each line end: one or two."""
        return np.array([len(m.group()) for m in _LINE_END.finditer(self.raw)], np.int32)


def tidy(raw: str) -> str:
    """A text with LF line ends and without byte-order mark."""
    return _LINE_END.sub("\n", raw.removeprefix(BOM))


def positions(marked: Marked, convention: Convention) -> Ints:
    """Where each character of the kept text begins by a convention, shape (n + 1,), the text's end last."""
    codes = marked.codes
    begins = np.zeros(len(codes) + 1, np.int32)
    widths = begins[1:]
    widths[:] = 1
    if convention.units == "utf-16":
        widths[codes > 0xFFFF] = 2
    if convention.line_ends == "two":
        widths[codes == 0x0A] = 2
    elif convention.line_ends == "as stored":
        widths[codes == 0x0A] = marked.line_widths
    np.cumsum(widths, out=widths)
    # Counted or not, the mark is there only in a file that has one.
    begins += int(convention.bom and marked.has_mark)
    return begins


@dataclass(frozen=True)
class Placed:
    """Where stretches lie in the kept text, counted by one convention.

    Attributes:
        spans: Code points, end exclusive; None where the text has no such place.
        split: How many ends fell inside a character (half an emoji, half a line end) and were moved outwards.
    """

    spans: tuple[tuple[int, int] | None, ...]
    split: int


def place(marked: Marked, convention: Convention) -> Placed:
    """Where the stretches lie if the file counts by this convention."""
    begins = positions(marked, convention)
    found: list[tuple[int, int] | None] = []
    split = 0
    for start, end in marked.spans:
        if not begins[0] <= start <= end <= begins[-1]:
            found.append(None)
            continue
        first = int(np.searchsorted(begins, start, side="right")) - 1
        last = int(np.searchsorted(begins, end, side="left"))
        split += int(begins[first] != start) + int(begins[last] != end)
        found.append((first, last))
    return Placed(tuple(found), split)


@dataclass(frozen=True)
class Score:
    """How well one convention fits.

    Attributes:
        good: Ends that fall on an edge of a word, and stretches whose words are the quoted ones.
        ends: All ends, and stretches that are quoted.
    """

    convention: Convention
    good: int
    ends: int

    @property
    def share(self) -> float:
        """Of all ends, the share that fits; 1 when there is none."""
        return self.good / self.ends if self.ends else 1.0

    def __str__(self) -> str:
        return f"{self.convention} ({self.good} of {self.ends})"


@dataclass(frozen=True)
class Choice:
    """The convention that fits best.

    Attributes:
        runner_up: The best of those that would put a stretch elsewhere; None when there is no other.
        quoted: Whether the file keeps the words of stretches, which were looked for as well.
    """

    best: Score
    runner_up: Score | None
    quoted: bool = False

    @property
    def told(self) -> bool:
        """Whether the text could tell the best from the runner-up."""
        return self.runner_up is None or self.best.good > self.runner_up.good

    def __str__(self) -> str:
        if not self.best.ends:
            return "no stretches are marked, so how offsets count was not asked"
        what = "ends fall on word edges" + (" or quotes stand where they should" if self.quoted else "")
        where = f"offsets count {self.best.convention}: {self.best.good} of {self.best.ends} {what}"
        if self.runner_up is None:
            return f"{where}; every other way of counting gives the same"
        tie = "" if self.told else "; THE TEXT CANNOT TELL THEM APART"
        return f"{where}; next best {self.runner_up.convention}: {self.runner_up.good}{tie}"


def choose(texts: Sequence[Marked], likely: Convention | None = None) -> Choice:
    """The convention by which most ends of stretches fall on word edges, over all texts of one file.

    Args:
        likely: Taken among equals: what the program that wrote the file is known for.
    """
    texts = [text for text in texts if text.spans]
    order = _different(texts, likely)
    placed = {c: [place(text, c) for text in texts] for c in order}
    scores = [_score(texts, placed[c], c) for c in order]
    best = max(scores, key=lambda s: s.good)
    others = [s for s in scores if _spans(placed[s.convention]) != _spans(placed[best.convention])]
    quoted = any(any(text.quoted) for text in texts)
    return Choice(best, max(others, key=lambda s: s.good, default=None), quoted)


def _different(texts: Sequence[Marked], likely: Convention | None) -> list[Convention]:
    """The conventions that can differ on these texts, the likely one first."""
    far = any((text.codes > 0xFFFF).any() for text in texts)
    widths = {int(width) for text in texts for width in np.unique(text.line_widths)}
    mark = any(text.has_mark for text in texts)

    def plain(c: Convention) -> Convention:
        ends: LineEnds = "as stored" if not widths or widths == {{"one": 1, "two": 2}.get(c.line_ends)} else c.line_ends
        return Convention(c.units if far else "code point", ends, c.bom and mark)

    every = [likely, *CONVENTIONS] if likely else CONVENTIONS
    return list(dict.fromkeys(plain(c) for c in every))


def _spans(placed: Iterable[Placed]) -> list[tuple[tuple[int, int] | None, ...]]:
    return [p.spans for p in placed]


def _score(texts: Sequence[Marked], placed: Sequence[Placed], convention: Convention) -> Score:
    good = ends = 0
    for marked, found in zip(texts, placed, strict=True):
        quoted = marked.quoted or [""] * len(marked.spans)
        for span, words in zip(found.spans, quoted, strict=True):
            ends += 2 + bool(words)
            if span is not None:
                good += is_edge(marked.text, span[0]) + is_edge(marked.text, span[1])
                good += bool(words) and _alike(marked.text[slice(*span)], words)
        good -= found.split
    return Score(convention, max(0, good), ends)


def _alike(words: str, quoted: str) -> bool:
    # Programs that show the words in a field turn line ends into separators of their own.
    return words.split() == quoted.replace("\u2029", " ").split()


def is_edge(text: str, at: int) -> bool:
    """Whether a place in a text is not inside a word; both ends of the text are edges."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if _UNSPACED.match(before) or _UNSPACED.match(after):
        return True
    if _joins(after) or before == _JOINER:
        return False
    return not (_in_word(before) and _in_word(after))


def _in_word(character: str) -> bool:
    return character.isalnum() or _joins(character)


def _joins(character: str) -> bool:
    """A mark that belongs to the letter before it, or a joiner inside a word or an emoji."""
    return unicodedata.category(character) in {"Mn", "Mc", "Me"} or character in ("\u200c", _JOINER)
