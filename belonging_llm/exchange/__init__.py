"""Projects and tables that other programs write and read: the only place that knows their formats."""

from __future__ import annotations

from belonging_llm.exchange.claimed import claimed
from belonging_llm.exchange.placing import place
from belonging_llm.exchange.reading import Wish, content_digest, is_project, read, read_codebook
from belonging_llm.exchange.receiving import Received, receive

__all__ = ["Received", "Wish", "claimed", "content_digest", "is_project", "place", "read", "read_codebook", "receive"]
