"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

WIDTH = 30
EVERY = 10.0


class Progress:
    """Shows how far a stage is; call it with (done, total)."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._started = time.monotonic()
        self._last = 0.0
        self._shown = ""
        self._bar = sys.stderr.isatty()

    def __enter__(self) -> Self:
        self._line(f"{self.title} …")
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show progress now, or (off a terminal) at most every ten seconds."""
        if not total:
            return
        elapsed = time.monotonic() - self._started
        if not self._bar and elapsed - self._last < EVERY and done < total:
            return
        self._last = elapsed
        filled = "█" * (WIDTH * done // total) if self._bar else ""
        bar = f" {filled:<{WIDTH}}" if self._bar else ""
        left = f", about {elapsed / done * (total - done):.0f} s left" if 0 < done < total and elapsed > 5 else ""
        self._line(f"{self.title}{bar} {done}/{total}{left}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        took = time.monotonic() - self._started
        self._line(f"{self.title}: {'stopped' if kind else 'done'} after {took:.1f} s")
        if self._bar:
            sys.stderr.write("\n")

    def _line(self, text: str) -> None:
        if self._bar:
            sys.stderr.write("\r" + text.ljust(len(self._shown)))
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()
        self._shown = text
