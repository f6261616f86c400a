"""What a study's database takes: seconds and bytes for segments, vectors, replies and codings, SQLite beside PostgreSQL.

Usage: python evals/store_speed.py [--segments N] [--codes N] [--out FILE]

Rows are made up, of the length that the sample's have. PostgreSQL is a cluster of its own on a Unix socket, with
`fsync` on: a commit is on disk when it returns, on both. Seconds depend on the machine and on what else it does: compare
within a run. Bytes are of the files, indexes included.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import postgres_server  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

from belonging_llm.asking import LedgerEntry  # noqa: E402
from belonging_llm.codes import Coding, EvidenceSpan, Outcome  # noqa: E402
from belonging_llm.llm import ChatReply, ChatRequest  # noqa: E402
from belonging_llm.segments import Segment, split  # noqa: E402
from belonging_llm.store import Store  # noqa: E402
from belonging_llm.transcripts import parse_text  # noqa: E402

WORDS = "we wrote to each other every night and somebody answered whenever I could not sleep before the exam".split()
DIMENSIONS = 384
REPLIES = 500


def measure(url: str, size: Callable[[], int], segments: int, codes: int) -> dict[str, float]:
    """Fill a database; seconds for each kind of row, and bytes for a segment in all."""
    store, found = Store(url), {}
    before, started = size(), time.monotonic()

    def lap(name: str) -> None:
        nonlocal started
        now = time.monotonic()
        found[name], started = round(now - started, 2), now

    cut = bring_in(store, segments)
    lap("segments")
    draw = np.random.default_rng(0)
    for k in range(0, len(cut), 256):
        part = cut[k : k + 256]
        vectors = draw.normal(size=(len(part), DIMENSIONS)).astype(np.float32)
        store.vectors.put({s.text_digest: v for s, v in zip(part, vectors, strict=True)}, "m")
    lap("vectors")
    for n in range(REPLIES):
        store.ledger.record(*reply(n))
    lap(f"{REPLIES} replies, one by one")
    for k in range(0, len(cut), 200):
        store.findings.add_codings([coding(s, c) for s in cut[k : k + 200] for c in range(codes)], "run")
    lap("codings")
    assert len(store.findings.codings("run")) == len(cut) * codes  # noqa: S101
    lap("codings read")
    store.close()
    return found | {"bytes a segment": round((size() - before) / len(cut))}


def bring_in(store: Store, segments: int) -> list[Segment]:
    """Transcripts of fifty segments each, with words that no other has."""
    cut: list[Segment] = []
    for number in range(segments // 50):
        turns = [f"P{number}: Number {number} {turn}: {' '.join(WORDS)}." for turn in range(50)]
        talk = parse_text("Interviewer: And?\n\n" + "\n\n".join(turns), name=f"P{number}", place="made up")
        own = split(talk)
        store.corpus.add(talk)
        store.corpus.add_segments(talk.id, own, "x")
        cut += own
    return cut


def reply(number: int) -> tuple[LedgerEntry, ChatRequest]:
    """A question of the length of the sample's, and its reply."""
    asked = ChatRequest(system="s" * 1500, user=f"{number}" + "u" * 2500, reply_schema={"x": "y" * 1500})
    told = ChatReply(text="t" * 400, finish_reason="stop")
    fields = {
        "key": f"k{number}",
        "attempt": 1,
        "run_id": "run",
        "model": "m",
        "prompt": "p",
        "prompt_digest": "d" * 64,
    }
    return LedgerEntry.model_validate(fields | {"reply": told, "seconds": 0.5, "at": "now"}), asked


def coding(segment: Segment, code: int) -> Coding:
    """An outcome, every fifth with words that show it."""
    given = code % 5 == 0
    return Coding(
        segment_id=segment.id,
        code=f"code-{code}",
        coder="model",
        outcome=Outcome.ASSIGNED if given else Outcome.NOT_ASSIGNED,
        confidence=0.5,
        evidence=(EvidenceSpan(start=0, end=9),) if given else (),
    )


def compared(segments: int, codes: int) -> dict[str, object]:
    """The same on both, one after the other."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "study.sqlite"
        sqlite = measure(
            f"sqlite:///{path}", lambda: sum(f.stat().st_size for f in Path(place).iterdir()), segments, codes
        )
    postgres_server.SETTINGS |= {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with PostgresServer.running() as server:
        url = server.create("speed")

        def size() -> int:
            return int(server.run("SELECT pg_database_size('speed')")[0][0])

        postgres = measure(url, size, segments, codes)
    return {"segments": segments, "codes": codes, "SQLite": sqlite, "PostgreSQL": postgres}


def main() -> None:
    """See the module."""
    options = argparse.ArgumentParser(description="What a study's database takes.")
    options.add_argument("--segments", type=int, default=5000)
    options.add_argument("--codes", type=int, default=10)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    text = json.dumps(compared(given.segments, given.codes), indent=2) + "\n"
    given.out.write_text(text, encoding="utf-8") if given.out else sys.stdout.write(text)


if __name__ == "__main__":
    main()
