"""A chat server that also takes batches, as OpenAI's files and batches routes do.

What it does follows the SDK's types and what clients report of the service: a file is checked after the batch was made
(the batch `failed`, with codes and line numbers); lines come back in any order; a line that got an HTTP error stands in
the error file, with the status and the error's body in `response` and null in `error`, status 0 where no connection was
had; one that was not come to in time stands there with a null `response` and `batch_expired`; a file without lines is
not there at all; lists are cut into pages, the newest first.

A batch moves on one step each time somebody looks at it, so that no test waits for a clock.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chat_server import Body, ChatHandler, ChatServer, Fault, answer, envelope

ROUTES = {"/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/responses", "/v1/moderations"}
MOST_REQUESTS = 50_000
EXPIRED = "This request could not be executed before the completion window expired."


class Odd(StrEnum):
    """What can go wrong with one line of a batch."""

    HTTP_400 = "an HTTP error in the error file"
    HTTP_429 = "too many requests, in the error file"
    STATUS_0 = "no connection was had: status 0, an empty body"
    ERROR_IN_OUTPUT = "an HTTP error among the output, as gateways write it"
    MISSING = "no line in either file"
    NOT_JSON = "a line cut off in its middle"
    NOT_UTF8 = "a line with bytes that are no text"
    UNKNOWN = "a line under a key that nobody asked"
    TWICE = "two lines, the second with another reply"
    ERROR_AND_REPLY = "a reply in the output and an error in the error file"
    NO_MESSAGE = "a body without a message"
    BODY_IS_TEXT = "a body that is a string"
    SURROGATE = "an escaped lone surrogate and a NUL in the reply"


LinePlan = Callable[[str, Body], Odd | Fault | None]


@dataclass(frozen=True)
class Moment:
    """Where a request is: `came` (read, nothing done), `done` (its effect is there, no reply yet), `told` (replied)."""

    route: str
    when: str


@dataclass
class Batch:
    """One batch as the server keeps it."""

    number: int
    id: str
    file_id: str
    metadata: dict[str, str] | None
    endpoint: str
    status: str = "validating"
    total: int = 0
    completed: int = 0
    failed: int = 0
    output: str | None = None
    error: str | None = None
    errors: list[Body] = field(default_factory=list)

    def as_json(self) -> Body:
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output,
            "error_file_id": self.error,
            "created_at": 1_700_000_000 + self.number,
            "expires_at": 1_700_086_400 + self.number,
            "metadata": self.metadata,
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
        }


@dataclass
class BatchServer(ChatServer):
    """See `ChatServer`; everything that a batch executes is in `log` too.

    Attributes:
        odd: What goes wrong with a line, by its key and body; a `Fault` spoils the reply's content.
        ends: The status that a batch ends in: `completed`, `expired` or `cancelled`.
        share: How many of the lines are executed when it does not end `completed`.
        held: Batches stay `in_progress` as long as this says so.
        queue: The most bytes of questions that may be queued at once; None for any number.
        hook: Called at every moment of every request of these routes; may kill the client.
        busy: Answers a request with a status instead of doing it (None does it); `lost` does it all the same.
        refusal: A code with which every batch fails its check.
        keeps_labels: Whether metadata is given back.
        events: Every request of these routes, as `METHOD route`.
        in_batches: Numbers (in `log`) of what batches executed.
    """

    odd: LinePlan | None = None
    ends: str = "completed"
    share: float = 0.5
    held: bool = False
    queue: int | None = None
    hook: Callable[[Moment], None] | None = None
    busy: Callable[[str], int | None] | None = None
    lost: Callable[[str], int | None] | None = None
    refusal: str | None = None
    keeps_labels: bool = True
    page: int = 100
    files: dict[str, bytes] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    in_batches: set[int] = field(default_factory=set)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    def reset(self) -> None:
        super().reset()
        self.odd = self.hook = self.busy = self.lost = self.refusal = None
        self.ends, self.share, self.held, self.queue = "completed", 0.5, False, None
        self.keeps_labels, self.page = True, 100
        for kept in (self.files, self.batches, self.events, self.in_batches):
            kept.clear()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        state = self

        class Handler(_Handler):
            server_state = state

        return Handler

    def settle(self) -> None:
        """A connection that the client keeps open for later is no work; what counts is that nobody is answered."""
        time.sleep(0.05)

    # Files

    def add_file(self, content: bytes) -> str:
        with self._turn:
            name = f"file-{len(self.files):04}{hashlib.sha256(content).hexdigest()[:8]}"
            self.files[name] = content
            return name

    # Batches

    def add_batch(self, asked: Body) -> Batch:
        with self._turn:
            number = len(self.batches)
            batch = Batch(
                number, f"batch_{number:06}", asked["input_file_id"], asked.get("metadata"), asked["endpoint"]
            )
            self.batches.append(batch)
            return batch

    def batch(self, name: str) -> Batch | None:
        return next((b for b in self.batches if b.id == name), None)

    def look(self, batch: Batch) -> Body:
        """What it says now; then it moves on."""
        with self._turn:
            told = batch.as_json()
            self._move(batch)
            return told if self.keeps_labels else told | {"metadata": None}

    def _move(self, batch: Batch) -> None:
        if batch.status == "validating":
            batch.errors = self._problems(batch)
            batch.status = "failed" if batch.errors else "in_progress"
            batch.total = 0 if batch.errors else len(self._requests(batch))
        elif batch.status == "in_progress" and not self.held:
            batch.status = "finalizing" if self.ends == "completed" else self.ends
            self._execute(batch)
        elif batch.status == "finalizing":
            batch.status = "completed"
        elif batch.status == "cancelling":
            self._execute(batch, ends="cancelled")
            batch.status = "cancelled"

    def cancel(self, batch: Batch) -> bool:
        with self._turn:
            if batch.status not in {"validating", "in_progress", "finalizing"}:
                return False
            batch.total = batch.total or len(self._requests(batch))
            batch.status = "cancelling"
            return True

    def _requests(self, batch: Batch) -> list[Body]:
        return [json.loads(line) for line in self.files[batch.file_id].decode().split("\n") if line.strip()]

    def _problems(self, batch: Batch) -> list[Body]:
        try:
            requests = self._requests(batch)
        except ValueError:
            return [_problem("invalid_json_line", "This line is not parseable as valid JSON.", 1)]
        if not requests:
            return [_problem("empty_file", "The batch input file is empty.", None)]
        if len(requests) > MOST_REQUESTS:
            return [_problem("too_many_tasks", "The batch input file contains too many requests.", None)]
        found, seen = [], set()
        if self.refusal:
            found.append(_problem(self.refusal, f"Not accepted: {self.files[batch.file_id].decode()}", None))
        for number, one in enumerate(requests, 1):
            if one.get("custom_id") in seen:
                found.append(_problem("duplicate_custom_id", "The custom_id for this request is a duplicate.", number))
            if one.get("url") != batch.endpoint or one.get("method") != "POST":
                found.append(_problem("mismatched_url", "The URL does not match the batch's endpoint.", number))
            if one["body"].get("model") != requests[0]["body"].get("model"):
                found.append(_problem("mismatched_model", "All requests must be for one model.", number))
            seen.add(one.get("custom_id"))
        queued = [b for b in self.batches if b.status in {"in_progress", "finalizing"}] + [batch]
        if self.queue is not None and sum(len(self.files[b.file_id]) for b in queued) > self.queue:
            found.append(_problem("token_limit_exceeded", "Enqueued token limit reached for pretend.", None))
        return found

    def _execute(self, batch: Batch, ends: str | None = None) -> None:
        ends, requests = ends or self.ends, self._requests(batch)
        reached = len(requests) if ends == "completed" else int(self.share * len(requests))
        output: list[bytes] = []
        error: list[bytes] = []
        for place, one in enumerate(requests):
            if place < reached:
                self._answer(one, output, error)
            else:
                late = {"code": f"batch_{ends}", "message": EXPIRED}
                error.append(_line(one["custom_id"], None, late))
        batch.completed, batch.failed = len(output), len(error)
        shuffled = random.Random(batch.number)  # noqa: S311
        for lines in (output, error):
            shuffled.shuffle(lines)
        batch.output = self.add_file(b"\n".join(output) + b"\n") if output else None
        batch.error = self.add_file(b"\n".join(error) + b"\n") if error else None

    def _answer(self, one: Body, output: list[bytes], error: list[bytes]) -> None:
        key, body = one["custom_id"], one["body"]
        asked = self.note(body)
        self.in_batches.add(asked.number)
        odd = self.odd(key, body) if self.odd else None
        spoilt = odd if isinstance(odd, Fault) else None
        text = answer(body, spoilt)
        good = _line(key, {"status_code": 200, "request_id": f"req_{asked.number}", "body": envelope(text, spoilt)})
        if odd in _ERRORS:
            (output if odd is Odd.ERROR_IN_OUTPUT else error).append(_line(key, _ERRORS[odd]))
        elif odd is Odd.ERROR_AND_REPLY:
            output.append(good)
            error.append(_line(key, _ERRORS[Odd.STATUS_0]))
        elif odd is Odd.TWICE:
            other = envelope('{"another": "reply"}', None)
            output.append(good + b"\n" + _line(key, {"status_code": 200, "request_id": "req_x", "body": other}))
        elif odd is not Odd.MISSING:
            output.append(_spoilt(good, odd))
        if odd in {None, Odd.TWICE, Odd.ERROR_AND_REPLY} or spoilt:
            self.replies[asked.number] = text


def _spoilt(good: bytes, odd: Odd | Fault | None) -> bytes:
    value = json.loads(good)
    match odd:
        case Odd.NOT_JSON:
            return good[: len(good) // 2]
        case Odd.NOT_UTF8:
            return b"\xff\xfe" + good
        case Odd.UNKNOWN:
            value["custom_id"] = "0" * 64
        case Odd.NO_MESSAGE:
            value["response"]["body"]["choices"] = []
        case Odd.BODY_IS_TEXT:
            value["response"]["body"] = "<html>Bad gateway</html>"
        case Odd.SURROGATE:
            value["response"]["body"]["choices"][0]["message"]["content"] = '{"\ud800": "\x00"}'
        case _:
            return good
    return json.dumps(value).encode()


_REFUSED = {"error": {"message": "the prompt is too long", "type": "invalid_request_error", "code": "too_long"}}
_ERRORS: dict[Odd | Fault | None, Body] = {
    Odd.HTTP_400: {"status_code": 400, "request_id": "req_1", "body": _REFUSED},
    Odd.HTTP_429: {"status_code": 429, "request_id": "req_1", "body": {"error": {"message": "slow down"}}},
    Odd.STATUS_0: {"status_code": 0, "request_id": "", "body": {}},
    Odd.ERROR_IN_OUTPUT: {"status_code": 500, "request_id": "req_1", "body": {"error": {"message": "oops"}}},
}


def _line(key: str, response: Body | None, error: Body | None = None) -> bytes:
    found = {"id": f"batch_req_{key[:8]}", "custom_id": key, "response": response, "error": error}
    return json.dumps(found, ensure_ascii=False).encode()


def _problem(code: str, message: str, line: int | None) -> Body:
    return {"code": code, "message": message, "param": None, "line": line}


class _Handler(ChatHandler):
    server_state: BatchServer

    def do_POST(self) -> None:
        if self.path == "/v1/chat/completions":
            return super().do_POST()
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/v1/files":
            return self._serve("POST files", lambda: self._add_file(content))
        if self.path == "/v1/batches":
            return self._serve("POST batches", lambda: self._add_batch(json.loads(content)))
        if found := re.fullmatch(r"/v1/batches/(\w+)/cancel", self.path):
            return self._serve("POST cancel", lambda: self._cancel(found[1]))
        self.send(404, _error(f"no such route: {self.path}"))

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/v1/batches":
            asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
            return self._serve("GET list", lambda: self._list(asked))
        if found := re.fullmatch(r"/v1/batches/(\w+)", url.path):
            return self._serve("GET batch", lambda: self._look(found[1]))
        if found := re.fullmatch(r"/v1/files/([\w-]+)/content", url.path):
            return self._serve("GET content", lambda: self._content(found[1]))
        super().do_GET()

    def _serve(self, route: str, do: Callable[[], tuple[int, Body | bytes]]) -> None:
        server = self.server_state
        server.events.append(route)
        if server.hook:
            server.hook(Moment(route, "came"))
            if self._gone():
                # The request of a client that is dead by now did not get this far.
                self.close_connection = True
                return
        if server.busy and (status := server.busy(route)):
            return self.send(status, _error("busy"), {"Retry-After": "0"})
        status, value = do()
        if server.lost and (lost := server.lost(route)):
            return self.send(lost, _error("the reply is lost"), {"Retry-After": "0"})
        if server.hook:
            server.hook(Moment(route, "done"))
        kind = "application/octet-stream" if isinstance(value, bytes) else "application/json"
        self.send(status, value, kind=kind)
        if server.hook:
            server.hook(Moment(route, "told"))

    def _gone(self) -> bool:
        """Whether the client closed the connection."""
        self.connection.setblocking(False)
        try:
            return self.connection.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.connection.setblocking(True)

    def _add_file(self, content: bytes) -> tuple[int, Body]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = {part.get_param("name", header="content-disposition"): part for part in _parts(head + content)}
        if "file" not in parts or "purpose" not in parts:
            return 400, _error("a file and its purpose are required")
        purpose, name = parts["purpose"].get_content().strip(), parts["file"].get_filename() or ""
        if purpose != "batch" or not name.endswith(".jsonl"):
            return 400, _error("Invalid file format for Batch API. Must be .jsonl")
        data = parts["file"].get_payload(decode=True)
        file_id = self.server_state.add_file(data)
        return 200, {
            "id": file_id,
            "object": "file",
            "bytes": len(data),
            "created_at": 1_700_000_000,
            "filename": name,
            "purpose": "batch",
            "status": "processed",
        }

    def _add_batch(self, asked: Body) -> tuple[int, Body]:
        labels = asked.get("metadata") or {}
        if asked.get("completion_window") != "24h" or asked.get("endpoint") not in ROUTES:
            return 400, _error("Invalid value for completion_window or endpoint")
        if asked.get("input_file_id") not in self.server_state.files:
            return 400, _error("No such file")
        if len(labels) > 16 or any(len(k) > 64 or len(str(v)) > 512 for k, v in labels.items()):
            return 400, _error("Invalid metadata")
        return 200, self.server_state.add_batch(asked).as_json()

    def _list(self, asked: dict[str, str]) -> tuple[int, Body]:
        limit = min(int(asked.get("limit", 20)), 100, self.server_state.page)
        told = [self.server_state.batches[k].as_json() for k in range(len(self.server_state.batches))][::-1]
        if not self.server_state.keeps_labels:
            told = [one | {"metadata": None} for one in told]
        ids = [one["id"] for one in told]
        first = ids.index(asked["after"]) + 1 if "after" in asked else 0
        page = told[first : first + limit]
        return 200, {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": first + limit < len(told),
        }

    def _look(self, name: str) -> tuple[int, Body]:
        batch = self.server_state.batch(name)
        return (200, self.server_state.look(batch)) if batch else (404, _error(f"No batch found with id '{name}'."))

    def _cancel(self, name: str) -> tuple[int, Body]:
        batch = self.server_state.batch(name)
        if batch is None:
            return 404, _error(f"No batch found with id '{name}'.")
        if not self.server_state.cancel(batch):
            return 409, _error(f"Cannot cancel a batch with status '{batch.status}'.")
        return 200, batch.as_json()

    def _content(self, name: str) -> tuple[int, Body | bytes]:
        content = self.server_state.files.get(name)
        return (404, _error(f"No such File object: {name}")) if content is None else (200, content)


def _parts(message: bytes) -> list[Any]:
    return list(BytesParser(policy=HTTP).parsebytes(message).iter_parts())


def _error(message: str) -> Body:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def ordered(server: BatchServer) -> list[str]:
    """Keys of the questions of every batch that was made and not refused as a whole."""
    made = [server.files[b.file_id] for b in server.batches if not b.errors]
    return [json.loads(line)["custom_id"] for content in made for line in content.split(b"\n") if line]
