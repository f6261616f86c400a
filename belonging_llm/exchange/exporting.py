"""Write a study for other programs: a project, a codebook, or tables."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.adopting import looks
from belonging_llm.exchange.code_tree import to_tree
from belonging_llm.exchange.giving import give
from belonging_llm.exchange.refi_output import codebook_bytes, project_bytes
from belonging_llm.exchange.sheet_files import Written, csv_bytes, dictionary_bytes, parquet_bytes, xlsx_bytes
from belonging_llm.exchange.sheets import Sheet, sheets
from belonging_llm.study import Study

REFI, QDC, CSV, XLSX, PARQUET = KINDS = ("refi", "qdc", "csv", "xlsx", "parquet")
_BY_ENDING = {".qdpx": REFI, ".qdc": QDC, ".csv": CSV, ".xlsx": XLSX, ".parquet": PARQUET}
DICTIONARY = "data-dictionary.json"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        counts: How many of what.
        notes: What the format has no place for, and what was done to cells, in words.
    """

    kind: str
    files: tuple[Path, ...]
    counts: dict[str, int]
    notes: tuple[str, ...]


def export(study: Study, out: Path, kind: str | None = None, *, model: bool = True) -> Exported:
    """Write a study; files that are there are replaced, each whole or not at all.

    Args:
        kind: One of `KINDS`; None takes it from the ending.
        model: Whether the last finished analysis goes along.

    Raises:
        ExchangeError: the ending says nothing and no kind was named, or says another kind; or it cannot be written.
    """
    named = _BY_ENDING.get(out.suffix.lower())
    if kind and named and named != kind:
        raise ExchangeError(
            f"{out}: its ending says {named}, and --to says {kind}; give it another name, or leave --to {kind} out"
        )
    wanted = kind or named
    if wanted is None:
        raise ExchangeError(f"{out}: its ending does not say what to write; add --to {'|'.join(KINDS)}")
    if wanted == REFI:
        return _project(study, out, model)
    if wanted == QDC:
        return _codebook(study, out)
    made = sheets(study, model=model)
    if wanted == XLSX:
        return _workbook(out, made)
    write: Callable[[Sheet], Written] = csv_bytes if wanted == CSV else parquet_bytes
    return _tables(out, made, wanted, write)


def _project(study: Study, out: Path, model: bool) -> Exported:
    given = give(study, model=model)
    project = given.project
    _write(out, project_bytes(project))
    counts = {
        "sources": len(project.sources),
        "codes": len(project.codes),
        "users": len(project.users),
        "codings": project.codings,
        "sets": len(project.sets),
        "notes": len(project.notes),
        "cases": len(project.cases),
    }
    return Exported(REFI, (out,), counts, tuple(f"left out: {one}" for one in given.left_out))


def _codebook(study: Study, out: Path) -> Exported:
    codes = to_tree(study.framework(), looks(study))
    _write(out, codebook_bytes(codes))
    return Exported(QDC, (out,), {"codes": len(codes)}, ())


def _workbook(out: Path, made: list[Sheet]) -> Exported:
    written = xlsx_bytes(made)
    _write(out, written.data)
    return Exported(XLSX, (out,), _counts(made), tuple(written.notes()))


def _tables(out: Path, made: list[Sheet], kind: str, write: Callable[[Sheet], Written]) -> Exported:
    """All tables into a folder, or, where a file was named, the codings alone; the dictionary beside them."""
    if out.suffix.lower() == f".{kind}":
        made = made[:1]
        places, dictionary = {made[0].name: out}, out.with_name(f"{out.stem}.dictionary.json")
    else:
        places, dictionary = {s.name: out / f"{s.name}.{kind}" for s in made}, out / DICTIONARY
    notes = []
    for sheet in made:
        written = write(sheet)
        _write(places[sheet.name], written.data)
        notes += [f"{sheet.name}: {note}" for note in written.notes()]
    _write(dictionary, dictionary_bytes(made, notes))
    return Exported(kind, (*places.values(), dictionary), _counts(made), tuple(notes))


def _counts(made: list[Sheet]) -> dict[str, int]:
    return {sheet.name: len(sheet.rows) for sheet in made}


def _write(target: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    partial = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ExchangeError(f"{target}: cannot be written: {error.strerror}") from error
