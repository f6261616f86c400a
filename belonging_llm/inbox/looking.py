"""Which files of an inbox are there to be read: new or changed, and left alone by whoever writes them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from belonging_llm.inbox.folder import Inbox, Lying
from belonging_llm.provenance import now
from belonging_llm.store.arrivals import Arrival, Outcome
from belonging_llm.study import Study

UNREADABLE = "it could not be read; the next batch tries again"
UNFINISHED = "its name says that somebody is still at it; the next batch looks again"


@dataclass(frozen=True)
class Look:
    """What one look into the inbox found.

    Attributes:
        ready: To be read now.
        left: Not yet; with the reason.
        kept_out: How many files stay out since somebody withdrew, or since they are in, de-identified. They are named
            nowhere: their names may be people's.
    """

    ready: tuple[Lying, ...]
    left: tuple[tuple[str, str], ...]
    kept_out: int = 0


def look(study: Study, inbox: Inbox, *, clock: float | None = None) -> Look:
    """Look into the inbox, and remember what is left for the next time.

    A file that was read before is looked at again only when its size or time of change is another.

    Args:
        clock: The moment, in seconds since 1970; now without.

    Raises:
        InputError: the inbox cannot be looked into.
    """
    lying = inbox.lying()
    known = study.store.arrivals.of_names([one.name for one in lying])
    moment = time.time() if clock is None else clock
    ready: list[Lying] = []
    left: list[tuple[str, str]] = []
    kept_out = 0
    for one in lying:
        before = known.get(one.name, [])
        if any(_same(one, seen) for seen in before if seen.digest and seen.outcome is not Outcome.BEGUN):
            continue
        pending = next((seen for seen in before if not seen.digest), None)
        if one.unfinished:
            left.append((one.name, UNFINISHED))
        elif not _settled(one, pending, study.settings.settle, moment):
            left.append((one.name, still(study.settings.settle)))
        elif (out := _stays_out(study, inbox, one)) is None:
            left.append((one.name, UNREADABLE))
        else:
            # A file that stays out is nothing new, however often it is looked at.
            kept_out += out
            ready += [] if out else [one]
            continue
        if pending is None or not _same(one, pending):
            study.store.arrivals.note(leave(one, left[-1][1]))
    return Look(tuple(ready), tuple(left), kept_out)


def still(settle: float) -> str:
    """Why a file that was touched a moment ago is left.

    Args:
        settle: Seconds, from study.toml.
    """
    return (
        f"it may still be being written: a file is read once nobody has touched it for {settle:g} seconds (`settle` "
        "in study.toml); a batch after that takes it"
    )


def leave(one: Lying, reason: str) -> Arrival:
    """A file that is left for the next time."""
    return Arrival(
        name=one.name,
        digest="",
        size=one.size,
        modified=one.modified,
        at=now(),
        run_id=None,
        outcome=Outcome.LEFT,
        reason=reason,
    )


def _stays_out(study: Study, inbox: Inbox, one: Lying) -> bool | None:
    """Whether somebody in it withdrew, or its words are in, de-identified; None where it cannot be read."""
    try:
        digest = inbox.digest(one.name)
    except OSError:
        return None
    if not (study.store.withdrawals.is_buried(digest) or study.store.corpus.deidentified_from(digest)):
        return False
    study.store.arrivals.forget(one.name)
    return True


def _same(one: Lying, seen: Arrival) -> bool:
    return (one.size, one.modified) == (seen.size, seen.modified)


def _settled(one: Lying, pending: Arrival | None, settle: float, moment: float) -> bool:
    """Whether nobody has touched it for a while: by its own time of change, or by two looks that found the same."""
    if one.changed is not None and moment - one.changed >= settle:
        return True
    if pending is None or not _same(one, pending):
        return False
    return moment - datetime.fromisoformat(pending.at).timestamp() >= settle
