"""`belonging batch --recode`: everything anew, new interviews among it, against a real server; cut off and refused as well."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import plain_batch
import pytest
import studies
from chat_server import Asked, ChatServer
from click.testing import Result
from studies import Forge, Forked, InProcess

from belonging_llm import batch_jobs
from belonging_llm.batch import BatchJob
from belonging_llm.store import Arrival
from belonging_llm.study import Study


@pytest.fixture(scope="module")
def template(running: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One interview, analysed; the beginning of another in the inbox."""
    folder = studies.make(tmp_path_factory.mktemp("anew") / "study", studies.sample("P01"), ask_share=1.0)
    with Forge.opened() as forge:
        assert forge.start(folder, running.spec).over() == (0, "")
    studies.drop(folder, "P03")
    return folder


@pytest.fixture
def belonging(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    made = studies.in_process(monkeypatch)

    def run(_: Study, job: BatchJob, recode: bool) -> str:
        return plain_batch.recode(job) if recode else plain_batch.run_stages(job)

    monkeypatch.setattr(batch_jobs, "_run_flow", run)
    return made


def recode(belonging: InProcess, study: Path, server: ChatServer, *more: str) -> Result:
    done = belonging("batch", study, "--llm", server.spec, "--recode", *more)
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done


def arrivals(folder: Path, run_id: str | None) -> list[Arrival]:
    opened = Study(folder)
    try:
        return opened.store.arrivals.of_run(run_id)
    finally:
        opened.store.close()


def everything(folder: Path) -> tuple[Any, ...]:
    """What a study holds: runs, transcripts, segments, files that came in, what left, what was paid."""
    opened = Study(folder)
    store = opened.store
    try:
        last = store.runs.latest(finished=False)
        assert last is not None
        return (
            [run.model_dump() for run in store.runs.finished()],
            last.id,
            store.corpus.transcript_ids(),
            store.batches.waiting(),
            sorted(s.id for s in store.corpus.segments()),
            [a.model_dump() for run in (None, last.id) for a in store.arrivals.of_run(run)],
            store.ledger.usage(),
            len(store.ledger.departures()),
            sorted(path.name for path in (folder / "inbox").iterdir()),
        )
    finally:
        opened.store.close()


@pytest.mark.slow
def test_killed_among_its_calls_it_continues(study: Path, server: ChatServer, tmp_path: Path) -> None:
    # The first test here: clients in this process keep connections open, which nobody waits for.
    calm = studies.copied(study, tmp_path / "calm")
    with Forge.opened() as forge:
        assert forge.start("batch", calm, server.spec, "", "recode").over() == (0, "")
        asked = Counter(server.counts)
        server.reset()
        kept: set[str] = set()
        for number in (3, 12):
            before = len(server.log)
            process = forge.start("batch", study, server.spec, "", "recode")
            server.after_reply = _killer(process, before + number)
            assert process.over()[0] == -signal.SIGKILL
            server.after_reply = None
            server.settle()
            assert not {a.digest for a in server.log[before:]} & kept, "a reply that was kept was paid for again"
            kept = studies.committed(study)
            assert not studies.damage(study)
        assert forge.start("batch", study, server.spec, "", "recode").over() == (0, "")
    assert studies.tables(study, server.spec) == studies.tables(calm, server.spec)
    assert set(server.counts) == set(asked)
    run = studies.last_run(study)
    assert (run.kind, run.status) == ("whole", "complete")
    assert [a.name for a in arrivals(study, run.id)] == ["P03.txt"]
    assert len(list((study / "reports" / "batches").glob("*.html"))) == 1


def _killer(process: Forked, number: int) -> Any:
    def kill(asked: Asked) -> None:
        if asked.number == number and not process.ended:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    return kill


def test_new_files_come_in_and_what_people_called_a_theme_stands(
    study: Path, server: ChatServer, belonging: InProcess
) -> None:
    before = studies.tables(study, server.spec)
    theme = before.themes[0]["id"]
    code = before.codings[0]["code"]
    for change in (("rename", theme, "A name that people gave"), ("map", theme, code)):
        edited = belonging("themes", study, *change, "--by", "Ana", "--reason", "it says so")
        assert edited.exit_code == 0, edited.output
    answered = studies.committed(study)

    done = recode(belonging, study, server, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["told"]
    assert (told["recoded"], told["status"], told["base_id"]) == (True, "complete", told["batch_id"])
    assert [(f["name"], f["outcome"]) for f in told["files"]] == [("P03.txt", "imported")]
    assert told["after"]["participants"] == told["before"]["participants"] + 1 == 2
    assert told["outcomes"], "outcomes of what is new"
    assert sum(told["outcomes"].values()) < sum(c["after"]["of"] for c in told["codes"])
    page = Path(json.loads(done.stdout)["page"]).read_text("utf-8")
    assert "Everything was coded anew and themes were found anew" in page
    assert "1 file came in, with" in page
    assert "P03.txt" in page

    after = studies.tables(study, server.spec)
    (kept,) = [one for one in after.themes if one["id"] == theme]
    assert (kept["name"], [c["code"] for c in kept["mapping"]["codes"]]) == ("A name that people gave", [code])
    assert {c["segment_id"] for c in before.codings} < {c["segment_id"] for c in after.codings}
    assert not {a.digest for a in server.log} & answered, "what was answered is paid for once"

    # Nothing is other than it was: nothing is asked, and no report says that everything was coded anew.
    asked, pages = len(server.log), sorted((study / "reports" / "batches").iterdir())
    again = recode(belonging, study, server)
    assert again.exit_code == 0, again.output
    assert again.output == "nothing changed since the last analysis: coded anew, everything would be as it is\n"
    assert (len(server.log), sorted((study / "reports" / "batches").iterdir())) == (asked, pages)


def test_with_an_empty_inbox_it_takes_in_what_people_changed(
    study: Path, server: ChatServer, belonging: InProcess
) -> None:
    for path in (study / "inbox").iterdir():
        path.unlink()
    unchanged = recode(belonging, study, server)
    assert (unchanged.exit_code, "nothing changed since" in unchanged.output) == (0, True)
    theme = studies.tables(study, server.spec).themes[0]["id"]
    belonging("themes", study, "rename", theme, "Another name", "--by", "Ana", "--reason", "clearer")
    settings = study / "study.toml"
    settings.write_text(settings.read_text("utf-8").replace("ask_share = 1.0", "ask_share = 0.2"), "utf-8")
    refused = belonging("batch", study, "--llm", server.spec)
    assert refused.output == "nothing new in the inbox\n"
    before = studies.last_run(study)
    done = recode(belonging, study, server)
    assert done.exit_code == 0, done.output
    assert "0 files came in, with 0 segments and 0 participants" in done.output
    assert "Everything was coded anew" in done.output
    assert studies.last_run(study).id != before.id
    assert "Another name" in [one["name"] for one in studies.tables(study, server.spec).themes]
    assert not server.log, "what is asked less about was answered before"


@pytest.mark.usefixtures("dear")
def test_an_offer_that_is_refused_leaves_everything_as_it_was(
    study: Path, server: ChatServer, belonging: InProcess
) -> None:
    before = everything(study)
    refused = recode(belonging, study, server)
    assert refused.exit_code == 1
    assert "nobody is at a terminal to agree" in refused.stderr
    assert "not counted: 1 new file in the inbox" in refused.stderr
    assert everything(study) == before
    assert not server.log
    assert not (study / "reports" / "batches").exists()
    # And the file is there for whoever decides otherwise.
    done = belonging("batch", study, "--llm", server.spec, "--yes")
    assert done.exit_code == 0, done.output
    assert "1 file came in" in done.output


@pytest.mark.usefixtures("dear")
def test_a_limit_stops_it_and_a_higher_one_continues(study: Path, server: ChatServer, belonging: InProcess) -> None:
    stopped = recode(belonging, study, server, "--yes", "--calls", "5")
    assert (stopped.exit_code, "limit of 5 calls" in stopped.stderr) == (3, True)
    assert len(server.log) == 5
    assert [a.name for a in arrivals(study, None)] == ["P03.txt"], "it is in, and told of by nobody yet"
    done = recode(belonging, study, server, "--yes", "--calls", "1000")
    assert done.exit_code == 0, done.output
    assert "so far: 5 calls of this run" in done.stderr
    assert "not counted" not in done.stderr
    assert "1 file came in" in done.output
    assert max(server.counts.values()) == 1


def test_a_batch_takes_up_what_a_recoding_left_behind(study: Path, server: ChatServer, belonging: InProcess) -> None:
    """Cut off after files came in and never gone on with: the next batch has them, and tells of them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plain_batch.plain_run, "run_stages", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            plain_batch.recode(BatchJob(str(study), server.spec, "local"))
    assert [a.name for a in arrivals(study, None)] == ["P03.txt"]
    done = belonging("batch", study, "--llm", server.spec)
    assert done.exit_code == 0, done.output
    assert "1 file came in" in done.output
    assert arrivals(study, None) == []


def _cut_off(_: Any) -> str:
    raise KeyboardInterrupt
