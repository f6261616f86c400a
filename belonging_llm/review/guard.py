"""What no request gets past: the right host, the right origin, a bounded body; and headers that every reply carries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 2_000_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer a browser would send `Origin: null` along with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}
_SAFE = {"GET", "HEAD"}


@dataclass(frozen=True)
class Guard:
    """An application behind its door.

    Attributes:
        hosts: Names (with their ports) that it is asked for by; any other comes from a page that pointed its own
            name at this machine.
        secure: Whether browsers ask for it over TLS.
    """

    inner: ASGIApp
    hosts: Collection[str]
    secure: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(str(scope["method"]), headers)
        app = PlainTextResponse(refusal[1], status_code=refusal[0]) if refusal else self.inner
        await app(scope, _Bounded(receive), self._dressed(send))

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "").lower()
        if host not in self.hosts:
            return 421, "This server is not asked for by that name.\n"
        if method in _SAFE:
            return None
        if method != "POST":
            return 405, "Pages are asked for with GET and changed with POST.\n"
        if headers.get("origin", "").lower() != f"{'https' if self.secure else 'http'}://{host}":
            return 403, "This came from another site's page.\n"
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "The length of what is sent must be told.\n"
        if int(length) > LARGEST_BODY:
            return 413, "That is more than a page of this application sends.\n"
        return None

    def _dressed(self, send: Send) -> Send:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if self.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        return dressed


class _Bounded:
    """Reads no more than the largest body, whatever length was told."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = LARGEST_BODY

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return message if self._left >= 0 else {"type": "http.disconnect"}
