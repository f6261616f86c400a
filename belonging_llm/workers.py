"""Who works on a study: many side by side, or one person's withdrawal alone.

Whoever has segments in memory writes words to the database long after they were read. So nobody may begin while
somebody is being taken out, and nobody is taken out while anybody works, on this machine or on the same database.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from belonging_llm.errors import Busy, Incomplete
from belonging_llm.study import Study

# So many may work at a time; each has a place of its own, and whoever needs the study alone takes all of them.
PLACES = 128


@contextmanager
def working(study: Study) -> Iterator[None]:
    """Be one of those who work on a study.

    Raises:
        Incomplete: somebody is being taken out of it, or that was begun and has not ended.
    """
    order = random.sample(range(PLACES), PLACES)
    mine = next((place for place in order if study.store.claims.take(_name(place))), None)
    if mine is None:
        raise Incomplete(
            f"{study.folder}: a participant is being taken out of the study (or {PLACES} processes work on it); rerun "
            "when that has ended"
        )
    try:
        if study.store.withdrawals.open():
            raise Incomplete(
                f"{study.folder}: a withdrawal was begun and has not ended; run the same `belonging withdraw` again, "
                "and then this"
            )
        yield
    finally:
        study.store.claims.give(_name(mine))


@contextmanager
def alone(study: Study) -> Iterator[None]:
    """Have a study without anybody who works on it.

    Raises:
        Incomplete: somebody does.
    """
    claims, taken = study.store.claims, list[str]()
    try:
        for name in map(_name, range(PLACES)):
            if not claims.take(name):
                raise Incomplete(
                    f"{study.folder}: another process works on this study (an analysis, a batch or a test of "
                    "stability, here or on another machine): what it has in memory would be written after the "
                    "withdrawal; end it and rerun"
                )
            taken.append(name)
        yield
    finally:
        for name in taken:
            claims.give(name)


@contextmanager
def alone_at(study: Study, lock: str, claim: str, what: str) -> Iterator[None]:
    """Be the only one who is at a part of a study's work; whoever dies lets go.

    Args:
        lock: Name of a file in the study's folder, for processes on this machine.
        claim: What is claimed in the database, for those on others.
        what: The work, as people call it.

    Raises:
        Busy: another process is at it.
    """
    from filelock import FileLock, Timeout

    busy = f"{study.folder}: another process is seeing to {what}; rerun when it has ended"
    try:
        # A lock of the operating system's: it falls when its process does, however that ends.
        with FileLock(study.folder / lock, timeout=0):
            if not study.store.claims.take(claim):
                raise Busy(busy)
            try:
                yield
            finally:
                study.store.claims.give(claim)
    except Timeout as error:
        raise Busy(busy) from error


def _name(place: int) -> str:
    return f"work on the study, place {place}"
