"""Tables from files: CSV, TSV, XLSX or Parquet, every cell as text."""

from __future__ import annotations

from pathlib import Path

from belonging_llm.errors import TableError

ENDINGS = (".csv", ".tsv", ".xlsx", ".parquet")


def read_rows(path: Path, *required: str) -> list[dict[str, str]]:
    """A table's rows; empty cells are "", column names are stripped, extra columns are kept.

    Raises:
        TableError: unreadable, of unknown ending, or without a required column.
    """
    import pandas as pd

    readers = {
        ".csv": lambda: pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig"),
        ".tsv": lambda: pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep="\t"),
        ".xlsx": lambda: pd.read_excel(path, dtype=str, keep_default_na=False),
        ".parquet": lambda: pd.read_parquet(path).astype("string").fillna(""),
    }
    if path.suffix.lower() not in readers:
        raise TableError(f"{path}: not a table this program reads ({', '.join(ENDINGS)})")
    try:
        frame = readers[path.suffix.lower()]()
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise TableError(f"{path}: cannot be read as a table: {error}") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    missing = [name for name in required if name not in frame.columns]
    if missing:
        has = ", ".join(frame.columns)
        raise TableError(f"{path}: has no column {', '.join(missing)} (it has {has}); rename or add it")
    return [{str(k): str(v) for k, v in row.items()} for row in frame.to_dict("records")]


def columns(path: Path) -> set[str]:
    """The names of a table's columns.

    Raises:
        TableError: unreadable, or of unknown ending.
    """
    rows = read_rows(path)
    return set(rows[0]) if rows else set()
