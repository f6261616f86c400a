"""What a batch of 50 new segments takes on top of 1,000, 10,000 and 100,000: everything but the model, in one run.

`python evals/batch_speed.py [--sizes 1000 10000 100000] [--batches 5] [--accept]`

Studies are made straight in the database, from made-up sentences, with codings of every segment, themes, vectors, and
a ledger of what a model was asked. What is measured is what `belonging batch` does, from opening the study to the
change report on disk; Prefect, which takes the same whatever the size, stands aside. The
sizes take turns, so that whatever else the machine does falls on all of them.
"""

# ruff: noqa: E402 - where packages are looked for is put right first
from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# What lies beside this script must not stand for packages of the same name, such as coverage.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

import numpy as np
import sqlalchemy as sa

from belonging_llm import batch, drift
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import FakeChat, HashEncoder
from belonging_llm.analysis.bench import Workbench
from belonging_llm.analysis.freezing import freeze
from belonging_llm.analysis.job import Job
from belonging_llm.batch import BatchJob
from belonging_llm.clusters import Belongs
from belonging_llm.codes import Bar
from belonging_llm.drift.novelty import MISFITS, POCKETED
from belonging_llm.drift.strangers import REMEMBERED
from belonging_llm.llm import ChatRequest
from belonging_llm.provenance import digest, now
from belonging_llm.segments import split
from belonging_llm.store import Origin, WatchCount
from belonging_llm.store import schema as s
from belonging_llm.study import Study, create
from belonging_llm.themes import Mapping, Theme, ThemeMember, locate
from belonging_llm.transcripts import Role, Transcript, Turn

SIZES, BATCHES, NEW = (1_000, 10_000, 100_000), 5, 50
TURNS = 10
TOPICS = 12
RESULT = Path(__file__).with_suffix(".json")
# The part of segments that a model was asked about, and what a request weighs.
ASKED, REQUEST = 0.1, 3000
# Segments that a theme's place is told from.
LOCATED = 200
WORDS = [
    f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "re", "so", "ta", "vi") for b in ("ber", "den", "fol", "gan", "lis")
]


def said(draw: np.random.Generator, topic: int) -> str:
    """A sentence of 18 words, half of them its topic's own."""
    own = [f"{WORDS[(topic * 3 + k) % len(WORDS)]}{topic}" for k in range(6)]
    words = [
        own[i] if mine else WORDS[i % len(WORDS)]
        for i, mine in zip(draw.integers(0, 6, 18), draw.random(18) < 0.5, strict=True)
    ]
    unlike = [WORDS[i] for i in draw.integers(0, len(WORDS), 4)]
    return " ".join([*words, *unlike]) + f" {draw.integers(10**9)}."


def interview(draw: np.random.Generator, name: str) -> Transcript:
    """An interview of ten turns, each a segment."""
    turns, text = [], ""
    for ordinal in range(1, TURNS + 1):
        words = said(draw, int(draw.integers(TOPICS)))
        turns.append(
            Turn(
                ordinal=ordinal,
                speaker=name,
                role=Role.PARTICIPANT,
                start=len(text),
                end=len(text) + len(words),
                participant=name,
            )
        )
        text += words + "\n\n"
    return Transcript(name=name, kind="made up", text=text, turns=tuple(turns), header={})


def make(folder: Path, size: int) -> None:
    """A study of so many segments with a complete run."""
    study = create(folder)
    settings = folder / "study.toml"
    settings.write_text(settings.read_text().replace("settle = 60", "settle = 0"), encoding="utf-8")
    study = Study(folder)
    engine = study.store._engine
    draw, encoder = np.random.default_rng(size), HashEncoder()
    used = f"{study.settings.min_words}-{study.settings.max_words} words, {study.settings.language}"
    for start in range(0, size // TURNS, 500):
        texts = [interview(draw, f"S{n:06}") for n in range(start, min(start + 500, size // TURNS))]
        cut = [segment for text in texts for segment in split(text, min_words=1)]
        vectors = encoder.encode([segment.text for segment in cut])
        with engine.begin() as connection:
            connection.execute(
                s.transcript.insert(),
                [
                    {
                        "id": t.id,
                        "name": t.name,
                        "content": t.model_dump_json(),
                        "split_with": used,
                        "imported_at": now(),
                        "source_digest": digest(t.id),
                    }
                    for t in texts
                ],
            )
            connection.execute(s.segment.insert(), [segment.model_dump() for segment in cut])
            connection.execute(s.cutting.insert(), [{"settings": used, "segment_id": c.id} for c in cut])
            rows = [
                {"text_digest": c.text_digest, "model": encoder.id, "data": v.astype("<f4").tobytes()}
                for c, v in zip(cut, vectors, strict=True)
            ]
            connection.execute(s.vector.insert(), rows)
    study.store.close()
    run_of(folder, engine)


def run_of(folder: Path, engine: sa.Engine) -> None:
    """A complete run: themes by topic, outcomes from what is learned, and a ledger of questions."""
    bench = Workbench(Job(str(folder), "fake", "hashed"))
    run = bench.store.runs.start(digest("made"), bench.inputs())
    found = list(themes(bench))
    row = {segment.id: i for i, segment in enumerate(bench.segments)}
    where = [
        locate(one.id, ids := [m.segment_id for m in one.members][:LOCATED], bench.vectors[[row[i] for i in ids]])
        for one in found
    ]
    bench.store.themes.add(run.id, found, origin=Origin(encoder=bench.encoder.id), places=where)
    coder, weighed = bench.learned(run.id)
    bar = Bar()
    ids, codes_ = [segment.id for segment in bench.segments], coder.codes
    for start in range(0, len(ids), 2000):
        with engine.begin() as connection:
            connection.execute(
                s.coding.insert(),
                [
                    coding(run.id, ident, code, str(bar.outcome(float(chance))), float(chance))
                    for ident, chances in zip(
                        ids[start : start + 2000], weighed.likely.chance[start : start + 2000], strict=True
                    )
                    for code, chance in zip(codes_, chances, strict=True)
                ],
            )
    asked = ids[: int(ASKED * len(ids))]
    with engine.begin() as connection:
        connection.execute(s.call.insert(), [call(run.id, ident) for ident in asked])
        connection.execute(s.egress.insert(), [egress(run.id, ident) for ident in asked])
    freeze(bench, run.id)
    expect(bench, run.id)
    bench.store.runs.note(run.id, outliers=ids[: len(ids) // 10], too_short=[])
    bench.store.runs.finish(run.id, "complete", covers=[])
    bench.store.close()


def expect(bench: Workbench, run_id: str) -> None:
    """What the run makes one expect of batches, by participant: found once for an analysis, so it is not timed here."""
    draw = np.random.default_rng(0)
    measures = [MISFITS, POCKETED, *(f"code {code.id}" for code in bench.framework.assignable)]
    people = sorted({segment.participant for segment in bench.segments})
    counted = [
        WatchCount(measure=name, participant=who, n=TURNS, k=int(draw.integers(0, 3)))
        for name in measures
        for who in people
    ]
    misfits = [segment.id for segment in bench.segments[:REMEMBERED]]
    bench.store.drift.close(run_id, {"near": 0.9, "misfits": misfits}, counted)


def themes(bench: Workbench) -> Iterator[Theme]:
    """One theme a topic, its members the segments that hold most of its words."""
    topic = [max(range(TOPICS), key=lambda t: len(re.findall(rf"[a-z]{t}\b", seg.text))) for seg in bench.segments]
    framework = [code.id for code in bench.framework.assignable]
    for number in range(TOPICS):
        members = [seg.id for seg, t in zip(bench.segments, topic, strict=True) if t == number]
        yield Theme(
            id=f"T{number:010}",
            ordinal=number + 1,
            name=f"Topic {number}",
            definition="",
            members=tuple(ThemeMember(segment_id=m, strength=1.0, belongs=Belongs.CORE) for m in members),
            mapping=Mapping.model_validate({"codes": [{"code": framework[number % len(framework)], "rationale": ""}]}),
        )


def coding(run_id: str, segment_id: str, code: str, outcome: str, chance: float) -> dict[str, Any]:
    """A row as the coding writes it."""
    return {
        "run_id": run_id,
        "segment_id": segment_id,
        "code": code,
        "coder": "model:fake:1",
        "outcome": outcome,
        "polarity": None,
        "confidence": round(chance, 3),
        "evidence": '[{"start": 0, "end": 40, "repaired": false}]' if outcome == "assigned" else "[]",
        "rationale": "likeness to the code +0.4 SD; its theme is mapped to the code (membership 1.00)",
        "provenance": json.dumps({"encoder": "hashed-words-64", "chance": round(chance, 4), "similarity": 0.4}),
        "at": now(),
    }


def call(run_id: str, segment_id: str) -> dict[str, Any]:
    """A question and its answer."""
    return {
        "key": digest(segment_id),
        "attempt": 1,
        "run_id": run_id,
        "model": "fake:1",
        "prompt": "code_segment.v1",
        "prompt_digest": digest("prompt"),
        "request": json.dumps({"system": "s", "user": "x" * REQUEST}),
        "reply": json.dumps({"text": "{}", "finish_reason": "stop", "prompt_tokens": 1, "completion_tokens": 1}),
        "seconds": 0.1,
        "at": now(),
        "parcel": None,
    }


def egress(run_id: str, segment_id: str) -> dict[str, Any]:
    """A line of the log of what left this process."""
    return {
        "at": now(),
        "endpoint": "http://127.0.0.1:1/v1",
        "model": "fake:1",
        "bytes": REQUEST,
        "digest": digest(segment_id),
        "run_id": run_id,
        "about": "[]",
    }


def drop(folder: Path, number: int) -> None:
    """Five interviews of ten turns each in the inbox, of people who never spoke before."""
    draw = np.random.default_rng(10_000_000 + number)
    (folder / "inbox").mkdir(exist_ok=True)
    for one in range(NEW // TURNS):
        name = f"N{number:04}{one}"
        lines = [f"{name}: {said(draw, int(draw.integers(TOPICS)))}" for _ in range(TURNS)]
        turns = [f"Interviewer: How was that?\n\n{line}" for line in lines]
        (folder / "inbox" / f"{name}.txt").write_text("\n\n".join(turns) + "\n", encoding="utf-8")


def answer(request: ChatRequest) -> str:
    """A usable reply: no code applies."""
    wanted = request.reply_schema["properties"]
    return json.dumps({code: {"applies": False, "polarity": "experienced", "words": ""} for code in wanted})


@contextmanager
def timed(stages: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds of a stage."""
    started = time.perf_counter()
    yield
    stages[name] = stages.get(name, 0.0) + time.perf_counter() - started


def one_batch(folder: Path) -> dict[str, Any]:
    """One batch as the flow runs it; seconds by stage, and those of the model apart."""
    stages: dict[str, float] = {}
    started = time.perf_counter()
    job, study = BatchJob(str(folder), "fake", "hashed"), Study(folder)
    with batch.exclusive(study):
        with timed(stages, "open"):
            opened = batch.open_batch(job)
            if opened.run is None:
                raise SystemExit(f"{folder}: nothing had come in")
            run_id = opened.run.id
        with timed(stages, "import"):
            batch.intake(job, opened.run, opened.look)
        bench = batch.batch_bench(job, run_id)
        with timed(stages, "embed"):
            batch.embed_segments(job, run_id)
        with timed(stages, "place"):
            batch.place_segments(job, run_id)
        with timed(stages, "code"):
            for rows in batch.waiting_chunks(job, run_id):
                batch.code_chunk(job, run_id, rows)
        with timed(stages, "watch"):
            drift.watch(bench, run_id)
        with timed(stages, "finish"):
            run = batch.finish(job, run_id)
        with timed(stages, "report"):
            told, _ = batch.publish(study, run)
    calls, model = bench.work_done()
    return {
        "seconds": time.perf_counter() - started - model,
        "stages": stages,
        "calls": calls,
        "segments": told.new_segments,
        "status": told.status,
    }


def measured(folder: Path) -> dict[str, Any]:
    """One batch of five new interviews."""
    drop(folder, len(list((folder / "inbox").glob("*.txt"))))
    found = one_batch(folder)
    if (found["segments"], found["status"]) != (NEW, "complete"):
        raise SystemExit(f"{folder}: {found}")
    return found


def left_over(folder: Path) -> None:
    """Finish what an earlier run of this script left."""
    with suppress(SystemExit):
        while True:
            one_batch(folder)


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the batches on one size but the first, which meets a cold cache."""
    first, *runs = runs
    return {
        "first_seconds": round(first["seconds"], 3),
        "seconds": round(statistics.median(r["seconds"] for r in runs), 3),
        "all_seconds": [round(r["seconds"], 3) for r in runs],
        "calls": [r["calls"] for r in runs],
        "stages": {k: round(statistics.median(r["stages"][k] for r in runs), 3) for k in runs[0]["stages"]},
    }


def main() -> None:
    """Make the studies, let them take turns, print and keep what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--batches", type=int, default=BATCHES)
    parser.add_argument("--keep", type=Path, help="a folder to make the studies in, and to find them in again")
    parser.add_argument("--accept", action="store_true", help=f"write {RESULT.name}")
    options = parser.parse_args()
    factory.encoder = lambda _: HashEncoder()  # type: ignore[assignment]
    factory.chat_model = lambda *_, **__: FakeChat(answer)  # type: ignore[assignment, return-value]
    root = options.keep or Path(tempfile.mkdtemp(prefix="batch-speed-"))
    try:
        folders = {size: root / f"study-{size}" for size in options.sizes}
        for size, folder in folders.items():
            if not folder.exists():
                make(folder, size)
            left_over(folder)
        runs: dict[int, list[dict[str, Any]]] = {size: [] for size in options.sizes}
        for _ in range(options.batches + 1):
            for size, folder in folders.items():
                runs[size].append(measured(folder))
        found = {str(size): summary(each) for size, each in runs.items()}
        least = found[str(options.sizes[0])]["seconds"]
        ratios = {size: round(one["seconds"] / least, 2) for size, one in found.items()}
        result = {"new_segments": NEW, "batches": options.batches, "existing": found, "ratio_to_smallest": ratios}
        print(json.dumps(result, indent=2))
        if options.accept:
            RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    finally:
        if not options.keep:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
