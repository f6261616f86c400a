"""Run a flow: Prefect is started only here, and told to be quiet."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from belonging_llm.errors import BelongingError, DiskFull
from belonging_llm.study import Study

# Prefect's own database, and its journal.
ROOM = 8 * 2**20


def flow_runner(study: Study, flow: Callable[[], Any]) -> Any:
    """Run what imports and calls a flow, with Prefect quiet and its records in the study; returns what it returns.

    Raises:
        DiskFull: Prefect has no room for its own records.
    """
    from flows.settings import use_prefect_quietly

    _demand_room(study)
    use_prefect_quietly(study.prefect_home)
    usual = signal.signal(signal.SIGINT, _leave) if threading.current_thread() is threading.main_thread() else None
    try:
        return flow()
    except BelongingError:
        raise
    except Exception as error:
        # Whatever Prefect says when it cannot keep its own records.
        _demand_room(study, error)
        raise
    finally:
        if usual is not None:
            signal.signal(signal.SIGINT, usual)


def _demand_room(study: Study, cause: Exception | None = None) -> None:
    """See that Prefect can keep its records; without room it would try for minutes and then fail at length."""
    place = Path(os.environ.get("PREFECT_HOME") or study.prefect_home)
    if shutil.disk_usage(next(p for p in (place, *place.parents) if p.exists())).free < ROOM:
        raise DiskFull(f"Prefect's records in {place} ({ROOM >> 20} MB)") from cause


def _leave(*_: object) -> None:
    """End at once on Ctrl-C: it also ended Prefect's server, which its client would seek for minutes.

    Everything that counts is committed as it is done.
    """
    sys.stderr.write("\nbelonging: interrupted; what is done is kept, and the same command continues\n")
    sys.stderr.flush()
    os._exit(130)
