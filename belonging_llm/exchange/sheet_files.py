"""Write tables as CSV, XLSX or Parquet, with a data dictionary, and without a cell that a spreadsheet would execute."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from belonging_llm.exchange.sheets import Cell, Column, Sheet
from belonging_llm.tables import harmless

# What a worksheet can hold in one cell, and what it cannot hold at all.
_MOST = 32_767
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_TYPES = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
_CUT = " […]"


@dataclass(frozen=True)
class Written:
    """A table as bytes, and what had to be done to its cells.

    Attributes:
        neutralised: Text cells that a spreadsheet would have taken for a formula and that got an apostrophe.
        replaced: Cells with control characters that the format cannot hold; they became U+FFFD.
        shortened: Cells that were longer than the format can hold.
    """

    data: bytes
    neutralised: int = 0
    replaced: int = 0
    shortened: int = 0

    def notes(self) -> list[str]:
        """What was done, in words."""
        said = [
            (self.neutralised, "text cells that a spreadsheet would take for a formula begin with an apostrophe"),
            (self.replaced, "cells held control characters that this format cannot hold; they became �"),
            (self.shortened, f"cells were longer than the {_MOST} characters of a worksheet's cell and end in{_CUT}"),
        ]
        return [f"{n} {what}" for n, what in said if n]


class _Cleaner:
    """Makes text cells safe, and counts."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.neutralised = self.replaced = self.shortened = 0

    def __call__(self, cell: Cell) -> Cell:
        if not isinstance(cell, str):
            return cell
        text = harmless(cell)
        self.neutralised += text != cell
        if self._most is None:
            return text
        plain = _UNWRITABLE.sub("\ufffd", text)
        self.replaced += plain != text
        if len(plain) > self._most:
            self.shortened += 1
            plain = plain[: self._most - len(_CUT)] + _CUT
        return plain

    def written(self, data: bytes) -> Written:
        return Written(data, self.neutralised, self.replaced, self.shortened)


def csv_bytes(sheet: Sheet) -> Written:
    """A table as CSV: UTF-8 with byte-order mark, which spreadsheets need to see that it is UTF-8."""
    clean = _Cleaner()
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([clean(column.name) for column in sheet.columns])
    for row in sheet.rows:
        writer.writerow([_as_text(clean(cell)) for cell in row])
    return clean.written(out.getvalue().encode("utf-8-sig"))


def _as_text(cell: Cell) -> str:
    if isinstance(cell, bool):
        # Spreadsheets turn "true" into a formula of their own.
        return "yes" if cell else "no"
    return "" if cell is None else str(cell)


def parquet_bytes(sheet: Sheet) -> Written:
    """A table as Parquet: typed columns with their meaning; no program executes its cells, so text stays as it is."""
    fields = [pa.field(c.name, _TYPES[c.kind], metadata={"description": c.meaning}) for c in sheet.columns]
    cells = list(zip(*sheet.rows, strict=True)) if sheet.rows else [()] * len(fields)
    columns = [pa.array(list(values), field.type) for values, field in zip(cells, fields, strict=True)]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), out)
    return Written(out.getvalue())


def xlsx_bytes(sheets: Sequence[Sheet]) -> Written:
    """A workbook: a worksheet a table, and the data dictionary with its notes last."""
    clean = _Cleaner(_MOST)
    book = Workbook(write_only=True)
    for sheet in sheets:
        _worksheet(book, sheet.name, sheet.columns, sheet.rows, clean)
    _worksheet(book, "data dictionary", _DICTIONARY, _dictionary_rows(sheets), clean)
    done = clean.written(b"")
    for note in done.notes():
        book.worksheets[-1].append([f"Note: {note}"])
    out = io.BytesIO()
    book.save(out)
    return clean.written(out.getvalue())


_DICTIONARY = tuple(
    Column(name, "text", meaning)
    for name, meaning in (
        ("table", "worksheet"),
        ("column", "its column"),
        ("type", "text, integer, number or boolean"),
        ("meaning", "what it says"),
    )
)


def _dictionary_rows(sheets: Sequence[Sheet]) -> list[tuple[Cell, ...]]:
    return [(s.name, c.name, c.kind, c.meaning) for s in sheets for c in s.columns]


def _worksheet(
    book: Workbook,
    name: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[Cell, ...]],
    clean: Callable[[Cell], Cell],
) -> None:
    page = book.create_sheet(name)
    page.freeze_panes = "A2"
    page.append([_cell(page, clean(column.name), bold=True) for column in columns])
    for row in rows:
        page.append([_cell(page, clean(cell)) for cell in row])


def _cell(page: Any, value: Cell, *, bold: bool = False) -> Any:
    cell = WriteOnlyCell(page, value=value)
    if isinstance(value, str):
        # Text is text, whatever it looks like: not a formula, not an error value such as #N/A.
        cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    return cell


def dictionary_bytes(sheets: Sequence[Sheet], notes: Sequence[str]) -> bytes:
    """What every column means, as JSON."""
    content = {
        "made_by": "belonging-llm",
        "empty_cells": "Nothing is known; never 0, never no.",
        "booleans": "TRUE and FALSE in a workbook and in Parquet, yes and no in CSV.",
        "offsets": "Characters are Unicode code points, counted from 0; ends are exclusive.",
        "tables": [
            {
                "name": sheet.name,
                "one_row_is": sheet.about,
                "rows": len(sheet.rows),
                "columns": [{"name": c.name, "type": c.kind, "meaning": c.meaning} for c in sheet.columns],
            }
            for sheet in sheets
        ],
        "notes": list(notes),
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
