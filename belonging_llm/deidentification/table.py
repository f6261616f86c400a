"""The review table: what may identify somebody, what would stand there instead, and what people decided."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from belonging_llm.deidentification.kinds import Kind
from belonging_llm.deidentification.spelling import plain
from belonging_llm.errors import ContainerError, InputError, TableError
from belonging_llm.provenance import text_digest
from belonging_llm.tables import write_rows
from belonging_llm.transcripts.sheet import read_sheet

FILE = "deidentification.csv"
COLUMNS = ("found", "kind", "replacement", "decision", "occurrences", "where", "context", "how", "by", "at", "row")
# Spreadsheets would take these for formulas; `write_rows` puts an apostrophe before them.
_FORMULAS = ("'=", "'+", "'-", "'@", "'\t", "'\r")
_BETWEEN = re.compile(r"[\[\]\s]+")
_PLACEHOLDER = re.compile(r"\[([a-z][a-z-]*)-(\d{1,6})\]")


class Row(BaseModel):
    """One spelling, and what became of it.

    Attributes:
        replacement: What is proposed, in brackets.
        decision: Empty: undecided. `yes`, `no`, or another replacement.
        where: Document and turn of the first places.
        context: Words around the first place.
        how: What found it.
        by: Who decided, where somebody is named; `at` is when.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    found: str
    kind: Kind
    replacement: str
    decision: str = ""
    occurrences: int = 0
    where: str = ""
    context: str = ""
    how: str = ""
    by: str = ""
    at: str = ""

    @property
    def decided(self) -> str | None:
        """What replaces the words; None where nobody decided that they are to be replaced."""
        said = self.decision.strip()
        if said.casefold() in {"", "no"}:
            return None
        return self.replacement if said.casefold() == "yes" else bracketed(said)


def bracketed(text: str) -> str:
    """A replacement as it stands in a text: within one pair of brackets, on one line."""
    return f"[{_BETWEEN.sub(' ', text).strip()}]"


def placeholder(kind: Kind, number: int) -> str:
    """A pseudonym."""
    return f"[{kind}-{number}]"


def numbers_in(text: str) -> dict[str, int]:
    """The highest number of every kind's pseudonyms in a text."""
    found: dict[str, int] = {}
    for kind, number in _PLACEHOLDER.findall(text):
        found[kind] = max(found.get(kind, 0), int(number))
    return found


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the table, replacing what is there; the rows come in an order of their own.

    Raises:
        TableError: it cannot be written.
    """
    cells = [{k: str(v) for k, v in row.model_dump().items()} | {"row": mark(row.found)} for row in ordered(rows)]
    write_rows(path, cells, COLUMNS)
    path.chmod(0o600)


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Rows by kind, number of the pseudonym and words."""
    return sorted(rows, key=lambda row: (list(Kind).index(row.kind), _number(row.replacement), row.found))


def read(path: Path) -> list[Row]:
    """The table as people left it; empty where there is none. Rows that people added need only `found`.

    Raises:
        TableError: unreadable, or a row that cannot be used.
    """
    if not path.exists():
        return []
    try:
        sheet = read_sheet(path)
    except (InputError, ContainerError) as error:
        raise TableError(str(error)) from error
    (_, headings), *body = sheet.rows.items()
    place = {name.strip(): column for column, name in headings.items()}
    missing = [name for name in ("found", "decision") if name not in place]
    if missing:
        raise TableError(f"{path}: has no column {', '.join(missing)}; move it away and the command writes a new one")
    rows = [
        _row({name: _plain(cells.get(column, "")) for name, column in place.items()}, f"{path}, row {number}")
        for number, cells in body
        if any(cell.strip() for cell in cells.values())
    ]
    twice = sorted({row.found for row in rows if sum(other.found == row.found for other in rows) > 1})
    if twice:
        raise TableError(f"{path}: {len(twice)} words stand in more than one row; keep one row for each")
    return rows


def _row(cells: Mapping[str, str], place: str) -> Row:
    found, given, said = cells["found"].strip(), cells.get("row", ""), cells["decision"].strip()
    if not plain(found):
        raise TableError(f"{place}: found is empty; remove the row")
    if given and given != mark(found):
        raise TableError(
            f"{place}: the words are not those that were found (spreadsheets drop the first 0 of a number); "
            "move the table away, let the command write it again, and decide in a text editor or with text columns"
        )
    kind = cells.get("kind", "").strip() or Kind.NAME
    if kind not in set(Kind):
        raise TableError(f"{place}: {kind!r} is no kind; write {', '.join(Kind)}")
    if said and bracketed(said) == "[]":
        raise TableError(f"{place}: the decision is no replacement; write yes, no, or the words to stand there")
    count = cells.get("occurrences", "").strip()
    replacement = cells.get("replacement", "").strip()
    return Row(
        found=found,
        kind=Kind(kind),
        replacement=bracketed(replacement) if replacement.strip("[] ") else "",
        decision=said,
        occurrences=int(count) if count.isdigit() else 0,
        **{name: cells.get(name, "") for name in ("where", "context", "how", "by", "at")},
    )


def mark(found: str) -> str:
    """What names a row without its words."""
    return text_digest(plain(found))[:8]


def _plain(cell: str) -> str:
    """A cell as it was before it was made harmless to spreadsheets."""
    return cell[1:] if cell.startswith(_FORMULAS) else cell


def _number(replacement: str) -> int:
    numbers = re.findall(r"\d{1,6}", replacement)
    return int(numbers[-1]) if numbers else 0
