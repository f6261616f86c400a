"""Word documents (.docx): their paragraphs, cells and text boxes, with tracked changes resolved as decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from belonging_llm.archives import read_members
from belonging_llm.errors import TranscriptError
from belonging_llm.provenance import file_digest
from belonging_llm.transcripts.draft import Piece
from belonging_llm.transcripts.model import Transcript
from belonging_llm.transcripts.options import Changes, Options
from belonging_llm.transcripts.paragraphs import Cell, Paragraph, compose
from belonging_llm.transcripts.source import Unit
from belonging_llm.xml_input import local_name, parse_xml

_RELATIONS = "_rels/.rels"
_INSERTED, _DELETED = frozenset({"ins", "moveTo"}), frozenset({"del", "moveFrom"})
_TRACKED = _INSERTED | _DELETED
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
# Properties, codes of fields, the spoken form of ruby text, and what an old program would show instead.
_SILENT = frozenset("rPr pPr tblPr trPr tcPr sectPr instrText delInstrText rt Fallback sdtPr sdtEndPr".split())
_COUNTED = {
    "footnoteReference": "footnotes",
    "endnoteReference": "endnotes",
    "commentReference": "comments",
    "drawing": "pictures",
    "pict": "pictures",
    "sym": "symbols",
}


def read_docx(path: Path, options: Options) -> Transcript:
    """Read a Word document.

    Raises:
        TranscriptError: damaged, without talk, or with tracked changes that nobody decided about.
        ContainerError: no zip container, or not a safe one.
    """
    body = _body(path)
    tracked = sum(local_name(element) in _TRACKED for element in body.iter(etree.Element))
    if tracked and options.changes is None:
        raise TranscriptError(
            f"{path}: holds {tracked} tracked changes; say --changes accept (read it as if all were made) or "
            "--changes reject (as if none were), or settle them in Word"
        )
    walk = _Walk(options.changes or Changes.ACCEPT)
    paragraphs = [*walk.paragraphs(body, None), *walk.rest()]
    resolved = [f"{tracked} tracked changes {options.changes}ed"] if tracked else []
    left = [f"{n} {what} left out" for what, n in sorted(walk.left.items())]
    return compose(
        paragraphs,
        name=path.stem,
        place=str(path),
        format="Word",
        digest=file_digest(path),
        notes=[f"{sum(bool(p.text.strip()) for p in paragraphs)} paragraphs", *resolved, *left],
    )


def _body(path: Path) -> etree._Element:
    """The document's body, wherever the container says it is."""
    name = "word/document.xml"
    relations = read_members(path, wanted=lambda member: member == _RELATIONS)
    if _RELATIONS in relations:
        for relation in parse_xml(relations[_RELATIONS], f"{path}, {_RELATIONS}"):
            if str(relation.get("Type", "")).endswith("/officeDocument"):
                name = str(relation.get("Target", name)).lstrip("/")
    found = read_members(path, wanted=lambda member: member == name)
    if name not in found:
        raise TranscriptError(f"{path}: is no Word document (it holds no {name}); give it its right ending")
    for element in parse_xml(found[name], f"{path}, {name}"):
        if local_name(element) == "body":
            return element
    raise TranscriptError(f"{path}: is no Word document (its {name} has no body); give it its right ending")


@dataclass
class _Walk:
    """One way through a document, in reading order.

    Attributes:
        number: Of the paragraph reached last, counting all from 1.
        left: What is no text, counted by what it is.
    """

    changes: Changes
    number: int = 0
    tables: int = 0
    left: Counter[str] = field(default_factory=Counter)
    _held: list[Piece] = field(default_factory=list)

    def paragraphs(self, container: etree._Element, cell: Cell | None) -> Iterator[Paragraph]:
        """Every paragraph in a body, cell or text box."""
        for element in container:
            match local_name(element):
                case "p":
                    yield from self._paragraph(element, cell)
                case "tbl":
                    yield from self._table(element)
                case name if name not in _SILENT and not self._gone(name):
                    yield from self.paragraphs(element, cell)

    def rest(self) -> list[Paragraph]:
        """What the end of the document cut off from a paragraph that was to follow."""
        return [Paragraph(tuple(self._held))] if self._held else []

    def _table(self, element: etree._Element) -> Iterator[Paragraph]:
        self.tables += 1
        table = self.tables
        for row, line in enumerate(_children(element, "tr"), 1):
            for column, box in enumerate(_children(line, "tc"), 1):
                yield from self.paragraphs(box, Cell(table, row, column))

    def _paragraph(self, element: etree._Element, cell: Cell | None) -> Iterator[Paragraph]:
        self.number += 1
        number, boxes = self.number, list[etree._Element]()
        text = "".join(self._text(element, boxes))
        self._held.append(Piece(text, Unit.PARAGRAPH, number, 0, len(text)))
        if not self._runs_on(element):
            pieces, self._held = tuple(self._held), []
            yield Paragraph(pieces, cell)
        for box in boxes:
            yield from self.paragraphs(box, cell)

    def _text(self, element: etree._Element, boxes: list[etree._Element]) -> Iterator[str]:
        for child in element:
            name = local_name(child)
            if name in {"t", "delText"}:
                yield child.text or ""
            elif name in _SIGNS:
                yield _SIGNS[name]
            elif name == "txbxContent":
                boxes.append(child)
            elif name not in _SILENT and not self._gone(name):
                if name in _COUNTED:
                    self.left[_COUNTED[name]] += 1
                yield from self._text(child, boxes)

    def _gone(self, name: str) -> bool:
        """Whether a tracked change takes away what is inside."""
        return name in (_DELETED if self.changes is Changes.ACCEPT else _INSERTED)

    def _runs_on(self, element: etree._Element) -> bool:
        """Whether a tracked change takes away the end of a paragraph, so that the next one continues it."""
        for properties in _children(element, "pPr"):
            for run in _children(properties, "rPr"):
                return any(self._gone(local_name(mark)) for mark in run)
        return False


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Children of a name, also inside content controls."""
    for child in element:
        found = local_name(child)
        if found == name:
            yield child
        elif found in {"sdt", "sdtContent", "customXml"}:
            yield from _children(child, name)
