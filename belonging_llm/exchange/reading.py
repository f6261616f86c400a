"""Read a project file of any known kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from belonging_llm.codebook import Framework
from belonging_llm.errors import ExchangeError
from belonging_llm.exchange import qualcoder, refi_input, taguette
from belonging_llm.exchange.adopting import AUTO as DECIDE
from belonging_llm.exchange.code_tree import from_tree
from belonging_llm.exchange.project import Found
from belonging_llm.exchange.settling import AUTO, OFFSETS, Settled, settle
from belonging_llm.exchange.sqlite_input import tables_of
from belonging_llm.provenance import file_digest

DATABASES = (".sqlite3", ".sqlite", ".db", ".qda")
ENDINGS = (".qdpx", *DATABASES)


@dataclass(frozen=True)
class Wish:
    """What somebody chose for a project.

    Attributes:
        codebook: What becomes of the study's codebook: `auto`, `theirs`, `ours`, `both`.
        offsets: How the file counts: `auto`, `best`, or a convention's key.
        project: Which project of a database that holds several.
    """

    codebook: str = DECIDE
    offsets: str = AUTO
    project: str = ""

    def __post_init__(self) -> None:
        """Refuse a way of counting that there is none.

        Raises:
            ExchangeError: no convention has this key.
        """
        if self.offsets not in OFFSETS:
            raise ExchangeError(f"--offsets {self.offsets}: unknown; known are {', '.join(OFFSETS)}")


def is_project(path: Path) -> bool:
    """Whether a path is another program's project, by its ending; QualCoder's are folders."""
    return path.suffix.lower() in ENDINGS


def content_digest(path: Path) -> str:
    """SHA-256 of a project's content: what tells one project from another.

    Raises:
        ExchangeError: a folder without QualCoder's database, or a file that cannot be read.
    """
    file = _data_file(path)
    try:
        return file_digest(file)
    except OSError as error:
        raise ExchangeError(f"{file}: cannot be read ({error.strerror}); check its name and rights") from error


def _data_file(path: Path) -> Path:
    return qualcoder.database(path) if path.is_dir() else path


def read_codebook(path: Path) -> tuple[Framework, tuple[str, ...]]:
    """The codebook of a `.qdc` file, and what of it was left out, in words.

    Raises:
        InputError: it cannot be read, is none, or has no code that may be given to text.
    """
    name, codes, left_out = refi_input.read_codebook(path)
    return from_tree(codes, name=name, place=str(path)), tuple(f"left out: {one}" for one in left_out)


def read(path: Path, wish: Wish) -> tuple[str, Settled]:
    """What kind of project a file is, and what it holds.

    Raises:
        InputError: it cannot be read, is none, or its offsets do not fit its texts.
    """
    name, found = _read(path, wish)
    return name, settle(found, str(path), wish.offsets)


def _read(path: Path, wish: Wish) -> tuple[str, Found]:
    if path.suffix.lower() == ".qdpx":
        return "REFI-QDA project", refi_input.read_project(path)
    file = _data_file(path)
    tables = tables_of(file)
    readers: dict[str, tuple[set[str], Callable[[Path], Found]]] = {
        "Taguette database": (taguette.TABLES, lambda file: taguette.read_database(file, wish.project)),
        "QualCoder project": (qualcoder.TABLES, qualcoder.read_database),
    }
    for name, (needed, reader) in readers.items():
        if needed <= tables:
            return name, reader(file)
    raise ExchangeError(f"{path}: its tables ({', '.join(sorted(tables)[:8])}) are neither Taguette's nor QualCoder's")
