"""Drift against a real server on loopback: a model that silently answers otherwise is found out with the next batch."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import plain_batch
import pytest
import studies
from chat_server import Body, ChatServer, Fault
from click.testing import CliRunner, Result

from belonging_llm import cli, drift
from belonging_llm.batch import BatchJob
from belonging_llm.codes import Coding, Judgement, Outcome
from belonging_llm.drift import Drift, State
from belonging_llm.errors import BudgetReached
from belonging_llm.store import Alarm
from belonging_llm.study import Study

pytestmark = pytest.mark.slow

SENTINELS = 12
BEFORE = ("P01", "P02", "P03", "P04", "P05", "P06")


@pytest.fixture(scope="module")
def template(running: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six interviews, analysed; a dozen sentinels that one person coded; and a first batch."""
    folder = studies.make(tmp_path_factory.mktemp("drift") / "study", studies.sample(*BEFORE), ask_share=0.05)
    with pytest.MonkeyPatch.context() as patched:
        done = studies.in_process(patched).analyse(folder, running.spec)
        assert done.exit_code == 0, done.output
        _fix_sentinels(folder)
        batch(folder, running, "P07")
    return folder


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    studies.in_process(monkeypatch)


def _fix_sentinels(folder: Path) -> None:
    opened = Study(folder)
    segments = opened.store.corpus.segments()
    chosen = [s.id for s in segments[:: len(segments) // SENTINELS]][:SENTINELS]
    code = opened.framework().assignable[0].id
    opened.store.findings.add_judged([Judgement(segment_id=s, coder="Ana") for s in chosen])
    given = [Coding(segment_id=s, code=code, coder="Ana", outcome=Outcome.ASSIGNED) for s in chosen[:4]]
    opened.store.findings.add_codings(given)
    opened.store.audits.add_sentinels(chosen)
    opened.store.close()


def batch(folder: Path, server: ChatServer, *names: str, **limits: Any) -> str:
    """Drop interviews into the inbox and run a batch; returns its id."""
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    for source in studies.sample(*names):
        shutil.copy(source, inbox)
        os.utime(inbox / source.name, (1, 1))
    return plain_batch.run_stages(BatchJob(str(folder), server.spec, "local", **limits))


def looked(folder: Path, run_id: str) -> tuple[Drift, list[Alarm]]:
    opened = Study(folder)
    found, raised = drift.found_with(opened, run_id), opened.store.drift.alarms(run_id)
    opened.store.close()
    assert found is not None
    return found, raised


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


def about(server: ChatServer, folder: Path) -> list[str]:
    """Sentinels that the server was asked about, by their words."""
    opened = Study(folder)
    texts = {s.text for s in opened.store.corpus.segments_with(opened.store.audits.sentinels())}
    opened.store.close()
    return [asked.segment for asked in server.log if asked.kind == "code" and asked.segment in texts]


def test_a_steady_model_is_asked_anew_in_every_batch_and_raises_nothing(server: ChatServer, study: Path) -> None:
    run_id = batch(study, server, "P08")
    found, raised = looked(study, run_id)
    # The ledger knows what was said before; it answers for that batch alone.
    assert len(about(server, study)) == found.sentinels.calls == found.sentinels.answered == SENTINELS
    assert (found.sentinels.state, found.sentinels.times, raised) == (State.STEADY, 3, [])
    assert found.sentinels.changed.value == 0
    assert found.sentinels.agreement.value is not None
    assert 0 < found.sentinels.agreement.value < 1
    server.log.clear()
    opened = Study(study)
    job = BatchJob(str(study), server.spec, "local")
    from belonging_llm.batch import batch_bench

    assert drift.watch(batch_bench(job, run_id), run_id) == found
    assert server.log == []
    opened.store.close()


def changed(share: int) -> Any:
    """A server that says of every code that it applies, for so many of 100 segments, under the same name."""

    def plan(_: int, body: Body) -> Fault | None:
        digest = int(studies.asked_digest("", body["messages"][-1]["content"], 0, 0)[:8], 16)
        return Fault.INVENTED_QUOTE if digest % 100 < share else None

    return plan


def test_a_model_that_silently_answers_otherwise_is_flagged_within_the_batch(server: ChatServer, study: Path) -> None:
    server.faults = changed(100)
    run_id = batch(study, server, "P08")
    found, raised = looked(study, run_id)
    assert found.sentinels.state is State.ALARM
    assert found.sentinels.p_value is not None
    assert found.sentinels.p_value <= found.error / found.batches
    assert [a.kind for a in raised] == ["sentinels"]
    assert "otherwise than before" in found.verdict
    told = call("status", study)
    assert "alarms that nobody has looked into: sentinels:" in told.stdout
    page = next((study / "reports" / "batches").glob(f"{run_id[:12]}.html"), None)
    assert page is not None

    # While the alarm is open, the next batch is still compared with what was before: the alarm comes again.
    again, _ = looked(study, batch(study, server, "P09"))
    assert (again.sentinels.state, again.sentinels.times) == (State.ALARM, 3)

    # Once somebody looked into both, a new series begins, with the model as it is now.
    for alarm in [*raised, *looked(study, again.run_id)[1]]:
        done = call("drift", study, "--acknowledge", alarm.id[:10], "--by", "Ana", "--reason", "a new version")
        assert done.exit_code == 0, done.output
    first, _ = looked(study, batch(study, server, "P10"))
    assert (first.sentinels.first, first.sentinels.calls) == (True, 3 * SENTINELS)
    listed = json.loads(call("drift", study, "--json").stdout)
    assert [a["open"] for a in listed["alarms"]] == [False, False]
    assert {a["reason"] for a in listed["alarms"]} == {"a new version"}
    assert [b["sentinels"]["state"] for b in listed["batches"]] == ["cannot tell", "alarm", "alarm", "cannot tell"]


def test_another_name_behind_the_same_one_is_an_alarm(server: ChatServer, study: Path) -> None:
    server.named, server.fingerprint = "pretend-2026-11", "fp_1"
    found, raised = looked(study, batch(study, server, "P08"))
    assert [(a.kind, a.content) for a in raised] == [("endpoint", {"new_models": ["pretend-2026-11"]})]
    assert found.sentinels.state is State.STEADY
    assert found.sentinels.endpoint.fingerprints == ("fp_1",)


def test_sentinels_count_for_the_batchs_limit(server: ChatServer, study: Path) -> None:
    """Stopped among the sentinels, the batch goes on where it was once it may."""
    whole = studies.copied(study, study.parent / "whole")
    batch(whole, server, "P08")
    needed = len(server.log)
    server.log.clear()
    with pytest.raises(BudgetReached):
        batch(study, server, "P08", calls=needed - 3)
    assert len(server.log) == needed - 3
    run_id = batch(study, server)
    assert len(server.log) == needed
    assert looked(study, run_id)[0].sentinels.answered == SENTINELS


def test_without_sentinels_or_model_it_cannot_be_told(server: ChatServer, study: Path) -> None:
    opened = Study(study)
    from sqlalchemy import text

    with opened.store._engine.begin() as connection:
        connection.execute(text("DELETE FROM sentinel_answer"))
        connection.execute(text("DELETE FROM sentinel"))
    opened.store.close()
    found, _ = looked(study, batch(study, server, "P08"))
    assert found.sentinels.state is State.UNKNOWN
    assert "no sentinels are fixed" in found.sentinels.reason


def test_an_alarm_needs_a_name_a_reason_and_to_be_there(study: Path) -> None:
    assert "no such alarm; open ones: none" in call("drift", study, "--acknowledge", "abc", "--by", "A").output
    assert "belong to --acknowledge" in call("drift", study, "--by", "Ana").output
    shown = call("drift", study)
    assert shown.exit_code == 0
    assert "a series begins" in shown.stdout
    assert "alarms: 0, 0 of them open" in shown.stdout
