"""A coder as bytes and back: arrays in NumPy's own format, the rest as JSON; nothing that is run when it is read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from belonging_llm.codes.coder import Coder, Pool
from belonging_llm.codes.fusion import Mixing
from belonging_llm.codes.probe import PolarityProbe, Probe, Sight
from belonging_llm.codes.ridge import Line
from belonging_llm.codes.score import Scale
from belonging_llm.codes.signals import Measures, Standard
from belonging_llm.codes.unaided import Carried
from belonging_llm.codes.word import Word
from belonging_llm.errors import StudyError

_PARTS: dict[str, type] = {
    part.__name__: part
    for part in (Coder, Measures, Standard, Sight, Carried, Probe, PolarityProbe, Line, Mixing, Scale, Word, Pool)
}
_HEAD = "head"


def to_bytes(coder: Coder) -> bytes:
    """The same coder always gives the same bytes."""
    arrays: dict[str, np.ndarray] = {}
    head = json.dumps(_plain(coder, arrays), sort_keys=True)
    target = io.BytesIO()
    np.savez(target, **{_HEAD: np.frombuffer(head.encode("ascii"), np.uint8)}, **arrays)  # type: ignore[arg-type]
    return target.getvalue()


def from_bytes(raw: bytes) -> Coder:
    """What `to_bytes` kept.

    Raises:
        StudyError: these are no coder's bytes, or another version's.
    """
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as kept:
            found = _built(json.loads(kept[_HEAD].tobytes()), kept)
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise StudyError(f"what the last analysis learned cannot be read ({error}); run `belonging analyse`") from error
    if not isinstance(found, Coder):
        raise StudyError("what the last analysis learned cannot be read; run `belonging analyse`")
    return found


def _plain(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if is_dataclass(value):
        inside = {field.name: _plain(getattr(value, field.name), arrays) for field in fields(value)}
        return {"part": type(value).__name__, "holds": inside}
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    return {"list": [_plain(one, arrays) for one in value]} if isinstance(value, tuple) else value


def _built(value: Any, kept: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return kept[value["array"]]
    if "list" in value:
        return tuple(_built(one, kept) for one in value["list"])
    return _PARTS[value["part"]](**{name: _built(one, kept) for name, one in value["holds"].items()})
