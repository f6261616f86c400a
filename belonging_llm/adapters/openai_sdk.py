"""OpenAI's SDK as a `ChatModel`: OpenAI itself, and every server that speaks its protocol."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from belonging_llm.errors import ModelRefused, ModelUnavailable, RequestRefused
from belonging_llm.llm import ChatReply, ChatRequest

if TYPE_CHECKING:
    from openai import OpenAI

TIMEOUT = 300.0
_REFUSED_FOR_GOOD = (401, 402, 403, 404)
_PASSING = (408, 409, 425, 429)


class OpenAIChat:
    """A chat model behind an OpenAI-compatible endpoint; retries are left to the asking layer."""

    def __init__(
        self, model: str, base_url: str | None = None, *, concurrency: int = 4, timeout: float = TIMEOUT
    ) -> None:
        """Name the model and where it runs.

        Args:
            base_url: Such as `http://127.0.0.1:8000/v1`; OpenAI's own service when None.
            timeout: Seconds to wait for one reply.
        """
        self.model = model
        self.base_url = base_url
        self.concurrency = concurrency
        self.id = f"{base_url}#{model}" if base_url else f"openai:{model}"
        self.endpoint = base_url or "openai"
        self._timeout = timeout

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, trying once; see `ChatModel.complete`."""
        import openai

        try:
            answer = self._client.chat.completions.create(
                model=self.model,
                messages=[{"role": "system", "content": request.system}, {"role": "user", "content": request.user}],
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                seed=request.seed,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "reply", "schema": request.reply_schema, "strict": True},
                },
            )
        except openai.APIStatusError as error:
            raise translate(error.status_code, str(error), error.response.headers.get("retry-after")) from error
        except (openai.APIConnectionError, openai.APIError, ValueError) as error:
            raise ModelUnavailable(f"{self.endpoint}: {error}") from error
        return _reply(answer, self.endpoint)

    @cached_property
    def _client(self) -> OpenAI:
        from openai import DefaultHttpxClient, OpenAI

        # A server of one's own needs no key, and the SDK refuses to start without any.
        key = os.environ.get("OPENAI_API_KEY") or ("none" if self.base_url else None)
        if key is None:
            raise ModelRefused("openai: set the environment variable OPENAI_API_KEY, or use --llm local")
        # Proxies of the environment must not see traffic to this machine.
        own = DefaultHttpxClient(trust_env=not is_loopback(self.endpoint), timeout=self._timeout)
        return OpenAI(api_key=key, base_url=self.base_url, max_retries=0, timeout=self._timeout, http_client=own)


def translate(status: int, message: str, retry_after: str | None) -> Exception:
    """An HTTP status as one of our errors."""
    if status in _PASSING or status >= 500:
        return ModelUnavailable(message[:300], _seconds(retry_after))
    if status in _REFUSED_FOR_GOOD:
        return ModelRefused(f"the endpoint refuses ({status}): {message[:300]}; check key, address and model name")
    return RequestRefused(message[:300])


def is_loopback(endpoint: str | None) -> bool:
    """Whether an endpoint is this machine: text sent there has not left it."""
    import ipaddress
    from urllib.parse import urlsplit

    host = urlsplit(endpoint or "").hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _seconds(retry_after: str | None) -> float | None:
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        # The header may hold a date; the usual waiting time serves then.
        return None


def _reply(answer: Any, endpoint: str) -> ChatReply:
    choices = getattr(answer, "choices", None)
    if not choices:
        raise ModelUnavailable(f"{endpoint}: the reply holds no choices")
    usage = getattr(answer, "usage", None)
    message = choices[0].message
    return ChatReply(
        text=message.content or getattr(message, "refusal", None) or "",
        finish_reason=choices[0].finish_reason or "stop",
        prompt_tokens=getattr(usage, "prompt_tokens", None),
        completion_tokens=getattr(usage, "completion_tokens", None),
    )
