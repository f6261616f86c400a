"""What `belonging doctor` says of endpoints in several moods, and that it sends no interview text to any."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import studies
from chat_server import ChatServer, Fault
from click.testing import CliRunner, Result

from belonging_llm import cli, doctor
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import FakeChat, HashEncoder
from belonging_llm.doctor import Verdict, examine
from belonging_llm.errors import ModelFileError

GOOD = '{"weather": "rain", "sure": true}'


@pytest.fixture(autouse=True)
def _an_encoder_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.make(tmp_path_factory.mktemp("doctor") / "study", studies.sample("P01"))


def found(llm: str | None, folder: Path | None = None) -> dict[str, tuple[str, str]]:
    """What is said, by the check's name."""
    return {c.name: (str(c.verdict), c.says) for c in examine(folder, llm).checks}


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, ["doctor", *map(str, arguments)])


def test_a_good_endpoint_is_well(server: ChatServer) -> None:
    server.logprobs, server.listing = True, {"max_model_len": 32768}
    health = examine(None, server.spec)
    says = {c.name: (str(c.verdict), c.says) for c in health.checks}
    assert health.well
    assert says["answers"] == ("ok", f"yes ({server.spec})")
    assert says["JSON schema"] == ("ok", "obeyed")
    assert says["repeats itself"][0] == "ok"
    assert says["log-probabilities"] == ("ok", "given")
    assert says["context window"] == ("ok", "32768 tokens")
    assert says["leaves this machine"][1].startswith("nothing")


def test_at_most_four_requests_and_no_interview_text(server: ChatServer, study: Path) -> None:
    server.listing = {}
    assert CliRunner().invoke(cli.main, ["status", str(study)]).exit_code == 0, "which cuts the interviews"
    health = examine(study, server.spec)
    assert health.requests == 4
    assert len(server.log) == 3, "the fourth looks at the list of models"
    assert {a.kind for a in server.log} == {"weather"}
    texts = studies.segments(study).values()
    sent = json.dumps([a.body for a in server.log], ensure_ascii=False)
    assert texts
    assert not [text for text in texts if text[:40] in sent]


@pytest.mark.parametrize("fault", [Fault.MALFORMED, Fault.OFF_SCHEMA, Fault.TRUNCATED])
def test_a_schema_that_is_not_obeyed_stops(fault: Fault, server: ChatServer) -> None:
    server.faults = lambda *_: fault
    verdict, says = found(server.spec)["JSON schema"]
    assert verdict == "stops"
    assert says.startswith("not obeyed (")
    assert "another model" in says
    done = command("--llm", server.spec)
    assert done.exit_code == 1
    assert "stops  JSON schema" in done.stdout


def test_an_endpoint_without_log_probabilities_is_well(server: ChatServer) -> None:
    says = found(server.spec)
    assert says["log-probabilities"] == ("note", "not given")
    assert examine(None, server.spec).well


def test_one_that_refuses_log_probabilities_is_well(server: ChatServer) -> None:
    server.faults = lambda _, body: Fault.REFUSED if body.get("logprobs") else None
    assert found(server.spec)["log-probabilities"] == ("note", "not given: HTTP 400")
    assert examine(None, server.spec).well


def test_replies_that_differ_are_noted(server: ChatServer) -> None:
    server.faults = lambda number, _: Fault.OFF_SCHEMA if number == 2 else None
    verdict, says = found(server.spec)["repeats itself"]
    assert verdict == "note"
    assert "differ" in says


def test_a_dead_endpoint_is_said_once_and_stops(server: ChatServer) -> None:
    server.stop()
    try:
        health = examine(None, server.spec)
        done = command("--llm", server.spec)
    finally:
        server.start()
    assert health.requests == 1
    assert health.checks[-1].name == "answers"
    assert health.checks[-1].verdict is Verdict.STOPS
    assert done.exit_code == 1
    assert "start the server" in done.stdout
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("fault", "said"),
    [(Fault.UNAUTHORISED, "401"), (Fault.SERVER_ERROR, "500"), (Fault.HTML, "no message"), (Fault.NO_CHOICES, "no message")],
)  # fmt: skip
def test_one_that_answers_with_an_error_stops(fault: Fault, said: str, server: ChatServer) -> None:
    server.faults = lambda *_: fault
    verdict, says = found(server.spec)["answers"]
    assert verdict == "stops"
    assert said in says
    assert len(server.log) == 1


@pytest.mark.parametrize(
    ("listing", "verdict", "says"),
    [
        (None, "note", "not told"),
        ({}, "note", "not told"),
        ({"max_model_len": 4096}, "ok", "4096 tokens"),
        ({"context_length": 4097}, "ok", "4097 tokens"),
        ({"meta": {"n_ctx": 4098, "n_ctx_train": 9}}, "ok", "4098 tokens"),
        ({"meta": {"n_ctx_train": 131072}}, "note", "not told"),
        ({"id": "another name", "max_model_len": 4099}, "ok", "4099 tokens"),
        ({"max_model_len": "many", "meta": []}, "note", "not told"),
        ({"max_model_len": 0}, "note", "not told"),
    ],
)
def test_the_context_window_is_what_the_server_tells(
    listing: dict[str, Any] | None, verdict: str, says: str, server: ChatServer
) -> None:
    server.listing = listing
    assert found(server.spec)["context window"] == (verdict, says)


def test_a_window_too_small_for_the_study_stops(server: ChatServer, study: Path) -> None:
    server.listing = {"max_model_len": 512}
    verdict, says = found(server.spec, study)["context window"]
    assert verdict == "stops"
    assert "larger" in says
    server.listing = {"max_model_len": 8192}
    assert found(server.spec, study)["context window"][0] == "ok"


# What leaves the machine


@pytest.mark.parametrize("spec", ["openai:gpt-x", "https://models.example/v1#m", "http://192.0.2.7:9/v1#m"])
def test_a_study_that_allows_nothing_remote_is_obeyed(spec: str, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's own block of the network would raise on any try."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-pretend")
    health = examine(study, spec)
    assert health.requests == 0
    assert health.checks[-1].verdict is Verdict.STOPS
    assert "not asked anything" in health.checks[-1].says
    assert "allow_remote" in health.checks[-1].says
    assert command(study, "--llm", spec).exit_code == 1


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch, server: ChatServer) -> ChatServer:
    """The server on this machine passes for one elsewhere."""
    for module in (factory, doctor):
        monkeypatch.setattr(module, "is_loopback", lambda _: False)
    monkeypatch.setattr(doctor, "price_at", lambda *_: None)
    return server


def test_one_elsewhere_is_asked_if_the_study_allows_it(remote: ChatServer, study: Path) -> None:
    assert found(remote.spec, study)["language model"][0] == "stops"
    assert remote.log == []
    settings = study / "study.toml"
    settings.write_text(settings.read_text().replace("allow_remote = false", "allow_remote = true"))
    says = found(remote.spec, study)
    assert says["answers"][0] == "ok"
    verdict, leaves = says["leaves this machine"]
    assert verdict == "note"
    assert f"interview text would go to {remote.url}" in leaves
    assert "unknown price" in leaves
    assert "made-up text alone" in leaves


def test_one_elsewhere_is_asked_without_a_study_when_it_is_named(remote: ChatServer) -> None:
    says = found(remote.spec)
    assert says["answers"][0] == "ok"
    assert "a study would have to say allow_remote = true" in says["leaves this machine"][1]


def test_the_studys_own_model_is_looked_at(server: ChatServer, study: Path) -> None:
    settings = study / "study.toml"
    settings.write_text(settings.read_text().replace('llm = "local"', f'llm = "{server.spec}"'))
    assert found(None, study)["answers"] == ("ok", f"yes ({server.spec})")
    assert examine(study, "none").requests == 0


# The environment


class _Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_a_full_disk_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Disk(10, 10, 1000))
    verdict, says = found("none")["disk"]
    assert verdict == "stops"
    assert "make room" in says


def test_a_cache_that_cannot_be_written_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BELONGING_MODELS", str(tmp_path / "deeper" / "still"))
    assert found("none")["model cache"][0] == "ok"
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", lambda **_: (_ for _ in ()).throw(PermissionError()))
    verdict, says = found("none")["model cache"]
    assert verdict == "note"
    assert "BELONGING_MODELS" in says


def test_models_that_are_not_here_stop_and_say_how_to_fetch_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BELONGING_MODELS", str(tmp_path))
    monkeypatch.setattr(doctor, "versions", lambda: {"xllamacpp": "1", "sentence-transformers": "1"})
    verdict, says = found("local")["language model"]
    assert verdict == "stops"
    assert "belonging models pull" in says

    def gone(_: str) -> None:
        raise ModelFileError("run: belonging models pull x")

    monkeypatch.setattr(factory, "encoder", gone)
    assert found("none")["embedding model"] == ("stops", "run: belonging models pull x")


def test_packages_that_are_missing_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "versions", lambda: {"sentence-transformers": "1"})
    verdict, says = found("local")["packages for models here"]
    assert verdict == "stops"
    assert "xllamacpp not installed: pip install 'belonging-llm[local]'" in says
    assert found("none")["language model"][0] == "ok"


def test_a_model_of_this_process_is_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeChat([GOOD] * 4)
    monkeypatch.setattr(factory, "chat_model", lambda *_, **__: fake)
    health = examine(None, "local")
    says = {c.name: c.says for c in health.checks}
    assert health.well
    assert health.requests == 0
    assert says["log-probabilities"] == "not offered for this kind of model"
    assert says["context window"] == "not told"
    monkeypatch.setattr(fake, "scores", True, raising=False)
    assert found("local")["log-probabilities"] == ("ok", "told by the embedded model")


# The command


def test_json_is_all_that_stands_on_standard_output(server: ChatServer) -> None:
    done = command("--llm", server.spec, "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == 0
    assert said["well"] is True
    assert (said["llm"], said["requests"]) == (server.spec, 4)
    assert {c["verdict"] for c in said["checks"]} <= {"ok", "note"}
    assert [c["name"] for c in said["checks"]][:2] == ["python", "packages"]


def test_no_study_and_no_model_are_messages(tmp_path: Path) -> None:
    done = command(tmp_path / "nothing")
    assert done.exit_code == 1
    assert "belonging init" in done.stderr
    done = command("--llm", "nonsense")
    assert done.exit_code == 1
    assert "not a model spec" in done.stderr
