"""Vectors in the database, once per (text, model)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from belonging_llm.embeddings import Vectors
from belonging_llm.store.schema import vector
from belonging_llm.store.writing import add_new, in_chunks


class StoredVectors:
    """`VectorStore` on a study's database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def get(self, digests: Sequence[str], model: str) -> dict[str, Vectors]:
        """Those that are kept, each float32 of shape (dim,)."""
        found: dict[str, Vectors] = {}
        with self._engine.connect() as connection:
            for chunk in in_chunks(list(dict.fromkeys(digests))):
                query = sa.select(vector.c.text_digest, vector.c.data).where(
                    vector.c.model == model, vector.c.text_digest.in_(chunk)
                )
                found.update({d: np.frombuffer(data, dtype="<f4") for d, data in connection.execute(query)})
        return found

    def put(self, vectors: dict[str, Vectors], model: str) -> None:
        """Keep vectors in one transaction; one that is already there stays as it is."""
        rows = [{"text_digest": d, "model": model, "data": v.astype("<f4").tobytes()} for d, v in vectors.items()]
        with self._engine.begin() as connection:
            add_new(connection, vector, rows)
