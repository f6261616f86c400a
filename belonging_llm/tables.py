"""Tables from files: CSV, TSV, XLSX or Parquet, every cell as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from belonging_llm.archives import read_members
from belonging_llm.errors import ContainerError, TableError
from belonging_llm.xml_input import refuse_doctype

ENDINGS = (".csv", ".tsv", ".xlsx", ".parquet")


def read_rows(path: Path, *required: str, most: int | None = None) -> list[dict[str, str]]:
    """A table's rows; empty cells are "", column names are stripped, extra columns are kept.

    Args:
        most: Read only so many rows.

    Raises:
        TableError: unreadable, of unknown ending, or without a required column.
    """
    import pandas as pd

    readers = {
        ".csv": lambda: pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", nrows=most),
        ".tsv": lambda: pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep="\t", nrows=most),
        ".xlsx": lambda: pd.read_excel(_safe(path), dtype=str, keep_default_na=False, nrows=most),
        ".parquet": lambda: pd.read_parquet(path).astype("string").fillna(""),
    }
    if path.suffix.lower() not in readers:
        raise TableError(f"{path}: not a table this program reads ({', '.join(ENDINGS)})")
    if path.exists() and not path.is_file():
        raise TableError(f"{path}: is no file; name the files in it")
    try:
        frame = readers[path.suffix.lower()]()
    except ContainerError as error:
        raise TableError(str(error)) from error
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise TableError(f"{path}: cannot be read as a table: {error}") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    missing = [name for name in required if name not in frame.columns]
    if missing:
        has = ", ".join(frame.columns)
        raise TableError(f"{path}: has no column {', '.join(missing)} (it has {has}); rename or add it")
    return [{str(k): str(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _safe(path: Path) -> Path:
    """An Excel file, if it unpacks to a sensible size and its XML holds no entities."""
    for name, part in read_members(path, wanted=lambda member: member.endswith((".xml", ".rels"))).items():
        refuse_doctype(part, f"{path}, {name}")
    return path


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write rows as CSV for spreadsheets (UTF-8 with BOM); a cell that would be taken as a formula gets an apostrophe.

    Raises:
        TableError: the file is there already, or cannot be written.
    """
    names = list(rows[0]) if rows else []
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as stream:
            out = csv.DictWriter(stream, names)
            out.writeheader()
            out.writerows({name: harmless(row[name]) for name in names} for row in rows)
    except FileExistsError as error:
        raise TableError(f"{path}: is there already; move it away or name another file") from error
    except OSError as error:
        raise TableError(f"{path}: cannot be written: {error}") from error


def add_rows(path: Path, rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> None:
    """Put rows at the end of a CSV file that `write_rows` made, in one write.

    Raises:
        OSError: it cannot be written.
    """
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows([harmless(row[n]) for n in names] for row in rows)
    with path.open("a", encoding="utf-8", newline="") as stream:
        stream.write(made.getvalue())


def write_rows(path: Path, rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> None:
    """Write a table by its ending (CSV, TSV, XLSX, Parquet), replacing what is there; whole or not at all.

    In spreadsheets' formats a cell that would be taken as a formula gets an apostrophe.

    Raises:
        TableError: an unknown ending, or the file cannot be written.
    """
    import pandas as pd

    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise TableError(f"{path}: not a table this program writes ({', '.join(ENDINGS)})")
    safe = ending != ".parquet"
    frame = pd.DataFrame(
        [{n: harmless(row[n]) if safe else row[n] for n in names} for row in rows], columns=list(names)
    )
    partial = path.with_name(f".{path.name}.part{ending}")
    try:
        if ending == ".xlsx":
            frame.to_excel(partial, index=False)
        elif ending == ".parquet":
            frame.to_parquet(partial, index=False)
        else:
            frame.to_csv(partial, index=False, encoding="utf-8-sig", sep="\t" if ending == ".tsv" else ",")
        partial.replace(path)
    except (OSError, ValueError) as error:
        partial.unlink(missing_ok=True)
        raise TableError(f"{path}: cannot be written: {error}") from error


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that would be gets an apostrophe before it."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def columns(path: Path) -> dict[str, None]:
    """The names of a table's columns, in its order.

    Raises:
        TableError: unreadable, or of unknown ending.
    """
    rows = read_rows(path, most=1)
    return dict.fromkeys(rows[0]) if rows else {}
