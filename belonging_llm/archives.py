"""Read zip containers that nobody vouches for: in memory, under limits; no member is ever written to disk."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from belonging_llm.errors import ContainerError

_MIB = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises on damaged containers, found by flipping bits and reading its source.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, OverflowError, IndexError)


@dataclass(frozen=True)
class Limits:
    """What a container may cost; whatever breaks one is refused before it is unpacked.

    Attributes:
        members: Most entries.
        member_bytes: Largest unpacked size of a member that is read.
        total_bytes: Largest unpacked size of all members that are read.
        ratio: Most unpacked bytes for each packed one, in a member over a mebibyte and in all that are read.
        directory_bytes: Largest list of entries: a list costs memory before its entries can be counted.
    """

    members: int = 2000
    member_bytes: int = 32 * _MIB
    total_bytes: int = 64 * _MIB
    ratio: int = 200
    directory_bytes: int = _MIB


def read_members(
    path: Path, limits: Limits | None = None, *, wanted: Callable[[str], bool] = lambda _: True
) -> dict[str, bytes]:
    """The members of a zip container, by name, in the container's order.

    Args:
        wanted: Which members to unpack, by name. The others are neither read nor held to the size limits,
            but their names and kinds are looked at all the same.

    Raises:
        ContainerError: damaged, encrypted, over a limit, or with an entry that has no place in a document: a
            link, a path that leads out, two entries of one name.
    """
    limits = limits or Limits()
    try:
        with path.open("rb") as stream, _open(stream, limits) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _look_at(entries, limits)
            chosen = [entry for entry in entries if wanted(entry.filename)]
            _weigh(chosen, limits, path.stat().st_size)
            return {entry.filename: _unpack(archive, entry) for entry in chosen}
    except ContainerError as error:
        raise ContainerError(f"{path}: {error}") from error
    except _DAMAGE as error:
        raise ContainerError(f"{path}: cannot be opened as a zip container: {_reason(error)}") from error


def is_zip(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a zip container."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _open(stream: io.BufferedReader, limits: Limits) -> zipfile.ZipFile:
    guarded = _Guarded(stream, limits.directory_bytes)
    archive = zipfile.ZipFile(guarded)
    guarded.unbind()
    return archive


def _look_at(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(entries) > limits.members:
        raise ContainerError(f"holds {len(entries)} entries, more than the {limits.members} that are read")
    for name, times in Counter(entry.filename for entry in entries).items():
        if times > 1:
            raise ContainerError(f"holds {times} entries called {name!r}, so that it is unclear which is meant")
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise ContainerError("is encrypted; save it without a password and import again")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ContainerError(f"its entry {entry.filename!r} is a link, which is not followed")
        if _leads_out(entry.filename):
            raise ContainerError(f"its entry {entry.filename!r} points outside the container")


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0]


def _weigh(entries: list[zipfile.ZipInfo], limits: Limits, packed: int) -> None:
    """Refuse what would be too large, before anything is unpacked."""
    for entry in entries:
        if entry.file_size > limits.member_bytes:
            raise ContainerError(f"its entry {entry.filename!r} unpacks to {entry.file_size} bytes, which is too much")
        if entry.file_size > max(_MIB, limits.ratio * entry.compress_size):
            raise ContainerError(f"its entry {entry.filename!r} is packed so tightly that it looks like a zip bomb")
    total = sum(entry.file_size for entry in entries)
    if total > limits.total_bytes:
        raise ContainerError(f"unpacks to {total} bytes, which is too much")
    # Entries that share one packed stream pass the test above one by one.
    if total > max(_MIB, limits.ratio * packed):
        raise ContainerError("its entries overlap, as in a zip bomb")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type not in _METHODS:
        raise ContainerError(f"its entry {entry.filename!r} is packed by a method that documents do not use")
    with archive.open(entry) as member:
        # Never more than the size that was weighed; the checksum then tells whether that was true.
        return member.read(entry.file_size + 1)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Guarded(io.RawIOBase):
    """A file that gives at most so many bytes while zipfile looks for the list of entries.

    zipfile reads that list in one go, as long as the container says it is, and makes an object of every entry.
    """

    # The end record and the longest comment that may follow it.
    _TAIL = 1 << 17

    def __init__(self, stream: io.BufferedReader, directory_bytes: int) -> None:
        self._stream = stream
        self._left: int = directory_bytes + self._TAIL
        self._most = directory_bytes

    def read(self, size: int = -1) -> bytes:
        if size > self._left:
            raise ContainerError(f"its list of entries is longer than {self._most} bytes, as no document's is")
        found = self._stream.read(size if size >= 0 else self._left)
        self._left -= len(found)
        return found

    def unbind(self) -> None:
        """The list is read: from here on members are read, under their own limits."""
        self._left = 1 << 62

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
