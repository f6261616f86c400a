"""How the analysis grows: time and memory at a given number of segments, model time apart.

Usage: python evals/scale.py [SEGMENTS] [--out FILE]

Segments are made from sentences of the synthetic sample, recombined with a fixed seed; the language
model is `none`, and embedding time is told apart. Figures depend on the machine: compare within a run.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import tempfile
import time
from pathlib import Path

from belonging_llm import analysis, resources
from belonging_llm.analysis import Job
from belonging_llm.importing import Kind, import_paths
from belonging_llm.report.findings import render
from belonging_llm.report.gather import gather
from belonging_llm.segments import sentences
from belonging_llm.study import create
from belonging_llm.transcripts import Role, read


def main() -> None:
    """Measure and print, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("segments", type=int, nargs="?", default=5000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = json.dumps(measure(Path(folder), options.segments), indent=2)
    print(figures)
    if options.out:
        options.out.write_text(figures + "\n", encoding="utf-8")


class Clock:
    """Seconds between laps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        """Note the time since the last lap under a name."""
        now = time.monotonic()
        self.seconds[name], self._last = round(now - self._last, 2), now


def measure(folder: Path, count: int) -> dict[str, object]:
    """Seconds per stage and peak memory of one analysis of `count` segments."""
    table = folder / "segments.csv"
    write_segments(table, count)
    study = create(folder / "study")
    job = Job(str(study.folder), "none", "local")
    clock = Clock()
    import_paths(study, [table], Kind.SEGMENTS)
    clock.lap("import")
    run, _ = analysis.prepare(job)
    clock.lap("prepare")
    analysis.embed_segments(job)
    clock.lap("embed (model time)")
    themes = analysis.find_themes(job, run.id)
    clock.lap("themes")
    for rows in analysis.batches(job, run.id):
        analysis.code_batch(job, run.id, rows)
    analysis.finish(job, run.id)
    clock.lap("codes")
    page = render(gather(study))
    clock.lap("report")
    seconds = clock.seconds
    return {
        "segments": count,
        "themes": themes,
        "seconds": seconds,
        "seconds without embedding": round(sum(s for name, s in seconds.items() if "model" not in name), 1),
        "report megabytes": round(len(page) / 1e6, 1),
        "peak memory megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def write_segments(path: Path, count: int, seed: int = 0) -> None:
    """A segments table of two or three sentences a row, forty documents, no row twice."""
    pool = []
    for file in sorted(resources.path("data", "sample", "transcripts").iterdir()):
        transcript = read(file)
        for turn in transcript.turns:
            if turn.role is Role.PARTICIPANT:
                said = transcript.said(turn)
                pool += [said[s.start : s.end] for s in sentences(said)]
    dice = random.Random(seed)  # noqa: S311 - a benchmark's dice, not a secret
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["segment_id", "document_id", "text"])
        for number in range(count):
            rows.writerow([f"s{number}", f"D{number % 40:02}", " ".join(dice.sample(pool, dice.randint(2, 3)))])


if __name__ == "__main__":
    main()
