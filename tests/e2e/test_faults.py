"""What a bad endpoint does to a run: retried, marked as failed, or refused; never stored as a finding."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path

import pytest
import studies
from chat_server import NOWHERE, Asked, Body, ChatServer, Fault, Plan, body_digest
from click.testing import Result
from studies import InProcess, Tables

from belonging_llm.adapters.openai_sdk import OpenAIChat
from belonging_llm.asking import Asker, Question
from belonging_llm.codes.judge import Judgements
from belonging_llm.prompts import Rendered
from belonging_llm.study import Study


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.make(tmp_path_factory.mktemp("faults") / "study", studies.sample("P01", "P02"))


@pytest.fixture(scope="module")
def healthy(
    running: ChatServer, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tables, list[Asked]]:
    """What a run without faults finds, and what it asks."""
    folder = studies.copied(template, tmp_path_factory.mktemp("healthy") / "study")
    with pytest.MonkeyPatch.context() as patched:
        done = studies.in_process(patched).analyse(folder, running.spec)
    assert done.exit_code == 0, done.output
    return studies.tables(folder, running.spec), list(running.log)


def always(fault: Fault, segment: str) -> Plan:
    """This fault for every question about one segment, also when it is asked again."""
    line = f"Segment: {json.dumps(segment, ensure_ascii=False)}\n"
    return lambda _, body: fault if line in body["messages"][-1]["content"] else None


def everything(fault: Fault) -> Plan:
    return lambda *_: fault


def kind_of(plan_kind: str, fault: Fault) -> Plan:
    """This fault for every question of a kind."""
    return lambda number, body: fault if Asked(number, "", _kind(body), body).kind == plan_kind else None


def _kind(body: Body) -> str:
    return "code" if "Segment: " in body["messages"][-1]["content"] else "theme"


def _no_traceback(done: Result) -> None:
    assert "Traceback" not in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)


def test_passing_faults_leave_no_trace_in_the_result(
    server: ChatServer, study: Path, belonging: InProcess, healthy: tuple[Tables, list[Asked]]
) -> None:
    passing = [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.HANG_UP, Fault.RESET]
    met: list[Fault] = []

    def up_to_three_times(_: int, body: Body) -> Fault | None:
        """Every second question meets a fault at first, some of those three in a row: one try is left."""
        digest = body_digest(body)
        place, times = int(digest[:8], 16), server.counts[digest]
        if place % 2 or times > (3 if place % 5 == 0 else 1):
            return None
        met.append(passing[(place // 2 + times) % len(passing)])
        return met[-1]

    server.faults = up_to_three_times
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == healthy[0]
    assert len(met) > 20
    assert set(met) == set(passing)
    assert len(server.log) - len(met) == len(healthy[1]), "each question is answered once"
    waited_out = [fault for fault in met if fault is not Fault.RATE_LIMITED]
    assert len(belonging.slept) == len(waited_out), "and every fault is waited out once, but who is told not to wait"
    assert f"model calls: {len(healthy[1])}\n" in done.stdout


@pytest.mark.parametrize("fault", [Fault.DRIP, Fault.NO_CHOICES, Fault.HTML])
def test_odd_transports_are_borne(
    fault: Fault, server: ChatServer, study: Path, belonging: InProcess, healthy: tuple[Tables, list[Asked]]
) -> None:
    server.faults = lambda number, _: fault if number % 9 == 4 else None
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == healthy[0]


@pytest.mark.parametrize("fault", [Fault.NO_MESSAGE, Fault.CONTENT_IN_PARTS])
def test_odd_envelopes_are_no_crash(fault: Fault, server: ChatServer, study: Path, belonging: InProcess) -> None:
    server.faults = lambda number, _: fault if number % 9 == 4 else None
    _no_traceback(belonging.analyse(study, server.spec))


@pytest.mark.parametrize(
    "fault", [Fault.MALFORMED, Fault.TRUNCATED, Fault.OFF_SCHEMA, Fault.UNKNOWN_CODE, Fault.REFUSED, Fault.SERVER_ERROR]
)
def test_a_segment_without_a_usable_reply_is_failed_and_tried_again(
    fault: Fault, server: ChatServer, study: Path, belonging: InProcess, healthy: tuple[Tables, list[Asked]]
) -> None:
    victim = next(a.segment for a in healthy[1] if a.segment)
    server.faults = always(fault, victim)

    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 3, done.output
    ids = [i for i, text in studies.segments(study).items() if text == victim]
    assert ids
    assert f"FAILED segments: {len(ids)} ({', '.join(ids)})" in done.stdout
    run = studies.last_run(study)
    assert run.status == "incomplete"
    assert sum(run.counts["reply_failures"].values()) == 1
    found = studies.tables(study, server.spec)
    assert [c["outcome"] for c in found.codings if c["segment_id"] in ids] == ["failed"] * 10
    assert [c for c in found.codings if c["segment_id"] not in ids] == [
        c for c in healthy[0].codings if c["segment_id"] not in ids
    ], "nobody else suffers"
    tries = {Fault.REFUSED: 1, Fault.SERVER_ERROR: 4}.get(fault, 2)
    assert sum(a.segment == victim for a in server.log) == tries

    server.reset()
    again = belonging.analyse(study, server.spec)
    assert again.exit_code == 0, again.output
    assert [a.segment for a in server.log] == [victim], "only what failed is asked again"
    assert "model calls: 1\n" in again.stdout
    assert studies.last_run(study).status == "complete"
    assert studies.tables(study, server.spec) == healthy[0]


def test_a_usable_second_reply_is_enough(
    server: ChatServer, study: Path, belonging: InProcess, healthy: tuple[Tables, list[Asked]]
) -> None:
    def first_time(_: int, body: Body) -> Fault | None:
        return Fault.MALFORMED if body["seed"] == 0 and _kind(body) == "code" else None

    server.faults = first_time
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == healthy[0]
    assert "Your last reply could not be used" in server.log[-1].user


@pytest.mark.parametrize("fault", [Fault.MALFORMED, Fault.UNKNOWN_CODE])
def test_themes_without_a_usable_reply_make_the_run_incomplete(
    fault: Fault, server: ChatServer, study: Path, belonging: InProcess, healthy: tuple[Tables, list[Asked]]
) -> None:
    server.faults = kind_of("theme", fault)
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 3, done.output
    run = studies.last_run(study)
    assert run.counts["themes_unmapped"] == len(healthy[0].themes)
    themes = studies.tables(study, server.spec).themes
    if fault is Fault.MALFORMED:
        assert run.counts["themes_failed"] == len(themes)
        assert not [t for t in themes if t["by"] == "MODEL"], "no model named them"
    assert not any(t["mapping"]["codes"] or t["mapping"]["outside"] for t in themes)
    server.reset()
    assert belonging.analyse(study, server.spec).exit_code == 0
    assert studies.tables(study, server.spec) == healthy[0]


def test_invented_quotes_are_counted_and_never_stored(server: ChatServer, study: Path, belonging: InProcess) -> None:
    server.faults = lambda number, body: Fault.INVENTED_QUOTE if number % 2 or _kind(body) == "theme" else None
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 0, done.output
    replies = [json.loads(text) for text in server.replies.values()]
    invented_quotes = sum(q["words"] == NOWHERE for r in replies for q in r.get("quotes", ()))
    invented_words = sum(
        j["words"] == NOWHERE for r in replies if not {"quotes", "outside"} & set(r) for j in r.values()
    )
    counts = studies.last_run(study).counts
    # A theme that was renamed drops the quotes of its first name with that name.
    assert 0 < counts["theme_quotes_unlocated"] <= invented_quotes
    assert sum(c["unlocated"] for name, c in counts.items() if name.startswith("batch ")) == invented_words > 0
    _within_their_segments(study, server)


def test_stored_places_are_within_their_segments(
    server: ChatServer, study: Path, belonging: InProcess, healthy: tuple[Tables, list[Asked]]
) -> None:
    # Only what is assigned has evidence: a lower bar makes more of it to look at.
    settings = study / "study.toml"
    changed = settings.read_text(encoding="utf-8").replace("\nassign_error = 0.5\n", "\nassign_error = 0.8\n")
    settings.write_text(changed, encoding="utf-8")
    assert belonging.analyse(study, server.spec).exit_code == 0
    assert _within_their_segments(study, server) > 50


def _within_their_segments(study: Path, server: ChatServer) -> int:
    texts, found = studies.segments(study), studies.tables(study, server.spec)
    places = studies.quoted_places(found)
    for segment_id, start, end in places:
        assert 0 <= start < end <= len(texts[segment_id])
        assert texts[segment_id][start:end].strip()
    known = {c["code"] for c in found.codings}
    assert "no-such-code" not in known | {c["code"] for t in found.themes for c in t["mapping"]["codes"]}
    assert not any(c["outcome"] != "assigned" and c["evidence"] for c in found.codings)
    return len(places)


@pytest.mark.parametrize("stage", ["themes", "coding"])
def test_a_server_that_goes_away_is_noticed_soon(
    stage: str, server: ChatServer, study: Path, belonging: InProcess, healthy: tuple[Tables, list[Asked]]
) -> None:
    last_good = 0 if stage == "themes" else next(a.number for a in healthy[1] if a.segment) + 5
    server.faults = lambda number, _: Fault.HANG_UP if number > last_good else None
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 3, done.output
    # A theme that gets no answer ends the run at once; among segments it takes several in a row.
    assert re.search(r"did not answer( [5-8] questions in a row)?", done.stderr)
    assert server.url in done.stderr
    assert "what is done is kept" in done.stderr
    assert "rerun" in done.stderr
    _no_traceback(done)
    # Four tries a question. Nobody really waits here, so the rest of a batch of twenty may have been begun.
    assert len(server.log) - last_good <= 4 * (5 if stage == "themes" else 20)
    assert sum(belonging.slept) < 60

    server.reset()
    again = belonging.analyse(study, server.spec)
    assert again.exit_code == 0, again.output
    assert studies.tables(study, server.spec) == healthy[0]
    assert len(server.log) == len(healthy[1]) - last_good, "what was answered before is not asked again"


def test_a_server_that_is_not_there(
    server: ChatServer, study: Path, belonging: InProcess, healthy: tuple[Tables, list[Asked]]
) -> None:
    server.stop()
    started = time.monotonic()
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 3, done.output
    assert time.monotonic() - started < 30
    assert "did not answer" in done.stderr
    _no_traceback(done)
    server.start()
    assert belonging.analyse(study, server.spec).exit_code == 0
    assert studies.tables(study, server.spec) == healthy[0]


def test_a_server_gone_while_a_few_themes_are_named_costs_no_second_rerun(
    server: ChatServer, tmp_path: Path, belonging: InProcess
) -> None:
    """Two themes are four questions, fewer than it takes to call the server gone."""
    study = studies.make(tmp_path / "small", studies.sample("P01"))
    calm = studies.copied(study, tmp_path / "calm")
    assert belonging.analyse(calm, server.spec).exit_code == 0
    expected = studies.tables(calm, server.spec)
    themed = server.kinds["label"] + server.kinds["rename"] + server.kinds["map"]
    server.reset()
    # The server goes away for good with four theme questions left.
    server.faults = lambda number, _: Fault.HANG_UP if number > themed - 4 else None
    assert belonging.analyse(study, server.spec).exit_code == 3
    server.reset()
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == expected


def test_a_refused_key_ends_at_once(server: ChatServer, study: Path, belonging: InProcess) -> None:
    server.faults = everything(Fault.UNAUTHORISED)
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 1
    assert re.search(r"refuses \(.*401\)", done.stderr)
    assert "check key" in done.stderr
    assert len(server.log) == 1
    assert belonging.slept == []
    _no_traceback(done)


@pytest.mark.parametrize("fault", [Fault.BLOCKED_WITH_ECHO])
def test_an_endpoint_that_repeats_the_prompt_does_not_spread_it(
    fault: Fault, server: ChatServer, study: Path, belonging: InProcess
) -> None:
    """An error message goes to the terminal and, with the flow's state, into Prefect's database."""
    server.faults = everything(fault)
    done = belonging.analyse(study, server.spec)
    assert done.exit_code == 1
    _no_traceback(done)
    words = [text for text in studies.segments(study).values() if text[:60] in done.output]
    assert not words


@pytest.mark.parametrize(
    "spec",
    [
        "http://192.0.2.7:9/v1#m",
        "https://models.example.org/v1#m",
        "http://127.0.0.1.example.org/v1#m",
        "http://localhost@192.0.2.7/v1#m",
        "openai:gpt-x",
        "langchain:openai:gpt-x",
    ],
)
def test_a_remote_model_needs_leave(
    spec: str, study: Path, belonging: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **_: tried.append(a))
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: tried.append(address))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-pretend")
    done = belonging.analyse(study, spec)
    assert done.exit_code == 1
    assert "allow_remote" in done.stderr
    _no_traceback(done)
    assert tried == []


def test_a_redirect_to_another_place_is_not_followed(server: ChatServer, study: Path, belonging: InProcess) -> None:
    with ChatServer() as elsewhere:
        server.redirect_to = elsewhere.url
        server.faults = everything(Fault.REDIRECT)
        done = belonging.analyse(study, server.spec)
        _no_traceback(done)
        assert elsewhere.log == []
        assert done.exit_code != 0


def test_a_proxy_of_the_environment_sees_nothing(
    server: ChatServer, study: Path, belonging: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert belonging.analyse(study, server.spec).exit_code == 0
        assert proxy.log == []


def test_the_same_question_side_by_side_is_asked_once(server: ChatServer, study: Path) -> None:
    """A participant who says the same words twice after the same question makes one question, not two."""
    opened = Study(study)
    prompt = Rendered(name="code", digest="0", system="s", user='Segment: "I felt at home."\nCandidate codes: a, b')
    question = Question(prompt, Judgements)
    server.before_reply = lambda _: time.sleep(0.1)
    asker = Asker(OpenAIChat("pretend", server.url), opened.store.ledger, "run")
    answers = asker.ask_all([question] * 4)
    opened.store.close()
    assert answers == [answers[0]] * 4
    assert len(server.log) == 1
