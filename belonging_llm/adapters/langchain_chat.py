"""LangChain chat models as a `ChatModel`: any provider that is installed."""

from __future__ import annotations

import json
from typing import Any

from belonging_llm.adapters.openai_sdk import content_text, translate
from belonging_llm.errors import ModelRefused, ModelUnavailable
from belonging_llm.llm import ChatReply, ChatRequest, is_loopback
from belonging_llm.pacing import CONCURRENCY

# Providers that take OpenAI's `response_format`; the others are told the schema in words.
_TAKE_SCHEMA = {"openai", "azure_openai", "groq", "mistralai", "together", "fireworks", "deepseek", "xai"}


class LangChainChat:
    """A chat model that LangChain knows how to reach; its own retries are switched off."""

    def __init__(self, provider: str, model: str, *, concurrency: int = CONCURRENCY) -> None:
        self.provider = provider
        self.model = model
        self.concurrency = concurrency
        self.id = f"langchain:{provider}:{model}"
        self._chats: dict[float, Any] = {}

    @property
    def endpoint(self) -> str:
        """The provider's address where the model says it, else the provider's name."""
        chat = self._chat_at(0.0)
        url = getattr(chat, "openai_api_base", None) or getattr(chat, "base_url", None)
        return str(url) if is_loopback(str(url)) else f"langchain:{self.provider}"

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, trying once; see `ChatModel.complete`."""
        system, options = request.system, dict[str, Any](max_tokens=request.max_tokens)
        if self.provider in _TAKE_SCHEMA:
            schema = {"name": "reply", "schema": request.reply_schema, "strict": True}
            options |= {"response_format": {"type": "json_schema", "json_schema": schema}, "seed": request.seed}
        else:
            system += f"\nThe reply must obey this JSON Schema: {json.dumps(request.reply_schema)}"
        try:
            chat = self._chat_at(request.temperature)
            answer = chat.bind(**options).invoke([("system", system), ("user", request.user)])
        except Exception as error:  # every provider raises errors of its own: this edge translates them all
            raise _translated(error) from None
        usage = answer.usage_metadata or {}
        return ChatReply(
            text=content_text(answer.content),
            finish_reason=_finish_reason(answer.response_metadata),
            prompt_tokens=usage.get("input_tokens"),
            completion_tokens=usage.get("output_tokens"),
            model=_told(answer.response_metadata, "model_name"),
            fingerprint=_told(answer.response_metadata, "system_fingerprint"),
        )

    def _chat_at(self, temperature: float) -> Any:
        """LangChain takes the temperature when a chat is set up; few are ever used."""
        if temperature not in self._chats:
            self._chats[temperature] = self._set_up(temperature)
        return self._chats[temperature]

    def _set_up(self, temperature: float) -> Any:
        from langchain.chat_models import init_chat_model

        try:
            return init_chat_model(self.model, model_provider=self.provider, temperature=temperature, max_retries=0)
        except ImportError as error:
            raise ModelRefused(f"langchain provider {self.provider}: {error}") from error
        except Exception as error:  # an unknown provider, a missing key: each package has its own error
            raise ModelRefused(f"langchain provider {self.provider} cannot be set up: {error}") from error


def _finish_reason(metadata: dict[str, Any]) -> str:
    """Why the reply ended; each provider's package has its own name for it."""
    given = (metadata.get(name) for name in ("finish_reason", "stop_reason", "done_reason"))
    return next((str(reason) for reason in given if reason), "stop")


def _told(metadata: dict[str, Any], name: str) -> str | None:
    value = metadata.get(name)
    return "".join(c for c in value if c.isprintable())[:200] or None if isinstance(value, str) else None


def _translated(error: Exception) -> Exception:
    """A provider's error as one of ours, by its HTTP status where it has one."""
    if isinstance(error, ModelRefused):
        return error
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        headers = getattr(getattr(error, "response", None), "headers", {})
        return translate(status, getattr(error, "code", None), headers.get("retry-after"))
    return ModelUnavailable(type(error).__name__)
