"""Coders who save all at once lose nothing and double nothing, on both databases; evals/review_saves.py does it in full."""

from __future__ import annotations

from pathlib import Path

import saving_crowd
from serving import Served
from world import World

CODERS = tuple(f"coder{n}" for n in range(8))
SEGMENTS = 12


def test_saves_at_the_same_time(tmp_path: Path, either_store: str) -> None:
    study = saving_crowd.make(tmp_path / "study", CODERS, SEGMENTS)
    study.store.close()
    with Served(World(tmp_path / "study")) as served:
        crowd = saving_crowd.save_all(served, CODERS)
        assert crowd.refused == []
        assert crowd.twice == len(CODERS) * 3
        assert len(crowd.told) == len(CODERS) * SEGMENTS
        assert saving_crowd.lost_and_doubled(served.study, crowd) == (0, 0)
        assert all(served.study.store.queues.progress(name).submitted == SEGMENTS for name in CODERS)
