# ruff: noqa: S101, S603, S607 - a script that runs our own commands, and stops where what it relies on is not so
"""A disk that is full: an analysis is stopped at many points, and each time freed and run again.

Usage: python evals/full_disk.py [--points N] [--out FILE]      as root: a small tmpfs is mounted for it

The disk is a tmpfs. Before each run it is filled until so much is left that the analysis stops at another point: while
tables are made, at the first vectors, between two replies, at the last codings. What has to hold every time:

- the command ends with exit code 1 or 3 and one message that says what is full and what to do, without a traceback;
- SQLite finds nothing wrong with the database (`PRAGMA integrity_check`, `PRAGMA foreign_key_check`);
- with room again, the same command finishes, and finds what an undisturbed run finds;
- no question was asked twice: every reply that came was kept.

The model is a real server on loopback that counts what it is asked. The flow runs without Prefect, whose own
records would only make the points coarser; the whole command is tried in `tests/e2e/test_full_disk.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))

import studies  # noqa: E402
from chat_server import ChatServer  # noqa: E402

from belonging_llm.store.reserve import SIZE as SET_ASIDE  # noqa: E402

SIZE = 32 * 2**20
BATCH = "10"
STEP = 4096


@dataclass(frozen=True)
class Stop:
    """One point.

    Attributes:
        room: Bytes that were left on the disk.
        asked: Questions that were asked before it was full.
        stage: What there was by then.
        whole: Whether the database was intact; `same` whether the rerun found what an undisturbed run finds.
        twice: Questions asked more than once, rerun included.
    """

    room: int
    code: int
    message: str
    traceback: bool
    asked: int
    stage: str
    whole: bool
    resumed: bool
    same: bool
    twice: int


@contextmanager
def small_disk(size: int = SIZE) -> Iterator[Path]:
    """A tmpfs of its own.

    Raises:
        OSError: this may not be mounted here.
    """
    place = Path(tempfile.mkdtemp(prefix="full-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True)
    try:
        if mounted.returncode:
            raise OSError(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
        yield place
    finally:
        subprocess.run(["umount", str(place)], capture_output=True, check=False)
        place.rmdir()


def leave(disk: Path, room: int) -> Path:
    """Fill a disk until so many bytes are left; returns the file to delete."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free - room, 1))
    return ballast


def stopped_at(room: int, template: Path, disk: Path, forge: studies.Forge, expected: studies.Tables) -> Stop:
    """Run an analysis on a disk with so much room; free it; run it again."""
    folder = studies.copied(template, disk / "study")
    with ChatServer() as server:
        ballast = leave(disk, room)
        code, said = forge.start(folder, server.spec, BATCH).over()
        ballast.unlink()
        asked, whole, stage = len(server.log), not damaged(folder), stage_of(folder)
        resumed, errors = forge.start(folder, server.spec, BATCH).over()
        if resumed:
            sys.stderr.write(errors)
        same = resumed == 0 and studies.tables(folder, server.spec) == expected
        twice = sum(n - 1 for n in server.counts.values())
    shutil.rmtree(folder)
    line = said.strip().splitlines()[-1] if said.strip() else ""
    return Stop(
        room, code, line.replace(str(disk), "DISK"), "Traceback" in said, asked, stage, whole, not resumed, same, twice
    )


def damaged(folder: Path) -> list[object]:
    """What is wrong with the database; the journal is taken along."""
    with tempfile.TemporaryDirectory() as elsewhere:
        copy = Path(shutil.copytree(folder, Path(elsewhere) / "study"))
        return list(studies.damage(copy))


def stage_of(folder: Path) -> str:
    """What the study holds, told by counts."""
    with tempfile.TemporaryDirectory() as elsewhere:
        opened = studies.Study(Path(shutil.copytree(folder, Path(elsewhere) / "study")))
        run = opened.store.runs.latest(finished=False)
        coded = len(opened.store.findings.coded(run.id)) if run else 0
        themes = len(opened.store.findings.themes(run.id)) if run else 0
        calls = opened.store.ledger.usage()["calls"]
        opened.store.close()
    if run is None:
        return "before the run"
    return f"{calls} replies, {themes} themes, {coded} segments coded"


def rooms(points: int, needed: int) -> list[int]:
    """How much is left at each point: some before there is room for what is set aside, most after it."""
    early = points // 5
    before = [SET_ASIDE * (k + 0.5) / early for k in range(early)]
    after = [SET_ASIDE + (needed - SET_ASIDE) * (k + 0.5) / (points - early) for k in range(points - early)]
    return [STEP * round(room / STEP) for room in (*before, *after)]


def measure(points: int) -> dict[str, object]:
    """Stop an analysis at so many points."""
    with tempfile.TemporaryDirectory() as place, small_disk() as disk, studies.Forge.opened() as forge:
        template = studies.make(Path(place) / "study", studies.sample("P01"), ask_share=1.0)
        with ChatServer() as calm:
            alone = studies.copied(template, disk / "alone")
            before = shutil.disk_usage(disk).free
            assert forge.start(alone, calm.spec, BATCH).over() == (0, "")
            needed = before - shutil.disk_usage(disk).free
            expected, questions = studies.tables(alone, calm.spec), len(calm.log)
            shutil.rmtree(alone)
        found: list[Stop] = []
        for room in rooms(points, needed):
            found.append(stopped_at(room, template, disk, forge, expected))
            sys.stderr.write(f"{found[-1]}\n")
    return summary(found, needed, questions)


def summary(found: list[Stop], needed: int, questions: int) -> dict[str, object]:
    """What held, and what did not."""
    stopped = [stop for stop in found if stop.code]
    return {
        "points": len(found),
        "stopped": len(stopped),
        "bytes that a whole run writes": needed,
        "questions of a whole run": questions,
        "exit codes": dict(Counter(str(stop.code) for stop in found)),
        "tracebacks": sum(stop.traceback for stop in found),
        "messages that name the remedy": sum("free some" in stop.message for stop in stopped),
        "databases intact": sum(stop.whole for stop in found),
        "resumed": sum(stop.resumed for stop in found),
        "same findings": sum(stop.same for stop in found),
        "questions asked twice": sum(stop.twice for stop in found),
        "stops": [asdict(stop) for stop in found],
    }


def main() -> None:
    """See the module."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--points", type=int, default=50)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    text = json.dumps(measure(given.points), indent=1) + "\n"
    given.out.write_text(text, encoding="utf-8") if given.out else sys.stdout.write(text)


if __name__ == "__main__":
    main()
