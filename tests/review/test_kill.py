"""The server is killed while people save: whatever was acknowledged is there, and the same command serves again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import saving_crowd
from serving import Served, free_port
from world import World

CODERS = ("ann", "ben", "eve")
SEGMENTS = 200
KILLS = 3
ROOT = Path(__file__).parents[2]


class Elsewhere(Served):
    """The application as people run it: a process of its own."""

    def __enter__(self) -> Elsewhere:
        self.port = free_port()
        command = [
            sys.executable,
            "-m",
            "belonging_llm.cli",
            "review",
            str(self.world.folder),
            "--port",
            str(self.port),
        ]
        env = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, start_new_session=True)
        for _ in range(1200):
            try:
                httpx2.get(self.base + "/sign-in")
                return self
            except httpx2.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.study.store.close()


def test_acknowledged_saves_survive_kill(tmp_path: Path) -> None:
    study = saving_crowd.make(tmp_path / "study", CODERS, SEGMENTS)
    study.store.close()
    told: dict[tuple[str, str], str] = {}
    for n in range(KILLS):
        with Elsewhere(World(tmp_path / "study")) as served:
            before = len(served.study.store.judgements.current())

            def kill(served: Elsewhere = served, wanted: int = before + 20 + 7 * n) -> None:
                while len(served.study.store.judgements.current()) < wanted:
                    time.sleep(0.005)
                os.kill(served.process.pid, signal.SIGKILL)

            killer = threading.Thread(target=kill)
            killer.start()
            crowd = saving_crowd.save_all(served, CODERS)
            killer.join()
            told |= {pair: key for pair, key in crowd.told.items() if pair not in told}
            assert crowd.told, "nothing was saved before the server was killed"
            assert "gone" in crowd.refused, "the server was not killed while people saved"
            assert saving_crowd.lost_and_doubled(served.study, saving_crowd.Crowd(told=told)) == (0, 0)
    assert len(told) < len(CODERS) * SEGMENTS
