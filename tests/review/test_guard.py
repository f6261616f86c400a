"""What no request gets past: hosts, origins, tokens, sessions, attempts, links."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import world
from serving import Client, Served

from belonging_llm.review import accounts
from belonging_llm.review.guard import HEADERS, LARGEST_BODY
from belonging_llm.store import Role
from belonging_llm.store.reviewing.attempts import PER_ACCOUNT
from belonging_llm.store.schema import reviewer, reviewer_session, sign_in_attempt


@pytest.fixture
def coder(served: Served) -> Client:
    return served.client(world.CODER)


def ago(**how_long: float) -> str:
    return (datetime.now(UTC) - timedelta(**how_long)).isoformat(timespec="milliseconds")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""])
def test_a_wrong_host_is_refused(served: Served, coder: Client, host: str) -> None:
    assert coder.get("/queue", Host=host.format(port=served.port)).status_code == 421
    assert coder.get("/queue", Host=f"LocalHost:{served.port}").status_code != 421


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "{base}.evil.example", "", None]
)
def test_a_foreign_origin_is_refused(served: Served, coder: Client, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin.format(base=served.base)}
    reply = coder.http.post("/me", data={"csrf": coder.token(), "keys": "on"}, headers=headers)
    assert reply.status_code == 403


def test_a_form_without_this_sessions_token_is_refused(served: Served, coder: Client) -> None:
    other = served.client(world.OTHER).token()
    for token in ("", "0" * 64, other):
        assert coder.post("/me", {"csrf": token, "keys": "on"}).status_code == 403
    assert coder.post("/me", {"keys": "on"}).status_code == 303


def test_a_token_of_a_session_that_ended_opens_nothing(served: Served) -> None:
    client = served.client(world.CODER)
    token, cookies = client.token(), dict(client.http.cookies)
    assert client.post("/sign-out").status_code == 303
    again = Client(served.base)
    again.http.cookies.update(cookies)
    assert again.get("/queue").status_code == 303
    assert again.http.post("/me", data={"csrf": token}, headers={"Origin": served.base}).status_code == 401
    fresh = served.client(world.CODER)
    assert fresh.http.post("/me", data={"csrf": token}, headers={"Origin": served.base}).status_code == 403


@pytest.mark.parametrize("stale", [{"seen_at": ago(hours=3)}, {"made_at": ago(hours=13)}])
def test_a_session_expires(served: Served, stale: dict[str, str]) -> None:
    client = served.client(world.OTHER)
    assert client.get("/queue").status_code == 200
    with served.study.store._engine.begin() as connection:
        connection.execute(reviewer_session.update().where(reviewer_session.c.reviewer == world.OTHER).values(stale))
    assert client.get("/queue").status_code == 303


def test_an_account_that_is_closed_is_out_at_once(served: Served) -> None:
    accounts.add(served.study, "leaver", Role.ADJUDICATOR)
    world.set_password(served.study, "leaver")
    client = served.client("leaver")
    assert client.get("/me").status_code == 200
    served.client(world.ADMIN).post("/people/leaver/revoke")
    assert client.get("/me").status_code == 303
    assert client.sign_in("leaver").status_code == 401


def test_the_link_works_once_and_only_for_a_while(served: Served) -> None:
    token = accounts.add(served.study, "newcomer", Role.ADJUDICATOR)
    client, words = Client(served.base), {"password": world.PASSWORD, "again": world.PASSWORD}
    assert client.post(f"/welcome/{token}", {"password": "short", "again": "short"}).status_code == 422
    assert client.post(f"/welcome/{token}", words | {"again": "otherwise"}).status_code == 422
    assert client.post(f"/welcome/{token}", words).status_code == 303
    assert client.post(f"/welcome/{token}", words).status_code == 410
    assert client.get(f"/welcome/{token}").status_code == 410
    assert client.sign_in("newcomer").status_code == 303
    # A new link ends the old one; an expired one is worth nothing.
    first, second = accounts.invite(served.study, "newcomer"), accounts.invite(served.study, "newcomer")
    assert client.get(f"/welcome/{first}").status_code == 410
    with served.study.store._engine.begin() as connection:
        connection.execute(reviewer.update().values(link_expires_at=ago(seconds=1)))
    assert client.post(f"/welcome/{second}", words).status_code == 410


def test_neither_passwords_nor_tokens_are_kept(served: Served) -> None:
    link = accounts.invite(served.study, world.SPARE)
    client = served.client(world.CODER)
    (cookie,) = client.http.cookies.values()
    for secret in (world.PASSWORD, link, cookie):
        assert served.study.store.rewording.holding(lambda text, secret=secret: secret in text) == {}  # type: ignore[misc]


def test_attempts_are_counted_for_an_account_and_forgotten_after_a_while(served: Served) -> None:
    client = Client(served.base)
    for _ in range(PER_ACCOUNT):
        assert client.sign_in("nobody-here", "a wrong password").status_code == 401
    assert client.sign_in("nobody-here", "a wrong password").status_code == 429
    assert client.sign_in(world.OTHER).status_code == 303, "other accounts are not shut out"
    with served.study.store._engine.begin() as connection:
        connection.execute(sign_in_attempt.update().values(at=ago(minutes=16)))
    assert client.sign_in("nobody-here", "a wrong password").status_code == 401


def test_many_attempts_at_one_moment_are_counted(served: Served) -> None:
    def try_once(_: int) -> int:
        return Client(served.base).sign_in("somebody-in-haste", "a wrong password").status_code

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(try_once, range(20))) == [401] * PER_ACCOUNT + [429] * (20 - PER_ACCOUNT)


def test_a_fresh_link_opens_an_account_that_others_locked(served: Served) -> None:
    client = Client(served.base)
    for _ in range(PER_ACCOUNT + 1):
        client.sign_in(world.SPARE, "a wrong password")
    assert client.sign_in(world.SPARE, "a new password of mine").status_code == 429
    token = accounts.invite(served.study, world.SPARE)
    words = {"password": "a new password of mine", "again": "a new password of mine"}
    assert client.post(f"/welcome/{token}", words).status_code == 303
    assert client.sign_in(world.SPARE, "a new password of mine").status_code == 303


def test_signing_in_makes_a_new_token(served: Served) -> None:
    client = Client(served.base)
    client.get("/sign-in")
    (before,) = client.http.cookies.values()
    reply = client.sign_in(world.CODER)
    (after,) = client.http.cookies.values()
    assert before != after
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize("path", ["/sign-in", "/queue", "/nowhere", "/static/review.css", "/people"])
def test_every_reply_carries_the_headers(coder: Client, path: str) -> None:
    reply = coder.get(path)
    for name, value in HEADERS.items():
        assert reply.headers[name] == value
    assert "unsafe" not in reply.headers["content-security-policy"]
    if path != "/static/review.css":
        assert reply.headers["cache-control"] == "no-store"
    assert "server" not in reply.headers


def test_what_is_sent_is_bounded(coder: Client) -> None:
    assert coder.post("/me", {"keys": "x" * LARGEST_BODY}).status_code == 413
    token = coder.token()

    def endless() -> object:
        yield b"csrf=" + token.encode()

    sent = coder.http.post("/me", content=endless(), headers={"Origin": coder.base})
    assert sent.status_code == 411


@pytest.mark.parametrize("odd", ["²", "-1", "99999999999999999999", "1e9", "", "٣"])
def test_odd_numbers_are_no_numbers(served: Served, coder: Client, odd: str) -> None:
    assert coder.http.get("/queue", params={"after": odd}).status_code == 200
    assert served.client(world.ADMIN).http.get("/access", params={"before": odd}).status_code == 200
    for spans in ('{"x": [[Infinity, 1]]}', "[1]", "{", '{"x": 3}'):
        form = {"key": "an odd form of mine", "code": served.world.ids["code"], "supersedes": odd, "spans": spans}
        assert coder.post(f"/code/{served.world.ids['segment']}", form).status_code == 422


def test_a_coder_cannot_ask_for_what_is_not_in_their_queue(served: Served, coder: Client) -> None:
    accounts.add(served.study, "empty", Role.CODER)
    world.set_password(served.study, "empty")
    client, segment = served.client("empty"), served.world.ids["segment"]
    for path in (f"/code/{segment}", f"/transcript/{segment}", "/code/nowhere", "/transcript/nowhere"):
        assert client.get(path).status_code == 404
    form = {"key": "0123456789abcdef", "code": served.world.ids["code"]}
    assert client.post(f"/code/{segment}", form).status_code == 404
    assert client.post(f"/code/{segment}/draft", form).status_code == 404
    assert coder.get(f"/code/{segment}?coder=ben&reviewer=ben&kind=audit&saw_model=1").status_code == 200


def test_nobody_elses_words_come_with_the_own_ones(served: Served, coder: Client) -> None:
    segment = served.world.ids["segment"]
    other = served.client(world.OTHER)
    mine = {"key": "form of another", "code": served.world.ids["code"], "memo": world.OTHERS_WORDS}
    assert other.post(f"/code/{segment}", mine).status_code == 303
    paths = [f"/code/{segment}", "/queue", "/queue?kind=submitted", "/queue?kind=last", f"/transcript/{segment}", "/me"]
    before = {path: coder.get(path).text for path in paths}
    for path, text in before.items():
        assert world.OTHERS_WORDS not in text, path
        assert world.MODELS_WORDS not in text, path
        assert not re.search(rf"\b{world.OTHER}\b", text), path
    # What a coder sends cannot make a record of another kind, of another name, or with the model's codings seen.
    form = {"key": "form of my own", "code": served.world.ids["code"], "supersedes": "0"}
    form |= {"kind": "audit", "coder": world.OTHER, "reviewer": world.OTHER, "saw_model": "true"}
    assert coder.post(f"/code/{segment}", form).status_code == 303
    record = served.study.store.judgements.head(segment, world.CODER)
    assert record is not None
    assert (record.kind, record.reviewer, record.saw_model) == ("blind", world.CODER, False)


def test_every_view_of_words_is_in_the_access_log(served: Served, coder: Client) -> None:
    segment = served.world.ids["segment"]
    for path, wanted in ((f"/code/{segment}", segment), (f"/transcript/{segment}", "")):
        assert coder.get(path).status_code == 200
        last = served.study.store.viewings.latest(limit=1)[0]
        assert (last.reviewer, last.segment_id) == (world.CODER, wanted)
        assert last.transcript_id == served.world.ids["transcript"]
    shown = served.client(world.ADMIN).get("/access").text
    assert "code-segment" in shown


def test_only_the_last_ten_can_be_coded_again(served: Served) -> None:
    client = served.client(world.OTHER)
    items = served.study.store.queues.page(world.OTHER, limit=12)
    code = served.world.ids["code"]
    for n, item in enumerate(items):
        head = served.study.store.judgements.head(item.segment_id, world.OTHER)
        form = {"key": f"form number {n}", "code": code, "supersedes": str(head.id if head else 0)}
        assert client.post(f"/code/{item.segment_id}", form).status_code == 303
    first = items[0].segment_id
    record = served.study.store.judgements.head(first, world.OTHER)
    assert record is not None
    again = {"key": "form for the first", "code": code, "supersedes": str(record.id)}
    reply = client.post(f"/code/{first}", again)
    assert reply.status_code == 422
    assert "last ten" in reply.text
    assert client.get(f"/code/{first}").status_code == 200, "it can be read"
