"""`belonging batch --batch-api`: new interviews whose questions are sent together; the batch keeps its place meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import studies
from batch_server import BatchServer, Odd, ordered
from click.testing import Result
from plain_batch import recode, run_stages
from studies import DEAR, Forge, InProcess

from belonging_llm import batch_jobs, drift, prices
from belonging_llm.analysis import posting
from belonging_llm.codes import Judgement
from belonging_llm.errors import InputError
from belonging_llm.parcels import Terms
from belonging_llm.store import ledger
from belonging_llm.study import Study

SENTINELS = 4
# A process dies at each of these, one after the other, on the way of one batch of new material.
WAY = ("seal:1:after", "uploaded:1:after", "touch:1:after", "sent:1:before", "keep:2:after", "close:1:before")


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
def template(running: BatchServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One interview, analysed, with sentinels among its segments; the beginning of another in the inbox."""
    folder = studies.make(tmp_path_factory.mktemp("posted") / "study", studies.sample("P01"), ask_share=1.0)
    with pytest.MonkeyPatch.context() as patched:
        done = studies.in_process(patched).analyse(folder, running.spec)
    assert done.exit_code == 0, done.output
    opened = Study(folder)
    chosen = sorted(s.id for s in opened.store.corpus.segments())[:SENTINELS]
    opened.store.findings.add_judged([Judgement(segment_id=s, coder="Ana") for s in chosen])
    opened.store.audits.add_sentinels(chosen)
    opened.store.close()
    studies.drop(folder, "P03")
    return folder


@pytest.fixture
def belonging(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    made = studies.in_process(monkeypatch)
    quick = replace(posting.PATIENCE, settles=0, sleep=made.slept.append, clock=lambda: sum(made.slept))
    monkeypatch.setattr(posting, "PATIENCE", quick)
    monkeypatch.setattr(batch_jobs, "_run_flow", lambda _, job, anew: recode(job) if anew else run_stages(job))
    return made


@pytest.fixture(scope="module")
def alone(running: BatchServer, template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[studies.Tables, Any]:
    """What asking one by one says of the new interview and of drift, and how many questions that takes."""
    folder = studies.copied(template, tmp_path_factory.mktemp("alone") / "study")
    running.reset()
    with pytest.MonkeyPatch.context() as patched:
        studies.in_process(patched)
        patched.setattr(batch_jobs, "_run_flow", lambda _, job, __: run_stages(job))
        done = InProcess([])("batch", folder, "--llm", running.spec)
    assert done.exit_code == 0, done.output
    found, asked = studies.tables(folder, running.spec), len(running.log)
    running.reset()
    return found, (asked, sentinels(folder))


def sentinels(folder: Path) -> dict[str, Any]:
    """What the last run found out about the model."""
    opened = Study(folder)
    run = opened.store.runs.latest()
    assert run is not None
    found = drift.found_with(opened, run.id)
    opened.store.close()
    assert found is not None
    return found.sentinels.model_dump()


def batches(folder: Path) -> list[tuple[int, str, list[str]]]:
    """Every batch with its state and the interviews in it."""
    opened = Study(folder)
    base = opened.store.batches.base()
    assert base is not None
    unfinished = opened.store.batches.unfinished(base.id)
    runs = [*opened.store.batches.of(base.id), *([unfinished] if unfinished else [])]
    names = opened.store.corpus.names()
    found = [(r.ordinal, r.status, [names[t] for t in opened.store.batches.parts(r.id)]) for r in runs]
    opened.store.close()
    return found


def send(belonging: InProcess, study: Path, server: BatchServer, *more: str) -> Result:
    done = belonging("batch", study, "--llm", server.spec, *more)
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done


def test_it_leaves_keeps_its_place_and_says_in_the_end_what_asking_one_by_one_says(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, Any], belonging: InProcess
) -> None:
    count = alone[1][0]
    server.held = True
    left = send(belonging, study, server, "--batch-api", "--patience", "2")
    assert left.exit_code == 3, left.output
    assert sum(belonging.slept) == pytest.approx(120)
    assert f"Waiting for replies to {count} questions since " in left.output
    assert "wait for people" not in left.output
    assert "waits for people" not in left.output
    assert "sent and left: the same command collects the replies" in left.output
    page = next((study / "reports" / "batches").glob("*.html")).read_text("utf-8")
    assert f"Waiting for replies to {count} questions since " in page
    assert "1 file came in, with" in page
    assert "Drift is watched for when the replies are there" in page
    status = belonging("status", study).output
    assert f"waiting for {count} replies since 20" in status
    assert "`belonging batch --batch-api` collects them" in status
    assert "interrupted" not in status
    assert len(server.batches) == 1
    assert len(ordered(server)) == count, "the sentinels go along"

    # What comes in meanwhile waits; asking without the option asks nothing that is under way.
    studies.drop(study, "P05")
    asked = len(server.log)
    assert send(belonging, study, server).exit_code == 3
    assert len(server.log) == asked
    server.held = False
    done = send(belonging, study, server, "--batch-api", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["told"]
    assert (told["waiting"], told["waiting_since"], told["status"]) == (0, "", "complete")
    assert studies.tables(study, server.spec) == alone[0]
    assert sentinels(study) == alone[1][1]
    # Themes of before were asked about at the same server.
    assert len(server.in_batches) == len(server.log) == count
    assert max(Counter(ordered(server)).values()) == 1
    assert batches(study) == [(1, "complete", ["P03"])]

    later = send(belonging, study, server, "--batch-api")
    assert later.exit_code == 0, later.output
    assert batches(study) == [(1, "complete", ["P03"]), (2, "complete", ["P05"])]
    assert max(Counter(ordered(server)).values()) == 1
    assert send(belonging, study, server, "--batch-api").output == "nothing new in the inbox\n"
    assert len(server.batches) == 2


def test_lines_that_fail_are_asked_again_and_change_nothing_in_the_end(
    server: BatchServer,
    study: Path,
    alone: tuple[studies.Tables, Any],
    belonging: InProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    odd = [Odd.STATUS_0, Odd.MISSING, Odd.HTTP_400, Odd.NOT_JSON, None, None]
    server.odd = lambda key, _: odd[int(key[:8], 16) % len(odd)] if len(server.batches) == 1 else None
    monkeypatch.setattr(posting, "TERMS", Terms(few=2))
    done = send(belonging, study, server, "--batch-api")
    assert done.exit_code == 0, done.output
    assert len(server.batches) == 2
    assert studies.tables(study, server.spec) == alone[0]
    assert sentinels(study) == alone[1][1]
    assert max(Counter(ordered(server)).values()) == 2
    opened = Study(study)
    fates = Counter[str]()
    for parcel in opened.store.parcels.of_run(str(opened.store.runs.latest().id)):  # type: ignore[union-attr]
        fates.update(parcel.fates)
    opened.store.close()
    assert fates["replied"] + fates["refused"] == alone[1][0], "each has one reply, or is asked by itself"
    assert min(fates["missing"], fates["failed"], fates["refused"]) > 0


def test_called_back_it_goes_on_one_by_one(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, Any], belonging: InProcess
) -> None:
    server.held = True
    assert send(belonging, study, server, "--batch-api", "--patience", "0").exit_code == 3
    done = send(belonging, study, server, "--recall")
    assert done.exit_code == 0, done.output
    assert server.batches[0].status == "cancelled"
    assert studies.tables(study, server.spec) == alone[0]
    # Once a sentinel has been asked about, the same words go out again for the next answer.
    assert len(server.log) == alone[1][0]
    assert len(server.in_batches) < len(server.log)


def test_coding_everything_anew_meanwhile_asks_nothing_twice(
    server: BatchServer, study: Path, belonging: InProcess
) -> None:
    server.held = True
    assert send(belonging, study, server, "--batch-api", "--patience", "0").exit_code == 3
    stopped = send(belonging, study, server, "--recode")
    assert (stopped.exit_code, "--recall to cancel it" in stopped.stderr) == (3, True)
    server.held = False
    done = send(belonging, study, server, "--recode", "--batch-api", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["told"]
    assert [f["name"] for f in told["files"]] == ["P03.txt"], "what came in with the batch that is not gone on with"
    assert (told["recoded"], told["after"]["participants"]) == (True, 2)
    assert max(Counter(ordered(server)).values()) == 1
    assert batches(study) == []
    status = belonging("status", study).output
    assert "interrupted" not in status
    assert "under way" not in status


@pytest.mark.slow
def test_killed_at_any_step_nothing_is_ordered_twice(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, Any]
) -> None:
    with Forge.opened() as forge:
        for point in WAY:
            code, errors = forge.start("batch", study, server.spec, "", "send", point).over()
            assert code == -signal.SIGKILL, f"{point} was not reached: {code} {errors}"
            assert max(Counter(ordered(server)).values(), default=1) == 1, f"{point}: ordered twice"
            assert not studies.damage(study)
        assert forge.start("batch", study, server.spec, "", "send").over() == (0, "")
        sent = len(server.events)
        assert forge.start("batch", study, server.spec, "", "send").over() == (0, ""), "and once more"
        assert len(server.events) == sent
    assert studies.tables(study, server.spec) == alone[0]
    assert sentinels(study) == alone[1][1]
    assert len(ordered(server)) == len(server.log) == len(server.in_batches) == alone[1][0]
    assert batches(study) == [(1, "complete", ["P03"])]


@pytest.mark.slow
def test_a_scheduled_run_waits_and_the_next_ones_collect_and_go_on(
    server: BatchServer, study: Path, alone: tuple[studies.Tables, Any]
) -> None:
    """By Prefect's own account: a run that left is no failure, nor is any of its tasks."""
    server.held = True
    path = f"{Path(__file__).parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    patient = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "400", "PYTHONPATH": path}
    process = studies.start("scheduled_runs.py", study, server.spec, stdin=subprocess.PIPE, **patient)

    def run() -> list[Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        said = process.stdout.readline()
        assert said, process.communicate()[1]
        return list(json.loads(said))

    kind, name, message, troubled = run()
    assert (kind, name, troubled) == ("COMPLETED", "Waiting", [])
    assert "a batch is under way" in message
    studies.drop(study, "P05")
    finish(server)

    # The first is finished, and what came in meanwhile is sent as the second, in one run.
    assert run()[:2] == ["COMPLETED", "Waiting"]
    assert batches(study) == [(1, "complete", ["P03"]), (2, "running", ["P05"])]
    assert studies.tables(study, server.spec) == alone[0]
    finish(server)
    assert run()[:2] == ["COMPLETED", "Completed"]
    assert batches(study) == [(1, "complete", ["P03"]), (2, "complete", ["P05"])]
    assert len(server.batches) == 2
    assert max(Counter(ordered(server)).values()) == 1
    assert len(server.in_batches) == len(server.log)
    _, errors = process.communicate()
    assert "Traceback" not in errors
    records = b"".join(p.read_bytes() for p in (study / ".prefect").rglob("*.db*"))
    for text in studies.segments(study).values():
        assert text[:40].encode() not in records, "Prefect keeps nobody's words"


def finish(server: BatchServer) -> None:
    """All that was sent is answered; what is sent from now on waits."""
    server.held = False
    for batch in server.batches:
        while batch.status != "completed":
            server.look(batch)
    server.held = True


# Money


def test_a_limit_holds_whatever_comes_back(
    server: BatchServer,
    study: Path,
    alone: tuple[studies.Tables, Any],
    belonging: InProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prices, "table", lambda: (DEAR.model_copy(update={"batch": 0.5}),))
    for module in (prices, ledger):
        monkeypatch.setattr(module, "is_loopback", lambda _: False)
    refused = send(belonging, study, server, "--batch-api", "--calls", "10")
    assert (refused.exit_code, "Add --yes" in refused.stderr) == (1, True)
    assert "in batches: questions about segments, at 50% of the price" in refused.stderr
    assert not server.log
    limited = send(belonging, study, server, "--batch-api", "--calls", "10", "--yes")
    assert limited.exit_code == 3, limited.output
    assert "rerun with a higher --budget or --calls" in limited.stderr
    assert len(ordered(server)) == len(server.log) == 10
    done = send(belonging, study, server, "--batch-api", "--calls", "100000", "--yes")
    assert done.exit_code == 0, done.output
    assert studies.tables(study, server.spec) == alone[0]
    assert max(Counter(ordered(server)).values()) == 1
    assert len(server.in_batches) == alone[1][0]
    # 10 tokens in and 5 out are 0.20 dollars, and a half of it in a batch.
    assert f"cost: USD {alone[1][0] * 0.1:.2f}" in done.output


def test_a_model_that_takes_none_is_refused_before_anything_is_taken_up(
    server: BatchServer, study: Path, belonging: InProcess
) -> None:
    done = belonging("batch", study, "--llm", "none", "--batch-api")
    assert (done.exit_code, "--batch-api: none takes no batches" in done.stderr) == (1, True)
    assert batches(study) == []
    both = belonging("batch", study, "--llm", server.spec, "--batch-api", "--recall")
    assert both.exit_code == 2


def test_a_schedule_refuses_it_before_it_starts_a_server(study: Path) -> None:
    from belonging_llm.batch import BatchJob
    from belonging_llm.schedules import When, schedule

    with pytest.raises(InputError, match="--batch-api: none takes no batches"):
        schedule(BatchJob(str(study), "none", "local", batch_api=True), When("0 2 * * *", "UTC"), lambda _: None)
