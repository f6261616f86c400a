"""Vectors for texts: computed once per (text, model), kept, and found again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from belonging_llm.provenance import text_digest

Vectors = npt.NDArray[np.float32]
# Texts per commit, and per part that is done elsewhere.
BATCH = 256


class Encoder(Protocol):
    """A sentence-embedding model."""

    @property
    def id(self) -> str:
        """Digest-bearing name that vectors are filed under; known without loading the model."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit-length vectors, float32, shape (n_texts, dim)."""


@runtime_checkable
class HasMiddle(Protocol):
    """An encoder whose inner layers can be read too."""

    def middle(self) -> Encoder:
        """An encoder of the inner layers, whose vectors tell more of how a thing is said than the outermost do."""


class VectorStore(Protocol):
    """Where vectors are kept, by (text digest, model id)."""

    def get(self, digests: Sequence[str], model: str) -> dict[str, Vectors]:
        """Those that are kept, each of shape (dim,)."""

    def put(self, vectors: dict[str, Vectors], model: str) -> None:
        """Keep vectors; one that is already there stays as it is."""


def embed(
    texts: Sequence[str],
    encoder: Encoder,
    store: VectorStore,
    *,
    batch: int = BATCH,
    done: Callable[[int], None] = lambda _: None,
) -> Vectors:
    """Vectors of `texts`, in their order; only texts never seen by this model are computed.

    Args:
        batch: Texts per commit to the store, so that an interruption loses little.
        done: Told the number of texts whose vectors are ready, after each batch.

    Returns:
        float32, shape (n_texts, dim), unit length; shape (0, 0) without texts.
    """
    digests = [text_digest(text) for text in texts]
    known = store.get(digests, encoder.id)
    ready = 0
    for chunk in _chunks(dict(zip(digests, texts, strict=True)), batch):
        missing = {d: text for d, text in chunk.items() if d not in known}
        if missing:
            fresh = dict(zip(missing, encoder.encode(list(missing.values())), strict=True))
            store.put(fresh, encoder.id)
            known.update(fresh)
        ready += len(chunk)
        done(ready)
    if not texts:
        return np.empty((0, 0), dtype=np.float32)
    return np.stack([known[d] for d in digests])


def lacking(texts: Sequence[str], encoder: Encoder, store: VectorStore, *, batch: int = BATCH) -> list[int]:
    """Numbers of the parts of `texts` that lack a vector; see `embed_part`."""
    cut = list(_chunks({text_digest(text): text for text in texts}, batch))
    known = store.get([digest for chunk in cut for digest in chunk], encoder.id)
    return [number for number, chunk in enumerate(cut) if not known.keys() >= chunk.keys()]


def embed_part(texts: Sequence[str], encoder: Encoder, store: VectorStore, number: int, *, batch: int = BATCH) -> int:
    """Make and keep the vectors of one part of `texts`, as `embed` would; returns how many texts it has.

    Args:
        batch: Texts in a part; the same for everybody who shares the work.
    """
    chunk = list(_chunks({text_digest(text): text for text in texts}, batch))[number]
    embed(list(chunk.values()), encoder, store, batch=batch)
    return len(chunk)


def _chunks(texts: dict[str, str], size: int) -> Iterator[dict[str, str]]:
    """Texts in batches by length, then digest.

    A vector's last digits depend on the texts beside it, so what shares a batch must not depend
    on what an interrupted run had finished: batches are cut over all texts and kept whole or not at all.
    """
    ordered = sorted(texts.items(), key=lambda item: (-len(item[1]), item[0]))
    for start in range(0, len(ordered), size):
        yield dict(ordered[start : start + size])
