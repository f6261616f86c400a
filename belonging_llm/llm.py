"""Language models as the rest of the package sees them: one small protocol and its messages."""

from __future__ import annotations

import ipaddress
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict


class ChatRequest(BaseModel):
    """One thing to ask.

    Attributes:
        reply_schema: JSON Schema that the reply must obey; adapters pass it on where they can.
        options: Where given, the reply is not text but JSON with the log-probability of each of these as the first
            token of an answer; only for models whose `scores` is true.
        max_tokens: Most tokens the reply may have; a longer one comes back truncated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    user: str
    reply_schema: dict[str, Any]
    max_tokens: int = 300
    temperature: float = 0.0
    seed: int = 0
    options: tuple[str, ...] = ()


class ChatReply(BaseModel):
    """What came back, before anybody trusts it.

    Attributes:
        text: As it came, lone surrogates and NULs included.
        finish_reason: `stop`, `length`, or the endpoint's own word; ask `truncated` rather than compare.
        prompt_tokens: None where the endpoint does not count.
        model: Name that the endpoint gives for the model which answered; None where it gives none. A service may put
            another one behind the name that was asked for.
        fingerprint: What the endpoint calls its configuration; None where it does not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    finish_reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    model: str | None = None
    fingerprint: str | None = None

    @property
    def truncated(self) -> bool:
        """Whether the reply was cut off at the token limit, in the words that endpoints have for it."""
        return self.finish_reason.casefold() in {"length", "max_tokens", "max_output_tokens", "model_length"}


class ChatModel(Protocol):
    """A language model that answers by schema."""

    @property
    def id(self) -> str:
        """Names the model so that its replies can be found again; known without loading it."""

    @property
    def endpoint(self) -> str | None:
        """Where the text goes; None when it stays in this process."""

    @property
    def concurrency(self) -> int:
        """How many requests it takes at a time."""

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, trying once.

        Raises:
            ModelUnavailable: a passing fault (busy, timeout, broken connection); try again.
            RequestRefused: this one request is not accepted (too long, filtered).
            ModelRefused: no request will be accepted (key, model name).
        """


@runtime_checkable
class TellsWindow(Protocol):
    """A model that may say how much it can read."""

    def context_window(self) -> int | None:
        """Tokens that question and reply may have together; None where the endpoint does not tell.

        Raises:
            ModelError: as `ChatModel.complete`.
        """


@runtime_checkable
class OffersLogProbabilities(Protocol):
    """A model whose endpoint may be asked for log-probabilities."""

    def gives_log_probabilities(self, request: ChatRequest) -> bool:
        """Whether a reply to this request comes with log-probabilities of its tokens; sends it once.

        Raises:
            ModelError: as `ChatModel.complete`.
        """


def tells_likelihoods(model: ChatModel) -> bool:
    """Whether a model can be asked for the log-probabilities of options."""
    return bool(getattr(model, "scores", False))


def is_loopback(endpoint: str | None) -> bool:
    """Whether an endpoint is this machine: text sent there has not left it."""
    host = urlsplit(endpoint or "").hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
