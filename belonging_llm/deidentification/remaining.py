"""Where replaced words still stand: what was made before, and files that nobody replaces anything in."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from belonging_llm.deidentification import table
from belonging_llm.study import Study

_LARGEST = 64 << 20
_CLOSED = (".pdf", ".gz", ".7z", ".rar", ".png", ".jpg", ".jpeg", ".mp3", ".mp4", ".m4a", ".wav", ".parquet")
_TABLES = {
    "call": "the model's questions and replies; `--forget` removes those that hold the words",
    "parcel_line": "questions of batches; `--forget` removes them",
    "parcel_stray": "lines of batches; `--forget` removes them",
    "codebook": "the id of a codebook or code, or a source; ids never change, so leave it knowingly",
    "coding": "a coder or code is called so; export, rename and bring in again, or leave it knowingly",
}
_FOLDERS = {
    "reports": "made before; remove it, and `belonging report` or `evaluate` writes it anew",
    "transcripts": "a raw file; `--originals seal` moves it to the key",
    ".prefect": "a record of runs; remove the folder .prefect, which is made anew",
    "gold": "replace the words in it, or keep it where the key is",
    "prompts": "replace the words in it, and check that no prompt quotes a participant",
}
_OTHER = "replace the words in it, or keep it where the key is"


@dataclass(frozen=True)
class Place:
    """Where words still stand.

    Attributes:
        where: A table of the database, or a file of the study.
        times: Rows or stretches that hold them; 0 where the file could not be looked into.
        remedy: What to do.
    """

    where: str
    times: int
    remedy: str


def remaining(study: Study, count: Callable[[str], int]) -> list[Place]:
    """Every place in the study that holds words which were replaced; what was copied elsewhere is nobody's to know."""
    held = study.store.rewording.holding(lambda text: count(text) > 0)
    found = [
        Place(f"database, {name}", rows, _TABLES.get(name, "not replaced; see `belonging status`"))
        for name, rows in sorted(held.items())
    ]
    for path in _files(study.folder):
        name = str(path.relative_to(study.folder))
        texts = _texts(path)
        if texts is None:
            found.append(Place(name, 0, "cannot be looked into; open it yourself"))
        elif times := count(name) + sum(map(count, texts)):
            found.append(Place(name, times, _FOLDERS.get(path.relative_to(study.folder).parts[0], _OTHER)))
    return found


def _files(folder: Path) -> Iterator[Path]:
    own = {"study.sqlite", "study.sqlite-wal", "study.sqlite-shm", table.FILE}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not (path.parent == folder and path.name in own):
            yield path


def _texts(path: Path) -> list[str] | None:
    """What a file says; None where it cannot be looked into."""
    if path.suffix.lower() in _CLOSED or path.stat().st_size > _LARGEST:
        return None
    if not zipfile.is_zipfile(path):
        return [path.read_bytes().decode("utf-8", "replace")]
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                return None
            return [archive.read(member).decode("utf-8", "replace") for member in archive.infolist()]
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return None
