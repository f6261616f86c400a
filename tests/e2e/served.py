"""A study whose batches are served by a real worker and a real Prefect server."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import studies
from chat_server import ChatServer

from belonging_llm.study import Study

HERE = Path(__file__).parent
# For machines that do much else; a quiet one waits for the clock alone.
LONGEST = 600.0


# How often the worker looks for runs that are due, in seconds.
EAGER = {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}


@dataclass
class Scheduled:
    """A study whose batches are served.

    Attributes:
        worker: The process that serves; its server goes on when it is killed.
    """

    folder: Path
    chat: ChatServer
    worker: subprocess.Popen[str] | None = None

    def serve(self, cron: str = "* * * * *", wait: int = 3600) -> None:
        """Start the worker, and wait until it says that it serves."""
        path = f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        self.worker = studies.start(
            "scheduled.py", self.folder, self.chat.spec, cron, str(wait), PYTHONPATH=path, **EAGER
        )
        assert self.worker.stdout is not None
        said = ""
        while "serving until interrupted" not in said:
            line = self.worker.stdout.readline()
            assert line, f"{said}\n{self.worker.stderr.read() if self.worker.stderr else ''}"
            said += line

    def kill(self) -> None:
        """SIGKILL for the worker and the run that it started, at once; the server lives."""
        assert self.worker is not None
        self.worker.kill()
        for pid in processes_of(self.folder):
            with suppress(ProcessLookupError):
                if os.getsid(pid) != self.server["pid"]:
                    os.kill(pid, signal.SIGKILL)
        self.worker.wait()

    @property
    def server(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / ".prefect" / "server.json").read_text("utf-8")))

    def ask(self, path: str, body: Any = None) -> Any:
        """Prefect's API; whoever asks it needs the secret."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.server['port']}/api{path}", method="POST")
        request.add_header("Authorization", "Basic " + base64.b64encode(self.server["auth"].encode()).decode())
        request.add_header("Content-Type", "application/json")
        deadline = time.monotonic() + LONGEST
        while True:
            try:
                with urllib.request.urlopen(request, json.dumps(body or {}).encode(), timeout=60) as reply:
                    return json.load(reply)
            except urllib.error.HTTPError as error:
                # Its database is busy: Prefect's own clients ask again as well.
                if error.code != 503 or time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def runs(self, *types: str) -> list[dict[str, Any]]:
        """Runs of scheduled batches in these states, the first first."""
        wanted = {"flow_runs": {"state": {"type": {"any_": list(types)}}}, "sort": "START_TIME_ASC", "limit": 200}
        return list(self.ask("/flow_runs/filter", {"flows": {"name": {"any_": ["scheduled batch"]}}, **wanted}))

    def at_work(self) -> bool:
        """Whether a batch is under way or begins, or a run of any kind works or waits for somebody."""
        wanted = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PAUSED"]}}}}
        return bool(self.runs("RUNNING", "PENDING") or self.ask("/flow_runs/filter", wanted))

    def run_now(self, flow: str = "scheduled batch", **parameters: Any) -> str:
        """One more run beside those of the clock and of events; its id."""
        wanted = {"flows": {"name": {"any_": [flow]}}}
        (made,) = until(lambda: self.ask("/deployments/filter", wanted), "the worker has made its deployments")
        return str(self.ask(f"/deployments/{made['id']}/create_flow_run", {"parameters": parameters})["id"])

    def run(self, ident: str) -> dict[str, Any]:
        """One run."""
        (found,) = self.ask("/flow_runs/filter", {"flow_runs": {"id": {"any_": [ident]}}})
        return dict(found)

    def drop(self, name: str) -> None:
        """A file into the inbox, old enough to be whole."""
        (path,) = studies.sample(name)
        (self.folder / "inbox").mkdir(exist_ok=True)
        target = self.folder / "inbox" / path.name
        shutil.copy(studies.beginning(path, target.with_suffix(".part"), 50), target)
        target.with_suffix(".part").unlink()
        before = time.time() - 100
        os.utime(target, (before, before))

    def came_in(self) -> list[str]:
        """Names of transcripts that batches brought in and finished with."""
        opened = Study(self.folder)
        try:
            base = opened.store.batches.base()
            assert base is not None
            done = [run for run in opened.store.batches.of(base.id) if run.status != "running"]
            names = opened.store.corpus.names()
            return [names[ident] for run in done for ident in opened.store.batches.parts(run.id)]
        finally:
            opened.store.close()


def processes_of(folder: Path) -> Iterator[int]:
    """What a worker started: processes that were given the study's Prefect home."""
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"PREFECT_HOME={folder}/".encode() in place.read_bytes():
                yield int(place.parent.name)


def until(what: Callable[[], Any], why: str) -> Any:
    """Wait until something holds."""
    deadline = time.monotonic() + LONGEST
    while not (found := what()):
        assert time.monotonic() < deadline, why
        time.sleep(0.5)
    return found


@contextmanager
def analysed_study(tmp_path: Path) -> Iterator[Scheduled]:
    """An analysed study to be served; in the end nothing of it runs any more."""
    with ChatServer() as chat:
        begun = [studies.beginning(path, tmp_path / path.name, 70) for path in studies.sample("P01")]
        folder = studies.make(tmp_path / "study", begun, ask_share=1.0)
        analysed = studies.start("plain_run.py", folder, chat.spec)
        assert analysed.communicate(timeout=LONGEST)[1] == ""
        chat.reset()
        made = Scheduled(folder, chat)
        try:
            yield made
        finally:
            if made.worker is not None:
                made.worker.kill()
            for pid in processes_of(folder):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if made.worker is not None:
                made.worker.communicate()
