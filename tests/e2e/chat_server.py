"""A real OpenAI-compatible server on loopback that answers by content, and misbehaves on request.

The same question always gets the same reply, whatever was asked before, so that an interrupted
run can be compared with an uninterrupted one. Faults come from a plan: a function of the request.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Body = dict[str, Any]

_RENAME = re.compile(r"^The title .* cannot stand: ", re.MULTILINE)
LONGEST_WAIT = 60
NOWHERE = "zylophonic words that nobody ever spoke"
MARKUP = "<script>alert(1)</script>"
_WORDS = (
    "amber birch candle drift ember fern glass harbour iris jetty kettle lantern meadow north otter pebble quilt river"
    " sable timber umber violet willow yarrow zinc anchor bramble copper dune elm flint grove"
).split()


class Fault(StrEnum):
    """What can go wrong with one reply."""

    RATE_LIMITED = "429 with Retry-After"
    SERVER_ERROR = "500"
    HANG_UP = "connection closed without a reply"
    RESET = "connection reset in the middle of the reply's body"
    TRUNCATED = "finish_reason: length"
    MALFORMED = "not JSON"
    OFF_SCHEMA = "JSON of another shape"
    UNKNOWN_CODE = "a code that nobody asked about"
    INVENTED_QUOTE = "words that are not in the segment"
    MISQUOTED = "words of the segment, less a letter"
    MARKUP = "HTML in every text of the reply"
    DRIP = "the reply in small pieces, slowly"
    ENDLESS = "small pieces that would go on for longer than anybody waits"
    SILENCE = "nothing at all for longer than anybody waits"
    UNAUTHORISED = "401"
    BLOCKED_WITH_ECHO = "403 that repeats the prompt, as content filters do"
    REFUSED = "400"
    REDIRECT = "307 to another place"
    NO_MESSAGE = "a choice without a message"
    CONTENT_IN_PARTS = "the message's content as a list of parts"
    NO_CHOICES = "an envelope without choices"
    HTML = "a proxy's HTML page with status 200"


Plan = Callable[[int, Body], Fault | None]


@dataclass(frozen=True)
class Asked:
    """One request as it came.

    Attributes:
        number: From 1, over the server's life (or since `reset`).
        digest: Of what was asked, see `asked_digest`; a repair of a bad reply has another one.
        kind: `label`, `rename`, `map`, `code` (about one segment or several), or `weather` (what `belonging doctor` asks).
    at: When it had come, by the monotonic clock.
    """

    number: int
    digest: str
    kind: str
    body: Body
    at: float = 0.0

    @property
    def user(self) -> str:
        return str(self.body["messages"][-1]["content"])

    @property
    def segment(self) -> str:
        """The segment that a `code` question is about; "" for the others."""
        return next(iter(self.segments), "")

    @property
    def segments(self) -> list[str]:
        """All segments that a `code` question is about."""
        return [segment for _, segment, _ in _asked_about(self.user)]


@dataclass
class ChatServer:
    """Serve until left: `with ChatServer() as server: … server.spec`.

    Attributes:
        faults: The plan; None answers everything well.
        before_reply: Called once a request was read and logged, before anything is sent.
        after_reply: Called once the whole reply was handed to the network.
        redirect_to: Where `Fault.REDIRECT` points.
        logprobs: Whether replies come with log-probabilities when these are asked for.
        listing: What `GET /v1/models` says of the one model; None has no such route.
        counts_tokens: Whether replies say how many tokens they took.
        named: What replies call the model; `fingerprint` its configuration, None where they do not say.
        retry_after: What `Fault.RATE_LIMITED` says, in seconds.
        rests: When it was said, by the monotonic clock.
    """

    faults: Plan | None = None
    before_reply: Callable[[Asked], None] | None = None
    after_reply: Callable[[Asked], None] | None = None
    redirect_to: str = ""
    logprobs: bool = False
    listing: Body | None = None
    counts_tokens: bool = True
    named: str = "pretend"
    fingerprint: str | None = None
    retry_after: float = 0
    rests: list[float] = field(default_factory=list)
    port: int = 0
    log: list[Asked] = field(default_factory=list)
    replies: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def spec(self) -> str:
        return f"{self.url}#pretend"

    @property
    def counts(self) -> Counter[str]:
        """How often each digest was asked."""
        return Counter(asked.digest for asked in self.log)

    @property
    def kinds(self) -> Counter[str]:
        return Counter(asked.kind for asked in self.log)

    def reset(self) -> None:
        """Forget the log and behave again."""
        self.log.clear()
        self.replies.clear()
        self.rests.clear()
        self.retry_after = 0
        self.faults = self.before_reply = self.after_reply = None
        self.logprobs, self.listing, self.counts_tokens = False, None, True
        self.named, self.fingerprint = "pretend", None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; again on the same port after `stop`."""
        self._server = _Listener(("127.0.0.1", self.port), self.handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers one connection."""
        return _handler_for(self)

    def stop(self) -> None:
        """Close the port; later connections are refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def settle(self) -> None:
        """Wait until every connection of a client that is gone was noticed as closed."""
        calm, deadline = 0, time.monotonic() + 10
        while calm < 5:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._open} connections stay open")
            calm = calm + 1 if self._open == 0 else 0
            time.sleep(0.01)

    def note(self, body: Body) -> Asked:
        with self._lock:
            asked = Asked(len(self.log) + 1, body_digest(body), _kind(body), body, time.monotonic())
            self.log.append(asked)
            return asked

    def count_open(self, change: int) -> None:
        with self._lock:
            self._open += change


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed break their connections: that is what the tests do."""


def asked_digest(system: str, user: str, max_tokens: int, seed: int) -> str:
    """Digest of a question as sent; the ledger keeps the same four, so that both sides can be compared."""
    return hashlib.sha256(json.dumps([system, user, max_tokens, seed]).encode()).hexdigest()


def body_digest(body: Body) -> str:
    system, user = (message["content"] for message in body["messages"])
    return asked_digest(system, user, body["max_tokens"], body["seed"])


def answer(body: Body, fault: Fault | None = None) -> str:
    """A valid reply to a question, or one with a fault of content."""
    # A question that is asked again with what was wrong gets the reply of the first time.
    user = body["messages"][-1]["content"].split("\n\nYour last reply could not be used: ")[0]
    schema = body["response_format"]["json_schema"]["schema"]
    kind = _kind(body)
    if fault is Fault.MALFORMED:
        return '{"name": "An unfinished'
    if fault is Fault.OFF_SCHEMA:
        return json.dumps({"reply": "I would rather chat."})
    if kind in {"label", "rename"}:
        value = _theme_name(user, kind, fault)
    elif kind == "weather":
        value = {"weather": "rain", "sure": True}
    elif kind == "map":
        value = _theme_mapping(user, _codes(schema), fault)
    else:
        value = _judgements(user, fault)
    return json.dumps(value, ensure_ascii=False)


def _kind(body: Body) -> str:
    fields = set(body["response_format"]["json_schema"]["schema"].get("properties", ()))
    if fields == {"name", "definition", "quotes"}:
        return "rename" if _RENAME.search(body["messages"][-1]["content"]) else "label"
    if fields == {"weather", "sure"}:
        return "weather"
    return "map" if fields == {"codes", "outside"} else "code"


def _codes(schema: Body) -> list[str]:
    found = re.search(r'"code": \{[^{}]*"enum": (\[[^\]]*\])', json.dumps(schema))
    return list(json.loads(found[1])) if found else []


def _theme_name(user: str, kind: str, fault: Fault | None) -> Body:
    seed = _seed(user)
    texts = [json.loads(line) for line in re.findall(r"^\d+\. (\".*\")$", user, re.MULTILINE)]
    # Half of the first names are too vague, so that the question to rename is asked as well.
    vague = kind == "label" and seed[0] % 2 == 0
    own_words = _words(texts[0], seed[1], 40)
    name = "Learning experiences" if vague else f"{_WORDS[seed[2] % len(_WORDS)]} {own_words}".capitalize()
    quotes = [
        {"segment": n, "words": NOWHERE if fault is Fault.INVENTED_QUOTE else _words(text, seed[5 + n], 70)}
        for n, text in enumerate(texts[:2], 1)
    ]
    definition = f"What speakers say in the segments with the number {seed.hex()[:8]}."
    if fault is Fault.MARKUP:
        name, definition = f"{MARKUP} {name}"[:70], f"{MARKUP} {definition}"[:160]
    return {"name": name[:70], "definition": definition, "quotes": quotes}


def _theme_mapping(user: str, codes: list[str], fault: Fault | None) -> Body:
    seed = _seed(user)
    if fault is Fault.UNKNOWN_CODE:
        return {"codes": [{"code": "no-such-code", "rationale": "made up"}], "outside": False}
    if seed[0] % 5 == 0:
        return {"codes": [], "outside": True}
    rationale = f"{MARKUP} its words" if fault is Fault.MARKUP else "its words speak of it"
    chosen = {codes[b % len(codes)] for b in seed[1 : 2 + seed[3] % 2]}
    return {"codes": [{"code": code, "rationale": rationale} for code in sorted(chosen)], "outside": False}


def _asked_about(user: str) -> list[tuple[str, str, list[str]]]:
    """Number ("" where there is one), words and candidate codes of the segments that a question is about."""
    texts = re.findall(r"^Segment(?: (\d+))?: (\".*\")$", user, re.MULTILINE)
    candidates = re.findall(r"^Candidate codes(?: of segment \d+)?: (.*)$", user, re.MULTILINE)
    pairs = zip(texts, candidates, strict=True)
    return [(number, json.loads(text), codes.split(", ")) for (number, text), codes in pairs]


def _judgements(user: str, fault: Fault | None) -> Body:
    judged = {number: _judged(segment, codes, fault) for number, segment, codes in _asked_about(user)}
    return judged.get("", judged)


def _judged(segment: str, asked: list[str], fault: Fault | None) -> Body:
    found: Body = {}
    for code in asked:
        seed = _seed(segment + code)
        applies = seed[0] % 2 == 0 or fault in {Fault.INVENTED_QUOTE, Fault.MARKUP}
        words = NOWHERE if fault is Fault.INVENTED_QUOTE else _words(segment, seed[1], 70)
        if fault is Fault.MISQUOTED:
            words = words[: len(words) // 2] + words[len(words) // 2 + 1 :]
        polarity = ("experienced", "absent", "mixed")[seed[2] % 3]
        found[code] = {"applies": applies, "polarity": polarity, "words": words if applies else ""}
    if fault is Fault.UNKNOWN_CODE:
        found["no-such-code"] = found.pop(asked[0])
    return found


def _words(text: str, start: int, longest: int) -> str:
    """Three to ten words of a text, verbatim."""
    places = [m.span() for m in re.finditer(r"\S+", text)]
    first = start % max(1, len(places) - 6)
    last = min(first + 3 + start % 5, len(places) - 1)
    return text[places[first][0] : places[last][1]][:longest]


def _seed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _handler_for(chat: ChatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(ChatHandler):
        server_state = chat

    return Handler


class ChatHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: ChatServer

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def setup(self) -> None:
        super().setup()
        self.server_state.count_open(+1)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.server_state.count_open(-1)

    def do_GET(self) -> None:
        if self.path != "/v1/models" or self.server_state.listing is None:
            return self.send(404, {"error": {"message": f"no such route: {self.path}"}})
        self.send(200, {"object": "list", "data": [{"id": "pretend", "object": "model"} | self.server_state.listing]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            return self.send(404, {"error": {"message": f"no such route: {self.path}"}})
        chat, asked = self.server_state, self.server_state.note(json.loads(body))
        fault = chat.faults(asked.number, asked.body) if chat.faults else None
        if chat.before_reply:
            chat.before_reply(asked)
        self._reply(asked, fault)
        if chat.after_reply:
            chat.after_reply(asked)

    def _reply(self, asked: Asked, fault: Fault | None) -> None:
        text = answer(asked.body, fault)
        match fault:
            case Fault.RATE_LIMITED:
                self.server_state.rests.append(time.monotonic())
                wait = f"{self.server_state.retry_after:g}"
                self.send(429, {"error": {"message": "slow down"}}, {"Retry-After": wait})
            case Fault.SERVER_ERROR:
                self.send(500, {"error": {"message": "out of memory"}})
            case Fault.UNAUTHORISED:
                self.send(401, {"error": {"message": "no such key"}})
            case Fault.BLOCKED_WITH_ECHO:
                self.send(403, {"error": {"message": f"blocked by policy: {asked.user}"}})
            case Fault.REFUSED:
                self.send(400, {"error": {"message": "the prompt is too long"}})
            case Fault.REDIRECT:
                self.send(307, {}, {"Location": f"{self.server_state.redirect_to}/chat/completions"})
            case Fault.SILENCE | Fault.ENDLESS:
                self._keep_waiting(fault)
            case Fault.HANG_UP | Fault.RESET:
                self._break(text, fault)
            case Fault.HTML:
                self.send(200, b"<html><body>Please sign in to the campus network</body></html>", kind="text/html")
            case Fault.NO_CHOICES:
                self.send(200, {"id": "1", "object": "chat.completion", "choices": []})
            case _:
                self.server_state.replies[asked.number] = text
                given = envelope(text, fault) | {"model": self.server_state.named}
                if self.server_state.fingerprint:
                    given["system_fingerprint"] = self.server_state.fingerprint
                if self.server_state.logprobs and asked.body.get("logprobs"):
                    given["choices"][0]["logprobs"] = {"content": [{"token": "{", "logprob": -0.1, "top_logprobs": []}]}
                if not self.server_state.counts_tokens:
                    del given["usage"]
                self.send(200, given, slowly=fault is Fault.DRIP)

    def send(
        self,
        status: int,
        value: Body | bytes,
        headers: dict[str, str] | None = None,
        *,
        kind: str = "application/json",
        slowly: bool = False,
    ) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, given in ({"Content-Type": kind, "Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, given)
        self.end_headers()
        for start in range(0, len(content), 40 if slowly else len(content) or 1):
            self.wfile.write(content[start : start + 40] if slowly else content)
            self.wfile.flush()
            time.sleep(0.002 if slowly else 0)

    def _keep_waiting(self, fault: Fault) -> None:
        """Until the other side hangs up; that is no error here."""
        self.close_connection = True
        if fault is Fault.ENDLESS:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n")
        self.connection.settimeout(0.05)
        with suppress(ConnectionError):
            for _ in range(20 * LONGEST_WAIT):
                try:
                    if not self.connection.recv(1):
                        return
                except TimeoutError:
                    self.wfile.write(b" " if fault is Fault.ENDLESS else b"")

    def _break(self, text: str, fault: Fault) -> None:
        if fault is Fault.RESET:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
            self.wfile.write(json.dumps(envelope(text, None)).encode()[:60])
            self.wfile.flush()
            # Lingering for no time makes the close a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR) if fault is Fault.HANG_UP else self.connection.close()


def envelope(text: str, fault: Fault | None) -> Body:
    content: object = [{"type": "text", "text": text}] if fault is Fault.CONTENT_IN_PARTS else text
    choice: Body = {"index": 0, "finish_reason": "length" if fault is Fault.TRUNCATED else "stop"}
    if fault is not Fault.NO_MESSAGE:
        choice["message"] = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "pretend",
        "choices": [choice],
        "usage": usage,
    }
