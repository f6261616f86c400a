"""One batch at a time on one study; whoever dies lets go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from belonging_llm.errors import Busy
from belonging_llm.study import Study
from belonging_llm.workers import working

LOCK, CLAIM = ".batch.lock", "batches"


@contextmanager
def exclusive(study: Study) -> Iterator[None]:
    """Work on a study's batches, alone.

    Raises:
        Busy: another process does, on this machine or on the same database.
        Incomplete: somebody withdraws.
    """
    from filelock import FileLock, Timeout

    busy = f"{study.folder}: another process is seeing to this study's batches; rerun when it has ended"
    try:
        # A lock of the operating system's: it falls when its process does, however that ends.
        with FileLock(study.folder / LOCK, timeout=0):
            if not study.store.claims.take(CLAIM):
                raise Busy(busy)
            try:
                with working(study):
                    yield
            finally:
                study.store.claims.give(CLAIM)
    except Timeout as error:
        raise Busy(busy) from error
