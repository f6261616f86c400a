"""A real PostgreSQL for tests: a cluster of its own, on a Unix socket, gone with the process that started it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USER = "belonging"
TEMPLATE = "template_belonging"
# What tests write is thrown away: nobody waits for the disk. Nothing listens on the network.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "120",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
}


def binaries() -> Path | None:
    """Where initdb and postgres are; None where PostgreSQL is not installed."""
    places = [
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        Path(shutil.which("postgres") or "/").parent,
    ]
    return next((place.resolve() for place in places if (place / "initdb").exists()), None)


def why_not() -> str:
    """Why no cluster can be started here; empty when one can."""
    if binaries() is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if shutil.which("setpriv") is None:
        return "setpriv is not installed: a server would outlive the tests"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "PostgreSQL does not run as root, and there is no user to run it as"
    return ""


@dataclass
class PostgresServer:
    """A running cluster.

    Attributes:
        folder: Its data and its socket.
        password: Of its one user, asked for at every connection.
    """

    folder: Path
    password: str
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[PostgresServer]:
        """Make a cluster, serve it, remove it."""
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        server = cls(folder, secrets.token_hex(8))
        try:
            server._initialise()
            server.start()
            yield server
        finally:
            server.stop("SIGQUIT")
            shutil.rmtree(folder, ignore_errors=True)

    def url(self, database: str, driver: str = "psycopg") -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+{driver}://{USER}:{self.password}@/{database}?host={self.folder}"

    def create(self, database: str, template: str = "template1") -> str:
        """Make a database; its address."""
        self.run(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """One statement outside of any transaction; its rows."""
        import psycopg

        named = {"host": str(self.folder), "user": USER, "password": self.password, "dbname": database}
        with psycopg.connect(**named, autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def start(self) -> None:
        """Serve; again after `stop`."""
        assert self.process is None
        given = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = ["postgres", "-D", self.folder / "data", "-k", self.folder, *given]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._as_nobody(*command), stdout=log, stderr=log, start_new_session=True)
        ready, deadline = self._tool("pg_isready", "-q", "-h", self.folder), time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(encoding="utf-8"))
            time.sleep(0.05)

    def stop(self, how: str = "SIGINT") -> None:
        """End it: SIGINT breaks every connection and closes in order, SIGQUIT leaves as if the power failed."""
        import signal

        if self.process is not None:
            self.process.send_signal(getattr(signal, how))
            self.process.wait(60)
            self.process = None

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        user = _unprivileged()
        if os.geteuid() == 0 and user:
            for path in (self.folder, secret):
                os.chown(path, user.pw_uid, user.pw_gid)
        made = ["initdb", "-D", self.folder / "data", "-U", USER, "-E", "UTF8", "--no-sync", "-A", "scram-sha-256"]
        made += ["--pwfile", secret]
        # A language's own order, which is not that of code points: what relies on the server's order is found out.
        for order in (["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"], ["--locale=C.UTF-8"]):
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            done = subprocess.run(self._as_nobody(*made, *order), capture_output=True, check=False, cwd=self.folder)
            if done.returncode == 0:
                return
        raise RuntimeError(done.stderr.decode())

    def _tool(self, name: str, *arguments: str | Path) -> list[str]:
        found = binaries()
        assert found is not None
        return [str(found / name), *map(str, arguments)]

    def _as_nobody(self, name: str, *arguments: str | Path) -> list[str]:
        """The command as a user without rights where we are root; it dies with us."""
        user = _unprivileged() if os.geteuid() == 0 else None
        whose = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
        return ["setpriv", "--pdeathsig=QUIT", *whose, *self._tool(name, *arguments)]


def _unprivileged() -> pwd.struct_passwd | None:
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known.get("nobody")
