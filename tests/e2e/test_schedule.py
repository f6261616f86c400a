"""A real Prefect server, a served deployment that is due every minute, files that come in between, kill -9."""

from __future__ import annotations

import itertools
import json
import signal
import threading
import time
import urllib.error
import urllib.request

import pytest
import studies
from chat_server import Asked
from served import LONGEST, Scheduled, processes_of, until


@pytest.mark.slow
def test_files_that_come_in_are_taken_up_once_whatever_is_due_or_dies(scheduled: Scheduled) -> None:
    chat = scheduled.chat
    scheduled.drop("P03")
    scheduled.serve()

    refused(scheduled)

    # The clock starts a batch. While it waits for a reply, another run is asked for: it is cancelled, and asks nothing.
    asking, told = threading.Event(), threading.Event()

    def hold(_: Asked) -> None:
        asking.set()
        told.wait(LONGEST)

    chat.before_reply = hold
    until(asking.is_set, "the clock starts a batch")
    extra = scheduled.run_now()
    until(lambda: scheduled.run(extra)["state_type"] == "CANCELLED", "an overlapping run is cancelled")
    scheduled.drop("P05")
    told.set()
    chat.before_reply = None
    until(lambda: scheduled.came_in() == ["P03"], "the first file is taken up by the clock")
    assert "concurrency limit" in scheduled.run(extra)["state"]["message"]
    assert max(chat.counts.values()) == 1

    # The next batch is killed among its calls, and the worker with it.
    chat.reset()
    killed: list[set[str]] = []

    def kill(asked: Asked) -> None:
        if asked.number == 9:
            scheduled.kill()
            killed.append(studies.committed(scheduled.folder))

    chat.after_reply = kill
    until(lambda: killed, "the second file's batch is killed")
    chat.after_reply = None
    chat.settle()
    asked_before = {asked.digest for asked in chat.log}
    assert scheduled.runs("RUNNING"), "Prefect cannot know yet that it died"
    scheduled.drop("P06")
    # Themes come to be due; nobody is there to be asked, and a run that waited would be waited for.
    scheduled.serve(wait=0)
    until(lambda: [run["name"] for run in scheduled.runs("CRASHED")], "the dead run is marked as such")
    until(
        lambda: sorted(scheduled.came_in()) == ["P03", "P05", "P06"],
        "what was interrupted is continued, then the third",
    )
    lost = asked_before - killed[0]
    assert len(lost) <= 8, "more was lost than was in flight"
    assert {digest for digest, n in chat.counts.items() if n > 1} <= lost, "a reply that was kept was paid for again"
    assert max(chat.counts.values()) <= 2

    until(lambda: not scheduled.runs("RUNNING", "PENDING"), "the last run ends")
    ran = [run for run in scheduled.runs("COMPLETED", "CRASHED", "FAILED") if run["start_time"]]
    spans = sorted((run["start_time"], run["end_time"]) for run in ran)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans)), spans
    assert not scheduled.runs("FAILED")
    for name in ("parameters", "name"):
        assert "felt" not in json.dumps([run[name] for run in ran]), "Prefect knows ids and paths, no words"
    _ends_in_order(scheduled)


def refused(scheduled: Scheduled) -> None:
    """Whoever has not got the secret is not let in, and the secret is for nobody else to read."""
    assert (scheduled.folder / ".prefect" / "server.json").stat().st_mode & 0o077 == 0
    request = urllib.request.Request(f"http://127.0.0.1:{scheduled.server['port']}/api/flows/count", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, b"{}", timeout=60)


def _ends_in_order(scheduled: Scheduled) -> None:
    """Ctrl-C, while nothing runs and nothing is due, ends the worker and the server that it started."""
    assert scheduled.worker is not None
    until(lambda: 10 < time.time() % 60 < 45 and not scheduled.at_work(), "nothing runs or is due")
    scheduled.worker.send_signal(signal.SIGINT)
    _, errors = scheduled.worker.communicate(timeout=LONGEST)
    assert "Traceback" not in errors
    assert scheduled.worker.returncode in (0, 130), errors
    until(lambda: not list(processes_of(scheduled.folder)), "nothing is left behind")
