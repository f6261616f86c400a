"""`belonging analyse --batch-api`: the same findings for less money, and plain words when they must wait."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import studies
from batch_server import BatchServer, Odd, ordered
from click.testing import CliRunner, Result
from filelock import FileLock
from studies import InProcess

from belonging_llm import cli, prices
from belonging_llm.analysis import posting
from belonging_llm.parcels import Terms
from belonging_llm.prices import Price
from belonging_llm.store import ledger

# 10 tokens in, 5 out: 10 × 0.01 + 5 × 0.02 = 0.20 dollars, and a half of it in a batch.
DEAR = Price(
    models=("http://127.0.0.1:*#pretend",), input=10_000, output=20_000, source="A vendor", date=None, batch=0.5
)
EACH = 0.20


@pytest.fixture(scope="module")
def running() -> Iterator[BatchServer]:
    with BatchServer() as server:
        yield server


@pytest.fixture
def server(running: BatchServer) -> Iterator[BatchServer]:
    running.reset()
    yield running
    running.reset()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.make(tmp_path_factory.mktemp("batch") / "study", studies.sample("P01"))


@pytest.fixture
def study(template: Path, tmp_path: Path) -> Path:
    return studies.copied(template, tmp_path / "study")


@pytest.fixture
def belonging(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    made = studies.in_process(monkeypatch)
    quick = replace(posting.PATIENCE, settles=0, sleep=made.slept.append, clock=lambda: sum(made.slept))
    monkeypatch.setattr(posting, "PATIENCE", quick)
    return made


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server on this machine passes for a hosted one with a price."""
    monkeypatch.setattr(prices, "table", lambda: (DEAR,))
    for module in (prices, ledger):
        monkeypatch.setattr(module, "is_loopback", lambda _: False)


@pytest.fixture(scope="module")
def alone(running: BatchServer, template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[studies.Tables, int]:
    """What asking one by one finds, and how many questions about segments that takes."""
    folder = studies.copied(template, tmp_path_factory.mktemp("alone") / "study")
    running.reset()
    with pytest.MonkeyPatch.context() as patched:
        done = studies.in_process(patched).analyse(folder, running.spec)
    assert done.exit_code == 0, done.output
    found, count = studies.tables(folder, running.spec), running.kinds["code"]
    running.reset()
    return found, count


def run(study: Path, server: BatchServer, *more: str) -> Result:
    done = CliRunner().invoke(cli.main, ["analyse", str(study), "--llm", server.spec, *more])
    assert "Traceback" not in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done


@pytest.mark.usefixtures("belonging")
def test_batches_find_what_asking_one_by_one_finds(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, int]
) -> None:
    expected, count = alone
    done = run(study, server, "--batch-api")
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == expected
    assert len(server.in_batches) == count > 10
    assert server.kinds["code"] == count, "none was asked by itself"
    assert f"batch batch_000000: completed, {count} questions: {count} replied\n" in done.stdout
    again = run(study, server, "--batch", "--json")
    assert json.loads(again.stdout)["unchanged"] is True
    assert len(server.batches) == 1
    (batch,) = json.loads(again.stdout)["batches"]
    assert (batch["requests"], batch["fates"], batch["endpoint"]) == (count, {"replied": count}, server.url)
    assert studies.last_run(study).counts["batches"][0]["status"] == "completed"


@pytest.mark.usefixtures("belonging")
def test_lines_that_fail_are_shown_and_change_nothing_in_the_end(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, _ = alone
    odd = [Odd.STATUS_0, Odd.MISSING, Odd.HTTP_400, Odd.NOT_JSON, Odd.TWICE, None]
    server.odd = lambda key, _: odd[int(key[:8], 16) % len(odd)] if len(server.batches) == 1 else None
    monkeypatch.setattr(posting, "TERMS", Terms(few=2))
    done = run(study, server, "--batch")
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == expected
    (line, second) = [line for line in done.stdout.splitlines() if line.startswith("batch ")]
    for word in ("failed", "missing", "refused", "replied", "stray lines, malformed", "stray lines, duplicate"):
        assert word in line
    assert second.startswith("batch batch_000001: completed")
    assert max(Counter(ordered(server)).values()) == 2
    answered = Counter(server.log[number - 1].digest for number in server.replies)
    assert set(answered.values()) == {1}


@pytest.mark.usefixtures("belonging")
def test_it_leaves_and_says_how_to_come_back(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, int], belonging: InProcess
) -> None:
    server.held = True
    done = run(study, server, "--batch", "--patience", "2")
    assert done.exit_code == 3
    assert f"in_progress, 0 of {alone[1]} done" in done.stderr
    assert "rerun the same command" in done.stderr
    assert sum(belonging.slept) == pytest.approx(120)
    status = CliRunner().invoke(cli.main, ["status", str(study)]).stdout
    assert f"under way: batch batch_000000: in_progress, {alone[1]} questions: {alone[1]} waiting" in status
    sent = len(server.log)
    assert run(study, server).exit_code == 3, "and without --batch nothing of it is asked"
    assert len(server.log) == sent
    server.held = False
    done = run(study, server, "--batch")
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == alone[0]
    assert set(server.counts.values()) == {1}
    assert "under way" not in CliRunner().invoke(cli.main, ["status", str(study)]).stdout


@pytest.mark.slow
def test_with_prefect_a_scheduled_run_sends_and_a_later_one_collects(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, int]
) -> None:
    sends = studies.command("analyse", study, "--llm", server.spec, "--batch", "--patience", "0")
    assert sends.returncode == 3, sends.stderr
    assert "a batch is under way" in sends.stderr
    assert "Traceback" not in sends.stderr
    (batch,) = server.batches
    while batch.status != "completed":
        server.look(batch)
    collects = studies.command("analyse", study, "--llm", server.spec, "--batch", "--patience", "0")
    assert collects.returncode == 0, collects.stderr
    assert f"{alone[1]} replied" in collects.stdout
    assert studies.tables(study, server.spec) == alone[0]
    assert set(server.counts.values()) == {1}


@pytest.mark.usefixtures("belonging")
def test_a_recalled_batch_is_cancelled_and_the_rest_asked_one_by_one(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, int]
) -> None:
    server.held = True
    assert run(study, server, "--batch", "--patience", "1").exit_code == 3
    done = run(study, server, "--recall")
    assert done.exit_code == 0, done.output
    assert f"batch batch_000000: cancelled, {alone[1]} questions: " in done.stdout
    assert studies.tables(study, server.spec) == alone[0]
    assert set(server.counts.values()) == {1}
    assert server.kinds["code"] == alone[1]


@pytest.mark.usefixtures("belonging")
def test_one_process_at_a_time(server: BatchServer, study: Path) -> None:
    with FileLock(study / ".parcels.lock"):
        done = run(study, server, "--batch")
    assert done.exit_code == 3
    assert "another process" in done.stderr
    assert server.batches == []


@pytest.mark.usefixtures("belonging")
@pytest.mark.parametrize("spec", ["none", "langchain:openai:gpt-x"])
def test_other_models_take_no_batches(
    spec: str, server: BatchServer, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-pretend")
    settings = study / "study.toml"
    settings.write_text(settings.read_text().replace("allow_remote = false", "allow_remote = true"))
    done = CliRunner().invoke(cli.main, ["analyse", str(study), "--llm", spec, "--batch", "--yes"])
    assert done.exit_code == 1
    assert f"--batch-api: {spec} takes no batches" in done.stderr
    assert "openai:MODEL" in done.stderr


@pytest.mark.usefixtures("belonging")
def test_a_remote_endpoint_needs_leave_for_batches_too(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-pretend")
    done = CliRunner().invoke(cli.main, ["analyse", str(study), "--llm", "openai:gpt-4.1-mini", "--batch", "--yes"])
    assert done.exit_code == 1
    assert "allow_remote" in done.stderr


@pytest.mark.parametrize("wrong", [["--batch", "--recall"], ["--patience", "-1"], ["--patience", "long"]])
def test_wrong_usage(wrong: list[str], study: Path) -> None:
    assert CliRunner().invoke(cli.main, ["analyse", str(study), *wrong]).exit_code == 2


def test_one_name_is_shown_and_both_work() -> None:
    """The earlier name is taken in every other test here."""
    shown = CliRunner().invoke(cli.main, ["analyse", "--help"]).output
    options = shown[shown.index("Options:") :]
    assert "--batch-api " in options
    assert "--batch," not in options
    assert " --batch " not in shown


# Money


@pytest.mark.usefixtures("belonging", "dear")
def test_the_estimate_and_the_bill_know_the_lower_price(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, int], template: Path, tmp_path: Path
) -> None:
    full = run(studies.copied(template, tmp_path / "full"), server, "--yes", "--json")
    by_themes = len(server.replies) - alone[1]
    assert json.loads(full.stdout)["cost"]["usd"] == pytest.approx((by_themes + alone[1]) * EACH)
    server.reset()
    half = run(study, server, "--yes", "--batch", "--json")
    assert half.exit_code == 0, half.output
    assert json.loads(half.stdout)["cost"]["usd"] == pytest.approx((by_themes + alone[1] / 2) * EACH)
    assert "in batches: questions about segments, at 50% of the price" in half.stderr
    estimates = [_estimate(done.stderr) for done in (full, half)]
    assert json.loads(half.stdout)["cost"]["usd"] < estimates[1] < estimates[0]


def _estimate(errors: str) -> float:
    (line,) = [line for line in errors.splitlines() if line.strip().startswith("cost: at most about USD")]
    return float(line.split("USD ")[1].split(" ")[0].replace(",", ""))


@pytest.mark.usefixtures("belonging", "dear")
def test_without_a_known_discount_batches_are_counted_in_full(
    server: BatchServer, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "table", lambda: (DEAR.model_copy(update={"batch": 1.0}),))
    done = run(study, server, "--yes", "--batch", "--json")
    assert "no lower price for batches is known" in done.stderr
    assert json.loads(done.stdout)["cost"]["usd"] == pytest.approx(len(server.replies) * EACH)


@pytest.mark.usefixtures("belonging", "dear")
def test_a_budget_holds_whatever_the_batch_brings_back(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, int]
) -> None:
    """At a token a byte, a question may cost tens of dollars here; none of them surely fits."""
    done = run(study, server, "--yes", "--batch", "--budget", "20")
    assert done.exit_code == 3, done.output
    assert f"{alone[1]} questions are left for a batch" in done.stderr
    assert "Left: outcomes for 48 of 48 segments" in done.stderr
    assert server.batches == []
    done = run(study, server, "--yes", "--batch", "--budget", "150")
    assert done.exit_code == 3, done.output
    (batch,) = server.batches
    assert 0 < batch.total < alone[1]
    done = run(study, server, "--yes", "--batch", "--budget", "100000")
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == alone[0]
    assert set(server.counts.values()) == {1}
