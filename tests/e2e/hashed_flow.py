"""The scheduled flows for tests: in the process that Prefect starts for it, hashed words are the encoder."""

from __future__ import annotations

from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder

factory.encoder = lambda _: HashEncoder()

from flows.renewing import renew  # noqa: E402
from flows.scheduled import scheduled_batch  # noqa: E402

__all__ = ["renew", "scheduled_batch"]
