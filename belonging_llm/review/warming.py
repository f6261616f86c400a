"""What pages about a run need is read when the server starts, so that nobody waits for it.

It stays in the server's memory, as it would after an adjudicator's first look: a coder's pages show nothing of it.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.applications import Starlette

from belonging_llm.review.pages.themes.shelf import shelf_of
from belonging_llm.review.room import room_of
from belonging_llm.study import Study

_LOG = logging.getLogger("belonging.review")
# Seconds without a request before it begins: whoever waits for the first page is not held up.
QUIET = 1.0
# Seconds after which it begins all the same.
LATEST = 30.0
# Seconds after which a thread that computes lets another one go on; Python's own is ten times as long.
TURN = 0.0005
_USUAL_TURN = sys.getswitchinterval()


@dataclass
class Warming:
    """Reads the last run and its themes in a thread of its own, once the server has nothing else to do.

    Attributes:
        quiet: Seconds without a request before it begins.
    """

    study: Study
    quiet: float = QUIET
    done: threading.Event = field(default_factory=threading.Event)
    _asked: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextlib.asynccontextmanager
    async def __call__(self, app: Starlette) -> AsyncIterator[None]:
        """Begin with the server and end with it; a server that ends waits for nothing."""
        threading.Thread(target=self._run, args=(app,), name="warming", daemon=True).start()
        try:
            yield
        finally:
            self._stopped.set()
            self._asked.set()

    def note(self) -> None:
        """Somebody asks for a page."""
        self._asked.set()

    def _run(self, app: Starlette) -> None:
        try:
            until = time.monotonic() + LATEST
            while self._asked.wait(self.quiet) and not self._stopped.is_set() and time.monotonic() < until:
                self._asked.clear()
            if not self._stopped.is_set():
                self._read(app)
        except Exception as error:
            # The first request meets it again, and says so.
            _LOG.debug("what pages about a run need was not read beforehand: %s", type(error).__name__)
        finally:
            self.done.set()

    def _read(self, app: Starlette) -> None:
        runs = self.study.store.outcomes.runs()
        if not runs:
            return
        sys.setswitchinterval(TURN)
        try:
            here = room_of(app, self.study)
            if not self._stopped.is_set():
                here.run(runs[0].id)
            if not self._stopped.is_set():
                shelf_of(app, self.study)
        finally:
            sys.setswitchinterval(_USUAL_TURN)
