"""Word processors' documents: paragraphs with labels, or tables with a column of speakers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from belonging_llm.transcripts.columns import is_heading, speaker_column
from belonging_llm.transcripts.draft import Draft, Piece, Utterance, assemble, made, trimmed
from belonging_llm.transcripts.model import Transcript
from belonging_llm.transcripts.plain import parse_text
from belonging_llm.transcripts.source import Source, Unit


@dataclass(frozen=True)
class Cell:
    """Where a paragraph stands in a table."""

    table: int
    row: int
    column: int


@dataclass(frozen=True)
class Paragraph:
    """Some text of a document.

    Attributes:
        pieces: Its words; several where tracked changes joined paragraphs.
        cell: The innermost table cell that it stands in.
    """

    pieces: tuple[Piece, ...]
    cell: Cell | None = None

    @property
    def text(self) -> str:
        """Its words."""
        return "".join(piece.text for piece in self.pieces)


def paragraph(text: str, number: int, cell: Cell | None = None) -> Paragraph:
    """A paragraph as it stands in the document; numbers count all of a document's paragraphs from 1."""
    return Paragraph((Piece(text, Unit.PARAGRAPH, number, 0, len(text)),), cell)


def compose(
    paragraphs: Sequence[Paragraph], *, name: str, place: str, format: str, digest: str, notes: Sequence[str]
) -> Transcript:
    """A transcript from a document's paragraphs.

    Raises:
        TranscriptError: nobody says anything that could be coded.
    """
    inked = [found for found in paragraphs if found.text.strip()]
    tables = _interviews(inked)
    spoken = sum(len(p.text.split()) for p in inked if p.cell and p.cell.table in tables)
    if spoken * 2 > sum(len(p.text.split()) for p in inked):
        said, left = _rows(inked, tables)
        notes = [*notes, *([f"{left} cells of other columns left out"] if left else [])]
        return assemble(said, name=name, place=place, format=format, digest=digest, notes=notes, merge=False)
    draft = Draft()
    for found in inked:
        draft.add("\n\n" if draft.end else "")
        draft.copy(found.pieces)
    source = Source(format=format, digest=digest, anchors=draft.anchors, notes=tuple(notes))
    return parse_text(draft.text, name=name, place=place, source=source)


def _interviews(paragraphs: Sequence[Paragraph]) -> dict[int, tuple[int, int]]:
    """The columns of speakers and of words, for each table that has both."""
    tables: dict[int, dict[int, dict[int, str]]] = defaultdict(lambda: defaultdict(dict))
    for found in paragraphs:
        if found.cell is not None:
            row = tables[found.cell.table][found.cell.row]
            row[found.cell.column] = f"{row.get(found.cell.column, '')}\n{found.text}".strip()
    columns = {number: speaker_column(list(rows.values())) for number, rows in tables.items()}
    return {number: both for number, both in columns.items() if both is not None}


def _rows(paragraphs: Sequence[Paragraph], tables: dict[int, tuple[int, int]]) -> tuple[list[Utterance], int]:
    """Utterances in reading order, and how many cells were in neither column."""
    groups = list(_by_cell(paragraphs))
    named = {
        (key.table, key.row): " ".join(group[0].text.split()).rstrip(":").rstrip()
        for key, group in groups
        if key is not None and key.table in tables and key.column == tables[key.table][0]
    }
    said, left, last = list[Utterance](), 0, ""
    for key, group in groups:
        words = tuple(chain.from_iterable(_apart(group)))
        if key is None or key.table not in tables:
            said.append(Utterance("", words, aside=True))
        elif key.column == tables[key.table][1]:
            # A row without a name goes on with the speaker before.
            last = named.get((key.table, key.row), last)
            said.append(Utterance("", words, aside=True) if is_heading(last) else Utterance(last, words))
        else:
            left += key.column != tables[key.table][0]
    return said, left


def _by_cell(paragraphs: Sequence[Paragraph]) -> Iterator[tuple[Cell | None, list[Paragraph]]]:
    """Paragraphs of one cell together; those outside tables one by one."""
    group: list[Paragraph] = []
    for found in paragraphs:
        if group and (found.cell is None or found.cell != group[0].cell):
            yield group[0].cell, group
            group = []
        group.append(found)
    if group:
        yield group[0].cell, group


def _apart(group: Sequence[Paragraph]) -> Iterator[tuple[Piece, ...]]:
    """The pieces of a cell's paragraphs with line ends between them."""
    for n, found in enumerate(group):
        words = trimmed(found.pieces)
        if n:
            yield (made("\n"),)
        yield words
