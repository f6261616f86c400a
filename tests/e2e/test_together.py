"""Several segments a call against a real server: the same outcomes in fewer calls, whatever goes wrong, paid once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import studies
from chat_server import Asked, ChatServer, Fault
from click.testing import CliRunner
from studies import Forge
from test_kill import Chain, Point

from belonging_llm import analysis, cli, prices
from belonging_llm.analysis import Job
from belonging_llm.prices import Price
from belonging_llm.store import ledger

DEAR = Price(models=("http://127.0.0.1:*#pretend",), input=10_000, output=20_000, source="A vendor", date=None)
TOGETHER = 5


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.make(tmp_path_factory.mktemp("together") / "study", studies.sample("P01", "P02"))


@pytest.fixture
def study(template: Path, tmp_path: Path) -> Path:
    return together(studies.copied(template, tmp_path / "study"), TOGETHER)


def together(folder: Path, size: int) -> Path:
    path = folder / "study.toml"
    changed, found = re.subn(r"(?m)^together = .*$", f"together = {size}", path.read_text(encoding="utf-8"))
    assert found == 1
    path.write_text(changed, encoding="utf-8")
    return folder


def coded(folder: Path, server: ChatServer) -> tuple[dict[tuple[str, str], Any], dict[str, Any]]:
    """The coding stages, without themes: codings by pair, less the prompt's name; and what the run counted."""
    job = Job(str(folder), server.spec, "local")
    run, _ = analysis.prepare(job)
    analysis.try_model(job, run.id)
    for rows in analysis.batches(job, run.id):
        analysis.code_batch(job, run.id, rows)
    done = analysis.finish(job, run.id)
    found = analysis.workbench(job).store.findings.codings(run.id)
    left_out = {"provenance": {"prompt", "prompt_digest"}}
    return {(c.segment_id, c.code): c.model_dump(mode="json", exclude=left_out) for c in found}, done.counts


def shared(asked: Asked) -> bool:
    return len(asked.segments) > 1


def broken(body: dict[str, Any]) -> bool:
    """Whether a question is one of every second call about several, and stays so when it is asked again."""
    user = body["messages"][-1]["content"].split("\n\nYour last reply")[0]
    return bool(re.search(r"^Segment 1: ", user, re.MULTILINE)) and len(user) % 2 == 1


def in_batches(counts: dict[str, Any], name: str) -> int:
    return sum(v[name] for k, v in counts.items() if k.startswith("batch "))


@pytest.mark.usefixtures("belonging")
def test_the_same_outcomes_in_fewer_calls(server: ChatServer, study: Path, template: Path, tmp_path: Path) -> None:
    one_by_one, _ = coded(studies.copied(template, tmp_path / "single"), server)
    singly = len(server.log)
    server.reset()
    found, counts = coded(study, server)
    assert found == one_by_one
    # Every batch of 200 segments may end with a call that is short of some.
    assert len(server.log) <= singly / TOGETHER + 2
    assert sum(len(asked.segments) for asked in server.log) == singly == in_batches(counts, "asked")
    assert in_batches(counts, "apart") == 0
    sent = len(server.log)
    assert coded(study, server)[0] == found
    assert len(server.log) == sent


@pytest.mark.usefixtures("belonging")
@pytest.mark.parametrize(
    "fault", [Fault.TRUNCATED, Fault.MALFORMED, Fault.OFF_SCHEMA, Fault.UNKNOWN_CODE, Fault.REFUSED]
)
def test_a_call_that_fails_is_asked_one_by_one(
    fault: Fault, server: ChatServer, study: Path, template: Path, tmp_path: Path
) -> None:
    one_by_one, _ = coded(studies.copied(template, tmp_path / "single"), server)
    server.reset()

    server.faults = lambda _, body: fault if broken(body) else None
    found, counts = coded(study, server)
    assert found == one_by_one
    apart = in_batches(counts, "apart")
    assert apart > 0
    assert counts["reply_failures"] == {}
    assert apart == len({tuple(a.segments) for a in server.log if broken(a.body)})
    sent = len(server.log)
    coded(study, server)
    assert len(server.log) == sent


@pytest.mark.usefixtures("belonging")
def test_the_estimate_holds_for_calls_and_tokens(
    server: ChatServer, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "table", lambda: (DEAR,))
    for module in (prices, ledger):
        monkeypatch.setattr(module, "is_loopback", lambda _: False)
    done = CliRunner().invoke(cli.main, ["analyse", str(study), "--llm", server.spec, "--yes", "--json"])
    assert done.exit_code == 0, done.output
    said = {line.split(":")[0].strip(): line for line in done.stderr.splitlines()}
    questions, segments, size, themes = (
        int(word) for word in said["questions"].replace(";", "").split() if word.isdigit()
    )
    assert size == TOGETHER
    assert sum(len(a.segments) for a in server.log) <= segments
    assert server.kinds["code"] <= questions
    assert len(server.log) - server.kinds["code"] <= themes
    assert "one segment at a time" in said["calls"]
    tokens_in, tokens_out = (int(word.replace(",", "")) for word in said["tokens"].split() if word[0].isdigit())
    assert sum(len(json.dumps(a.body["messages"], ensure_ascii=False)) / 4 for a in server.log) < tokens_in
    assert sum(a.body["max_tokens"] for a in server.log) <= tokens_out


@pytest.mark.slow
def test_killed_between_calls_it_continues_and_pays_once(study: Path, tmp_path: Path) -> None:
    """Some calls about several are broken, so that it is also killed among segments that are asked one by one."""

    def plan(_: int, body: dict[str, Any]) -> Fault | None:
        return Fault.MALFORMED if broken(body) else None

    with ChatServer(faults=plan) as calm, ChatServer(faults=plan) as server, Forge.opened() as forge:
        killed = Chain(studies.copied(study, tmp_path / "killed"), server, forge)
        assert Chain(study, calm, forge).leg(None)
        expected = studies.tables(study, calm.spec)
        before = next(a.number for a in calm.log if shared(a)) - 1
        first = [Point("before", before + 1)]
        killed.until_done(
            iter([*first, Point("after", 2), Point("before", 4), Point("later", 3, 0.02), Point("after", 5)])
        )
        assert killed.kills.total() >= 4
        assert studies.tables(killed.folder, server.spec) == expected
        assert set(server.counts) == set(calm.counts)
        killed.assert_paid_once()
