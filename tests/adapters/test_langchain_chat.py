"""LangChain's providers end their replies in words of their own; one that was cut off is known by any of them."""

from __future__ import annotations

from typing import Any

import pytest

from belonging_llm.adapters.langchain_chat import LangChainChat
from belonging_llm.llm import ChatRequest


class Message:
    """What LangChain's models return, as far as the adapter looks at it."""

    content = "{}"

    def __init__(self, metadata: dict[str, Any], usage: dict[str, int] | None = None) -> None:
        self.response_metadata = metadata
        self.usage_metadata = usage


class Provider:
    def __init__(self, message: Message) -> None:
        self.message = message

    def bind(self, **_: object) -> Provider:
        return self

    def invoke(self, _: object) -> Message:
        return self.message


def reply(message: Message) -> Any:
    chat = LangChainChat("anthropic", "made-up")
    chat._chats[0.0] = Provider(message)
    return chat.complete(ChatRequest(system="s", user="u", reply_schema={}))


@pytest.mark.parametrize(
    ("metadata", "truncated"),
    [
        ({"finish_reason": "length"}, True),
        ({"finish_reason": "MAX_TOKENS"}, True),
        ({"finish_reason": "model_length"}, True),
        ({"stop_reason": "max_tokens"}, True),
        ({"done_reason": "length"}, True),
        ({"finish_reason": None, "stop_reason": "max_tokens"}, True),
        ({"finish_reason": "stop"}, False),
        ({"stop_reason": "end_turn"}, False),
        ({"done_reason": "stop"}, False),
        ({}, False),
    ],
)
def test_a_reply_that_was_cut_off_is_known(metadata: dict[str, Any], truncated: bool) -> None:
    assert reply(Message(metadata)).truncated is truncated


def test_tokens_are_counted_where_the_provider_counts() -> None:
    counted = reply(Message({}, {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}))
    assert (counted.prompt_tokens, counted.completion_tokens) == (7, 3)
    assert reply(Message({})).prompt_tokens is None


def test_the_temperature_reaches_the_provider_and_each_is_set_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """LangChain takes it when a chat is set up, not with a question."""
    made: list[tuple[str, float]] = []

    def set_up(model: str, *, model_provider: str, temperature: float, max_retries: int) -> Provider:
        assert (model_provider, max_retries) == ("anthropic", 0)
        made.append((model, temperature))
        return Provider(Message({}))

    monkeypatch.setattr("langchain.chat_models.init_chat_model", set_up)
    chat = LangChainChat("anthropic", "made-up")
    for temperature in (0.0, 0.7, 0.0, 0.7):
        chat.complete(ChatRequest(system="s", user="u", reply_schema={}, temperature=temperature))
    assert made == [("made-up", 0.0), ("made-up", 0.7)]
