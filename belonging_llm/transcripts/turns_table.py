"""Tables with a row for every turn or answer (CSV, TSV, XLSX): columns as chosen, or guessed and said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from belonging_llm.errors import ContainerError, TranscriptError
from belonging_llm.transcripts.columns import speaker_column
from belonging_llm.transcripts.draft import Piece, Utterance, assemble
from belonging_llm.transcripts.encoding import Decoded
from belonging_llm.transcripts.model import Transcript
from belonging_llm.transcripts.options import Options
from belonging_llm.transcripts.sheet import Sheet, read_sheet
from belonging_llm.transcripts.source import Unit
from belonging_llm.transcripts.speakers import is_interviewer

PARTS = ("transcript", "speaker", "participant", "question", "text")
ENDINGS = (".csv", ".tsv", ".xlsx")
ASKING = "Interviewer"

_CALLED = {
    "transcript": "transcript,transcript id,interview,interview id,document,document id,session,conversation,file",
    "speaker": "speaker,speaker name,speakers,name,who,voice,said by",
    "participant": "participant,participant id,respondent,respondent id,student,student id,pid",
    "question": "question,prompt,item",
    "text": "text,utterance,said,what was said,words,talk,message,answer,response,reply,transcript,content",
}
# A column is answers when its cells have at least so many words, half of them more.
_ANSWER = 4


@dataclass(frozen=True)
class Columns:
    """Which column is what; answers are texts whose question stands in their heading.

    Attributes:
        parts: Column by part.
        answers: Columns of answers, when no column holds all the words.
        headed: The row of headings; 0 without.
        names: Headings by column.
    """

    parts: Mapping[str, int]
    answers: tuple[int, ...] = ()
    headed: int = 0
    names: Mapping[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """As people are shown it."""
        shown = [f"{part} = {self.called(column)}" for part, column in self.parts.items()]
        answers = ", ".join(self.called(column) for column in self.answers)
        return ", ".join([*shown, *([f"answers = {answers}"] if answers else [])])

    def called(self, column: int) -> str:
        """A column's heading, or its number."""
        return self.names.get(column, f"column {column}")


def read_turns(path: Path, options: Options | None = None) -> list[Transcript]:
    """Read a table of turns: one transcript, or one for each value of the transcripts' column.

    Raises:
        TranscriptError: unreadable, or no column can be taken for what was said.
    """
    try:
        sheet = read_sheet(path)
    except ContainerError as error:
        raise TranscriptError(str(error)) from error
    columns = find_columns(sheet, (options or Options()).columns, str(path))
    groups, notes = _utterances(sheet, columns, path.stem)
    return [
        assemble(
            said,
            name=name,
            place=f"{path}, {name}" if len(groups) > 1 else str(path),
            format=sheet.format,
            encoding=sheet.encoding,
            digest=sheet.digest,
            notes=[str(columns), *sheet.notes, *notes],
            merge=False,
        )
        for name, said in groups.items()
    ]


def holds_turns(path: Path) -> bool:
    """Whether a table can be taken for turns or answers without being told so."""
    try:
        found = find_columns(read_sheet(path), {}, str(path))
    except (TranscriptError, ContainerError):
        return False
    return "text" in found.parts and len(found.parts) > 1


def find_columns(sheet: Sheet, chosen: Mapping[str, str], place: str) -> Columns:
    """The columns as chosen; what was not chosen is found by its heading, else by its cells.

    Raises:
        TranscriptError: a chosen part or column does not exist, or no column holds what was said.
    """
    headed, names = next(iter(sheet.rows.items()))
    names = {column: " ".join(name.split()) for column, name in names.items()}
    parts = _chosen(chosen, names, place) or _by_heading(names)
    body = [cells for number, cells in sheet.rows.items() if number != headed]
    if "text" in parts:
        return Columns(parts, headed=headed, names=names)
    if "participant" in parts or "question" in parts:
        answers = tuple(c for c in names if c not in parts.values() and _is_talk([row.get(c, "") for row in body]))
        if answers:
            return Columns(parts, answers, headed, names)
    both = speaker_column(list(sheet.rows.values())) if not parts or "speaker" in parts else None
    if both is None:
        raise TranscriptError(
            f"{place}: no column ({', '.join(names.values())}) can be taken for what was said; "
            "say which with --column text=NAME, and who speaks with --column speaker=NAME"
        )
    heading = _is_heading(names, body, both)
    return Columns(
        {"speaker": both[0], "text": both[1]}, headed=headed if heading else 0, names=names if heading else {}
    )


def _chosen(chosen: Mapping[str, str], names: Mapping[int, str], place: str) -> dict[str, int]:
    by_name = {name.casefold(): column for column, name in names.items()}
    parts = {}
    for part, name in chosen.items():
        if part not in PARTS:
            raise TranscriptError(f"{place}: {part} is no part of a turn; known are {', '.join(PARTS)}")
        if name.strip().casefold() not in by_name:
            raise TranscriptError(f"{place}: has no column {name} (it has {', '.join(names.values())})")
        parts[part] = by_name[name.strip().casefold()]
    return parts


def _by_heading(names: Mapping[int, str]) -> dict[str, int]:
    parts: dict[str, int] = {}
    plain = {column: name.casefold().replace("_", " ").strip(" :") for column, name in names.items()}
    for part, spellings in _CALLED.items():
        for spelling in spellings.split(","):
            column = next((c for c, name in plain.items() if name == spelling and c not in parts.values()), None)
            if column is not None and not (part == "transcript" and _is_only_text(spelling, plain)):
                parts[part] = column
                break
    return parts


def _is_only_text(spelling: str, names: Mapping[int, str]) -> bool:
    """Whether a column called *transcript* holds the words, there being no other that could."""
    return spelling == "transcript" and not set(names.values()) & set(_CALLED["text"].split(",")[:-2])


def _is_talk(cells: list[str]) -> bool:
    sizes = [len(cell.split()) for cell in cells if cell.strip()]
    return bool(sizes) and median(sizes) >= _ANSWER


def _is_heading(names: Mapping[int, str], body: list[dict[int, str]], both: tuple[int, int]) -> bool:
    """Whether the first row is none of the turns: its speaker speaks nowhere else."""
    first = names.get(both[0], "").casefold()
    return not is_interviewer(first) and all(row.get(both[0], "").strip().casefold() != first for row in body)


def _utterances(sheet: Sheet, columns: Columns, stem: str) -> tuple[dict[str, list[Utterance]], list[str]]:
    """What is said in each transcript, and notes on rows that say nothing or name nobody."""
    groups: dict[str, list[Utterance]] = {}
    asked: dict[str, list[str]] = {}
    silent = nameless = 0
    last = ""
    for number, cells in sheet.rows.items():
        if number == columns.headed:
            continue
        cell = _cells(cells, columns)
        named = _named(cell)
        # A turn without a name goes on with the speaker before; an answer without one is somebody else's.
        last = named or (last if "speaker" in columns.parts else "") or f"{stem}-{number}"
        nameless += not named
        said = groups.setdefault(cell("transcript") or stem, [])
        before = len(said)
        for column in columns.answers or (columns.parts["text"],):
            said += _exchange(sheet, columns, number, column, last, asked.setdefault(cell("transcript"), [""]))
        silent += len(said) == before
    notes = [f"{silent} rows without words left out"] if silent else []
    whose = "taken as the speaker before" if "speaker" in columns.parts else "taken as different people"
    notes += [f"{nameless} rows without a name {whose}"] if nameless else []
    return {name: said for name, said in groups.items() if said} or {stem: []}, notes


def _exchange(
    sheet: Sheet, columns: Columns, number: int, column: int, who: str, asked: list[str]
) -> Iterator[Utterance]:
    """A cell's words, after the question that they answer unless that was the last one asked."""
    text = sheet.rows[number].get(column, "")
    if not text.strip():
        return
    row, asking = (columns.headed, column) if columns.answers else (number, columns.parts.get("question", 0))
    question = sheet.rows.get(row, {}).get(asking, "")
    if question.strip() and question != asked[0]:
        asked[0] = question
        yield Utterance(ASKING, _pieces(question, row, columns.called(asking)))
    yield Utterance(who, _pieces(text, number, columns.called(column)))


def _cells(cells: Mapping[int, str], columns: Columns) -> Callable[[str], str]:
    return lambda part: " ".join(cells.get(columns.parts.get(part, 0), "").split())


def _named(cell: Callable[[str], str]) -> str:
    """Who speaks in a row: the participant where one is named, unless the speaker is who asks."""
    speaker = cell("speaker").rstrip(":").rstrip()
    return speaker if is_interviewer(speaker) else cell("participant") or speaker


def _pieces(cell: str, number: int, column: str) -> tuple[Piece, ...]:
    """A cell's words with LF line ends."""
    return tuple(
        Piece(cell[a.first : a.last].replace("\r", "\n"), Unit.ROW, number, a.first, a.last, column)
        for a in Decoded(cell, "").anchors()
    )
