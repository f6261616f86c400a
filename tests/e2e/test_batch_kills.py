"""SIGKILL at every step of sending and collecting batches: no question is ever ordered twice, and every one is answered."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import studies
from batch_errand import COUNT, EACH
from batch_server import BatchServer, Moment, ordered

# One process after the other dies at one of these, in the order in which they are reached. A verb of the register is
# `VERB:N:WHEN`; the others are moments of the server, the Nth of their kind in that process. Once the server has told
# something the process may get further before it dies: such moments stand where nothing later hangs on how far.
WAY = [
    "seal:1:before",
    "seal:1:after",
    "leaving:1:after",
    ("POST files", "came", 1),
    ("POST files", "done", 1),
    "uploaded:1:before",
    "uploaded:1:after",
    "touch:1:after",
    ("POST batches", "came", 1),
    ("POST batches", "done", 1),
    ("GET list", "came", 1),
    "sent:1:before",
    "sent:1:after",
    # The first of three is sent.
    "seal:1:after",
    ("POST batches", "came", 1),
    "sent:1:before",
    "sent:1:after",
    # The second is.
    ("POST batches", "done", 1),
    ("GET batch", "came", 4),
    ("GET batch", "told", 5),
    ("GET content", "came", 1),
    ("GET content", "told", 1),
    "keep:1:before",
    "keep:1:after",
    "keep:2:after",
    "close:1:before",
    "close:1:after",
    "close:1:after",
]


@dataclass
class Driver:
    """Processes on one database against one server."""

    database: Path
    server: BatchServer

    def leg(self, point: str | tuple[str, str, int] | None) -> tuple[int, str, str]:
        """Run once, dying at a point."""
        die_at = (point,) if isinstance(point, str) else ()
        process = studies.start("batch_errand.py", self.database, self.server.url, *die_at)
        if isinstance(point, tuple):
            self.server.hook = _killer(process, *point)
        try:
            output, errors = process.communicate(timeout=120)
        finally:
            _kill(process)
            self.server.hook = None
        return process.returncode, output, errors

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()


def _killer(process: subprocess.Popen[str], route: str, when: str, number: int) -> object:
    seen: list[Moment] = []

    def hook(moment: Moment) -> None:
        if moment == Moment(route, when):
            seen.append(moment)
            if len(seen) == number:
                _kill(process)
                # Its connections are closed a moment later.
                time.sleep(0.1)

    return hook


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
def test_killed_all_along_the_way_nothing_is_ordered_twice(tmp_path: Path) -> None:
    with BatchServer() as server:
        driver = Driver(tmp_path / "study.sqlite", server)
        for point in WAY:
            code, output, errors = driver.leg(point)
            assert code == -signal.SIGKILL, f"{point} was not reached: {code} {errors}{output[:200]}"
            assert max(Counter(ordered(server)).values(), default=1) == 1, f"{point}: ordered twice"
        code, output, errors = driver.leg(None)
        assert code == 0, errors
        assert len(ordered(server)) == COUNT
        assert len(server.batches) == -(-COUNT // EACH)
        assert Counter(server.counts.values()) == {1: COUNT}, "the server answered each question once"
        assert len(server.in_batches) == COUNT, "and all of them in batches"
        answers = json.loads(output)
        assert len(answers) == COUNT
        assert all(answer.startswith("root=") for answer in answers)
        assert driver.rows("SELECT count(*), count(DISTINCT key), max(attempt) FROM call") == [(COUNT, COUNT, 1)]
        assert driver.rows("SELECT DISTINCT fate FROM parcel_line WHERE fate <> 'unasked'") == [("replied",)]
        assert driver.rows("SELECT count(*) FROM parcel_line WHERE request <> ''") == [(0,)]
        sent = sum(content.count(b'"method": "POST"') for content in server.files.values())
        logged = driver.rows("SELECT count(*) FROM egress")[0][0]
        assert isinstance(logged, int)
        assert logged >= sent >= COUNT, "whatever left is in the log"


@pytest.mark.slow
def test_a_killed_analysis_ends_as_one_that_asked_one_by_one(tmp_path: Path) -> None:
    template = studies.make(tmp_path / "study", studies.sample("P01"))
    with BatchServer() as calm, BatchServer() as server:
        killed = studies.copied(template, tmp_path / "killed")
        done = studies.start("plain_run.py", template, calm.spec)
        assert done.communicate(timeout=150)[1] == ""
        expected = studies.tables(template, calm.spec)
        process = studies.start("batch_run.py", killed, server.spec, "batch", "keep:2:after")
        process.communicate(timeout=150)
        assert process.returncode == -signal.SIGKILL
        process = studies.start("batch_run.py", killed, server.spec, "batch")
        assert process.communicate(timeout=150)[1] == ""
        assert studies.tables(killed, server.spec) == expected
        assert server.counts == calm.counts
        assert set(server.counts.values()) == {1}
        assert len(server.batches) == 1
        assert len(server.in_batches) == calm.kinds["code"] > 10
