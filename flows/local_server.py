"""A Prefect server for one study on this machine: loopback only, its records in the study, a secret to get in.

Imports nothing of Prefect: what this finds or starts decides what Prefect reads from its environment.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from belonging_llm.errors import InputError

RECORD = "server.json"
LONGEST_START = 600.0
USER = "belonging"


@dataclass(frozen=True)
class LocalServer:
    """A server that runs.

    Attributes:
        auth: What whoever asks it has to send, as `USER:SECRET`; also asked for by its pages.
        pid: Its process.
    """

    port: int
    auth: str
    pid: int

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}/api"

    def answers(self) -> bool:
        """Whether it is there and takes this secret."""
        request = urllib.request.Request(f"{self.url}/admin/version")  # noqa: S310 - loopback
        request.add_header("Authorization", f"Basic {base64.b64encode(self.auth.encode()).decode()}")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=5) as reply:
                return bool(reply.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def stop(self) -> None:
        """End it; its records stay."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)


@contextmanager
def serving(home: Path, port: int | None = None, *, takes_over: bool = False) -> Iterator[str]:
    """Where Prefect's API is while this lasts: at the server that the user named, or at one of the study's own.

    What Prefect reads from its environment, and hands to processes that it starts, says so too.

    Args:
        takes_over: In the end stop a server that ran before, too: one that a killed worker left.
    """
    if named := os.environ.get("PREFECT_API_URL"):
        yield named
        return
    known = _known(home)
    server = started(home, port)
    own = {"PREFECT_API_URL": server.url, "PREFECT_API_AUTH_STRING": server.auth}
    os.environ |= own
    try:
        yield server.url
    finally:
        for name in own:
            os.environ.pop(name, None)
        if takes_over or server != known:
            server.stop()


def running(home: Path) -> LocalServer | None:
    """The study's server; None where it does not run."""
    known = _known(home)
    return known if known and known.answers() else None


def started(home: Path, port: int | None = None) -> LocalServer:
    """The study's server: the one that runs, or a new one with the same secret and port.

    Args:
        home: Where Prefect keeps its records; the secret lies there, for nobody else to read.
        port: Another port than the last time; a free one where none is named.

    Raises:
        InputError: the port is taken, or the server does not start.
    """
    home.mkdir(parents=True, exist_ok=True)
    known = _known(home)
    if known and known.answers() and port in (None, known.port):
        return known
    wanted = port or (known.port if known and _is_free(known.port) else _free_port())
    if not _is_free(wanted):
        raise InputError(f"--port {wanted}: another program uses it; name another, or leave it out")
    auth = known.auth if known else f"{USER}:{secrets.token_urlsafe(24)}"
    process = _start(home, wanted, auth)
    server = LocalServer(wanted, auth, process.pid)
    _remember(home, server)
    deadline = time.monotonic() + LONGEST_START
    while not server.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise InputError(f"Prefect's server does not start; see {home / 'server.log'}")
        time.sleep(0.2)
    return server


def _start(home: Path, port: int, auth: str) -> subprocess.Popen[bytes]:
    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    quiet = {
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "0",
    }
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("ab") as log:
        # A session of its own: Ctrl-C is for the worker, which then ends the server.
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            command, env=kept | own | quiet, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )


def _known(home: Path) -> LocalServer | None:
    try:
        return LocalServer(**json.loads((home / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _remember(home: Path, server: LocalServer) -> None:
    path = home / RECORD
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(asdict(server)), encoding="utf-8")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
