"""A participant's traces in the files of a study's folder: rows are taken out of tables, other files go."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from belonging_llm.deidentification.table import FILE as SUGGESTIONS
from belonging_llm.exchange.exporting import DICTIONARY
from belonging_llm.provenance import file_digest
from belonging_llm.study import SETTINGS, Study
from belonging_llm.withdrawal.reading import text_of
from belonging_llm.withdrawal.traces import Traces

CERTIFICATES = "certificates"
LINE = "[taken out: somebody withdrew]"
_NOTES = {".md", ".txt"}
_TABLES = {".csv": ",", ".tsv": "\t"}
_BOOKS = {".yaml", ".yml"}


class Fate(StrEnum):
    """What became of a file."""

    DELETED = "deleted"
    ROWS = "rows taken out"
    LINES = "lines taken out"
    UNSEARCHED = "could not be searched, stays"
    REPORTED = "holds their words or names them, stays"


@dataclass(frozen=True)
class Found:
    """A file and what is to become of it.

    Attributes:
        content: What it is to hold then; None where it goes, or stays as it is.
    """

    path: Path
    fate: Fate
    digest: str = ""
    content: bytes | None = None


def sweep(study: Study, theirs: Traces, before: Callable[[Found], None]) -> None:
    """Put every file of the study's folder right.

    Args:
        before: Told of each file before anything is done to it, so that no step is forgotten when this process dies.
    """
    for path in list(_files(study)):
        if found := _judged(study, path, theirs):
            before(found)
            _act(found)


def _files(study: Study) -> Iterator[Path]:
    """Files to look at; what the database, Prefect and the certificates are kept in is seen to elsewhere."""
    folder = study.folder
    apart = {folder / CERTIFICATES, study.prefect_home}
    # What marks a folder as exported goes after the tables in it.
    for path in sorted(folder.rglob("*"), key=lambda one: (one.name == DICTIONARY, one)):
        if any(one == path or one in path.parents for one in apart) or path.is_symlink() or not path.is_file():
            continue
        if path.parent == folder and path.name.startswith(("study.sqlite", ".batch.lock", ".parcels.lock")):
            continue
        yield path


def _judged(study: Study, path: Path, theirs: Traces) -> Found | None:
    inside = path.relative_to(study.folder)
    digest = file_digest(path)
    if inside.parts[0] == "reports" or _of_a_job(study, path) or (path.parent / DICTIONARY).exists():
        # Reports and exported tables speak of everybody, and what a job on a table keeps can be made again.
        return Found(path, Fate.DELETED, digest)
    if inside.parts[0] == "prompts" or path.name == SETTINGS or path.suffix.lower() in _BOOKS:
        held = (text := text_of(path)) is not None and (theirs.owns(text) or theirs.names_them(text))
        return Found(path, Fate.REPORTED) if held else None
    if digest in theirs.sources or theirs.names_them(str(inside)):
        return Found(path, Fate.DELETED, digest)
    text = text_of(path)
    if text is None:
        return Found(path, Fate.UNSEARCHED)
    if path.suffix.lower() in _TABLES:
        return _table(path, digest, theirs)
    if not theirs.concerns(text):
        return None
    if path.suffix.lower() in _NOTES and inside.parts[0] != "transcripts":
        kept = [LINE if theirs.concerns(line) else line for line in text.splitlines()]
        left = "\n".join(kept) + "\n"
        if not theirs.concerns(left):
            return Found(path, Fate.LINES, digest, left.encode())
    return Found(path, Fate.DELETED, digest)


def _of_a_job(study: Study, path: Path) -> bool:
    """Whether a file is of the study that a job on a table keeps beside its output."""
    inside = path.relative_to(study.folder).parts[:-1]
    return any(part.endswith(".study") for part in inside)


def _table(path: Path, digest: str, theirs: Traces) -> Found | None:
    """The table without their rows; the others keep their bytes, less cells that hold their words."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        text = path.read_bytes().decode("cp1252", "replace")
    head = text.splitlines()[:1]
    delimiter = ";" if head and head[0].count(";") > head[0].count(",") else _TABLES[path.suffix.lower()]
    try:
        kept = "".join(_rows(text, delimiter, theirs, whole=path.name == SUGGESTIONS))
    except csv.Error:
        # No table after all.
        return Found(path, Fate.DELETED, digest) if theirs.concerns(text) else None
    if kept == text:
        return None
    return Found(path, Fate.ROWS, digest, kept.encode("utf-8"))


def _rows(text: str, delimiter: str, theirs: Traces, *, whole: bool) -> Iterator[str]:
    """Raw rows that stay.

    Args:
        whole: A row goes as soon as one of its cells names them: the words found stand beside the places.
    """
    raw = list(io.StringIO(text, newline=""))
    reader, at = csv.reader(iter(raw), delimiter=delimiter), 0
    own = {*theirs.names, *theirs.segments}
    for cells in reader:
        line, at = "".join(raw[at : reader.line_num]), reader.line_num
        named = [theirs.owns(cell) or theirs.names_them(cell) for cell in cells]
        if any(cell.strip().lstrip("'\ufeff") in own for cell in cells) or (whole and any(named)):
            continue
        if not any(named):
            yield line
            continue
        out = io.StringIO()
        emptied = ["" if gone else cell for cell, gone in zip(cells, named, strict=True)]
        csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow(emptied)
        yield out.getvalue()


def _act(found: Found) -> None:
    if found.content is not None:
        partial = found.path.with_name(f".{found.path.name}.part")
        partial.write_bytes(found.content)
        partial.replace(found.path)
    elif found.fate is Fate.DELETED:
        found.path.unlink(missing_ok=True)
        _empty(found.path.parent)


def _empty(folder: Path) -> None:
    """Take a job's folder away once nothing is in it."""
    if folder.name.endswith(".study") and not any(folder.iterdir()):
        shutil.rmtree(folder)
