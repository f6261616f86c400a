"""New interviews on top of an analysed study: killed at any moment, and as people run it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import studies
from chat_server import Asked, ChatServer
from studies import Forge, Forked

from belonging_llm.study import Study

NEW = ("P03", "P05", "P06")
# When each leg is killed, which goes on from where the one before was: while files come in, or at the reply to a question
# of its own, before it is sent or after.
MOMENTS = (("files", 0), ("before", 1), ("after", 2), ("before", 2))
CHUNK = "20"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, running: ChatServer) -> Path:
    """Two interviews, analysed; three more in the inbox."""
    folder = studies.make(tmp_path_factory.mktemp("grown") / "study", studies.sample("P01", "P02"), ask_share=1.0)
    settings = folder / "study.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("settle = 60", "settle = 0"), encoding="utf-8")
    with Forge.opened() as forge:
        assert forge.start(folder, running.spec).over() == (0, "")
    (folder / "inbox").mkdir(exist_ok=True)
    for path in studies.sample(*NEW):
        shutil.copy(path, folder / "inbox")
    (folder / "inbox" / "broken.docx").write_bytes(b"no document")
    return folder


def manifest(folder: Path) -> list[tuple[str, str, int]]:
    opened = Study(folder)
    last = opened.store.runs.latest()
    assert last is not None
    found = [(a.name, str(a.outcome), a.added) for a in opened.store.arrivals.of_run(last.id)]
    opened.store.close()
    return found


def batches(folder: Path) -> list[Any]:
    opened = Study(folder)
    base = opened.store.batches.base()
    assert base is not None
    found = opened.store.batches.of(base.id)
    assert opened.store.batches.unfinished(base.id) is None
    opened.store.close()
    return found


def kill(process: Forked) -> None:
    if not process.ended:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def killed(process: Forked, folder: Path, server: ChatServer, when: str, number: int) -> int:
    """Its exit code, having been killed at a moment unless it ended before."""
    before = len(server.log)

    def hit(asked: Asked) -> None:
        if asked.number - before == number:
            kill(process)

    def wait_for_files() -> None:
        while not process.ended and not list((folder / ".incoming").glob("*/*")):
            time.sleep(0.001)
        kill(process)

    server.before_reply = hit if when == "before" else None
    server.after_reply = hit if when == "after" else None
    if when == "files":
        threading.Thread(target=wait_for_files, daemon=True).start()
    code, errors = process.over()
    server.before_reply = server.after_reply = None
    assert code in (0, -signal.SIGKILL), errors
    return code


@pytest.mark.slow
def test_killed_batches_end_as_if_nobody_had_killed_them(template: Path, server: ChatServer, tmp_path: Path) -> None:
    calm, folder = studies.copied(template, tmp_path / "calm"), studies.copied(template, tmp_path / "killed")
    with Forge.opened() as forge:
        assert forge.start("batch", calm, server.spec, CHUNK).over() == (0, "")
        asked = Counter(server.counts)
        assert asked
        assert max(asked.values()) == 1
        server.reset()
        kills, lost = 0, Counter[str]()
        for when, number in (*MOMENTS, ("never", 0)):
            before, kept = len(server.log), studies.committed(folder)
            code = killed(forge.start("batch", folder, server.spec, CHUNK), folder, server, when, number)
            server.settle()
            now = Counter(a.digest for a in server.log[before:])
            assert not set(now) & kept, "a question was asked again although its reply was kept"
            assert not studies.damage(folder)
            if code == 0:
                break
            kills += 1
            lost.update(set(now) - studies.committed(folder))
        assert code == 0, "nobody killed the last one"
        assert kills == len(MOMENTS)
        assert dict(server.counts) == {digest: 1 + lost[digest] for digest in asked}
        sent = len(server.log)
        assert forge.start("batch", folder, server.spec, CHUNK).over() == (0, ""), "and once more"
        assert len(server.log) == sent
    assert studies.tables(folder, server.spec) == studies.tables(calm, server.spec)
    assert manifest(folder) == manifest(calm)
    assert {name: outcome for name, outcome, _ in manifest(folder)} == {
        **{path.name: "imported" for path in studies.sample(*NEW)},
        "broken.docx": "refused",
    }
    (one,) = batches(folder)
    assert one.status == "complete"
    assert not (folder / ".incoming").exists()


@pytest.mark.slow
def test_the_command_brings_a_study_up_to_date(template: Path, server: ChatServer, tmp_path: Path) -> None:
    folder = studies.copied(template, tmp_path / "study")
    done = studies.command("batch", folder, "--llm", server.spec, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["told"]
    assert told["status"] == "complete"
    assert [f["name"] for f in told["files"] if f["outcome"] == "refused"] == ["broken.docx"]
    assert told["after"]["participants"] == told["before"]["participants"] + len(NEW)
    page = Path(json.loads(done.stdout)["page"])
    assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["batch_id"] == told["batch_id"]
    html = page.read_text(encoding="utf-8")
    assert "broken.docx" in html
    for text in studies.segments(folder).values():
        assert text[:60] not in html, "the change report quotes nobody"
    records = b"".join(p.read_bytes() for p in (folder / ".prefect").rglob("*.db*"))
    assert b"Batch 1: complete" in records, "the artifact"
    for name in ("broken.docx", *NEW, *(text[:40] for text in studies.segments(folder).values())):
        assert name.encode() not in records, f"Prefect keeps {name}"
    assert not {a.digest for a in server.log} & studies.committed(template)


def test_the_command_line_says_what_came_in(template: Path, belonging: studies.InProcess, tmp_path: Path) -> None:
    from plain_batch import run_stages

    from belonging_llm import batch_jobs

    folder = studies.copied(template, tmp_path / "study")
    opened = Study(folder)
    base = opened.store.batches.base()
    assert base is not None
    spec = str(base.settings["llm"])
    opened.store.close()
    patched = pytest.MonkeyPatch()
    patched.setattr(batch_jobs, "_run_flow", lambda _, job, __: run_stages(job))
    try:
        refused = belonging("batch", folder, "--llm", "none")
        assert refused.exit_code == 1
        assert "the language model is none, in the analysis it was " in refused.output
        assert "--recode" in refused.output
        done = belonging("batch", folder, "--llm", spec)
        assert done.exit_code == 0, done.output
        assert "3 files came in" in done.output
        assert "refused: broken.docx" in done.output
        again = belonging("batch", folder, "--llm", spec)
        assert again.output == "nothing new in the inbox\n"
        status = belonging("status", folder)
        assert "last batch: number 1, complete" in status.output
        assert json.loads(belonging("status", folder, "--json").output)["last_batch"]["files"] == {
            "imported": 3,
            "refused": 1,
        }
        for command in (("report",), ("export", tmp_path / "out", "--to", "csv")):
            assert belonging(command[0], folder, *command[1:]).exit_code == 0
    finally:
        patched.undo()
