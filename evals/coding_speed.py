"""How long the cheap part of coding takes on a large corpus, after embedding: no segment is sent to a model.

    python evals/coding_speed.py [--segments 100000] [--codes 20] [--taught 400] [--out evals/coding_speed.json]

Vectors are random numbers of the default encoder's shape and texts are made of random words: time depends on the
numbers of segments, codes and dimensions, not on what is said.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from belonging_llm import codes
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import Lessons
from belonging_llm.embeddings import Vectors

T = TypeVar("T")
MEANING, MIDDLE = 384, 1152
WORDS = 25


def measure(n_segments: int, n_codes: int, n_taught: int) -> dict[str, float | int]:
    """Seconds by step, and the most memory that the process had, in MB."""
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(n_segments, MEANING)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    middle = draw.normal(size=(n_segments, MIDDLE)).astype(np.float32)
    words = np.array([f"word{k}" for k in range(2000)] + ["i", "we", "not", "was", "will", "felt"])
    texts = [" ".join(words[draw.integers(len(words), size=WORDS)]) for _ in range(n_segments)]
    book = Framework(
        id="b", name="B", codes=tuple(Code(id=f"c{k}", name=f"C{k}", definition=f"word{k}") for k in range(n_codes))
    )
    taught = np.sort(draw.choice(n_segments, n_taught, replace=False))
    shares = (draw.random((n_taught, n_codes)) < 0.15).astype(float)
    lessons = Lessons(taught, shares, draw.integers(0, 30, n_taught))
    seconds: dict[str, float] = {}

    def timed(step: str, do: Callable[[], T]) -> T:
        started = time.perf_counter()
        found = do()
        seconds[step] = round(time.perf_counter() - started, 2)
        return found

    ids = [f"s{i}" for i in range(n_segments)]

    def embed(wanted: Sequence[str]) -> Vectors:
        return np.asarray(vectors[[zlib.crc32(text.encode()) % n_segments for text in wanted]])

    signals = timed("likeness", lambda: codes.weigh(ids, vectors, book, (), embed, texts=texts))
    seen = timed("features", lambda: codes.features(vectors, texts, signals, middle))
    unaided = timed("self-training", lambda: codes.carry_over(codes.strength(signals), seen))
    learned = timed("learning", lambda: codes.learn(seen, lessons, unaided=unaided))
    timed("chances", lambda: codes.chances(unaided, learned))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        {"segments": n_segments, "codes": n_codes, "taught": n_taught}
        | seconds
        | {
            "in all": round(sum(seconds.values()), 2),
            "peak MB": peak,
        }
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=100_000)
    parser.add_argument("--codes", type=int, default=20)
    parser.add_argument("--taught", type=int, default=400)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    small, large = (measure(n, given.codes, given.taught) for n in (given.segments // 10, given.segments))
    found = {"a tenth": small, "all": large, "ratio": round(large["in all"] / small["in all"], 1)}
    print(json.dumps(found, indent=2))
    if given.out:
        given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
