"""`belonging stability` against a real server on loopback: asked once, paid once, continued after SIGKILL, within limits."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import studies
from chat_server import Asked, ChatServer, Fault
from click.testing import CliRunner, Result
from studies import EACH, InProcess

from belonging_llm import cli, stability
from belonging_llm.asking import Asker, Retry
from belonging_llm.llm import ChatRequest
from belonging_llm.study import Study

SEGMENTS = 6
# Again, two seeds, one order, two wordings.
VARIATIONS = 6


@pytest.fixture(scope="module")
def template(running: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two interviews, analysed."""
    folder = studies.make(tmp_path_factory.mktemp("stability") / "study", studies.sample("P01", "P02"))
    with pytest.MonkeyPatch.context() as patched:
        done = studies.in_process(patched).analyse(folder, running.spec)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def belonging(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    made = studies.in_process(monkeypatch)
    quick: Any = lambda *who, **what: Asker(*who, retry=Retry(sleep=made.slept.append), **what)  # noqa: E731
    monkeypatch.setattr(stability.bench, "Asker", quick)
    return made


def arguments(study: Path, server: ChatServer, *more: str) -> list[str]:
    small = ["--segments", str(SEGMENTS), "--seeds", "2", "--orders", "1"]
    return ["stability", str(study), "--llm", server.spec, *small, *more]


def call(study: Path, server: ChatServer, *more: str) -> Result:
    return CliRunner().invoke(cli.main, arguments(study, server, *more))


def replied(study: Path) -> Counter[tuple[str, float]]:
    """Questions of which a reply is in the ledger, with how often; what a run asked and what a test asked."""
    rows = studies._rows_of_copy(study, "SELECT request FROM call")
    requests = [ChatRequest.model_validate_json(row[0]) for row in rows]
    return Counter((studies.asked_digest(r.system, r.user, r.max_tokens, r.seed), r.temperature) for r in requests)


def sent(server: ChatServer) -> Counter[tuple[str, float]]:
    return Counter((asked.digest, float(asked.body["temperature"])) for asked in server.log)


@pytest.mark.usefixtures("belonging")
def test_a_sample_is_coded_again_once(server: ChatServer, study: Path) -> None:
    before = replied(study)
    done = call(study, server, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["calls"] == len(server.log) == SEGMENTS * VARIATIONS
    assert replied(study) == before + sent(server)
    assert {kind["kind"] for kind in found["found"]["kinds"]} == {"again", "seed", "order", "wording"}
    temperatures = Counter(asked.body["temperature"] for asked in server.log)
    assert temperatures == {0.0: 4 * SEGMENTS, 0.7: 2 * SEGMENTS}
    assert {asked.body["seed"] for asked in server.log if asked.body["temperature"]} == {1, 2}
    # The server answers by what stands in the segment and by the code: nothing that is varied matters to it.
    for kind in found["found"]["kinds"]:
        assert {one["outcomes"]["rate"]["value"] for one in kind["codes"].values()} == {0}, kind["kind"]
    assert found["cost"]["usd"] == 0
    server.log.clear()
    again = call(study, server)
    assert again.exit_code == 0, again.output
    assert "nothing changed since this was tested" in again.stdout
    assert server.log == []


@pytest.mark.usefixtures("belonging")
def test_a_server_that_wavers_is_found_out(server: ChatServer, study: Path) -> None:
    """It says of everything asked at a temperature above 0 that it applies."""
    server.faults = lambda _, body: Fault.INVENTED_QUOTE if body["temperature"] else None
    found = json.loads(call(study, server, "--segments", "100", "--json").stdout)["found"]
    kinds = {kind["kind"]: kind["codes"] for kind in found["kinds"]}
    for name in ("again", "order", "wording"):
        assert {one["outcomes"]["rate"]["value"] for one in kinds[name].values()} == {0}
    opened = Study(study)
    again = opened.store.stability.recodings(found["test_id"])
    usual = {(c.segment_id, c.code): c.outcome for c in opened.store.findings.codings(found["run_id"])}
    for code, one in kinds["seed"].items():
        here = [r for r in again if r.code == code and r.variation.startswith("seed")]
        assert one["outcomes"]["pairs"] == len(here)
        flipped = sum(usual[r.segment_id, code] != r.outcome for r in here)
        assert one["outcomes"]["rate"]["value"] == pytest.approx(flipped / len(here))
        # Both seeds bring the same answers.
        assert one["outcomes"]["among"]["value"] == 0
    assert any(one["outcomes"]["rate"]["value"] for one in kinds["seed"].values())


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ChatServer, Path]]:
    """A server that only other processes talk to, so that it can tell when they are gone; and a study analysed by it."""
    folder = studies.make(tmp_path_factory.mktemp("apart") / "study", studies.sample("P01", "P02"))
    with ChatServer() as server:
        process = studies.start("plain_run.py", folder, server.spec)
        assert process.wait(timeout=300) == 0
        yield server, folder


@pytest.mark.parametrize("number", [1, 14, 35])
def test_killed_it_continues_and_asks_nothing_twice(
    number: int, apart: tuple[ChatServer, Path], tmp_path: Path
) -> None:
    server, template = apart
    server.reset()
    study = studies.copied(template, tmp_path / "study")
    before = replied(study)
    process = studies.start("command_line.py", *arguments(study, server))

    def kill(asked: Asked) -> None:
        if asked.number == number:
            os.killpg(process.pid, signal.SIGKILL)

    server.after_reply = kill
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    server.settle()
    kept, first = replied(study) - before, sent(server)
    assert studies.damage(study) == []
    server.reset()
    done = studies.command(*arguments(study, server))
    assert done.returncode == 0, done.stderr
    assert replied(study) - before == kept + sent(server)
    # Every question of the whole was asked once, and those once more whose replies were lost on their way.
    lost = first - kept
    assert sum((first + sent(server) - lost).values()) == SEGMENTS * VARIATIONS
    assert len(Study(study).store.stability.tests()) == 1


@pytest.mark.usefixtures("belonging")
def test_a_limit_of_calls_holds_for_the_whole_test(server: ChatServer, study: Path) -> None:
    done = call(study, server, "--calls", "9")
    assert done.exit_code == 3, done.output
    assert "limit of 9 calls is reached" in done.stderr
    assert len(server.log) == 9
    assert call(study, server, "--calls", "9").exit_code == 3
    assert len(server.log) == 9, "the same limit again buys nothing"
    assert call(study, server).exit_code == 0
    assert len(server.log) == SEGMENTS * VARIATIONS


@pytest.mark.usefixtures("belonging")
def test_all_models_share_the_limit(server: ChatServer, study: Path) -> None:
    with ChatServer() as other:
        most = SEGMENTS * VARIATIONS + 2
        done = call(study, server, "--also", other.spec, "--calls", str(most))
        assert done.exit_code == 3, done.output
        assert f"limit of {most} calls is reached" in done.stderr
        assert (len(server.log), len(other.log)) == (SEGMENTS * VARIATIONS, 2)
        done = call(study, server, "--also", other.spec, "--json")
        assert done.exit_code == 0, done.output
        assert (len(server.log), len(other.log)) == (SEGMENTS * VARIATIONS, SEGMENTS)
    models = next(k for k in json.loads(done.stdout)["found"]["kinds"] if k["kind"] == "model")
    assert [v["model"] for v in models["variations"]] == [other.spec]


@pytest.mark.usefixtures("belonging", "dear")
def test_money_is_told_and_agreed_to_and_limited(server: ChatServer, study: Path) -> None:
    asked = call(study, server)
    assert asked.exit_code == 1
    assert "nothing was sent" in asked.stderr
    assert f"questions: at most {SEGMENTS * VARIATIONS} about the sample" in asked.stderr
    assert server.log == []
    done = call(study, server, "--yes", "--budget", f"{10 * EACH:.2f}")
    assert done.exit_code == 3, done.output
    assert "budget of USD 2.00 is reached" in done.stderr
    # What the analysis itself cost is another matter; calls in flight are paid for.
    assert 10 <= len(server.log) <= 13
    first = len(server.log)
    again = call(study, server, "--yes")
    assert again.exit_code == 0, again.output
    assert f"so far: {first} calls" in again.stderr
    assert f"cost of this test: USD {SEGMENTS * VARIATIONS * EACH:.2f}" in again.stdout


@pytest.mark.usefixtures("belonging", "unpriced")
def test_without_a_price_money_cannot_be_limited(server: ChatServer, study: Path) -> None:
    done = call(study, server, "--yes", "--budget", "1")
    assert done.exit_code == 1
    assert "unknown price" in done.stderr
    assert server.log == []


@pytest.mark.usefixtures("belonging")
def test_another_model_elsewhere_needs_the_study_s_leave(server: ChatServer, study: Path) -> None:
    done = call(study, server, "--also", "openai:some-model", "--yes")
    assert done.exit_code == 1
    assert "allow_remote = true" in done.stderr
    assert server.log == []


@pytest.mark.usefixtures("belonging")
def test_a_server_that_is_gone_leaves_the_rest_for_later(server: ChatServer, study: Path) -> None:
    server.faults = lambda number, _: Fault.SERVER_ERROR if number > 10 else None
    done = call(study, server)
    assert done.exit_code in {1, 3}, done.output
    assert "Traceback" not in done.output
    server.faults = None
    again = call(study, server)
    assert again.exit_code == 0, again.output
    assert len(server.replies) == SEGMENTS * VARIATIONS
