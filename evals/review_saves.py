"""Eight coders, a thousand saves each, all at once, on SQLite and on PostgreSQL: what was lost, what counted twice.

    python evals/review_saves.py [--segments 1000] [--only sqlite|postgresql]

Writes `review_saves.json` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests"), str(HERE.parent / "tests" / "review")]

import saving_crowd  # noqa: E402
from postgres_server import PostgresServer, why_not  # noqa: E402
from serving import Served  # noqa: E402
from world import World  # noqa: E402

CODERS = tuple(f"coder{n}" for n in range(8))


def crowd_on(url: str | None, segments: int) -> dict[str, Any]:
    """Have them save, and count."""
    folder = Path(tempfile.mkdtemp()) / "study"
    if url:
        os.environ["BELONGING_STORE"] = url
    try:
        saving_crowd.make(folder, CODERS, segments).store.close()
        with Served(World(folder)) as served:
            begun = time.perf_counter()
            crowd = saving_crowd.save_all(served, CODERS, patience=600)
            seconds = time.perf_counter() - begun
            lost, doubled = saving_crowd.lost_and_doubled(served.study, crowd)
    finally:
        os.environ.pop("BELONGING_STORE", None)
        shutil.rmtree(folder.parent)
    return {
        "coders": len(CODERS),
        "saves_each": segments,
        "sent_twice": crowd.twice,
        "acknowledged": len(crowd.told),
        "refused": len(crowd.refused),
        "lost": lost,
        "doubled": doubled,
        "seconds": round(seconds, 1),
    }


def main() -> None:
    """Run it and keep the result."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--segments", type=int, default=1000)
    asked.add_argument("--only", choices=["sqlite", "postgresql"])
    given = asked.parse_args()
    place = HERE / "review_saves.json"
    found: dict[str, Any] = json.loads(place.read_text("utf-8")) if place.exists() else {}
    if given.only != "postgresql":
        found["sqlite"] = crowd_on(None, given.segments)
    if given.only != "sqlite":
        if reason := why_not():
            raise SystemExit(reason)
        with PostgresServer.running() as server:
            found["postgresql"] = crowd_on(server.create("saves"), given.segments)
    found["python"] = platform.python_version()
    place.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
