"""Tables as data: what stands in a cell, and the notes that say why a figure is missing or doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from belonging_llm.evaluation import Estimate, Interval
from belonging_llm.report.audit.words import decimal, ends, number, percent, points, told, value


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        notes: What a reader must know; shown below the table and referred to by number.
        kind: `num` for figures, `gone` for what does not exist, empty for words.
        level: Depth of its tint, 0 … 4; None without one.
    """

    text: str
    notes: tuple[str, ...] = ()
    kind: str = ""
    level: int | None = None


@dataclass(frozen=True)
class Row:
    """A row under its name."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Rows that belong together; a table without parts has one group without a title."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table with its caption.

    Attributes:
        key: Unique on the page; the notes' anchors are made of it.
        head: Column headings, the one of the rows' names first.
        kind: `matrix` for tinted cells, else empty.
    """

    key: str
    caption: str
    head: tuple[str, ...]
    groups: tuple[Group, ...]
    kind: str = ""
    remark: str = ""
    numeric: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numeric", self._numeric())

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, whatever their group."""
        return tuple(row for group in self.groups for row in group.rows)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Every distinct note, in the order of its first mention."""
        return tuple(dict.fromkeys(note for row in self.rows for cell in row.cells for note in cell.notes))

    def numbered(self, cell: Cell) -> list[int]:
        """The numbers of a cell's notes, from 1."""
        return [self.notes.index(note) + 1 for note in cell.notes]

    def _numeric(self) -> frozenset[int]:
        """Columns of figures, whose heading stands to the right like them; 0 is the first after the names."""
        return frozenset(k for row in self.rows for k, cell in enumerate(row.cells) if cell.kind in ("num", "gone"))


def table(
    key: str, caption: str, head: Sequence[str], rows: Iterable[Row], *, kind: str = "", remark: str = ""
) -> Table:
    """A table without parts."""
    return Table(key, caption, tuple(head), (Group("", tuple(rows)),), kind, remark)


def row(name: str, *cells: Cell) -> Row:
    """A row."""
    return Row(name, cells)


def words(text: str) -> Cell:
    """A cell of words."""
    return Cell(text)


def count(n: float) -> Cell:
    """A cell with a count."""
    return Cell(number(n), kind="num")


def share(given: float | None, why: str) -> Cell:
    """A cell with a share (0..1), or the reason for having none."""
    return gone(why) if given is None else Cell(percent(given), kind="num")


def plain_number(given: float | None, why: str, digits: int = 2) -> Cell:
    """A cell with a number that is no estimate, or the reason for having none."""
    return gone(why) if given is None else Cell(decimal(given, digits), kind="num")


def gone(why: str, text: str = "undefined") -> Cell:
    """A cell for what does not exist."""
    return Cell(text, (why,), "gone")


def alone(found: Estimate, *, as_share: bool = False) -> Cell:
    """An estimate without its interval."""
    if found.value is None:
        return gone(found.reason)
    return Cell(value(found, share=as_share), (found.flag,) if found.flag else (), "num")


def figure(found: Estimate, *, as_share: bool = False) -> Cell:
    """An estimate with its interval; one that should have an interval and has none says so."""
    if found.value is None:
        return gone(found.reason)
    notes = [found.flag] if found.flag else []
    if found.interval is None:
        notes.append("No interval: too few participants, or undefined in most resamples.")
    else:
        notes += _of_interval(found.interval, as_share=as_share)
    return Cell(told(found, share=as_share), tuple(notes), "num")


def _of_interval(found: Interval, *, as_share: bool) -> Iterator[str]:
    low, high = ends(found, share=as_share).split(" to ")
    if low == high:
        yield "The resamples hardly vary (too few participants, or all alike): the interval does not show precision."
    if found.degenerate > 0:
        yield f"Undefined in {points(found.degenerate)} of the resamples, which were left out."
