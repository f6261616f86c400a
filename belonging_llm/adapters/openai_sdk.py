"""OpenAI's SDK as a `ChatModel`: OpenAI itself, and every server that speaks its protocol."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from belonging_llm.adapters.deadline import bounded
from belonging_llm.errors import ModelRefused, ModelUnavailable, RequestRefused
from belonging_llm.llm import ChatReply, ChatRequest, is_loopback
from belonging_llm.pacing import CONCURRENCY

if TYPE_CHECKING:
    from openai import OpenAI

TIMEOUT = 300.0
# Said out loud: the SDK would take another address from the environment, and the egress log would not know.
OPENAI = "https://api.openai.com/v1"
_REFUSED_FOR_GOOD = (401, 402, 403, 404)
_PASSING = (408, 409, 425, 429)
_BUSY = (429, 503, 529)


class OpenAIChat:
    """A chat model behind an OpenAI-compatible endpoint; retries are left to the asking layer."""

    def __init__(
        self, model: str, base_url: str | None = None, *, concurrency: int = CONCURRENCY, timeout: float = TIMEOUT
    ) -> None:
        """Name the model and where it runs.

        Args:
            base_url: Such as `http://127.0.0.1:8000/v1`; OpenAI's own service when None.
            concurrency: Requests side by side; fewer while the server says that it is too busy.
            timeout: Seconds to wait for a reply to begin, and again for the whole of it.
        """
        self.model = model
        self.base_url = base_url
        self.concurrency = concurrency
        self.id = f"{base_url}#{model}" if base_url else f"openai:{model}"
        self.endpoint = base_url or "openai"
        self._timeout = timeout

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, trying once; see `ChatModel.complete`."""
        return reply_of(self._create(request), self.endpoint)

    def gives_log_probabilities(self, request: ChatRequest) -> bool:
        """See `OffersLogProbabilities`."""
        choices = getattr(self._create(request, logprobs=True), "choices", None) or [None]
        return bool(getattr(getattr(choices[0], "logprobs", None), "content", None))

    def context_window(self) -> int | None:
        """See `TellsWindow`; servers put it under different names, OpenAI itself does not tell."""
        with self.translated():
            listed = getattr(self.client.models.list(), "data", None) or []
        entries = [entry.model_dump() for entry in listed if hasattr(entry, "model_dump")]
        mine = [entry for entry in entries if entry.get("id") == self.model] or entries[: len(entries) == 1]
        return next((size for entry in mine if (size := _window(entry))), None)

    def _create(self, request: ChatRequest, **more: Any) -> Any:
        with self.translated():
            return self.client.chat.completions.create(**self.body(request), **more)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """A request in the endpoint's words; what is asked in a batch is asked in the same."""
        return {
            "model": self.model,
            "messages": [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": request.reply_schema, "strict": True},
            },
        }

    @contextmanager
    def translated(self) -> Iterator[None]:
        """The SDK's errors as ours."""
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise translate(error.status_code, error.code, error.response.headers.get("retry-after")) from None
        except (openai.APIConnectionError, openai.APIError, ValueError) as error:
            raise ModelUnavailable(f"{self.endpoint}: {type(error).__name__}") from None

    @cached_property
    def client(self) -> OpenAI:
        """The SDK, made when first used.

        Raises:
            ModelRefused: there is no key.
        """
        from openai import DefaultHttpxClient, OpenAI

        # A server of one's own needs no key, and the SDK refuses to start without any.
        key = os.environ.get("OPENAI_API_KEY") or ("none" if self.base_url else None)
        if key is None:
            raise ModelRefused("openai: set the environment variable OPENAI_API_KEY, or use --llm local")
        # Proxies of the environment must not see traffic to this machine.
        # Nor may a server pass text on to another place.
        trusted = not is_loopback(self.endpoint)
        hooks = {"response": [bounded(self._timeout)]}
        own = DefaultHttpxClient(trust_env=trusted, follow_redirects=False, timeout=self._timeout, event_hooks=hooks)
        return OpenAI(
            api_key=key, base_url=self.base_url or OPENAI, max_retries=0, timeout=self._timeout, http_client=own
        )


def translate(status: int, code: object, retry_after: str | None) -> Exception:
    """An HTTP status as one of our errors.

    The endpoint's own message is left out: it may repeat the prompt, and errors are shown and logged.
    """
    word = str(code or "")
    said = f"HTTP {status}" + (f" {word}" if re.fullmatch(r"[\w.-]{1,60}", word) else "")
    if status in _PASSING or status >= 500:
        return ModelUnavailable(said, _seconds(retry_after), busy=status in _BUSY)
    if 300 <= status < 400:
        return ModelRefused(f"the endpoint sends requests on to another address ({said}); name that one instead")
    if status in _REFUSED_FOR_GOOD:
        return ModelRefused(f"the endpoint refuses ({said}); check key, address and model name")
    return RequestRefused(said)


def _seconds(retry_after: str | None) -> float | None:
    """Seconds to wait, of a header that holds them or a date (RFC 9110, 10.2.3); None where it makes no sense."""
    try:
        seconds = float(retry_after) if retry_after else math.nan
    except ValueError:
        seconds = _seconds_until(str(retry_after))
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float:
    try:
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return math.nan


def reply_of(answer: Any, endpoint: str) -> ChatReply:
    """What came back; servers take liberties with the envelope, which the SDK does not check."""
    choices = getattr(answer, "choices", None) or [None]
    message = getattr(choices[0], "message", None)
    if message is None:
        raise ModelUnavailable(f"{endpoint}: the reply holds no message")
    usage = getattr(answer, "usage", None)
    return ChatReply(
        text=content_text(message.content) or str(getattr(message, "refusal", None) or ""),
        finish_reason=str(choices[0].finish_reason or "stop"),
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        model=_name(answer, "model"),
        fingerprint=_name(answer, "system_fingerprint"),
    )


def content_text(content: object) -> str:
    """A message's text, whether it comes whole or in parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text") or "") if isinstance(part, dict) else str(part) for part in parts)


def _window(entry: dict[str, Any]) -> int | None:
    """Of a model's entry in the list of models: vLLM's name for it, that of routers, that of llama.cpp."""
    meta = entry.get("meta")
    told = [entry.get(name) for name in ("max_model_len", "context_length", "context_window")]
    told.append(meta.get("n_ctx") if isinstance(meta, dict) else None)
    return next((size for size in told if isinstance(size, int) and size > 0), None)


def _name(answer: object, field: str) -> str | None:
    """A name in the envelope, short and printable; servers may put anything there."""
    value = getattr(answer, field, None)
    return "".join(c for c in value if c.isprintable())[:200] or None if isinstance(value, str) else None


def _count(usage: object, name: str) -> int | None:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) else None
