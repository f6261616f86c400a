"""The embedded language model: a GGUF file run in this process by llama.cpp (xllamacpp).

Replies must not depend on what was asked before, or a resumed run would differ from an
uninterrupted one. llama.cpp reuses the longest common prefix of the previous prompt, and its
arithmetic differs in the last digits with the length that is reused. So the system part of a
prompt is computed once, its state saved, and restored before every question: each reply starts
from the same bytes. It also saves the time of reading the codebook again for every segment.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import urllib.request
from functools import cached_property
from pathlib import Path
from typing import Any

from belonging_llm.errors import ModelFileError, ModelUnavailable, RequestRefused
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.provenance import file_digest, text_digest

CONTEXT = 8192
# Likeliest tokens whose log-probabilities are told.
TOLD = 200


class LlamaCpp:
    """One GGUF file as a `ChatModel`; loaded on the first question, one question at a time."""

    endpoint = None
    concurrency = 1
    scores = True

    def __init__(self, file: Path, *, sha256: str | None = None, threads: int | None = None) -> None:
        """Name the model by its file's digest.

        Args:
            sha256: The file's digest where it is known; else it is computed, which reads the file.
            threads: By default every core; fewer leave room for other work.

        Raises:
            ModelFileError: no such file.
        """
        if not file.is_file():
            raise ModelFileError(f"{file}: no such model file; name a .gguf file, or use --llm local")
        self.file = file
        self.id = f"local:{file.stem}@{(sha256 or file_digest(file))[:16]}"
        self._threads = threads or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._primed: set[str] = set()

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel.complete`."""
        with self._lock:
            self._restore(request.system)
            if request.options:
                return self._likelihoods(request)
            answer = self._chat(request.system, request.user, request)
        choice = answer["choices"][0]
        usage = answer.get("usage", {})
        return ChatReply(
            text=choice["message"].get("content") or "",
            finish_reason=choice.get("finish_reason") or "stop",
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
        )

    def context_window(self) -> int:
        """See `TellsWindow`."""
        return CONTEXT

    def _likelihoods(self, request: ChatRequest) -> ChatReply:
        """Log-probabilities of the options as the first token, as JSON; an option not among the likeliest gets less."""
        answer = self._chat(request.system, request.user, request)
        content = (answer["choices"][0].get("logprobs") or {}).get("content") or [{}]
        first = content[0].get("top_logprobs") or []
        told = {str(one["token"]).strip(): float(one["logprob"]) for one in reversed(first)}
        least = min(told.values(), default=0.0) - 1
        usage = answer.get("usage", {})
        # Where nothing was told no option is likelier than another: that is no answer.
        likely = {option: round(told.get(option, least), 4) for option in request.options} if told else {}
        return ChatReply(
            text=json.dumps(likely),
            finish_reason="stop",
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
        )

    def _chat(self, system: str, user: str, request: ChatRequest | None = None) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            "max_tokens": 1,
            "temperature": 0.0,
            "id_slot": 0,
            "cache_prompt": request is not None,
        }
        if request and request.options:
            asked |= {"logprobs": True, "top_logprobs": TOLD, "seed": request.seed}
        elif request:
            schema = {"name": "reply", "schema": request.reply_schema, "strict": True}
            asked |= {
                "max_tokens": request.max_tokens,
                "temperature": request.temperature,
                "seed": request.seed,
                "response_format": {"type": "json_schema", "json_schema": schema},
            }
        try:
            answer = self._server.handle_chat_completions(asked)
        except (RuntimeError, ValueError) as error:
            raise ModelUnavailable(f"the embedded model failed: {error}") from error
        if "error" in answer:
            problem = answer["error"]
            raise RequestRefused(str(problem.get("message", problem) if isinstance(problem, dict) else problem))
        return dict(answer)

    def _restore(self, system: str) -> None:
        """Bring back the state right after the system part, computing it once per process."""
        name = f"{text_digest(system)[:32]}.state"
        if name not in self._primed:
            self._chat(system, "")
            self._slot("save", name)
            self._primed.add(name)
        self._slot("restore", name)

    def _slot(self, action: str, name: str) -> None:
        url = f"{self._server.listening_address}/slots/0?action={action}"
        body = json.dumps({"filename": name}).encode()
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - our own loopback address
        try:
            with _OPENER.open(request, timeout=60) as reply:
                reply.read()
        except OSError as error:
            raise ModelUnavailable(f"the embedded model's state could not be {action}d: {error}") from error

    @cached_property
    def _states(self) -> tempfile.TemporaryDirectory[str]:
        """Where prompt states lie; they hold the codebook's wording, and go with the process."""
        return tempfile.TemporaryDirectory(prefix="belonging-")

    @cached_property
    def _server(self) -> Any:
        import xllamacpp

        options = xllamacpp.CommonParams()
        options.model.path = str(self.file)
        options.n_ctx = CONTEXT
        options.n_parallel = 1
        options.verbosity = -1
        options.slot_save_path = self._states.name + os.sep
        options.endpoint_slots = True
        options.cpuparams.n_threads = self._threads
        options.cpuparams_batch.n_threads = self._threads
        return xllamacpp.Server(options)


# Proxies of the environment must not see loopback traffic.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
