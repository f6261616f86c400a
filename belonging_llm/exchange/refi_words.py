"""The words of a REFI-QDA project's sources and notes, wherever programs put them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from belonging_llm.exchange.refi_xml import children
from belonging_llm.exchange.source_texts import decode

# Some 300 interviews.
MOST_WORDS = 16 << 20


class Words:
    """Texts of one project file."""

    def __init__(self, members: Mapping[str, bytes]) -> None:
        """Take the container's text files, by name."""
        self._members = {name.replace("\\", "/").lower(): raw for name, raw in members.items()}
        self._by_file: dict[str, list[bytes]] = {}
        for name, raw in self._members.items():
            self._by_file.setdefault(name.rpartition("/")[2], []).append(raw)
        self._left = MOST_WORDS

    def of(self, given: etree._Element) -> tuple[str, str]:
        """The text of a source or note as the file has it, and why there is none."""
        inline = next(children(given, "PlainTextContent"), None)
        path = given.get("plainTextPath", "")
        if inline is not None and (inline.text or "").strip():
            return self._decoded((inline.text or "").encode())
        if not path:
            return "", "the file has no words for it" if inline is None else "its text is empty"
        raw = self._member(path)
        if raw is None:
            external = path.startswith(("relative://", "absolute://"))
            where = "lies outside the project file" if external else "is not in the project file"
            return "", f"its text ({path.rpartition('/')[2]}) {where}"
        text, problem = self._decoded(raw)
        if not problem and not text.strip("\ufeff").strip():
            problem = f"its text is empty ({len(raw)} {'byte' if len(raw) == 1 else 'bytes'})"
        return text, problem

    def _decoded(self, raw: bytes) -> tuple[str, str]:
        # A file that many sources name is read for each of them.
        self._left -= len(raw)
        if self._left < 0:
            return "", f"the project's texts together have more than the {MOST_WORDS} bytes that are read"
        return decode(raw)

    def _member(self, path: str) -> bytes | None:
        """The archive's member that a path means: programs write `Sources/`, `sources/`, or nothing before the name."""
        name = re.sub(r"^(?:internal|relative)://", "", path).replace("\\", "/").lstrip("/").lower()
        for candidate in (f"sources/{name}", name):
            if candidate in self._members:
                return self._members[candidate]
        same = self._by_file.get(name, [])
        return same[0] if len(same) == 1 else None
