"""How fast one model may be asked, by everybody who asks it together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Requests side by side that a server is sent, where nobody says otherwise: what small ones bear and hosted ones allow.
CONCURRENCY = 8


@dataclass
class Pace:
    """Requests side by side, and a rest for all of them once one is told to slow down; safe between threads.

    What a server bears is not known, so it is found out: told to slow down, half as many go side by side; after as
    many replies as go side by side, one more (additive increase, multiplicative decrease: Chiu and Jain 1989).

    Attributes:
        most: Requests side by side at first, and never more.
        clock: Seconds, from any beginning; likewise `sleep` waits for seconds.
    """

    most: int
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _width: float = 0.0
    _going: int = 0
    _rest_until: float = float("-inf")
    _free: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        """Begin at full width."""
        self._width = float(max(1, self.most))

    @property
    def width(self) -> int:
        """How many requests may be under way now."""
        return int(self._width)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until nobody rests and there is room for one more; then one is under way."""
        self._enter()
        try:
            yield
        finally:
            with self._free:
                self._going -= 1
                self._free.notify_all()

    def slow_down(self, seconds: float) -> None:
        """One was told to ask less: all rest so many seconds from now, and fewer go side by side afterwards."""
        with self._free:
            now = self.clock()
            # Those who were under way together are told together: that is one sign, not many.
            if now >= self._rest_until:
                self._width = max(1.0, self._width / 2)
            self._rest_until = max(self._rest_until, now + seconds)

    def went_well(self) -> None:
        """A reply came."""
        with self._free:
            self._width = min(float(max(1, self.most)), self._width + 1 / self._width)
            self._free.notify_all()

    def _enter(self) -> None:
        rested = float("-inf")
        while True:
            with self._free:
                until = self._rest_until
                # A rest is kept once, by whatever clock the sleeper goes.
                left = until - self.clock() if until > rested else 0.0
                if left <= 0:
                    if self._going < self.width:
                        self._going += 1
                        return
                    self._free.wait()
                    continue
            self.sleep(left)
            rested = until
