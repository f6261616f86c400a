"""Serve the application: on this machine alone unless told otherwise, and elsewhere only over TLS unless told again."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from belonging_llm.errors import InputError
from belonging_llm.review.proxies import LOOPBACK as LOOPBACK_PROXIES
from belonging_llm.review.proxies import Proxies
from belonging_llm.review.public_url import PublicUrl
from belonging_llm.study import Study

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = "127.0.0.1"
PORT = 8765
_EVERY = {"0.0.0.0", "::"}  # noqa: S104 - what people type to be reached from everywhere


@dataclass(frozen=True)
class Where:
    """Where it is served, and how it is asked for.

    Attributes:
        port: 0 takes one that is free.
        names: Names that browsers ask for it by, beside `host` itself.
        certificate: TLS certificate (chain) as PEM, `key` its key; both or neither.
        insecure: Whether plain HTTP may leave this machine.
        public: The address that people type, where a proxy ends TLS before this server; empty where there is none.
        proxies: Addresses or networks of such proxies; of this machine when empty.
    """

    host: str = LOOPBACK
    port: int = PORT
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    insecure: bool = False
    public: str = ""
    proxies: tuple[str, ...] = ()

    @property
    def secure(self) -> bool:
        """Whether browsers ask for it over TLS, which this server or a proxy before it ends."""
        return self.url.secure if self.url else self.certificate is not None

    @property
    def url(self) -> PublicUrl | None:
        """The address that people type, where a proxy stands before this server.

        Raises:
            InputError: it is none.
        """
        return PublicUrl.parse(self.public) if self.public else None

    @property
    def trusted(self) -> Proxies | None:
        """Proxies that alone may ask; None where there is none before this server.

        Raises:
            InputError: one is no address.
        """
        return Proxies.parse(self.proxies or LOOPBACK_PROXIES) if self.public else None

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return _is_local(self.host)

    def check(self) -> None:
        """Refuse what would send passwords and people's words in the clear.

        Raises:
            InputError: says what to do instead.
        """
        if (self.certificate is None) != (self.key is None):
            raise InputError("--certificate and --key go together; give both or neither")
        for path in (self.certificate, self.key):
            if path is not None and not path.is_file():
                raise InputError(f"{path}: there is no such file")
        if not self.local and self.certificate is None and not self.insecure:
            way = "between proxy and server " if self.public else ""
            raise InputError(
                f"{self.host} can be reached from other machines, and plain HTTP {way}would show passwords and "
                "interviews to the network; give --certificate and --key, or say --insecure-http"
            )
        if self.public or self.proxies:
            self._check_proxies()
        elif self.host in _EVERY and not self.names:
            raise InputError(f"{self.host} is no name that a browser asks for; give --name, as people will type it")

    def _check_proxies(self) -> None:
        url, proxies = self.url, self.trusted
        if url is None or proxies is None:
            raise InputError("--proxy says whose word counts behind a proxy; give --public-url too, as people type it")
        if self.names:
            raise InputError("--public-url says the name that is asked for; leave out --name")
        if not self.local and not self.proxies:
            raise InputError(
                f"{self.host} can be reached from other machines: say by --proxy which of them is the proxy"
            )
        if not url.secure and (self.certificate is not None or not (self.insecure or _is_local(url.host))):
            raise InputError(
                f"{self.public}: plain HTTP would show passwords and interviews to the network; have the proxy end TLS "
                "and give its https:// address"
            )

    def hosts(self, port: int) -> frozenset[str]:
        """What a request's Host header may say."""
        if self.url:
            return frozenset({self.url.host})
        names = {*self.names} | ({"localhost", LOOPBACK, "[::1]"} if self.local else set())
        names |= set() if self.host in _EVERY else {f"[{self.host}]" if ":" in self.host else self.host}
        plain = 443 if self.secure else 80
        # A name may bring the port of something that forwards to this one.
        given = {name.lower() for name in names}
        with_port = {f"{name}:{port}" for name in given}
        return frozenset(with_port | given if port == plain else with_port | {n for n in given if _has_port(n)})

    def address(self, port: int) -> str:
        """What to type into a browser."""
        if self.url:
            return self.url.address
        name = self.names[0] if self.names else f"[{self.host}]" if ":" in self.host else self.host
        scheme = "https" if self.secure else "http"
        return f"{scheme}://{name}/" if _has_port(name) else f"{scheme}://{name}:{port}/"


def listen(where: Where) -> socket.socket:
    """Take the port.

    Raises:
        InputError: it is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((where.host, where.port))
    except OSError as error:
        opened.close()
        raise InputError(f"{where.host}:{where.port} cannot be listened on: {error.strerror}; try --port") from error
    opened.listen(128)
    return opened


def server(study: Study, where: Where, port: int) -> uvicorn.Server:
    """A server that is ready to run on a listening socket."""
    import uvicorn

    from belonging_llm.review.application import application

    app = application(study, hosts=where.hosts(port), port=port, secure=where.secure, proxies=where.trusted)
    # Addresses are ids, but what stands behind a question mark may be somebody's words: no access log on screen.
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        # Taken from stated proxies alone (`proxies.py`), and not from whoever asks.
        proxy_headers=False,
        ssl_certfile=where.certificate,
        ssl_keyfile=where.key,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def serve(study: Study, where: Where, sockets: Sequence[socket.socket]) -> None:
    """Serve until interrupted."""
    server(study, where, sockets[0].getsockname()[1]).run(sockets=list(sockets))


def _is_local(host: str) -> bool:
    """Whether a host, with or without a port, is this machine."""
    name = host.rpartition(":")[0] if _has_port(host) else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _has_port(name: str) -> bool:
    before, _, port = name.rpartition(":")
    return port.isdigit() and (":" not in before or before.endswith("]"))
