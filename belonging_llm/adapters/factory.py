"""From a spec string to a model: the one place that chooses a vendor."""

from __future__ import annotations

from pathlib import Path

from belonging_llm import model_files
from belonging_llm.embeddings import Encoder
from belonging_llm.errors import InputError, ModelFileError, ModelRefused
from belonging_llm.llm import ChatModel, is_loopback
from belonging_llm.pacing import CONCURRENCY
from belonging_llm.parcels import Post

LOCAL_CHAT = "qwen2.5-coder-1.5b-instruct"
LOCAL_ENCODER = "all-MiniLM-L6-v2"
SPECS = "local, local:FILE.gguf, openai:MODEL, langchain:PROVIDER:MODEL, http://HOST:PORT/v1#MODEL or none"


def chat_model(spec: str, *, allow_remote: bool, concurrency: int = CONCURRENCY) -> ChatModel | None:
    """The language model that a spec names; None for `none`.

    Args:
        concurrency: Requests side by side that a server is sent.

    Raises:
        InputError: the spec is malformed.
        ModelRefused: text would leave this machine and the study does not allow it.
        ModelFileError: the embedded model's file is not there.
    """
    model = _chat_model(spec, concurrency)
    if model is not None and _leaves(model.endpoint) and not allow_remote:
        raise ModelRefused(
            f"--llm {spec} would send interview text to {model.endpoint}. If your ethics approval and your "
            "participants' consent cover that, set allow_remote = true in study.toml (without a study: "
            "--allow-remote); else use --llm local"
        )
    return model


def post(model: ChatModel) -> Post | None:
    """Who takes questions to this model in batches; None for models that are only asked one by one."""
    from belonging_llm.adapters.openai_batches import OpenAIBatches
    from belonging_llm.adapters.openai_sdk import OpenAIChat

    return OpenAIBatches(model) if isinstance(model, OpenAIChat) else None


def no_post(spec: str) -> str:
    """That a model is only asked one by one, and what to do about it."""
    return f"--batch-api: {spec} takes no batches; leave it out, or use openai:MODEL or http(s)://…#MODEL"


def encoder(spec: str) -> Encoder:
    """The embedding model that a spec names: a name of the catalogue, `local`, or a model folder.

    Raises:
        ModelFileError: neither, or its files are not there.
    """
    from belonging_llm.adapters.sentence_transformer import SentenceTransformerEncoder

    name = LOCAL_ENCODER if spec == "local" else spec
    if name in model_files.catalogue():
        return SentenceTransformerEncoder(model_files.locate(name))
    folder = Path(name).expanduser()
    if folder.is_dir():
        return SentenceTransformerEncoder(folder)
    known = ", ".join(n for n, m in model_files.catalogue().items() if m.kind == "encoder")
    raise ModelFileError(f"--embedder {spec}: neither a known model ({known}) nor a folder with one")


def _chat_model(spec: str, concurrency: int) -> ChatModel | None:
    from belonging_llm.adapters.langchain_chat import LangChainChat
    from belonging_llm.adapters.llamacpp import LlamaCpp
    from belonging_llm.adapters.openai_sdk import OpenAIChat

    kind, _, rest = spec.partition(":")
    if spec == "none":
        return None
    if spec == "local":
        return LlamaCpp(model_files.locate(LOCAL_CHAT), sha256=model_files.catalogue()[LOCAL_CHAT].sha256)
    if kind == "local":
        return LlamaCpp(Path(rest).expanduser())
    if kind == "openai" and rest:
        return OpenAIChat(rest, concurrency=concurrency)
    if kind == "langchain" and rest.count(":") >= 1:
        return LangChainChat(*rest.split(":", 1), concurrency=concurrency)
    if kind in {"http", "https"} and "#" in spec:
        url, _, name = spec.partition("#")
        return OpenAIChat(name, url, concurrency=concurrency)
    raise InputError(f"--llm {spec}: not a model spec; use {SPECS}")


def _leaves(endpoint: str | None) -> bool:
    return endpoint is not None and not is_loopback(endpoint)
