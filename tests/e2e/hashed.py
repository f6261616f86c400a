"""Loaded by Dask's workers in tests: hashed words are their encoder; parts and batches are small, so that there are many."""

from __future__ import annotations

from belonging_llm import embeddings
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import cutting

factory.encoder = lambda _: HashEncoder()
cutting.BATCH = 10
for function in (embeddings.embed, embeddings.embed_part, embeddings.lacking):
    assert function.__kwdefaults__ is not None
    function.__kwdefaults__["batch"] = 16
