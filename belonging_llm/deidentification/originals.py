"""The raw files in a study's transcripts folder: encrypted beside the key, and given back to its holder."""

from __future__ import annotations

import base64
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from belonging_llm.deidentification.key import Key, check_place, write_private
from belonging_llm.errors import InputError
from belonging_llm.provenance import bytes_digest, digest
from belonging_llm.study import Study

ENDING = ".sealed"
# Fernet keeps a file in memory several times over.
_LARGEST = 256 << 20


class _Original(BaseModel):
    """A raw file: its name may tell who speaks, so that it is encrypted as well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    content: str


def raw_files(study: Study) -> list[Path]:
    """Everything in the study's transcripts folder, in name order; links count as files."""
    folder = study.folder / "transcripts"
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())


def seal(study: Study, key: Key) -> int:
    """Move raw files to the key; each is removed once its encrypted copy was read back.

    Returns:
        How many.

    Raises:
        InputError: one is a link, too large, or cannot be moved; those before it have been.
    """
    files = raw_files(study)
    for path in files:
        if path.is_symlink():
            raise InputError(f"{path}: is a link; put the file itself away, and remove the link")
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: has more than {_LARGEST >> 20} MiB; put it away yourself")
        _seal(path, str(path.relative_to(study.folder)), key)
    return len(files)


def unseal(key: Key, folder: Path, study: Study) -> list[Path]:
    """Give the raw files back, decrypted, in a folder outside the study; what is there already stays.

    Raises:
        InputError: the folder lies in the study, a file is there already, or a sealed one cannot be read.
    """
    check_place(folder, study.folder)
    found = []
    for sealed in sorted(key.originals.glob(f"*{ENDING}")):
        original = _Original.model_validate_json(key.decrypt(sealed.read_bytes(), sealed))
        path = folder / original.path
        raw = base64.b64decode(original.content)
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{sealed}: would be written outside {folder}")
        if path.exists() and path.read_bytes() != raw:
            raise InputError(f"{path}: is there already with other content; name an empty folder")
        write_private(path, raw)
        found.append(path)
    return found


def _seal(path: Path, name: str, key: Key) -> None:
    try:
        raw = path.read_bytes()
        target = key.originals / f"{digest(name, bytes_digest(raw))[:32]}{ENDING}"
        original = _Original(path=name, content=base64.b64encode(raw).decode())
        write_private(target, key.encrypt(original.model_dump_json().encode()))
        kept = _Original.model_validate_json(key.decrypt(target.read_bytes(), target))
        if base64.b64decode(kept.content) != raw:
            raise InputError(f"{target}: does not hold what was written; {path} stays")
        _overwrite(path, len(raw))
        path.unlink()
    except OSError as error:
        raise InputError(f"{path}: cannot be moved to {key.originals}: {error.strerror}") from error


def _overwrite(path: Path, size: int) -> None:
    """Write over the words where they lie; on disks that write elsewhere this does not help, and says no more."""
    with path.open("r+b") as stream:
        stream.write(b"\0" * size)
        stream.flush()
