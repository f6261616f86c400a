"""Small studies for these tests: made, run, looked into."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from chat_server import asked_digest
from click.testing import CliRunner, Result
from plain_run import run_stages

from belonging_llm import cli, study
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import bench
from belonging_llm.asking import Asker, Retry
from belonging_llm.importing import import_paths
from belonging_llm.prices import Price
from belonging_llm.study import Study
from belonging_llm.usecases import analysing

HERE = Path(__file__).parent
# The server says 10 tokens in, 5 out for every reply: 10 × 0.01 + 5 × 0.02 = 0.20 dollars.
DEAR = Price(models=("http://127.0.0.1:*#pretend",), input=10_000, output=20_000, source="A vendor", date=None)
EACH = 0.20
INTERVIEWS = HERE.parents[1] / "data" / "sample" / "transcripts"


def make(folder: Path, paths: Sequence[Path], *, ask_share: float = 0.5) -> Path:
    """A study with these interviews, imported one by one in this order; closed, so that it can be copied."""
    made = study.create(folder)
    for path in paths:
        assert not [done.problem for done in import_paths(made, [path]) if done.problem]
    settings = folder / "study.toml"
    changed, found = re.subn(r"(?m)^ask_share = .*$", f"ask_share = {ask_share}", settings.read_text(encoding="utf-8"))
    assert found == 1
    settings.write_text(changed, encoding="utf-8")
    made.store.close()
    return folder


def sample(*names: str) -> list[Path]:
    """Sample interviews by number: `sample("P01", "P05")`."""
    return [next(INTERVIEWS.glob(f"{name}.*")) for name in names]


def beginning(path: Path, target: Path, lines: int) -> Path:
    """The first lines of an interview: fewer questions than all of it."""
    target.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:lines]), "utf-8")
    return target


def drop(folder: Path, name: str, lines: int = 50) -> None:
    """The beginning of a sample interview into the inbox, old enough to be whole."""
    (path,) = sample(name)
    (folder / "inbox").mkdir(exist_ok=True)
    os.utime(beginning(path, folder / "inbox" / path.name, lines), (1, 1))


def copied(folder: Path, target: Path) -> Path:
    return Path(shutil.copytree(folder, target))


@dataclass(frozen=True)
class Tables:
    """What a run found, without ids of runs and times."""

    themes: list[Any]
    codings: list[Any]

    @property
    def text(self) -> str:
        return json.dumps([self.themes, self.codings], sort_keys=True)


def tables(folder: Path, llm: str) -> Tables:
    """The themes and codings of the last finished run; the model's name stands as MODEL."""
    opened = Study(folder)
    try:
        run = opened.store.runs.latest()
        assert run is not None, f"{folder}: no run has finished"
        found = [opened.store.findings.themes(run.id), opened.store.findings.codings(run.id)]
    finally:
        opened.store.close()
    return Tables(
        *(json.loads(json.dumps([i.model_dump(mode="json") for i in part]).replace(llm, "MODEL")) for part in found)
    )


def last_run(folder: Path) -> Any:
    opened = Study(folder)
    try:
        return opened.store.runs.latest()
    finally:
        opened.store.close()


def segments(folder: Path) -> dict[str, str]:
    """Texts of all segments, by id."""
    opened = Study(folder)
    try:
        return {s.id: s.text for s in opened.store.corpus.segments()}
    finally:
        opened.store.close()


def committed(folder: Path) -> set[str]:
    """Digests of the questions whose replies are in the ledger, as the server computes them."""
    rows = [json.loads(row[0]) for row in _rows_of_copy(folder, "SELECT request FROM call")]
    return {asked_digest(r["system"], r["user"], r["max_tokens"], r["seed"]) for r in rows}


def damage(folder: Path) -> list[Any]:
    """What SQLite finds wrong with the database; empty when all is well."""
    found = _rows_of_copy(folder, "PRAGMA integrity_check") + _rows_of_copy(folder, "PRAGMA foreign_key_check")
    return [row for row in found if row != ("ok",)]


def _rows_of_copy(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Asked of a copy: opening the database itself would recover its journal before the program does."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in folder.glob("study.sqlite*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, copy)
    if not (copy / "study.sqlite").exists():
        return []
    connection = sqlite3.connect(copy / "study.sqlite")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def quoted_places(found: Tables) -> list[tuple[str, int, int]]:
    """Every stored piece of evidence: (segment id, start, end)."""
    themes = [(q["segment_id"], q["start"], q["end"]) for theme in found.themes for q in theme["quotes"]]
    return themes + [(c["segment_id"], e["start"], e["end"]) for c in found.codings for e in c["evidence"]]


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "BELONGING_", "OPENAI_"))}
    models = {"BELONGING_MODELS": os.environ["BELONGING_MODELS"]} if "BELONGING_MODELS" in os.environ else {}
    return kept | models | more


def start(script: str, *arguments: str | Path, stdin: int | None = None, **env: str) -> subprocess.Popen[str]:
    """One of the driver scripts here as a process with a group of its own."""
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment(**env),
    )


@dataclass
class Forge:
    """Runs of `plain_run.py`, one after the other, without importing everything each time; see `forked_runs.py`."""

    process: subprocess.Popen[str]

    def start(self, *arguments: str | Path) -> Forked:
        """Begin one run; the one before has to be over."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(a) for a in arguments]) + "\n")
        self.process.stdin.flush()
        return Forked(int(self.process.stdout.readline()), self.process.stdout)

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Forge]:
        """One for a while."""
        # A process that forks had better have no threads.
        alone = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        alone |= {"NUMBA_THREADING_LAYER": "workqueue"}
        said = subprocess.PIPE
        started = [sys.executable, str(HERE / "forked_runs.py")]
        with subprocess.Popen(started, stdin=said, stdout=said, text=True, env=environment(**alone)) as process:
            try:
                yield cls(process)
            finally:
                process.kill()


@dataclass
class Forked:
    """One run, a process with a group of its own.

    Attributes:
        ended: Its id may be another process's by now.
    """

    pid: int
    said: IO[str]
    ended: bool = False

    def over(self) -> tuple[int, str]:
        """Wait for its end: exit code, and what it wrote to standard error."""
        code, errors = json.loads(self.said.readline())
        self.ended = True
        return code, errors


def command(*arguments: str | Path, timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
    """`belonging …` as a process, with Prefect, until it ends."""
    return subprocess.run(
        [sys.executable, str(HERE / "command_line.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(**env),
        check=False,
    )


@dataclass
class InProcess:
    """`belonging …` in this process: the stages run one after the other instead of as a flow.

    Attributes:
        slept: Seconds that the asking layer wanted to wait; nobody really waits.
    """

    slept: list[float]

    def __call__(self, *arguments: str | Path) -> Result:
        return CliRunner().invoke(cli.main, [str(a) for a in arguments])

    def analyse(self, folder: Path, llm: str, *more: str) -> Result:
        return self("analyse", folder, "--llm", llm, *more)


def in_process(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    slept: list[float] = []
    patient: Callable[[], Retry] = lambda: Retry(sleep=slept.append)  # noqa: E731
    monkeypatch.setattr(bench, "Asker", lambda *who, **what: Asker(*who, retry=patient(), **what))
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder())
    monkeypatch.setattr(analysing, "_run_flow", lambda _, job: run_stages(job))
    return InProcess(slept)
