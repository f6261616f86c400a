"""Batches of segments, and the calls within one: cut alike whoever cuts, and whatever was done already."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from belonging_llm.codes import (
    Several,
)

BATCH = 200


def calls(open_to: Collection[int], n_segments: int, several: Several | None, wanted: Sequence[int]) -> list[list[int]]:
    """Rows that are asked about in one call, for those calls that hold a wanted row, in the order of `wanted`.

    Calls are cut as the coding will cut them: neighbours of the canonical order among all rows that the model is asked
    about, within a batch. So the same calls are made whoever makes them first, and whatever was done already.
    """
    size = several.size if several else 1
    call_of: dict[int, list[int]] = {}
    for start in range(0, n_segments, BATCH):
        rows = [i for i in range(start, min(start + BATCH, n_segments)) if i in open_to]
        for k, row in enumerate(rows):
            call_of[row] = rows[k // size * size :][:size]
    return list({call_of[row][0]: call_of[row] for row in wanted}.values())


def whole(n_segments: int) -> list[list[int]]:
    """Rows of every batch."""
    rows = range(n_segments)
    return [list(rows[k : k + BATCH]) for k in range(0, len(rows), BATCH)]
