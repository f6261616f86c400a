"""The application on a real server, asked for by a real client."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import httpx2
from world import PASSWORD, PEOPLE, World

from belonging_llm.review.server import Where, listen, server
from belonging_llm.store import Role

_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


class Client:
    """A browser without a face: keeps its cookie, says where its forms come from."""

    def __init__(self, base: str, verify: ssl.SSLContext | bool = True) -> None:
        self.base = base
        self.http = httpx2.Client(base_url=base, timeout=30, follow_redirects=False, verify=verify)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.http.get(path, headers=headers)

    def post(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> httpx2.Response:
        """Send a form as a page of ours would: with our origin, and the token of the page before."""
        form = {"csrf": self.token()} | (fields or {})
        return self.http.post(path, data=form, headers={"Origin": self.base} | headers)

    def token(self) -> str:
        """The form token of this browser's session, read from a page."""
        found = _TOKEN.search(self.get("/me").text) or _TOKEN.search(self.get("/sign-in").text)
        assert found
        return found[1]

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx2.Response:
        return self.post("/sign-in", {"name": name, "password": password})


class Served(AbstractContextManager["Served"]):
    """The application on a free port of this machine, in a thread."""

    def __init__(self, world: World, where: Where | None = None) -> None:
        self.world = world
        self.where = where or Where(port=0)
        self.study = world.open()

    def __enter__(self) -> Served:
        self.where.check()
        self._socket = listen(self.where)
        self.port = self._socket.getsockname()[1]
        self._server = server(self.study, self.where, self.port)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()
        self.study.store.close()

    @property
    def base(self) -> str:
        return f"{'http' if self.where.certificate is None else 'https'}://127.0.0.1:{self.port}"

    def client(self, name: str | None = None) -> Client:
        """A new client, signed in as somebody or not."""
        made = Client(self.base)
        if name:
            reply = made.sign_in(name)
            assert reply.status_code == 303, reply.text
        return made

    def by_role(self) -> dict[Role | None, Client]:
        """One client for each role, and one that has not signed in."""
        first = {role: name for name, role in reversed(PEOPLE.items())}
        return {None: self.client(), **{role: self.client(name) for role, name in first.items()}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
