"""The words of an HTML fragment as Taguette counts them: its text nodes, in UTF-8 bytes, without any tag."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

import numpy as np
from numpy.typing import NDArray

_BLOCKS = frozenset(
    "address article aside blockquote br dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li "
    "main nav ol p pre section table tbody td tfoot th thead tr ul".split()
)
_SILENT = frozenset(("script", "style", "template"))


class HtmlText(HTMLParser):
    """A fragment's words.

    Attributes:
        text: The words, with line ends where blocks would run into each other.
    """

    def __init__(self, html: str) -> None:
        """Read a fragment; leading white space has no place in a page's body."""
        super().__init__(convert_charrefs=True)
        self._pieces: list[tuple[str, bool]] = []
        self._silent = 0
        self.feed(html.replace("\r\n", "\n").replace("\r", "\n").lstrip())
        self.close()
        self.text = "".join(piece for piece, _ in self._pieces)
        self._begins = _begins(self._pieces)

    @property
    def end(self) -> int:
        """How many bytes it counts."""
        return int(self._begins[-1])

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Bytes as code points of `text`; None outside of it. Half a character is taken whole."""
        if not 0 <= start <= end <= self.end:
            return None
        # Breaks count for nothing: a stretch begins behind them and ends before them.
        first = int(np.searchsorted(self._begins, start, side="right")) - 1
        return first, max(first, int(np.searchsorted(self._begins, end, side="left")))

    def handle_data(self, data: str) -> None:
        """Keep words."""
        if not self._silent:
            self._pieces.append((data, True))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block on a new line."""
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        """End a block's line."""
        self._silent = max(0, self._silent - (tag in _SILENT))
        if tag in _BLOCKS:
            self._break()

    def _break(self) -> None:
        """A line end that counts for nothing, where there is none yet."""
        if self._pieces and not self._pieces[-1][0].endswith("\n"):
            self._pieces.append(("\n", False))


def _begins(pieces: Sequence[tuple[str, bool]]) -> NDArray[np.int32]:
    """The byte at which each character begins, shape (n + 1,), the end last."""
    widths = [np.zeros(1, np.int32)]
    for piece, counts in pieces:
        codes = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        sizes = 1 + (codes > 0x7F).astype(np.int32) + (codes > 0x7FF) + (codes > 0xFFFF)
        widths.append(sizes * int(counts))
    return np.cumsum(np.concatenate(widths), dtype=np.int32)


def words(html: str) -> str:
    """The words of a fragment."""
    return HtmlText(html).text.strip()
