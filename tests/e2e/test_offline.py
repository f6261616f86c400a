"""Without a remote model nothing on this machine even tries to reach another one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import studies

from belonging_llm import model_files
from belonging_llm.errors import ModelFileError

pytestmark = [pytest.mark.models, pytest.mark.slow]

# Loaded by every Python process that inherits the path, Prefect's own server among them.
GUARD = """
import json, os, socket, sys

def _away(host):
    host = str(host)
    return not (host in ("", "None", "localhost", "::1", "0.0.0.0", "::") or host.startswith("127."))

def _record(what, where):
    with open(os.environ["BELONGING_E2E_ATTEMPTS"], "a") as out:
        out.write(json.dumps([what, str(where), sys.argv[:2]]) + "\\n")
    raise OSError(f"the test lets nobody {what} {where}")

def _guarded(name, real, place):
    def call(self, *given, **named):
        address = given[place]
        if isinstance(address, tuple) and _away(address[0]):
            _record(name, address)
        return real(self, *given, **named)
    return call

for name, place in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
    setattr(socket.socket, name, _guarded(name, getattr(socket.socket, name), place))

_getaddrinfo = socket.getaddrinfo
def getaddrinfo(host, *given, **named):
    if _away(host if not isinstance(host, bytes) else host.decode()):
        _record("getaddrinfo", host)
    return _getaddrinfo(host, *given, **named)
socket.getaddrinfo = getaddrinfo

with open(os.environ["BELONGING_E2E_ATTEMPTS"] + ".guarded", "a") as out:
    out.write(json.dumps(sys.argv[:2]) + "\\n")
"""

NO_NETWORK = ["unshare", "-rn", "--", "sh", "-c", 'ip link set lo up 2>/dev/null || ifconfig lo up; exec "$@"', "sh"]


@pytest.fixture(scope="module", autouse=True)
def _encoder_is_here() -> None:
    try:
        model_files.locate("all-MiniLM-L6-v2")
    except ModelFileError as error:
        pytest.skip(f"the embedded encoder's files are not here: {error}")


@pytest.fixture
def guard(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    (tmp_path / "home").mkdir()
    return {
        "PYTHONPATH": str(tmp_path / "guard"),
        "BELONGING_E2E_ATTEMPTS": str(tmp_path / "attempts"),
        "HOME": str(tmp_path / "home"),
        "BELONGING_MODELS": str(model_files.locate("all-MiniLM-L6-v2").parent),
    }


def _belonging(env: dict[str, str], *arguments: str | Path, within: list[str] | None = None) -> str:
    called = [*(within or []), sys.executable, "-m", "belonging_llm.cli", *map(str, arguments)]
    done = subprocess.run(
        called, env=studies.environment(**env), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_nothing_is_attempted_and_nothing_missing(tmp_path: Path, guard: dict[str, str]) -> None:
    folder = tmp_path / "study"
    _belonging(guard, "init", folder)
    _belonging(guard, "import", folder, *studies.sample("P01", "P05"))
    models = ("--llm", "none", "--embedder", "local")
    figures = json.loads(_belonging(guard, "analyse", folder, *models, "--json", within=_no_network()))
    assert figures["complete"] is True
    assert figures["calls"] == 0
    assert figures["outcomes"]["assigned"] > 0
    attempts = tmp_path / "attempts"
    assert not attempts.exists(), attempts.read_text(encoding="utf-8")
    guarded = attempts.with_suffix(".guarded").read_text(encoding="utf-8").splitlines()
    assert len(guarded) >= 4, "three commands and Prefect's server were under guard"


def _no_network() -> list[str] | None:
    """A network namespace with nothing but loopback in it, where this machine allows one; else under guard alone."""
    if not shutil.which("unshare") or not (shutil.which("ip") or shutil.which("ifconfig")):
        return None
    probe = [*NO_NETWORK, sys.executable, "-c", _LOOPBACK_WORKS]
    return None if subprocess.run(probe, capture_output=True, check=False).returncode else NO_NETWORK


def test_guard_catches_an_attempt(tmp_path: Path, guard: dict[str, str]) -> None:
    """The guard itself works: a connection elsewhere is stopped and recorded."""
    for reach in ("socket.create_connection(('192.0.2.1', 9))", "socket.getaddrinfo('example.org', 80)"):
        called = [sys.executable, "-c", f"import socket; {reach}"]
        done = subprocess.run(called, env=studies.environment(**guard), capture_output=True, text=True, check=False)
        assert "the test lets nobody" in done.stderr
    assert len((tmp_path / "attempts").read_text(encoding="utf-8").splitlines()) == 2


_LOOPBACK_WORKS = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
try:
    socket.create_connection(("192.0.2.1", 9), timeout=2)
except OSError as error:
    raise SystemExit(0 if error.errno == 101 else 1)
raise SystemExit(1)
"""
