"""Sentinels: gold segments, fixed once, on which runs are compared: a changed model shows here, changed talk not."""

from __future__ import annotations

import numpy as np

from belonging_llm.auditing.gold import candidate, gold
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.errors import StudyError
from belonging_llm.study import Study


def choose(study: Study, wanted: int) -> list[str]:
    """Fix sentinels among the development segments: every code in turn, its clearest segments first.

    Once fixed they stay: figures over time must be of the same segments.

    Raises:
        StudyError: sentinels are fixed already, or there is no gold to choose from.
    """
    if kept := study.store.audits.sentinels():
        raise StudyError(f"{study.folder}: {len(kept)} sentinels are fixed already, and stay so that runs compare")
    people = {who for who, part in parts(study).items() if part is Part.DEVELOPMENT}
    found = gold(study, candidate(study, None), people)
    chosen: list[str] = []
    columns = [_clearest(found.settled[:, k] == 1, found.shares[:, k]) for k in range(len(found.humans.codes))]
    columns.append(_clearest((found.settled == 0).all(1), -found.shares.max(1)))
    while len(chosen) < wanted and any(columns):
        for column in columns:
            while column and found.humans.units[column[0]] in chosen:
                column.pop(0)
            if column and len(chosen) < wanted:
                chosen.append(found.humans.units[column.pop(0)])
    study.store.audits.add_sentinels(chosen)
    return chosen


def _clearest(has: np.ndarray, share: np.ndarray) -> list[int]:
    """Rows that have it, those that most people agree on first, then in canonical order."""
    rows = np.flatnonzero(has)
    return [int(i) for i in rows[np.argsort(-np.nan_to_num(share[rows]), kind="stable")]]
