"""A study that grows: made, analysed, given more, looked into."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from belonging_llm import analysis, batch, drift, resources
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import FakeChat, HashEncoder
from belonging_llm.analysis import Job
from belonging_llm.batch import BatchJob
from belonging_llm.importing import import_paths
from belonging_llm.llm import ChatRequest
from belonging_llm.store import Run
from belonging_llm.study import Study, create

SAMPLE = resources.path("data", "sample")
FIRST = tuple(f"P{n:02}" for n in range(1, 9))
LATER = tuple(f"P{n:02}" for n in range(9, 13))


def make(folder: Path) -> Path:
    """A study of eight interviews, analysed with a model that answers in words."""
    usual = factory.encoder, factory.chat_model
    factory.encoder, factory.chat_model = (lambda _: HashEncoder()), (lambda *_, **__: FakeChat(answer))  # type: ignore[assignment]
    try:
        made = create(folder)
        for problem in import_paths(made, [interview(name) for name in FIRST]):
            assert not problem.problem
        made.store.close()
        set_to(folder, settle=0, ask_share=0.5)
        code_by_people(folder)
        analyse(folder)
    finally:
        factory.encoder, factory.chat_model = usual
        analysis.workbench.cache_clear()
    return folder


def interview(name: str) -> Path:
    return next((SAMPLE / "transcripts").glob(f"{name}.*"))


def code_by_people(folder: Path) -> None:
    """Two people code the interviews, by words that stand in them."""
    made = Study(folder)
    codes = [code.id for code in made.framework().assignable]
    lines = ["segment_id,coder,code"]
    for segment in made.store.corpus.segments() or _cut(made):
        given = [code for n, code in enumerate(codes) if "aeiounst"[n % 8] * 2 in segment.text.lower()]
        for coder in ("ann", "ben"):
            lines += [f"{segment.id},{coder},{code}" for code in given or [""]]
    table = folder / "codings.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (found,) = import_paths(made, [table])
    assert not found.problem
    made.store.close()


def _cut(made: Study) -> Any:
    from belonging_llm.importing import split_transcripts

    split_transcripts(made)
    return made.store.corpus.segments()


def answer(request: ChatRequest) -> str:
    """What a model says of a segment: the same whenever it is asked the same."""
    wanted = request.reply_schema.get("properties", {})
    if "applies" not in json.dumps(request.reply_schema):
        return json.dumps(_of_a_theme(request))
    return json.dumps(
        {code: {"applies": len(request.user) % 3 == 0, "polarity": "experienced", "words": ""} for code in wanted}
    )


def _of_a_theme(request: ChatRequest) -> dict[str, Any]:
    return {"not": "what was asked for"}


def set_to(folder: Path, **values: object) -> None:
    """Change settings of a study."""
    path = folder / "study.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, value in values.items():
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{name} = "))
        lines[at] = f"{name} = {json.dumps(value)}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def opens(monkeypatch: pytest.MonkeyPatch, says: Callable[[ChatRequest], str] = answer) -> FakeChat:
    """The model of the studies that are opened from now on."""
    chat = FakeChat(says)
    monkeypatch.setattr(factory, "chat_model", lambda *_, **__: chat)
    analysis.workbench.cache_clear()
    batch.batch_bench.cache_clear()
    return chat


def analyse(folder: Path) -> Run:
    """The whole analysis."""
    job = Job(str(folder), "fake", "hashed")
    run, unchanged = analysis.prepare(job)
    assert not unchanged
    analysis.embed_segments(job)
    analysis.find_themes(job, run.id)
    analysis.try_model(job, run.id)
    for rows in analysis.batches(job, run.id):
        analysis.code_batch(job, run.id, rows)
    done = analysis.finish(job, run.id)
    analysis.workbench(job).store.close()
    return done


def drop(folder: Path, *names: str) -> None:
    """Put interviews into the inbox."""
    (folder / "inbox").mkdir(exist_ok=True)
    for name in names:
        shutil.copy(interview(name), folder / "inbox")


def grow(folder: Path, until: str = "") -> Run | None:
    """One batch as the flow runs it, or a part of it; None where nothing had come in."""
    job, study = BatchJob(str(folder), "fake", "hashed"), Study(folder)
    with batch.exclusive(study):
        opened = batch.open_batch(job)
        if opened.run is None:
            return None
        batch.intake(job, opened.run, opened.look)
        batch.batch_bench.cache_clear()
        if until == "intake":
            return opened.run
        batch.embed_segments(job, opened.run.id)
        batch.place_segments(job, opened.run.id)
        if until == "place":
            return opened.run
        for rows in batch.waiting_chunks(job, opened.run.id):
            batch.code_chunk(job, opened.run.id, rows)
        found = drift.watch(batch.batch_bench(job, opened.run.id), opened.run.id)
        done = batch.finish(job, opened.run.id)
        batch.publish(study, done, drift.section(found))
    batch.batch_bench(job, done.id).store.close()
    study.store.close()
    return done


@dataclass(frozen=True)
class State:
    """What a study says as of its last run, as JSON."""

    codings: list[str]
    themes: list[str]

    def of(self, segments: set[str]) -> list[str]:
        """The codings of some segments."""
        return [c for c in self.codings if json.loads(c)["segment_id"] in segments]


def state(folder: Path) -> State:
    opened = Study(folder)
    run = opened.store.runs.latest()
    assert run is not None
    found = State(
        [c.model_dump_json() for c in opened.store.findings.codings(run.id)],
        [t.model_dump_json() for t in opened.store.findings.themes(run.id)],
    )
    opened.store.close()
    return found


def segments(folder: Path, *people: str) -> set[str]:
    opened = Study(folder)
    found = {s.id for s in opened.store.corpus.segments() if not people or s.participant in people}
    opened.store.close()
    return found
