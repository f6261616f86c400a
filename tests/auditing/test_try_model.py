"""Hearing the model where people judged: nothing asked that coding would not ask, noted once, never of the test split."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from audited import demand, people_code, true

from belonging_llm import analysis
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import FakeChat
from belonging_llm.analysis import Job
from belonging_llm.auditing.splits import Part
from belonging_llm.codes import UNHEARD, Coding, Word, worth
from belonging_llm.codes.decide import after
from belonging_llm.llm import ChatRequest
from belonging_llm.store import Run

Answer = Callable[[ChatRequest], str]


def segment_of(request: ChatRequest) -> str:
    """The id of the segment that a request shows, from its words: `word32a` is of participant 3, segment 2."""
    found = re.search(r"^Segment: \"word(\d+)(\d)a\b", request.user, re.IGNORECASE | re.MULTILINE)
    assert found
    return f"s{int(found[1]):02}{found[2]}"


def candidates(request: ChatRequest) -> list[str]:
    return request.user.rpartition("Candidate codes: ")[2].split("\n")[0].split(", ")


def reply(request: ChatRequest, applies: Callable[[str, str], bool]) -> str:
    unit = segment_of(request)
    said = {c: {"applies": applies(unit, c), "polarity": "mixed", "words": ""} for c in candidates(request)}
    return json.dumps(said)


def perfect(request: ChatRequest) -> str:
    return reply(request, true)


def broken_for_some(request: ChatRequest) -> str:
    return "sorry" if segment_of(request)[-1] in "24" else perfect(request)


@pytest.fixture
def asked(talks: Path) -> Path:
    """Talks that people coded, of which the model may be asked everything."""
    people_code(talks)
    demand(talks, ask_share=1.0)
    return talks


def opens(monkeypatch: pytest.MonkeyPatch, answer: Answer = perfect) -> FakeChat:
    """The model of the studies that are opened from now on."""
    chat = FakeChat(answer)
    monkeypatch.setattr(factory, "chat_model", lambda *_, **__: chat)
    analysis.workbench.cache_clear()
    return chat


def job(folder: Path) -> Job:
    return Job(str(folder), "fake", "hashed")


def code(folder: Path, *, tried: bool = True) -> tuple[Run, list[Coding]]:
    """The stages of a run, without themes."""
    run, _ = analysis.prepare(job(folder))
    analysis.embed_segments(job(folder))
    if tried:
        analysis.try_model(job(folder), run.id)
    for rows in analysis.batches(job(folder), run.id):
        analysis.code_batch(job(folder), run.id, rows)
    done = analysis.finish(job(folder), run.id)
    return done, analysis.workbench(job(folder)).store.findings.codings(run.id)


def requests(chat: FakeChat) -> Counter[str]:
    return Counter(request.model_dump_json() for request in chat.asked)


@pytest.mark.parametrize("answer", [perfect, broken_for_some])
def test_a_run_asks_the_same_with_and_without_trying(
    answer: Answer, asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path(shutil.copytree(asked, tmp_path / "other"))
    tried = opens(monkeypatch, answer)
    first, _ = code(asked)
    plain = opens(monkeypatch, answer)
    second, _ = code(other, tried=False)
    assert requests(tried) == requests(plain)
    assert set(requests(tried).values()) == {1}
    assert len(tried.asked) > 20
    # A failure is met twice and counted once.
    assert first.counts["reply_failures"] == second.counts["reply_failures"]
    assert (first.counts["reply_failures"] == {}) == (answer is perfect)
    assert ("model_word" in first.counts, "model_word" in second.counts) == (True, False)


def test_only_people_who_are_not_in_the_test_split_are_asked_about(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = opens(monkeypatch)
    run, _ = analysis.prepare(job(asked))
    answers = analysis.try_model(job(asked), run.id)
    where = analysis.workbench(job(asked)).store.audits.parts()
    heard = Counter(where[f"P{segment_of(request)[1:3]}"] for request in chat.asked)
    assert set(heard) == {Part.DEVELOPMENT, Part.CALIBRATION}
    assert answers == sum(len(candidates(request)) for request in chat.asked)


def test_the_word_is_what_the_answers_are_worth(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch)
    run, _ = analysis.prepare(job(asked))
    answers = analysis.try_model(job(asked), run.id)
    # Everybody agrees, so that each share is 1 or 0, and the model always says what people say.
    truth = [true(segment_of(request), one) for request in chat.asked for one in candidates(request)]
    wanted = worth((has, float(has)) for has in truth)
    noted = analysis.workbench(job(asked)).store.runs.get(run.id).counts["model_word"]
    assert noted == pytest.approx(asdict(wanted))
    assert noted["heard"] == answers == len(truth)
    assert noted["yes"] > UNHEARD.yes
    assert noted["no"] < UNHEARD.no


def test_it_is_noted_once(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch)
    run, _ = analysis.prepare(job(asked))
    assert analysis.try_model(job(asked), run.id) > 0
    runs = analysis.workbench(job(asked)).store.runs
    calls, noted = len(chat.asked), runs.get(run.id).counts["model_word"]
    for _ in range(2):
        assert analysis.try_model(job(asked), run.id) == 0
        analysis.workbench.cache_clear()
    assert (len(chat.asked), runs.get(run.id).counts["model_word"]) == (calls, noted)


def test_codings_weigh_the_models_word_by_it(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch)
    run, codings = code(asked)
    bench = analysis.workbench(job(asked))
    word = Word(**run.counts["model_word"])
    likely = bench.likely(run.id).chance
    row = {s.id: i for i, s in enumerate(bench.segments)}
    column = {c.id: j for j, c in enumerate(bench.framework.assignable)}
    heard = [c for c in codings if c.provenance.said is not None]
    assert {c.provenance.said for c in heard} == {True, False}
    for c in heard:
        before = float(likely[row[c.segment_id], column[c.code]])
        assert c.provenance.chance == pytest.approx(after(before, word.shift(c.provenance.said)), abs=1e-4)


def test_cut_short_it_goes_on_where_it_was(asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Path(shutil.copytree(asked, tmp_path / "other"))
    whole = opens(monkeypatch)
    first, _ = code(asked)
    count = 0

    def stops(request: ChatRequest) -> str:
        nonlocal count
        count += 1
        if count == 8:
            raise KeyboardInterrupt
        return perfect(request)

    cut = opens(monkeypatch, stops)
    run, _ = analysis.prepare(job(other))
    with pytest.raises(KeyboardInterrupt):
        analysis.try_model(job(other), run.id)
    assert "model_word" not in analysis.workbench(job(other)).store.runs.get(run.id).counts
    resumed = opens(monkeypatch)
    again, _ = code(other)
    assert again.id == run.id
    assert len(cut.asked) - 1 + len(resumed.asked) == len(whole.asked)
    assert again.counts["model_word"] == first.counts["model_word"]


def test_a_model_that_answers_nothing_usable_is_unheard(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, lambda _: "sorry")
    run, _ = analysis.prepare(job(asked))
    assert analysis.try_model(job(asked), run.id) == 0
    assert analysis.workbench(job(asked)).store.runs.get(run.id).counts["model_word"] == asdict(UNHEARD)


@pytest.mark.parametrize("settings", [{"learn": "false"}, {"ask_share": 0.0}])
def test_where_nothing_is_known_or_asked_the_model_is_unheard(
    settings: dict[str, object], asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(asked, **settings)
    chat = opens(monkeypatch)
    run, _ = analysis.prepare(job(asked))
    assert analysis.try_model(job(asked), run.id) == 0
    assert chat.asked == []
    assert analysis.workbench(job(asked)).store.runs.get(run.id).counts["model_word"] == asdict(UNHEARD)


def test_without_a_model_there_is_nobody_to_hear(asked: Path) -> None:
    plain = Job(str(asked), "none", "hashed")
    run, _ = analysis.prepare(plain)
    assert analysis.try_model(plain, run.id) == 0
    assert "model_word" not in analysis.workbench(plain).store.runs.get(run.id).counts
