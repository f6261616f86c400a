"""What a person's silence about a code says: nothing, where the code was not in the codebook that they judged by."""

from __future__ import annotations

from collections.abc import Sequence

from belonging_llm.codes import Judgement
from belonging_llm.store.codebooks import Codebooks


class Asked:
    """Which codes a judgement was about."""

    def __init__(self, books: Codebooks, codes: Sequence[str]) -> None:
        """Look nothing up yet.

        Args:
            codes: Of the codebook in use.
        """
        self._books = books
        self._codes = codes
        self._absorbed: dict[str, set[str]] = {}
        current = books.current()
        for gone, into in (current.absorbed if current else {}).items():
            self._absorbed.setdefault(into, set()).add(gone)
        self._open: dict[str, frozenset[str]] = {"": frozenset()}

    def not_about(self, judgement: Judgement) -> frozenset[str]:
        """Codes that came into the codebook after somebody judged; none where it is not known what they judged by."""
        return self.came_after(judgement.codebook)

    def came_after(self, digest: str) -> frozenset[str]:
        """The same for whoever judged by a codebook of this digest; empty where it was not recorded."""
        if digest not in self._open:
            self._open[digest] = self._came_after(digest)
        return self._open[digest]

    def _came_after(self, digest: str) -> frozenset[str]:
        try:
            book = self._books.get(digest)
        except KeyError:
            return frozenset()
        # Who was asked about all that a code stands for now was asked about it: about it, and what it absorbed since.
        known = {code.id for code in book.assignable} | book.absorbed.keys()
        there = {code.id for code in book.assignable if self._absorbed.get(code.id, frozenset()) <= known}
        # A codebook that shares no code with this one is not what they went by, but what was there before it.
        return frozenset(self._codes) - there if there.intersection(self._codes) else frozenset()
