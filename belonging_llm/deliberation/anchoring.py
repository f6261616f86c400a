"""Whether somebody had looked at the model's word on a segment before they settle it."""

from __future__ import annotations

from collections.abc import Collection

from belonging_llm.study import Study

# Pages that show what a run says of a segment, as the access log names them.
MODEL_PAGES = ("audit", "audit-pair", "changes")


def seen_beside_model(study: Study, reviewer: str, segments: Collection[str]) -> frozenset[str]:
    """Those of some segments that this account was shown beside the model's word, ever."""
    return study.store.viewings.shown(reviewer, MODEL_PAGES, segments)
