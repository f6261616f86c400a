"""The one cookie: a token that scripts cannot read and other sites cannot send."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True)
class Cookie:
    """How the browser's token travels.

    Attributes:
        port: Part of the name, since browsers give one machine's cookies to all its ports: two studies side by side do
            not sign each other's people out.
        secure: Whether it only travels over TLS.
    """

    port: int
    secure: bool

    @property
    def name(self) -> str:
        """A browser takes `__Host-` ones from nobody but this very host, over TLS."""
        return f"{'__Host-' if self.secure else ''}belonging-{self.port}"

    def read(self, request: Request) -> str:
        """The token that came along; empty when none did."""
        return request.cookies.get(self.name, "")

    def give(self, reply: Response, token: str) -> None:
        """Hand the browser a token."""
        reply.set_cookie(self.name, token, path="/", secure=self.secure, httponly=True, samesite="strict")

    def take_back(self, reply: Response) -> None:
        """Have the browser forget it."""
        reply.delete_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="strict")
