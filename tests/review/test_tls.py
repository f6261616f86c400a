"""Over TLS, ended by the server itself or by a proxy before it: forms work, and nobody is taken for another."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import pytest
import world
from browsing import Browsing, Watched
from ending_tls import Identity, Proxy, identity
from serving import Client, Served
from world import World

from belonging_llm.errors import InputError
from belonging_llm.review.proxies import Proxies
from belonging_llm.review.public_url import PublicUrl
from belonging_llm.review.server import Where
from belonging_llm.store.reviewing.attempts import PER_ADDRESS
from belonging_llm.store.schema import sign_in_attempt


@pytest.fixture(scope="module")
def who(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return identity(tmp_path_factory.mktemp("identity"))


@pytest.fixture(scope="module")
def encrypted(made: World, who: Identity) -> Iterator[Served]:
    """The application, which ends TLS itself."""
    with Served(made, Where(port=0, certificate=who.certificate, key=who.key)) as running:
        yield running


@pytest.fixture
def proxy(who: Identity) -> Iterator[Proxy]:
    with Proxy(who) as running:
        yield running


@pytest.fixture
def behind(made: World, proxy: Proxy) -> Iterator[Served]:
    """The application behind a proxy that ends TLS."""
    with Served(made, Where(port=0, public=f"{proxy.url}/")) as running:
        proxy.backend = running.port
        yield running


def test_the_server_ends_tls_itself(encrypted: Served, who: Identity) -> None:
    client = Client(encrypted.base, who.trusting)
    reply = client.sign_in(world.CODER)
    assert reply.status_code == 303
    told = reply.headers["set-cookie"]
    assert told.startswith("__Host-belonging-")
    assert {"secure", "httponly", "path=/", "samesite=strict"} <= {part.strip().lower() for part in told.split(";")}
    assert "domain" not in told.lower()
    assert reply.headers["strict-transport-security"].startswith("max-age=")
    assert client.get("/queue").status_code == 200
    assert client.post("/me", {"keys": "on"}).status_code == 303
    plain = f"http://127.0.0.1:{encrypted.port}"
    assert client.post("/me", {"keys": "on"}, Origin=plain).status_code == 403
    assert client.get("/queue", Host="evil.example").status_code == 421


def test_in_the_clear_it_is_not_asked(encrypted: Served) -> None:
    asked = http.client.HTTPConnection("127.0.0.1", encrypted.port, timeout=10)
    asked.request("GET", "/sign-in")
    with pytest.raises((http.client.HTTPException, OSError)):
        asked.getresponse()
    asked.close()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    assert encrypted.port
    with socket.create_connection(("127.0.0.1", encrypted.port), 10) as raw, old.wrap_socket(raw) as agreed:
        assert agreed.version() in {"TLSv1.2", "TLSv1.3"}


def test_forms_work_behind_a_proxy(behind: Served, proxy: Proxy, who: Identity) -> None:
    client = Client(proxy.url, who.trusting)
    reply = client.sign_in(world.CODER)
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/")
    told = reply.headers["set-cookie"]
    assert told.startswith("__Host-belonging-")
    assert "secure" in told.lower()
    assert reply.headers["strict-transport-security"].startswith("max-age=")
    assert client.post("/me", {"keys": "on"}).status_code == 303


@pytest.mark.parametrize("origin", ["http://localhost:{proxy}", "http://127.0.0.1:{own}", "https://localhost", "null"])
def test_forms_from_elsewhere_are_refused_behind_a_proxy(
    behind: Served, proxy: Proxy, who: Identity, origin: str
) -> None:
    client = Client(proxy.url, who.trusting)
    assert client.sign_in(world.CODER).status_code == 303
    told = origin.format(proxy=proxy.port, own=behind.port)
    assert client.post("/me", {"keys": "on"}, Origin=told).status_code == 403


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:{own}", "localhost:{own}", "evil.example", "localhost:{proxy}."]
)
def test_other_names_are_refused_behind_a_proxy(behind: Served, proxy: Proxy, who: Identity, host: str) -> None:
    client = Client(proxy.url, who.trusting)
    assert client.get("/sign-in", Host=host.format(own=behind.port, proxy=proxy.port)).status_code == 421
    assert client.get("/sign-in", **{"X-Forwarded-Host": "evil.example"}).status_code == 200


def test_attempts_are_counted_for_the_client_and_not_for_what_it_says(
    behind: Served, proxy: Proxy, who: Identity
) -> None:
    client = Client(proxy.url, who.trusting)

    def wrong(n: int, said: str) -> int:
        return client.post("/sign-in", {"name": f"x{n}", "password": "wrong"}, **{"X-Forwarded-For": said}).status_code

    with behind.study.store._engine.begin() as connection:
        connection.execute(sign_in_attempt.delete())
    assert {wrong(n, f"203.0.113.{n}, 127.0.0.1") for n in range(PER_ADDRESS)} == {401}
    assert wrong(PER_ADDRESS, "203.0.113.99") == 429
    with behind.study.store._engine.connect() as connection:
        assert set(connection.execute(sign_in_attempt.select()).mappings().all()[0].keys()) >= {"address"}
        assert {row["address"] for row in connection.execute(sign_in_attempt.select()).mappings()} == {proxy.client}
    # Somebody else, through the same proxy, is not shut out.
    proxy.client = "198.51.100.8"
    assert wrong(0, "198.51.100.7") == 401
    with behind.study.store._engine.begin() as connection:
        connection.execute(sign_in_attempt.delete())


def test_nobody_comes_past_the_proxy(made: World, proxy: Proxy, who: Identity) -> None:
    with Served(made, Where(port=0, public=proxy.url, proxies=("192.0.2.1",))) as running:
        proxy.backend = running.port
        through = Client(proxy.url, who.trusting).get("/sign-in")
        assert through.status_code == 403
        assert "through its proxy only" in through.text
        assert "content-security-policy" in through.headers
        past = Client(running.base)
        headers = {"Host": f"localhost:{proxy.port}", "X-Forwarded-For": "192.0.2.1"}
        assert past.get("/sign-in", **headers).status_code == 403


def test_without_a_proxy_nobody_says_who_asks(served: Served) -> None:
    client = served.client()
    client.post("/sign-in", {"name": "x", "password": "wrong"}, **{"X-Forwarded-For": "203.0.113.5"})
    with served.study.store._engine.connect() as connection:
        found = {row["address"] for row in connection.execute(sign_in_attempt.select()).mappings()}
    assert "203.0.113.5" not in found
    assert "127.0.0.1" in found


def test_a_browser_signs_in_through_the_proxy(browsing: Browsing, behind: Served, proxy: Proxy) -> None:
    context = browsing.browser.new_context(ignore_https_errors=True)
    window = Watched(context, context.new_page(), proxy.url)
    window.sign_in(world.CODER)
    (cookie,) = context.cookies()
    assert (cookie["name"].startswith("__Host-"), cookie["secure"], cookie["httpOnly"]) == (True, True, True)
    window.goto("/me")
    assert world.CODER in window.page.content()
    context.close()


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("10.0.0.5", [], "10.0.0.5"),
        ("10.0.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.5", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.5", ["1.1.1.1", "198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        ("10.0.0.5", ["198.51.100.1, 10.0.0.9, nonsense"], "10.0.0.5"),
        ("10.0.0.5", ["nonsense, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.5", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.5", ["198.51.100.1:4711"], "198.51.100.1"),
        ("::ffff:10.0.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_who_asks(peer: str, said: list[str], expected: str) -> None:
    assert Proxies.parse(["10.0.0.0/24"]).client(peer, said) == expected


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("https://Coding.Example.org", "coding.example.org"),
        ("https://coding.example.org:443/", "coding.example.org"),
        ("https://coding.example.org:8443", "coding.example.org:8443"),
        ("https://[2001:db8::1]/", "[2001:db8::1]"),
        ("https://kodierung.universität.example", "kodierung.xn--universitt-y5a.example"),
    ],
)
def test_a_public_address_is_what_browsers_send(written: str, host: str) -> None:
    found = PublicUrl.parse(written)
    assert (found.host, found.secure, found.address) == (host, True, f"https://{host}/")
    where = Where(public=written)
    where.check()
    assert (where.hosts(8765), where.address(8765), where.secure) == (frozenset({host}), found.address, True)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"public": "coding.example.org"}, "neither https"),
        ({"public": "https://"}, "no host"),
        ({"public": "https://a@coding.example.org"}, "no host, or more"),
        ({"public": "https://coding.example.org/study"}, "a host name of its own"),
        ({"public": "https://straße.example"}, "xn--"),
        ({"public": "https://coding.example.org?x=1"}, "a host name of its own"),
        ({"public": "https://coding.example.org:99999"}, "--public-url"),
        ({"public": "http://coding.example.org"}, "end TLS"),
        ({"public": "https://coding.example.org", "names": ("other",)}, "leave out --name"),
        ({"public": "https://coding.example.org", "host": "10.0.0.2", "insecure": True}, "say by --proxy"),
        ({"public": "https://coding.example.org", "host": "10.0.0.2", "proxies": ("10.0.0.1",)}, "between proxy"),
        ({"public": "https://coding.example.org", "proxies": ("nginx",)}, "neither an address nor a network"),
        ({"proxies": ("10.0.0.1",)}, "--public-url too"),
    ],
)
def test_what_cannot_be_served_so_is_told(how: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why):
        Where(**how).check()  # type: ignore[arg-type]
