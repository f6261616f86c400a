"""Calls of a model that showed certain words: what stands behind a coding."""

from __future__ import annotations

import sqlalchemy as sa

from belonging_llm.asking import LedgerEntry
from belonging_llm.llm import ChatRequest
from belonging_llm.store.ledger import entry_of
from belonging_llm.store.schema import call


class Asked:
    """The ledger, searched by what was shown."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def showing(self, words: str, *, prompt_digest: str, model: str) -> list[tuple[LedgerEntry, ChatRequest]]:
        """Replies, with what was asked, to requests made with a prompt that hold these words somewhere.

        Args:
            words: Without characters that JSON escapes; cases are not told apart everywhere.

        Returns:
            By time.
        """
        c = call.c
        made = (c.prompt_digest == prompt_digest) & (c.model == model)
        query = sa.select(call).where(made, c.request.contains(words, autoescape=True)).order_by(c.at, c.key, c.attempt)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [(entry_of(row), ChatRequest.model_validate_json(row["request"])) for row in rows]
