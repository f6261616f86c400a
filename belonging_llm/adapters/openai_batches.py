"""OpenAI's files and batches through its SDK, as a `Post`: for OpenAI itself and servers that have the same routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from belonging_llm.adapters.openai_sdk import OpenAIChat, reply_of
from belonging_llm.errors import ModelRefused, ModelUnavailable
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.parcels import Remote

ROUTE: Literal["/v1/chat/completions"] = "/v1/chat/completions"
PAGE = 100
_WORD = re.compile(r"[\w.-]{1,60}")


class OpenAIBatches:
    """Batches of questions to one chat model."""

    def __init__(self, chat: OpenAIChat) -> None:
        self._chat = chat

    def line(self, key: str, request: ChatRequest) -> bytes:
        """See `Post.line`; pure ASCII, since some servers also end lines at separators that only Unicode has."""
        asked = {"custom_id": key, "method": "POST", "url": ROUTE, "body": self._chat.body(request)}
        return json.dumps(asked).encode() + b"\n"

    def upload(self, name: str, content: bytes) -> str:
        """See `Post.upload`."""
        try:
            with self._chat.translated():
                return self._named(self._chat.client.files.create(file=(name, content), purpose="batch"), "file")
        except ModelRefused as error:
            raise ModelRefused(
                f"{error}. An endpoint that takes no batches says the same: leave out --batch-api"
            ) from None

    def create(self, file_id: str, labels: Mapping[str, str]) -> Remote:
        """See `Post.create`."""
        with self._chat.translated():
            made = self._chat.client.batches.create(
                input_file_id=file_id, endpoint=ROUTE, completion_window="24h", metadata=dict(labels)
            )
            return self._remote(made)

    def listed(self) -> Iterator[Remote]:
        """See `Post.listed`; page by page."""
        with self._chat.translated():
            for batch in self._chat.client.batches.list(limit=PAGE):
                yield self._remote(batch)

    def look(self, remote_id: str) -> Remote:
        """See `Post.look`."""
        with self._chat.translated():
            return self._remote(self._chat.client.batches.retrieve(remote_id))

    def cancel(self, remote_id: str) -> Remote:
        """See `Post.cancel`."""
        with self._chat.translated():
            return self._remote(self._chat.client.batches.cancel(remote_id))

    def download(self, file_id: str) -> bytes:
        """See `Post.download`."""
        with self._chat.translated():
            return self._chat.client.files.content(file_id).content

    def reply(self, body: Mapping[str, Any]) -> ChatReply:
        """See `Post.reply`; the body is what the same question asked by itself would bring."""
        from openai.types.chat import ChatCompletion

        known = {name: value for name, value in body.items() if name in ChatCompletion.model_fields}
        try:
            return reply_of(ChatCompletion.construct(**known), self._chat.endpoint)
        except (AttributeError, LookupError, TypeError, ValueError):
            raise ModelUnavailable(f"{self._chat.endpoint}: a reply of another shape") from None

    def _remote(self, batch: Any) -> Remote:
        """What a batch says of itself; its error messages stay there, since they may repeat what was asked."""
        counts = getattr(batch, "request_counts", None)
        errors = getattr(getattr(batch, "errors", None), "data", None) or []
        labels = getattr(batch, "metadata", None)
        return Remote(
            id=self._named(batch, "batch"),
            status=str(getattr(batch, "status", None) or ""),
            file_id=getattr(batch, "input_file_id", None),
            output_file=getattr(batch, "output_file_id", None),
            error_file=getattr(batch, "error_file_id", None),
            labels={str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {},
            total=_count(counts, "total"),
            done=_count(counts, "completed") + _count(counts, "failed"),
            errors=tuple(sorted({code for error in errors if _WORD.fullmatch(code := str(error.code or ""))})),
        )

    def _named(self, thing: Any, kind: str) -> str:
        """The endpoint's name for something; servers take liberties with the envelope, which the SDK does not check."""
        name = getattr(thing, "id", None)
        if not isinstance(name, str) or not name:
            raise ModelUnavailable(f"{self._chat.endpoint}: the answer names no {kind}")
        return name


def _count(counts: object, name: str) -> int:
    value = getattr(counts, name, None)
    return value if isinstance(value, int) else 0
