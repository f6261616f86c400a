"""Who is at what: several processes may work on one study, and none does what another is doing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5


class Claims(Protocol):
    """What this process is at; whatever it holds is free again when it dies, however it dies."""

    def take(self, what: str) -> bool:
        """Claim a piece of work; False when somebody is at it, in this process or in another."""

    def give(self, what: str) -> None:
        """Let go of it."""


class Unshared:
    """Claims on a study that nobody else can have open."""

    def take(self, what: str) -> bool:
        """Always granted."""
        return True

    def give(self, what: str) -> None:
        """Nobody waits for it."""


@contextmanager
def held(claims: Claims, what: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Be at a piece of work alone, having waited for whoever was at it before."""
    wait = _FIRST_WAIT
    while not claims.take(what):
        sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)
    try:
        yield
    finally:
        claims.give(what)
