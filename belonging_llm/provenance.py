"""Digests, clocks and versions: what a record needs so that it can be traced and found again."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_TRACED = ("belonging-llm", "sentence-transformers", "torch", "hdbscan", "umap-learn", "xllamacpp", "openai", "prefect")


def digest(*parts: object) -> str:
    """SHA-256 of the parts as canonical JSON: key order and spacing never matter.

    Returns:
        64 hexadecimal characters.
    """
    return hashlib.sha256(canonical(list(parts)).encode("utf-8", "surrogatepass")).hexdigest()


def canonical(value: object) -> str:
    """One spelling for one JSON value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def text_digest(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, as 64 hexadecimal characters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def bytes_digest(raw: bytes) -> str:
    """SHA-256 of bytes, as 64 hexadecimal characters."""
    return hashlib.sha256(raw).hexdigest()


def file_digest(path: Path, chunk: int = 1 << 20) -> str:
    """SHA-256 of a file's bytes, read in chunks."""
    with path.open("rb") as stream:
        state = hashlib.sha256()
        while block := stream.read(chunk):
            state.update(block)
    return state.hexdigest()


def now() -> str:
    """The present moment in UTC, ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def versions() -> dict[str, str]:
    """Installed versions of the packages that shape a result; absent ones are left out."""
    found = {}
    for name in _TRACED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
