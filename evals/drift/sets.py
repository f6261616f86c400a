"""Data sets of real sentences, with their vectors."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from belonging_llm.adapters import factory
from belonging_llm.embeddings import Vectors
from belonging_llm.provenance import digest, text_digest

ENCODER = "all-MiniLM-L6-v2"
SHORTEST = 5  # words of a segment that is grouped, as in a study


@dataclass(frozen=True)
class Talk:
    """Segments of real people.

    Attributes:
        groups: What each is about, or whose it is.
        keys: Digest of each text.
        vectors: Theirs, unit length, shape (n, dim).
    """

    groups: tuple[str, ...]
    keys: tuple[str, ...]
    vectors: Vectors

    def rows(self) -> dict[str, list[int]]:
        """Rows of every group."""
        found: dict[str, list[int]] = {}
        for row, group in enumerate(self.groups):
            found.setdefault(group, []).append(row)
        return found


@cache
def intents(folder: Path) -> Talk:
    """Utterances by intent; every one once, and none that is out of scope."""
    codes = {row["segment_id"]: row["code"] for row in _table(folder, "codes.csv")}
    found = _said(folder, lambda row: codes[row["segment_id"]])
    return _talk({text: intent for text, intent in found if not intent.endswith(":oos")}.items())


def domains(folder: Path) -> dict[str, str]:
    """Domain of every intent; those about money are one, and so is talk about the talk."""
    return {row["code"]: SAME.get(row["parent"], row["parent"]) for row in _table(folder, "codebook.csv")}


SAME = {"banking77": "money", "banking": "money", "credit_cards": "money", "small_talk": "chat", "meta": "chat"}


@cache
def interviews(folder: Path) -> Talk:
    """Paragraphs of participants, by interview."""
    return _talk(_said(folder, lambda row: row["document_id"], lambda row: row["speaker"] == "participant"))


@cache
def sentences(folder: Path) -> Talk:
    """Whatever was said, by document."""
    return _talk(_said(folder, lambda row: row["document_id"]))


def _table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _said(
    folder: Path, group: Callable[[dict[str, str]], str], wanted: Callable[[dict[str, str]], bool] = lambda _: True
) -> list[tuple[str, str]]:
    rows = [row for row in _table(folder, "segments.csv") if wanted(row)]
    return [(row["text"], group(row)) for row in rows if len(row["text"].split()) >= SHORTEST]


def _talk(said: object) -> Talk:
    texts, groups = zip(*said, strict=True)  # type: ignore[call-overload]
    keys = tuple(text_digest(text) for text in texts)
    return Talk(groups, keys, _vectors(texts, keys))


def _vectors(texts: tuple[str, ...], keys: tuple[str, ...]) -> Vectors:
    """From the encoder, or where they were put when they were last made."""
    encoder = factory.encoder(ENCODER)
    kept = Path(gettempdir()) / f"belonging-vectors-{digest(encoder.id, *keys)[:16]}.npy"
    if not kept.is_file():
        np.save(kept, encoder.encode(texts))
    return np.asarray(np.load(kept), np.float32)
