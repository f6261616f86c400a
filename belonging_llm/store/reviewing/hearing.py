"""Which words somebody had before them when they decided on a segment, so that nothing unseen is decided over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import sqlalchemy as sa

from belonging_llm.store.schema import judged


def heard(words: Iterable[tuple[str, str]]) -> str:
    """A short name for (coder, when) of everybody's last word on a segment; another as soon as one is another."""
    return hashlib.sha256(json.dumps(sorted(words), ensure_ascii=False).encode()).hexdigest()[:32]


def hear(connection: sa.Connection, segment_id: str, *, but: str) -> str:
    """What stands now of everybody who coded a segment for themselves.

    Args:
        but: The adjudicator's name, who is not among them.
    """
    mine = (judged.c.segment_id == segment_id) & (judged.c.coder != but) & ~judged.c.saw_model
    rows = connection.execute(sa.select(judged.c.coder, judged.c.at).where(mine)).all()
    return heard((coder, at) for coder, at in rows)
