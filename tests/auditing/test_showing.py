"""Segments that people coded are shown to a model: of development alone, and the audit still finds what leaks."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from audited import demand, people_code, text, true, who

from belonging_llm import analysis
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import FakeChat
from belonging_llm.analysis import Job, cutting
from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.codes import Coding
from belonging_llm.codes.examples import MARK
from belonging_llm.errors import LeakError, StudyError
from belonging_llm.llm import ChatRequest
from belonging_llm.prompts import load
from belonging_llm.store import Run
from belonging_llm.study import Study

SEGMENT = re.compile(r'^Segment(?: (\d+))?: "Word(\d+)(\d)a', re.MULTILINE)
CANDIDATES = re.compile(r"^Candidate codes.*?: (.*)$", re.MULTILINE)
EXAMPLE = re.compile(r'^- (\w+) (applies|does not apply): "\[coded\] Word(\d+)(\d)a', re.MULTILINE)


def answer(request: ChatRequest) -> str:
    """What people say, under the number of each segment."""
    asked = zip(SEGMENT.findall(request.user), CANDIDATES.findall(request.user), strict=True)
    said = {
        number: {
            c: {"applies": true(f"s{int(p):02}{s}", c), "polarity": "mixed", "words": ""} for c in codes.split(", ")
        }
        for (number, p, s), codes in asked
    }
    return json.dumps(said.get("", said))


@pytest.fixture
def coded(talks: Path) -> Path:
    people_code(talks)
    demand(talks, ask_share=1.0)
    return talks


def job(folder: Path) -> Job:
    return Job(str(folder), "fake", "hashed")


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, chat: FakeChat | None = None) -> tuple[Run, FakeChat]:
    """The stages of a run, without themes."""
    chat = chat or FakeChat(answer)
    monkeypatch.setattr(factory, "chat_model", lambda *_, **__: chat)
    opened, _ = analysis.prepare(job(folder))
    analysis.try_model(job(folder), opened.id)
    for rows in analysis.batches(job(folder), opened.id):
        analysis.code_batch(job(folder), opened.id, rows)
    return analysis.finish(job(folder), opened.id), chat


def codings(folder: Path, of: Run) -> list[Coding]:
    return sorted(Study(folder).store.findings.codings(of.id), key=lambda c: (c.segment_id, c.code))


def in_part(folder: Path, part: Part) -> set[int]:
    where = parts(Study(folder))
    return {p for p in range(12) if where[who(p)] is part}


@pytest.mark.parametrize("together", [1, 3])
def test_only_development_is_shown_and_never_a_participant_of_the_call(
    together: int, coded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(coded, together=together)
    done, chat = run(coded, monkeypatch)
    assert done.status == "complete"
    development = in_part(coded, Part.DEVELOPMENT)
    shown = set()
    for request in chat.asked:
        about = {int(p) for _, p, _ in SEGMENT.findall(request.user)}
        for code, applies, p, s in EXAMPLE.findall(request.user):
            assert int(p) in development - about
            assert true(f"s{int(p):02}{s}", code) == (applies == "applies")
            shown.add(f"s{int(p):02}{s}")
    assert shown
    assert shown <= set(done.counts["examples_shown"])
    assert all(MARK not in request.system.replace("begin with [coded] are", "") for request in chat.asked)
    searched = audit(Study(coded)).provenance.leaks_searched
    assert f"{len(chat.asked)} coding requests as they were sent hold no words" in searched


def test_several_a_call_say_what_one_by_one_say_in_fewer_calls(
    coded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, singly = run(coded, monkeypatch)
    demand(coded, together=4)
    other, jointly = run(coded, monkeypatch)
    assert one.id != other.id
    assert len(jointly.asked) < len(singly.asked) / 3
    assert set(Counter(r.model_dump_json() for r in jointly.asked).values()) == {1}, "hearing and coding share calls"
    plain = {"prompt", "prompt_digest"}
    first, second = (
        [c.model_copy(update={"provenance": c.provenance.model_dump(exclude=plain)}) for c in codings(coded, of)]
        for of in (one, other)
    )
    assert first == second
    assert {c.provenance.prompt for c in codings(coded, other)} <= {"", "code_segments.v1", "code_segment.v2"}


def test_a_run_that_was_interrupted_asks_the_rest_and_nothing_twice(
    coded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(coded, together=3)
    monkeypatch.setattr(cutting, "BATCH", 20)
    _, whole = run(coded, monkeypatch)
    wanted = {r.model_dump_json() for r in whole.asked}
    demand(coded, seed=1)
    for stop in (2, 3, 5, 8, 13, 10_000):
        chat = FakeChat(answer, f"fake:{stop}")
        stopping = FakeChat(lambda request, chat=chat, stop=stop: _until(chat, stop, request), "fake:killed")
        try:
            done, _ = run(coded, monkeypatch, stopping)
        except KeyboardInterrupt:
            analysis.workbench.cache_clear()
            wanted_left = {r.model_dump_json() for r in chat.asked}
            assert wanted_left <= wanted
            wanted -= wanted_left
            continue
        assert stop > 3, "it was interrupted more than once"
        assert done.status == "complete"
        assert {r.model_dump_json() for r in chat.asked} == wanted
        break


def _until(chat: FakeChat, stop: int, request: ChatRequest) -> str:
    if len(chat.asked) == stop:
        raise KeyboardInterrupt
    return chat.complete(request).text


def test_without_peoples_codings_requests_are_what_they_were(talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demand(talks, ask_share=1.0)
    done, chat = run(talks, monkeypatch)
    assert chat.asked
    assert not any("[coded]" in r.system + r.user for r in chat.asked)
    assert {c.provenance.prompt for c in codings(talks, done)} <= {"", "code_segment.v1"}
    first = load("code_segment.v1").digest
    assert len(Study(talks).store.ledger.requests(first)) == len(chat.asked)


def test_examples_can_be_switched_off(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demand(coded, examples=0)
    done, chat = run(coded, monkeypatch)
    assert not any("[coded]" in r.system + r.user for r in chat.asked)
    assert "examples_shown" not in done.counts


@pytest.mark.parametrize(
    ("own", "settings", "used"),
    [
        ("code_segment.v1", {}, "code_segment.v2"),
        ("code_segment.v2", {"examples": 0}, "code_segment.v1"),
        ("code_segment.v2", {"together": 2}, "code_segments.v1"),
        ("code_segments.v1", {}, "code_segment.v2"),
    ],
)
def test_wording_that_would_not_be_used_stops_the_run(
    own: str, settings: dict[str, int], used: str, coded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(coded, **settings)
    (coded / "prompts" / f"{own}.md").write_text(load(own).source + "\n", encoding="utf-8")
    with pytest.raises(StudyError, match=rf"prompts/{own}\.md but with {used}"):
        run(coded, monkeypatch)
    (coded / "prompts" / f"{used}.md").write_text(load(used).source + "\n", encoding="utf-8")
    assert run(coded, monkeypatch)[0].status == "complete"


def test_a_test_participants_words_among_the_examples_are_found(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt of the study's own that shows a test segment as if it were an example."""
    p = min(in_part(coded, Part.TEST))
    run(coded, monkeypatch)
    path = coded / "prompts" / "code_segment.v2.md"
    planted = load("code_segment.v2").source.replace("## User\n", f'## User\n- home applies: "{MARK}{text(p, 0)}"\n')
    path.write_text(planted, encoding="utf-8")
    with pytest.raises(LeakError, match=r"prompt code_segment\.v2"):
        audit(Study(coded))
