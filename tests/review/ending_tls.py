"""A certificate that a test trusts, and a small proxy that ends TLS and forwards, as nginx and Caddy do."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Identity:
    """A certificate for this machine with its key, as files."""

    certificate: Path
    key: Path

    @property
    def trusting(self) -> ssl.SSLContext:
        """What a client needs that trusts it, and nobody else."""
        return ssl.create_default_context(cafile=str(self.certificate))

    @property
    def presenting(self) -> ssl.SSLContext:
        """What a server needs that has it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def identity(folder: Path) -> Identity:
    """A fresh self-signed certificate for localhost and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    found = Identity(folder / "certificate.pem", folder / "key.pem")
    found.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    how = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    found.key.write_bytes(key.private_bytes(*how))
    return found


class Proxy(AbstractContextManager["Proxy"]):
    """Ends TLS on a free port; `port` is known at once, `forward_to` says where requests go.

    Attributes:
        client: The address that it says asks it: everybody in a test is on this machine.
    """

    def __init__(self, who: Identity, client: str = "198.51.100.7") -> None:
        self.client = client
        self.backend = 0
        proxy = self

        class Forward(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy._forward(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
        self._server.daemon_threads = True
        self._server.socket = who.presenting.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What people type."""
        return f"https://localhost:{self.port}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _forward(self, asked: BaseHTTPRequestHandler) -> None:
        """Hand on what was asked, Host and all, with the client's address behind whatever it said itself."""
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        said = [*asked.headers.get_all("X-Forwarded-For", []), self.client]
        hop = {"x-forwarded-for", "connection"}
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in hop}
        headers |= {"X-Forwarded-For": ", ".join(said), "X-Forwarded-Proto": "https"}
        onward = http.client.HTTPConnection("127.0.0.1", self.backend, timeout=30)
        onward.request(asked.command, asked.path, body, headers)
        reply = onward.getresponse()
        content = reply.read()
        asked.send_response_only(reply.status, reply.reason)
        for name, value in reply.getheaders():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                asked.send_header(name, value)
        asked.send_header("Content-Length", str(len(content)))
        asked.end_headers()
        asked.wfile.write(content)
        onward.close()
