"""The address that people type, where a proxy stands before the server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from belonging_llm.errors import InputError

_PLAIN = {"http": 80, "https": 443}


@dataclass(frozen=True)
class PublicUrl:
    """Scheme and host as browsers send them in `Origin` and `Host`.

    Attributes:
        host: In lower case, with its port where that is not the scheme's own.
    """

    scheme: str
    host: str

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return self.scheme == "https"

    @property
    def address(self) -> str:
        """What to type into a browser."""
        return f"{self.scheme}://{self.host}/"

    @classmethod
    def parse(cls, written: str) -> PublicUrl:
        """An address as people write it.

        Raises:
            InputError: it is none, or has more than scheme, host and port.
        """
        try:
            parts = urlsplit(written.strip())
            host, port = _host(parts), parts.port
        except ValueError as error:
            raise InputError(f"--public-url {written}: {error}; give it as in https://coding.example.org") from error
        plain = port is None or port == _PLAIN[parts.scheme]
        return cls(parts.scheme, host if plain else f"{host}:{port}")


def _host(parts: SplitResult) -> str:
    if parts.scheme not in _PLAIN:
        raise ValueError("it begins with neither https:// nor http://")
    if not parts.hostname or "@" in parts.netloc:
        raise ValueError("it has no host, or more than a host and a port before the first slash")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("nothing can stand behind the host: the application needs a host name of its own")
    if ":" in parts.hostname:
        return f"[{parts.hostname}]"
    if {"ß", "ς"} & set(parts.hostname):
        raise ValueError("browsers differ on such letters in names; write it in its xn-- form")
    return parts.hostname.encode("idna").decode("ascii").lower()
