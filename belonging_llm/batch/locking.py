"""One batch at a time on one study; whoever dies lets go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from belonging_llm.study import Study
from belonging_llm.workers import alone_at, working

LOCK, CLAIM = ".batch.lock", "batches"


@contextmanager
def exclusive(study: Study) -> Iterator[None]:
    """Work on a study's batches, alone.

    Raises:
        Busy: another process does, on this machine or on the same database.
        Incomplete: somebody withdraws.
    """
    with alone_at(study, LOCK, CLAIM, "this study's batches"), working(study):
        yield
