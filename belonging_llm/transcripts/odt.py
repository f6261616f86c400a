"""OpenDocument texts (.odt): their paragraphs and cells, with tracked changes resolved as decided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from belonging_llm.archives import read_members
from belonging_llm.errors import TranscriptError
from belonging_llm.provenance import file_digest
from belonging_llm.transcripts.model import Transcript
from belonging_llm.transcripts.options import Changes, Options
from belonging_llm.transcripts.paragraphs import Cell, Paragraph, compose, paragraph
from belonging_llm.xml_input import attribute, local_name, parse_xml

_CONTENT, _MANIFEST = "content.xml", "META-INF/manifest.xml"
_COUNTED = {"note": "footnotes", "annotation": "comments", "image": "pictures"}
_SILENT = frozenset({"tracked-changes", "sequence-decls", "forms", "annotation-end", "ruby-text"})
_SPACES = re.compile(r"[ \t\r\n]+")
# More spaces than a line holds are an attack on memory.
_MOST_SPACES = 40


def read_odt(path: Path, options: Options) -> Transcript:
    """Read an OpenDocument text.

    Raises:
        TranscriptError: damaged, encrypted, without talk, or with tracked changes that nobody decided about.
        ContainerError: no zip container, or not a safe one.
    """
    text = _text(path)
    changes = _changes(text)
    if changes and options.changes is None:
        raise TranscriptError(
            f"{path}: holds {len(changes)} tracked changes; say --changes accept (read it as if all were made) or "
            "--changes reject (as if none were), or settle them in the word processor"
        )
    walk = _Walk(options.changes or Changes.ACCEPT, changes)
    paragraphs = list(walk.paragraphs(text, None))
    resolved = [f"{len(changes)} tracked changes {options.changes}ed"] if changes else []
    left = [f"{n} {what} left out" for what, n in sorted(walk.left.items())]
    return compose(
        paragraphs,
        name=path.stem,
        place=str(path),
        format="OpenDocument",
        digest=file_digest(path),
        notes=[f"{sum(bool(p.text.strip()) for p in paragraphs)} paragraphs", *resolved, *left],
    )


def _text(path: Path) -> etree._Element:
    found = read_members(path, wanted=lambda member: member in {_CONTENT, _MANIFEST})
    if b"encryption-data" in found.get(_MANIFEST, b""):
        raise TranscriptError(f"{path}: is encrypted; save it without a password and import again")
    if _CONTENT not in found:
        raise TranscriptError(f"{path}: is no OpenDocument text (it holds no {_CONTENT}); give it its right ending")
    for body in parse_xml(found[_CONTENT], f"{path}, {_CONTENT}"):
        if local_name(body) == "body":
            for element in body:
                if local_name(element) == "text":
                    return element
    raise TranscriptError(f"{path}: is no OpenDocument text (its {_CONTENT} has no text); give it its right ending")


def _changes(text: etree._Element) -> dict[str, etree._Element]:
    """What each tracked change is (insertion, deletion with its text), by its id."""
    found = {}
    for region in text.iter(etree.Element):
        if local_name(region) == "changed-region":
            ident = attribute(region, "id")
            for change in region:
                if local_name(change) in {"insertion", "deletion"}:
                    found[ident] = change
    return found


@dataclass
class _Walk:
    """One way through a document, in reading order; the fields are as for Word's."""

    changes: Changes
    tracked: dict[str, etree._Element]
    number: int = 0
    tables: int = 0
    left: Counter[str] = field(default_factory=Counter)
    _inserting: set[str] = field(default_factory=set)

    def paragraphs(self, container: etree._Element, cell: Cell | None) -> Iterator[Paragraph]:
        """Every paragraph in a body, section, list or cell."""
        for element in container:
            match local_name(element):
                case "p" | "h":
                    self.number += 1
                    number, boxes = self.number, list[etree._Element]()
                    yield paragraph("".join(self._words(element, boxes)), number, cell)
                    for box in boxes:
                        yield from self.paragraphs(box, cell)
                case "table":
                    yield from self._table(element)
                case "change" | "change-start" | "change-end" as mark:
                    # Between paragraphs: whole paragraphs were inserted or deleted.
                    for text in self._change(element, mark):
                        self.number += 1
                        yield paragraph(text, self.number, cell)
                case name if name not in _SILENT:
                    yield from self.paragraphs(element, cell)

    def _table(self, element: etree._Element) -> Iterator[Paragraph]:
        self.tables += 1
        table = self.tables
        for number, row in enumerate(_rows(element), 1):
            column = 1
            for box in row:
                if local_name(box) in {"table-cell", "covered-table-cell"}:
                    yield from self.paragraphs(box, Cell(table, number, column))
                    column += 1

    def _words(self, element: etree._Element, boxes: list[etree._Element]) -> Iterator[str]:
        yield self._shown(_collapsed(element.text))
        for child in element:
            yield from self._child(child, boxes)
            yield self._shown(_collapsed(child.tail))

    def _child(self, child: etree._Element, boxes: list[etree._Element]) -> Iterator[str]:
        name = local_name(child)
        if name in _COUNTED:
            self.left[_COUNTED[name]] += 1
        elif name == "text-box":
            boxes.append(child)
        elif name == "s":
            yield self._shown(" " * _spaces(child))
        elif name in {"tab", "line-break"}:
            yield self._shown("\t" if name == "tab" else "\n")
        elif name in {"change", "change-start", "change-end"}:
            yield "\n".join(self._change(child, name))
        elif name not in _SILENT:
            yield from self._words(child, boxes)

    def _change(self, element: etree._Element, mark: str) -> list[str]:
        """Begin or end what an insertion took in; a deletion that is rejected gives back its paragraphs."""
        ident = attribute(element, "change-id")
        if self.changes is Changes.ACCEPT:
            return []
        change = self.tracked.get(ident)
        if mark == "change-start" and change is not None and local_name(change) == "insertion":
            self._inserting.add(ident)
        elif mark == "change-end":
            self._inserting.discard(ident)
        elif mark == "change" and change is not None:
            lines = [e for e in change.iter(etree.Element) if local_name(e) in {"p", "h"}]
            return ["".join(self._words(line, [])) for line in lines]
        return []

    def _shown(self, text: str) -> str:
        return "" if self._inserting else text


def _rows(element: etree._Element) -> Iterator[etree._Element]:
    """A table's own rows, also those in groups."""
    for child in element:
        if local_name(child) == "table-row":
            yield child
        elif local_name(child) in {"table-rows", "table-header-rows", "table-row-group"}:
            yield from _rows(child)


def _collapsed(text: str | None) -> str:
    """Spaces and line ends of the XML are one space each; those that count have elements of their own."""
    return _SPACES.sub(" ", text or "")


def _spaces(element: etree._Element) -> int:
    said = attribute(element, "c")
    return min(int(said[:4]), _MOST_SPACES) if said.isdecimal() else 1
