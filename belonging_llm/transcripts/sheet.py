"""The cells of a table: CSV with any usual separator, or the first sheet of an Excel file, every cell as text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from belonging_llm.archives import read_members
from belonging_llm.errors import ContainerError, TranscriptError
from belonging_llm.provenance import bytes_digest, file_digest
from belonging_llm.transcripts.encoding import decode, read_bytes
from belonging_llm.xml_input import attribute, local_name, parse_xml

_BOOK, _LINKS, _STRINGS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
_REFERENCE = re.compile(r"([A-Z]{1,3})[1-9]\d{0,6}$")


@dataclass(frozen=True)
class Sheet:
    """A table's cells, as the file holds them: Excel's dates are numbers, since it only shows them as dates.

    Attributes:
        rows: Cells by column (from 1), for each row that holds any, by row number (from 1).
        notes: What was assumed or left out.
    """

    rows: dict[int, dict[int, str]]
    format: str
    digest: str
    encoding: str = ""
    notes: tuple[str, ...] = ()


def read_sheet(path: Path) -> Sheet:
    """Read a CSV, TSV or XLSX file.

    Raises:
        TranscriptError: unreadable, empty, or of another ending.
        ContainerError: an Excel file that is damaged or not safe.
    """
    readers = {".csv": _read_csv, ".tsv": _read_csv, ".xlsx": _read_xlsx}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise TranscriptError(f"{path}: tables of turns are read from {', '.join(readers)}; save it as one of them")
    sheet = reader(path)
    if not sheet.rows:
        raise TranscriptError(f"{path}: the table is empty; remove it or export it again")
    return sheet


def _read_csv(path: Path) -> Sheet:
    raw = read_bytes(path)
    found = decode(raw, str(path))
    rows = {}
    try:
        records = csv.reader(io.StringIO(found.written, newline=""), delimiter=_separator(found.written))
        for number, record in enumerate(records, 1):
            cells = {column: cell for column, cell in enumerate(record, 1) if cell.strip()}
            if cells:
                rows[number] = cells
    except csv.Error as error:
        raise TranscriptError(
            f"{path}: cannot be read as a table: {error}; save it again from a spreadsheet"
        ) from error
    return Sheet(rows, "table", bytes_digest(raw), found.encoding, found.notes)


def _separator(text: str) -> str:
    """What parts the cells of the first line, quoted ones aside."""
    line = re.sub(r'"[^"]*"', "", text[:10_000].lstrip().partition("\n")[0])
    return max(",;\t|", key=line.count)


def _read_xlsx(path: Path) -> Sheet:
    parts = read_members(path, wanted=lambda name: name in {_BOOK, _LINKS, _STRINGS})
    if _BOOK not in parts or _LINKS not in parts:
        raise ContainerError(f"{path}: is no Excel file (it holds no {_BOOK}); give it its right ending")
    sheets = [e for e in parse_xml(parts[_BOOK], f"{path}, {_BOOK}").iter(etree.Element) if local_name(e) == "sheet"]
    links = {link.get("Id", ""): link.get("Target", "") for link in parse_xml(parts[_LINKS], f"{path}, {_LINKS}")}
    target = str(links.get(attribute(sheets[0], "id"), "")) if sheets else ""
    name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    found = read_members(path, wanted=lambda member: member == name)
    if name not in found:
        raise ContainerError(f"{path}: its first sheet is missing; save it again from a spreadsheet")
    strings = list(_strings(parse_xml(parts[_STRINGS], f"{path}, {_STRINGS}"))) if _STRINGS in parts else []
    rows = dict(_rows(parse_xml(found[name], f"{path}, {name}"), strings))
    notes = (f"{len(sheets) - 1} further sheets left out",) if len(sheets) > 1 else ()
    return Sheet({n: cells for n, cells in rows.items() if cells}, "table", file_digest(path), notes=notes)


def _strings(root: etree._Element) -> Iterator[str]:
    for item in root:
        yield _text(item)


def _rows(root: etree._Element, strings: list[str]) -> Iterator[tuple[int, dict[int, str]]]:
    number = 0
    for row in root.iter(etree.Element):
        if local_name(row) != "row":
            continue
        said = attribute(row, "r")
        number = int(said[:7]) if said.isdecimal() else number + 1
        cells, column = {}, 0
        for cell in row:
            column = _column(attribute(cell, "r")) or column + 1
            text = _value(cell, strings)
            if text.strip():
                cells[column] = text
        yield number, cells


def _column(reference: str) -> int:
    """A cell's column by its letters, from 1; 0 when it says nothing."""
    letters = _REFERENCE.match(reference)
    column = 0
    for letter in letters[1] if letters else "":
        column = column * 26 + ord(letter) - 64
    return column


def _value(cell: etree._Element, strings: list[str]) -> str:
    if attribute(cell, "t") == "inlineStr":
        return _text(cell)
    value = next((child.text or "" for child in cell if local_name(child) == "v"), "")
    if attribute(cell, "t") == "s":
        return strings[int(value)] if value.isdecimal() and int(value[:7]) < len(strings) else ""
    return value


def _text(element: etree._Element) -> str:
    """The words of rich text, without the reading aids of Japanese."""
    if local_name(element) == "t":
        return element.text or ""
    return "".join(_text(child) for child in element if local_name(child) != "rPh")
