"""SIGKILL at any moment, the same command again: the result is that of an uninterrupted run, and nothing is paid twice.

What is asserted after every kill: no question whose reply is in the ledger is ever asked again.
What is asserted at the end: every question was asked once, and once more for each kill that hit it,
which means that the request had been sent and its reply was not yet in the ledger at that kill.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pytest
import studies
from chat_server import Asked, ChatServer
from studies import Forge, Forked

CONCURRENCY = 8
BATCH = "20"
KILLS_A_STUDY = 16
KILLS_AMONG_THEMES = 6
KILLS = 50
STUDIES_AT_MOST = 10
LONGEST = 150.0
Running = Forked | subprocess.Popen[str]


@dataclass(frozen=True)
class Point:
    """A moment to kill at.

    Attributes:
        when: `before` the reply to request `number` (of this process) is sent; `after` it was sent;
            `later`, `seconds` after it was sent; or `clock`, after `share` of the time that a process like it took to
            its first request.
    """

    when: str
    number: int = 0
    seconds: float = 0.0
    share: float = 0.0


def points(seed: int) -> Iterator[Point]:
    """Moments drawn at random, the same for the same seed."""
    draw = np.random.default_rng(seed)
    while True:
        yield Point("before", int(draw.integers(1, 7)))
        yield Point("after", int(draw.integers(1, 6)))
        yield Point("clock", share=float(draw.uniform(0.1, 1.1)))
        yield Point("later", int(draw.integers(1, 5)), float(draw.uniform(0, 0.02)))


@dataclass
class Chain:
    """One study, killed again and again until it is done.

    Attributes:
        forge: Runs the stages without Prefect; None runs the whole command.
        lost: How many kills hit each question: sent, and not in the ledger when the process was dead.
        quickest: Seconds from a start to the first request, where that took least.
    """

    folder: Path
    server: ChatServer
    forge: Forge | None = None
    kills: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    quickest: float = LONGEST

    def until_done(self, moments: Iterator[Point]) -> None:
        """Kill at each moment in turn; when they are used up (or none is reached) the process ends by itself."""
        for moment in moments:
            if self.leg(moment):
                return
        assert self.leg(None), "nobody killed it, and yet it did not finish"

    def leg(self, moment: Point | None) -> bool:
        """Run once, killing at `moment`; whether it ended by itself."""
        before, kept = len(self.server.log), studies.committed(self.folder)
        code, errors = self._run(moment, before)
        self.server.settle()
        asked = Counter(a.digest for a in self.server.log[before:])
        again = set(asked) & kept
        assert not again, f"{moment}: {len(again)} questions asked again although their replies were kept"
        assert not studies.damage(self.folder)
        if code == 0:
            return True
        assert code == -signal.SIGKILL, f"{moment}: ended with {code}: {errors}"
        assert moment is not None
        self.kills[moment.when] += 1
        lost = set(asked) - studies.committed(self.folder)
        assert len(lost) <= CONCURRENCY, "more was lost than can be in flight"
        self.lost.update(lost)
        return False

    def _run(self, moment: Point | None, before: int) -> tuple[int, str]:
        started = time.monotonic()
        process = self._start()
        clock = moment.share * self.quickest if moment and moment.when == "clock" else LONGEST
        timer = threading.Timer(clock, kill, [process])
        timer.start()
        if moment and moment.when != "clock":
            self._arm(moment, process, before)
        try:
            return over(process)
        finally:
            timer.cancel()
            kill(process)
            self.server.before_reply = self.server.after_reply = None
            if len(self.server.log) > before:
                self.quickest = min(self.quickest, self.server.log[before].at - started)

    def _start(self) -> Running:
        if self.forge:
            return self.forge.start(self.folder, self.server.spec, BATCH)
        return studies.start("command_line.py", "analyse", self.folder, "--llm", self.server.spec)

    def _arm(self, moment: Point, process: Running, before: int) -> None:
        def hit(asked: Asked) -> None:
            if asked.number - before == moment.number:
                time.sleep(moment.seconds)
                kill(process)

        if moment.when == "before":
            self.server.before_reply = hit
        else:
            self.server.after_reply = hit

    def assert_paid_once(self) -> None:
        """Every question once, and once more for each kill that hit it."""
        wanted = {digest: 1 + self.lost[digest] for digest in self.server.counts}
        assert dict(self.server.counts) == wanted


def over(process: Running) -> tuple[int, str]:
    """Wait for its end: exit code, and what it wrote to standard error."""
    if isinstance(process, Forked):
        return process.over()
    _, errors = process.communicate()
    return process.returncode, errors


def kill(process: Running) -> None:
    """The process and whatever it started; no handler of its runs any more."""
    if isinstance(process, Forked) and process.ended:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _reference(folder: Path, server: ChatServer, forge: Forge) -> tuple[studies.Tables, int]:
    assert forge.start(folder, server.spec, BATCH).over() == (0, "")
    assert max(server.counts.values()) == 1
    return studies.tables(folder, server.spec), len(server.log)


@pytest.mark.slow
def test_killed_studies_end_as_if_nobody_had_killed_them(tmp_path: Path) -> None:
    interviews = [studies.sample("P01", "P02"), studies.sample("P03", "P05")]

    def one_study(number: int) -> Counter[str]:
        template = studies.make(tmp_path / f"study{number}", interviews[number % 2], ask_share=1.0)
        with ChatServer() as calm, ChatServer() as server, Forge.opened() as forge:
            killed = Chain(studies.copied(template, tmp_path / f"killed{number}"), server, forge)
            expected, questions = _reference(template, calm, forge)
            moments = points(number)
            assert calm.kinds["rename"] >= 1, "the renaming stage must be among what is killed"
            assert calm.kinds["label"] >= 3
            if number:
                # The first study is killed in every stage; the others from the first segment on, which is cheaper.
                moments = chain([Point("before", questions - calm.kinds["code"] + 1)], moments)
            killed.until_done(islice(moments, KILLS_A_STUDY if number else KILLS_AMONG_THEMES))
            assert studies.tables(killed.folder, server.spec) == expected
            assert len(server.counts) == questions
            killed.assert_paid_once()
            sent = len(server.log)
            assert killed.leg(None), "a finished study runs through once more"
            assert len(server.log) == sent, "and asks nothing"
            return killed.kills

    kills: Counter[str] = Counter()
    with ThreadPoolExecutor(2) as pool:
        # A study that is done cannot be killed any more: on a fast machine more studies are needed for as many kills.
        for first in range(0, STUDIES_AT_MOST, 2):
            kills += sum(pool.map(one_study, (first, first + 1)), Counter())
            if kills.total() >= KILLS:
                break
    assert kills.total() >= KILLS
    assert set(kills) == {"before", "after", "later", "clock"}


@pytest.mark.slow
def test_killed_command_line_continues(tmp_path: Path) -> None:
    template = studies.make(tmp_path / "study", studies.sample("P01"))
    with ChatServer() as calm, ChatServer() as server, Forge.opened() as forge:
        folder = studies.copied(template, tmp_path / "killed")
        expected, questions = _reference(template, calm, forge)
        killed = Chain(folder, server)
        in_coding = calm.kinds["label"] + calm.kinds["rename"] + calm.kinds["map"] + 6
        killed.until_done(iter([Point("before", 2), Point("after", in_coding)]))
        assert killed.kills == {"before": 1, "after": 1}
        assert studies.tables(folder, server.spec) == expected
        assert len(server.counts) == questions
        killed.assert_paid_once()
    assert (folder / "reports" / "findings.html").exists()
    assert not _left_over(folder), "a killed run left processes behind"


@pytest.mark.slow
def test_interrupted_command_line_says_so_and_continues(tmp_path: Path) -> None:
    folder = studies.make(tmp_path / "study", studies.sample("P01"))
    with ChatServer() as server:
        process = studies.start("command_line.py", "analyse", folder, "--llm", server.spec)

        pressed = threading.Event()

        def press_ctrl_c(asked: Asked) -> None:
            if asked.number == 3:
                os.killpg(process.pid, signal.SIGINT)
                pressed.set()

        server.after_reply = press_ctrl_c
        try:
            assert pressed.wait(90)
            # A terminal sends it to everything that runs in it, Prefect's own server too.
            _, errors = process.communicate(timeout=20)
        finally:
            kill(process)
            process.communicate()
        assert process.returncode == 130, errors
        assert "interrupted; what is done is kept" in errors
        assert "Traceback" not in errors
        server.settle()
        kept = studies.committed(folder)
        assert len(kept) >= 2
        before, server.after_reply = len(server.log), None
        again = studies.start("plain_run.py", folder, server.spec)
        assert again.communicate(timeout=90)[1] == ""
        assert not {a.digest for a in server.log[before:]} & kept
    assert not _left_over(folder), "an interrupted run left processes behind"


DIES_WHILE_MAKING_TABLES = """
import os, signal
from alembic import op
made, real = [], op.create_table
def create_table(*given, **named):
    made.append(given)
    if len(made) == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)
op.create_table = create_table
from belonging_llm.cli import main
main()
"""


def test_killed_while_the_tables_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "study"
    made = [sys.executable, "-c", DIES_WHILE_MAKING_TABLES, "init", str(folder)]
    died = subprocess.run(made, env=studies.environment(), capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL
    belonging = studies.in_process(monkeypatch)
    done = belonging("import", folder, *studies.sample("P01"))
    assert done.exit_code == 0, done.output
    assert belonging("status", folder).exit_code == 0


def _left_over(folder: Path) -> list[int]:
    """Processes whose Prefect home is the study's."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"PREFECT_HOME={folder}".encode() in place.read_bytes():
                found.append(int(place.parent.name))
    return found
