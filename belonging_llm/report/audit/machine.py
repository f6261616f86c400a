"""The audit as plain data, for other programs to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from pydantic import BaseModel

from belonging_llm.auditing.record import Audit
from belonging_llm.evaluation import Estimate, Intervals, Ratings

# Every resample of every figure: large, and made again from the seed.
_LEFT_OUT: dict[type, set[str]] = {Intervals: {"draws"}}


def as_json(audit: Audit, *, quotes: bool = True) -> dict[str, Any]:
    """The audit as `json.dumps(…, allow_nan=False)` takes it.

    An undefined figure is null with its reason. People's raw marks and the resamples are left out; names and counts
    of the former stay.

    Args:
        quotes: Whether participants' words, and what the model said of them, are included.
    """
    shown = audit if quotes else without_quotes(audit)
    found: dict[str, Any] = plain(shown)
    return found


def without_quotes(audit: Audit) -> Audit:
    """The same audit without participants' words and without the model's words about them."""
    bare = tuple(replace(d, text="", quote="", rationale="") for d in audit.errors.disagreements)
    return replace(audit, errors=replace(audit.errors, disagreements=bare))


def without_unused_prompts(audit: Audit) -> Audit:
    """The same audit without the texts of prompts that its run had at hand and never used; their digests stay."""
    made = audit.provenance
    if not made.without_model:
        return audit
    return replace(audit, provenance=replace(made, prompts=tuple(replace(p, text="") for p in made.prompts)))


def plain(given: Any) -> Any:
    """Any record of this package as JSON takes it."""
    if isinstance(given, Ratings):
        return _ratings(given)
    if isinstance(given, Estimate):
        return {name: plain(getattr(given, name)) for name in ("value", "reason", "se", "interval", "flag")}
    if is_dataclass(given) and not isinstance(given, type):
        hidden = _LEFT_OUT.get(type(given), set())
        return {f.name: plain(getattr(given, f.name)) for f in fields(given) if f.name not in hidden}
    if isinstance(given, BaseModel):
        return given.model_dump(mode="json")
    if isinstance(given, Mapping):
        return {str(plain(key)): plain(one) for key, one in given.items()}
    return _simple(given)


def _simple(given: Any) -> Any:
    """Numbers, words and lists; what is not a finite number is null."""
    if isinstance(given, np.ndarray | np.generic):
        return _simple(given.tolist())
    if isinstance(given, Enum):
        return _simple(given.value)
    if isinstance(given, set | frozenset):
        return sorted((plain(one) for one in given), key=str)
    if isinstance(given, list | tuple):
        return [plain(one) for one in given]
    if isinstance(given, float):
        return given if np.isfinite(given) else None
    return given if given is None or isinstance(given, str | int | bool) else str(given)


def _ratings(given: Ratings) -> dict[str, Any]:
    judged = (given.marks >= 0).any(2).sum(1)
    return {
        "coders": list(given.coders),
        "codes": list(given.codes),
        "units": len(given.units),
        "clusters": given.n_clusters,
        "clustered_by": given.clustered_by,
        "judged": {coder: int(n) for coder, n in zip(given.coders, judged, strict=True)},
    }
