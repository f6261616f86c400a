"""A folder here or elsewhere, read through fsspec: what lies in it, and copies of single files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from belonging_llm.errors import InputError
from belonging_llm.study import Study

DEFAULT = "inbox"
# How file systems call the moment of the last change.
_CHANGED = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".swp", "~")


@dataclass(frozen=True)
class Lying:
    """A file in the inbox as the file system tells of it.

    Attributes:
        name: Relative to the inbox, parts joined by `/`.
        size: Bytes.
        modified: The moment of the last change as it is told; empty where it is not.
        changed: The same in seconds since 1970; None where it cannot be known.
    """

    name: str
    size: int
    modified: str
    changed: float | None

    @property
    def unfinished(self) -> bool:
        """Whether its name says that somebody is still at it."""
        last = PurePosixPath(self.name).name
        return last.startswith(("~$", "~")) or last.lower().endswith(_UNFINISHED)


class Inbox:
    """Where new files are put."""

    def __init__(self, study: Study, place: str | None = None) -> None:
        """Name the inbox: the given place, else the one that the study names, else `inbox/` in its folder.

        Raises:
            InputError: no file system of this program's is named.
        """
        from fsspec.core import url_to_fs

        self.place = place or study.settings.inbox or DEFAULT
        own = str(study.folder / self.place) if "://" not in self.place else self.place
        try:
            self._files, self._root = url_to_fs(own)
        except (ValueError, ImportError, OSError) as error:
            raise InputError(f"inbox {self.place}: cannot be opened: {error}") from error

    @property
    def inside(self) -> str:
        """The place as people know it."""
        return self.place

    def lying(self) -> list[Lying]:
        """Every file, in name order; hidden ones are nobody's material.

        Raises:
            InputError: it cannot be looked into.
        """
        try:
            self._files.invalidate_cache()
            found: Mapping[str, Mapping[str, Any]] = self._files.find(self._root, detail=True)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"inbox {self.place}: cannot be looked into: {error}") from error
        files = [_lying(self._name(path), about) for path, about in found.items()]
        return sorted((one for one in files if not _hidden(one.name)), key=lambda one: one.name)

    def again(self, name: str) -> Lying | None:
        """What the file system tells of one file now; None when it is gone."""
        path = f"{self._root.rstrip('/')}/{name}"
        with suppress(OSError):
            self._files.invalidate_cache()
            return _lying(name, self._files.info(path))
        return None

    def fetch(self, name: str, target: Path) -> None:
        """Copy one file.

        Raises:
            OSError: it cannot be read.
        """
        self._files.get_file(f"{self._root.rstrip('/')}/{name}", str(target))

    def _name(self, path: str) -> str:
        return path.removeprefix(self._root.rstrip("/") + "/")


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _lying(name: str, about: Mapping[str, Any]) -> Lying:
    told = next((about[key] for key in _CHANGED if about.get(key) is not None), None)
    changed = _seconds(told)
    # One call tells a moment as a number, another as a date.
    modified = repr(changed) if changed is not None else "" if told is None else str(told)
    return Lying(name, int(about.get("size") or 0), modified, changed)


def _seconds(told: object) -> float | None:
    if isinstance(told, int | float):
        return float(told)
    if isinstance(told, str):
        with suppress(ValueError):
            told = datetime.fromisoformat(told)
    return told.timestamp() if isinstance(told, datetime) else None
