"""Stand-ins for everyone's tests: a model that replays replies, an encoder without weights."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from belonging_llm.embeddings import Vectors
from belonging_llm.llm import ChatReply, ChatRequest


class FakeChat:
    """Gives queued replies (or raises queued errors), or asks a function; keeps what was asked."""

    endpoint = None
    concurrency = 1

    def __init__(
        self, replies: Iterable[str | Exception] | Callable[[ChatRequest], str] = (), model_id: str = "fake:1"
    ) -> None:
        self.id = model_id
        self.asked: list[ChatRequest] = []
        self._answer = replies if callable(replies) else None
        self._queue = deque(() if callable(replies) else replies)

    def complete(self, request: ChatRequest) -> ChatReply:
        """The next reply; an empty queue is an error in the test."""
        self.asked.append(request)
        given = self._answer(request) if self._answer else self._queue.popleft()
        if isinstance(given, Exception):
            raise given
        return ChatReply(text=given, finish_reason="stop", prompt_tokens=1, completion_tokens=1)


class HashEncoder:
    """Vectors from hashed words: alike for texts that share words, the same on every machine."""

    def __init__(self, dim: int = 64) -> None:
        self.id = f"hashed-words-{dim}"
        self.dim = dim
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit-length vectors, float32, shape (n_texts, dim)."""
        self.encoded += len(texts)
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> Vectors:
        vector = np.full(self.dim, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", text.casefold()):
            vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % self.dim] += 1
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
