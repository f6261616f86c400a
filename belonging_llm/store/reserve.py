"""Room set aside on disk, so that replies which are paid for can be kept when the disk is full."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import sqlalchemy as sa

from belonging_llm.errors import DiskFull

# Replies of 64 calls in flight, a longest one each, come to less than this.
SIZE = 4 * 2**20


class Reserve:
    """A file beside a SQLite database that holds nothing; elsewhere, nothing at all."""

    def __init__(self, engine: sa.Engine) -> None:
        database = engine.url.database if engine.dialect.name == "sqlite" else None
        self._path = Path(database + ".reserve") if database and database != ":memory:" else None
        self._lock = threading.Lock()
        self._held = False

    def hold(self) -> None:
        """See that the room is set aside.

        Raises:
            DiskFull: there is no room, so nothing may be asked whose reply might not be kept.
        """
        with self._lock:
            if self._path is not None and not self._held:
                self._fill(self._path)
                self._held = True

    def release(self) -> bool:
        """Give the room up for what has to be written now; False when there was none (any more)."""
        with self._lock:
            if self._path is None or not self._path.exists():
                return False
            self._path.unlink()
            return True

    @staticmethod
    def _fill(path: Path) -> None:
        if path.exists() and path.stat().st_size == SIZE:
            return
        try:
            # Written, not only extended: a file of holes sets nothing aside.
            with path.open("wb") as file:
                file.write(bytes(SIZE))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            path.unlink(missing_ok=True)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DiskFull(f"{path} (4 MB are kept free for replies that are on their way)") from error
