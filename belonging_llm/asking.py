"""Ask a model and get a validated answer: ledger first, bounded retries in this one layer.

Every reply is committed to the ledger before it is parsed, under the digest of what was asked.
Asking again reads the ledger; only what was never answered is sent.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from belonging_llm.budget import Budget, Tokens, billed
from belonging_llm.claims import Claims, Unshared, held
from belonging_llm.errors import Incomplete, ModelUnavailable, ReplyError, RequestRefused
from belonging_llm.llm import ChatModel, ChatReply, ChatRequest
from belonging_llm.pacing import Pace
from belonging_llm.prompts import Rendered
from belonging_llm.provenance import digest, now

R = TypeVar("R", bound=BaseModel)

MAX_REPLY = 100_000
# The first line ends at the first line end: were more of them optional, a fence before many would take minutes.
_FENCE = re.compile(r"\A\s*```(?:json)?[^\S\n]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_REPAIR = "\n\nYour last reply could not be used: {why}\nReply again, with one JSON object of the shape asked for."


class LedgerEntry(BaseModel):
    """One reply as it came, and what it answered.

    Attributes:
        key: Digest of model, prompt, rendered text, schema and parameters.
        attempt: From 1; the second and later ones answer the same question again.
        seconds: Wall time of the call; 0 for a reply that came in a parcel.
        parcel: Which parcel of questions brought it; None when it was asked by itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    attempt: int
    run_id: str
    model: str
    prompt: str
    prompt_digest: str
    reply: ChatReply
    seconds: float
    at: str
    parcel: str | None = None


@dataclass(frozen=True)
class Departure:
    """Where a request goes, and on whose behalf.

    Attributes:
        about: Participants whose words it holds.
    """

    endpoint: str
    model: str
    run_id: str
    about: tuple[str, ...] = ()


class Ledger(Protocol):
    """Where replies are kept; append-only."""

    def replies(self, key: str) -> Sequence[LedgerEntry]:
        """All replies under a key, by attempt."""

    def record(self, entry: LedgerEntry, request: ChatRequest) -> None:
        """Commit one reply; returns only when it is safe."""

    def leaving(self, request: ChatRequest, departure: Departure) -> None:
        """Log that a request is about to leave this process."""


@dataclass(frozen=True)
class Question(Generic[R]):
    """A rendered prompt and the shape of its answer.

    Attributes:
        choices: Values that fields of these names may take, for models that obey a schema.
        schema: What models are held to, where it is narrower than what the reply type says.
        options: Ask for the likelihood of each of these instead of a text.
        check: Raises ReplyError for an answer that fits the schema and is wrong all the same.
        about: Participants whose words it shows; for the egress log, not part of what is asked.
    """

    prompt: Rendered
    reply: type[R]
    max_tokens: int = 300
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    schema: dict[str, Any] | None = None
    check: Callable[[R], None] = lambda _: None
    options: tuple[str, ...] = ()
    about: tuple[str, ...] = ()

    def request(self, how: Sampling | None = None) -> ChatRequest:
        """What is sent on the first attempt."""
        how = how or Sampling()
        return ChatRequest(
            system=self.prompt.system,
            user=self.prompt.user,
            reply_schema=_limited(self.schema or self.reply.model_json_schema(), self.choices),
            max_tokens=self.max_tokens,
            options=self.options,
            seed=how.seed,
            temperature=how.temperature,
        )

    def key(self, model_id: str, how: Sampling | None = None) -> str:
        """What its replies are found under: digest of model, prompt, rendered text, schema and parameters."""
        how = how or Sampling()
        request = self.request(how)
        asked = request.model_dump(mode="json", exclude=_unused(request))
        return digest(model_id, self.prompt.digest, asked, *([how.repetition] if how.repetition else []))


@dataclass
class Retry:
    """How often and how patiently one layer tries; waits are in seconds, by `clock`."""

    replies: int = 2
    tries: int = 4
    first_wait: float = 0.5
    longest_wait: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    give_up_after: int = 5


@dataclass(frozen=True)
class Sampling:
    """How a model is to find its words; what differs here is another question to the ledger.

    Attributes:
        repetition: Above 0 asks the very same anew, though its reply is known: to see whether it comes again.
    """

    seed: int = 0
    temperature: float = 0.0
    repetition: int = 0


@dataclass
class Asker:
    """Asks one model on behalf of one run.

    Attributes:
        sampling: The same for every question.
        budget: What the run may spend; asked before every try.
        calls: Requests that were answered in this process (ledger hits are not calls).
        seconds: Wall time of those, summed over whatever ran side by side.
        failures: Item-level failures by kind, for the report.
        claims: Whether another process is asking the same question; then its reply is waited for.
        pace: Shared by all threads: what one is told about waiting, all heed.
    """

    model: ChatModel
    ledger: Ledger
    run_id: str
    retry: Retry = field(default_factory=Retry)
    budget: Budget = field(default_factory=Budget)
    sampling: Sampling = Sampling()
    claims: Claims = field(default_factory=Unshared)
    calls: int = 0
    seconds: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    pace: Pace = field(init=False)
    _down: int = 0
    _turns: dict[str, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Pace requests as many at a time as the model takes."""
        self.pace = Pace(self.model.concurrency, self.retry.clock, self.retry.sleep)

    def ask(self, question: Question[R]) -> R:
        """Answer from the ledger where it can, else from the model.

        Raises:
            ReplyError: every allowed reply broke the schema.
            RequestRefused: the endpoint will not take this request.
            ModelUnavailable: no reply after the bounded tries.
            Incomplete: many questions in a row found the endpoint gone, or the budget is reached.
            ModelRefused: the endpoint refuses everything.
        """
        try:
            return self._answer(question)
        except (ReplyError, RequestRefused, ModelUnavailable) as error:
            with self._lock:
                kind = type(error).__name__
                self.failures[kind] = self.failures.get(kind, 0) + 1
            raise

    def ask_or_none(self, question: Question[R]) -> R | None:
        """One answer, or None where every reply was unusable or refused.

        Raises:
            Incomplete: no reply came, or none may be asked for; what hangs on the answer must wait for a rerun.
        """
        answer = self._ask_or_error(question)
        if isinstance(answer, ModelUnavailable):
            raise Incomplete(
                f"the model did not answer ({answer}); what is done is kept: rerun to continue"
            ) from answer
        return None if isinstance(answer, Exception) else answer

    def ask_all(self, questions: Sequence[Question[R]]) -> list[R | Exception]:
        """Ask side by side, as many at a time as the model takes; errors of one item are returned."""
        stop = threading.Event()

        def one(question: Question[R]) -> R | Exception:
            if stop.is_set():
                return Incomplete("not asked, since an earlier question ended the run")
            try:
                return self._ask_or_error(question)
            except BaseException:
                stop.set()
                raise

        with ThreadPoolExecutor(max(1, self.model.concurrency)) as pool:
            futures = [pool.submit(one, question) for question in questions]
            return [future.result() for future in futures]

    def brought(self, tokens: Sequence[Tokens]) -> None:
        """Count replies that came by another way and are in the ledger."""
        self.budget.count(tokens)
        with self._lock:
            self.calls += len(tokens)

    def forgive(self, error: Exception) -> None:
        """Uncount a failure whose items were settled in another way."""
        kind = type(error).__name__
        with self._lock:
            left = self.failures.pop(kind) - 1
            self.failures |= {kind: left} if left else {}

    def _ask_or_error(self, question: Question[R]) -> R | Exception:
        try:
            return self.ask(question)
        except (ReplyError, RequestRefused, ModelUnavailable) as error:
            return error

    def _answer(self, question: Question[R]) -> R:
        request, key = question.request(self.sampling), question.key(self.model.id, self.sampling)
        with self._turn(key):
            if known := self._known(question, key):
                return known
            with held(self.claims, f"question {key}"):
                return self._settle(question, request, key)

    def _known(self, question: Question[R], key: str) -> R | None:
        """The first usable reply in the ledger: for that nobody has to be waited for."""
        for entry in self.ledger.replies(key):
            with suppress(ReplyError):
                return parse(entry.reply, question)
        return None

    def _turn(self, key: str) -> threading.Lock:
        """One question asked twice side by side is paid for once: the second waits and reads the ledger."""
        with self._lock:
            return self._turns.setdefault(key, threading.Lock())

    def _settle(self, question: Question[R], request: ChatRequest, key: str) -> R:
        seen = list(self.ledger.replies(key))
        why: Exception = ReplyError("no reply yet")
        for entry in seen:
            try:
                return parse(entry.reply, question)
            except ReplyError as error:
                why = error
        # Replies of earlier runs do not use up this run's attempts; its own, before a crash, do.
        spent = sum(entry.run_id == self.run_id for entry in seen)
        for attempt in range(len(seen) + 1, len(seen) + 1 + self.retry.replies - spent):
            asked = _repair(request, why, attempt) if attempt > 1 else request
            reply = self._send(asked, key, attempt, question)
            try:
                return parse(reply, question)
            except ReplyError as error:
                why = error
        raise why

    def _send(self, request: ChatRequest, key: str, attempt: int, question: Question[R]) -> ChatReply:
        started = time.monotonic()
        reply = self._try(request, question.about)
        entry = LedgerEntry(
            key=key,
            attempt=attempt,
            run_id=self.run_id,
            model=self.model.id,
            prompt=question.prompt.name,
            prompt_digest=question.prompt.digest,
            reply=reply,
            seconds=round(time.monotonic() - started, 3),
            at=now(),
        )
        tokens = None
        try:
            self.ledger.record(entry, request)
            tokens = billed(request, reply)
        finally:
            self.budget.end(tokens)
        with self._lock:
            self.calls += 1
            self.seconds += entry.seconds
            self._down = 0
        return reply

    def _try(self, request: ChatRequest, about: tuple[str, ...]) -> ChatReply:
        wait = self.retry.first_wait
        for tries_left in range(self.retry.tries - 1, -1, -1):
            try:
                return self._complete(request, about)
            except ModelUnavailable as error:
                if not tries_left:
                    self._note_down(error)
                asked_for = min(wait if error.retry_after is None else error.retry_after, self.retry.longest_wait)
                if error.busy:
                    self.pace.slow_down(asked_for)
                else:
                    self.retry.sleep(asked_for)
                wait *= 2
            except RequestRefused:
                self._down = 0
                raise
        raise AssertionError("unreachable")

    def _complete(self, request: ChatRequest, about: tuple[str, ...]) -> ChatReply:
        """One try, when the pace lets it go and the budget has room for it; one without a reply costs nothing."""
        with self.pace.turn():
            self.budget.begin()
            try:
                # Logged first: should this process die on the way, the log says too much rather than too little.
                if self.model.endpoint:
                    self.ledger.leaving(request, Departure(self.model.endpoint, self.model.id, self.run_id, about))
                reply = self.model.complete(request)
            except BaseException:
                self.budget.end()
                raise
        self.pace.went_well()
        return reply

    def _note_down(self, error: ModelUnavailable) -> NoReturn:
        with self._lock:
            self._down += 1
            down = self._down
        if down >= self.retry.give_up_after:
            raise Incomplete(
                f"the model at {self.model.endpoint or self.model.id} did not answer {down} questions in a row "
                f"({error}); what is done is kept: start it again and rerun the same command"
            ) from error
        raise error


def parse(reply: ChatReply, question: Question[R]) -> R:
    """A reply as the answer it was asked for.

    Raises:
        ReplyError: truncated, not JSON, off the schema, or refused by the question's own check.
    """
    if reply.truncated:
        raise ReplyError("the reply was cut off at the token limit")
    if len(reply.text) > MAX_REPLY:
        raise ReplyError(f"the reply has {len(reply.text)} characters")
    try:
        value = unwrapped(reply.text)
        # Lone surrogates, hidden in escapes, cannot be stored: encoding finds them.
        json.dumps(value, ensure_ascii=False).encode()
        answer = question.reply.model_validate(value)
    except (ValueError, RecursionError) as error:
        raise ReplyError(_printable(_brief(error))) from error
    try:
        question.check(answer)
    except ReplyError as error:
        raise ReplyError(_printable(str(error))) from error
    return answer


def unwrapped(text: str) -> Any:
    """The JSON that a reply is, in a fence or not.

    Raises:
        ValueError: it is none, or names a key twice; RecursionError where it is nested too deep.
    """
    fenced = _FENCE.match(text)
    return json.loads(fenced[1] if fenced else text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)


def _unused(request: ChatRequest) -> set[str]:
    """Fields that say nothing about a request: keys of questions without options stay what they were."""
    return set() if request.options else {"options"}


def _limited(schema: Any, choices: Mapping[str, Sequence[str]]) -> Any:
    """A JSON Schema whose properties of the given names allow only the given values."""
    if isinstance(schema, list):
        return [_limited(part, choices) for part in schema]
    if not isinstance(schema, dict):
        return schema
    limited = {key: _limited(value, choices) for key, value in schema.items() if not _is_caption(key, value)}
    for name, values in choices.items():
        if name in limited.get("properties", {}):
            limited["properties"][name] = {"type": "string", "enum": list(values)}
    return limited


def _is_caption(key: str, value: object) -> bool:
    """Whether an entry only describes (tokens for nothing), rather than being a property of that name."""
    return key in {"title", "description"} and isinstance(value, str)


def _repair(request: ChatRequest, why: Exception, attempt: int) -> ChatRequest:
    """The same question with what was wrong, in one message, under another seed."""
    return request.model_copy(
        update={"user": request.user + _REPAIR.format(why=why), "seed": request.seed + attempt - 1}
    )


def _brief(error: Exception) -> str:
    """What was wrong, without repeating the reply at length."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'reply'}: {first['msg']}"[:200]
    return f"not valid JSON ({error})"[:200]


def _printable(why: str) -> str:
    """A reason as it may be shown and stored: it can repeat keys of the reply, with NULs or a terminal's commands."""
    return "".join(character if character.isprintable() else "\ufffd" for character in why)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found
