"""Behind a proxy: whose word on who asks is taken, and that nobody comes past it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from belonging_llm.errors import InputError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LOOPBACK = ("127.0.0.0/8", "::1")
_PAST = "This server is asked for through its proxy only.\n"


@dataclass(frozen=True)
class Proxies:
    """Proxies that are trusted to say who asks them."""

    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, written: Sequence[str]) -> Proxies:
        """Addresses or networks as people write them.

        Raises:
            InputError: one is neither.
        """
        found = []
        for one in written:
            try:
                found.append(ipaddress.ip_network(one.strip()))
            except ValueError as error:
                raise InputError(
                    f"--proxy {one}: is neither an address nor a network, such as 10.0.0.5 or 10.0.0.0/24: {error}"
                ) from error
        return cls(tuple(found))

    def trust(self, address: str) -> bool:
        """Whether a proxy has this address."""
        known = _address(address)
        return known is not None and any(known in network for network in self.networks)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """Who asks: from the right, the first address that is no trusted proxy's.

        What stands further to the left was written by whoever asked, and may be anything.

        Args:
            peer: Address of the connection's other end.
            forwarded: Values of `X-Forwarded-For`, in order.
        """
        said = [one.strip() for value in forwarded for one in value.split(",")]
        asks = peer
        while said and self.trust(asks):
            before = _address(said.pop())
            if before is None:
                break
            asks = str(before)
        return asks


@dataclass(frozen=True)
class Proxied:
    """An application that is only answered through its proxies, and is told who asked them."""

    inner: ASGIApp
    proxies: Proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse who comes past the proxy, whose requests travelled in the clear; else hand on."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        peer = scope["client"][0] if scope.get("client") else ""
        if not self.proxies.trust(peer):
            await PlainTextResponse(_PAST, status_code=403)(scope, receive, send)
            return
        forwarded = Headers(scope=scope).getlist("x-forwarded-for")
        await self.inner({**scope, "client": (self.proxies.client(peer, forwarded), 0)}, receive, send)


def _address(written: str) -> Address | None:
    """An address, without a port that some proxies add; None where it is none."""
    text = written
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
