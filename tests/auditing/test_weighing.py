"""A model that tells likelihoods, through the stages: asked once a segment, named rightly, failed where it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from audited import demand, people_code

from belonging_llm import analysis
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import FakeChat
from belonging_llm.analysis import Job
from belonging_llm.codes import Outcome
from belonging_llm.llm import ChatRequest
from belonging_llm.study import Study


def coded(folder: Path, monkeypatch: pytest.MonkeyPatch, model: FakeChat) -> str:
    model.scores = True  # type: ignore[attr-defined]
    monkeypatch.setattr(factory, "chat_model", lambda *_, **__: model)
    job = Job(str(folder), "fake", "hashed")
    run, _ = analysis.prepare(job)
    analysis.try_model(job, run.id)
    for rows in analysis.batches(job, run.id):
        analysis.code_batch(job, run.id, rows)
    analysis.finish(job, run.id)
    return run.id


def likelihoods(request: ChatRequest) -> str:
    """Likes the first letter where the words are long, the last where they are short."""
    told = {letter: -2.0 for letter in request.options}
    told[request.options[0 if len(request.user) % 2 else -1]] = -0.5
    return json.dumps(told)


def test_every_segment_is_weighed_once_and_its_codings_say_by_which_prompt(
    talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people_code(talks)
    demand(talks, ask_share=1.0)
    model = FakeChat(likelihoods)
    run = coded(talks, monkeypatch, model)
    study = Study(talks)
    segments = study.store.corpus.segments()
    assert len(model.asked) == len({s.text for s in segments})
    prompt = study.prompt("choose_code.v1")
    for coding in study.store.findings.codings(run):
        known = coding.provenance
        assert (known.prompt, known.prompt_digest) == (prompt.name, prompt.digest)
        assert known.asked
        assert known.moved is not None
    assert coded(talks, monkeypatch, model) == run
    assert len(model.asked) == len({s.text for s in segments}), "a finished run asks nothing"


def test_what_would_go_into_a_batch_is_what_is_asked(talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people_code(talks)
    demand(talks, ask_share=0.5)
    model = FakeChat(likelihoods)
    run = coded(talks, monkeypatch, model)
    questions = analysis.workbench(Job(str(talks), "fake", "hashed")).coding_questions(run)
    texts = {q.prompt.user: q.request() for q in questions}
    assert list(texts.values()) == model.asked


def test_what_a_score_is_worth_is_learned_from_calibration_alone(talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people_code(talks)
    demand(talks, ask_share=1.0)
    run = coded(talks, monkeypatch, FakeChat(likelihoods))
    study = Study(talks)
    where = study.store.audits.parts()
    calibration = [s for s in study.store.corpus.segments() if where.get(s.participant) == "calibration"]
    heard = study.store.runs.get(run).counts["model_scale"]["heard"]
    assert heard == len(calibration) * len(study.framework().assignable)


def test_a_segment_that_could_not_be_weighed_has_failed(talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people_code(talks)
    demand(talks, ask_share=0.5)
    run = coded(talks, monkeypatch, FakeChat(lambda _: "no letters today"))
    study = Study(talks)
    asked = [c for c in study.store.findings.codings(run) if c.provenance.asked]
    assert asked
    assert {c.outcome for c in asked} == {Outcome.FAILED}
    assert study.store.runs.get(run).status == "incomplete"
