"""An analysis over a Dask cluster finds what one process finds, byte for byte; a worker that is killed costs nothing."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import studies
from chat_server import Asked, ChatServer
from studies import EACH, InProcess

from belonging_llm import analysis
from belonging_llm.analysis import Job, cutting
from belonging_llm.errors import BudgetReached
from belonging_llm.pacing import CONCURRENCY as SIDE_BY_SIDE
from belonging_llm.study import Study

HERE = Path(__file__).parent
WORKERS = 2


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.make(tmp_path_factory.mktemp("spread") / "study", studies.sample("P01"), ask_share=1.0)


def spread(folder: Path, llm: str) -> int:
    """Run it to its end; how many calls it says that it paid for."""
    code, said, errors = spread_within(folder, llm)
    assert code == 0, errors
    assert "Traceback" not in errors, errors
    return int(said.split()[-1])


def spread_within(folder: Path, llm: str, *usd: str) -> tuple[int, str, str]:
    """Run it within so many dollars, where some are given; exit code, and what it said."""
    path = f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    preload = {"DASK_DISTRIBUTED__WORKER__PRELOAD": "hashed_dear" if usd else "hashed", "PYTHONPATH": path}
    # For machines that do much else.
    preload |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "400"}
    process = studies.start("spread_run.py", folder, llm, *usd, **preload)
    said, errors = process.communicate(timeout=900)
    return process.returncode, said, errors


def workers_of(folder: Path) -> list[int]:
    """Dask's workers among the processes whose Prefect home is the study's."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            mine = f"PREFECT_HOME={folder}/".encode() in (place / "environ").read_bytes()
            if mine and b"spawn_main" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return sorted(found)


@pytest.fixture(scope="module")
def expected(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, bytes], int]:
    """What one process finds: its tables, the files that they are exported to, how much it asked."""
    folder = studies.copied(template, tmp_path_factory.mktemp("alone") / "study")
    with ChatServer() as server, studies.Forge.opened() as forge:
        assert forge.start(folder, server.spec, "10").over() == (0, "")
        return studies.tables(folder, server.spec).text, vectors(folder), len(server.log)


def vectors(folder: Path) -> dict[str, bytes]:
    """Every kept vector of a segment's text, byte for byte."""
    opened = Study(folder)
    digests = sorted({s.text_digest for s in opened.store.corpus.segments()})
    found = {d: v.tobytes() for d, v in opened.store.vectors.get(digests, HASHED).items()}
    opened.store.close()
    assert len(found) == len(digests)
    return found


def _hashed() -> str:
    from belonging_llm.adapters.fakes import HashEncoder

    return HashEncoder().id


HASHED = _hashed()


@pytest.mark.slow
def test_many_workers_find_what_one_finds(
    template: Path, tmp_path: Path, expected: tuple[str, dict[str, bytes], int]
) -> None:
    folder = studies.copied(template, tmp_path / "study")
    with ChatServer() as server:
        clients: set[int] = set()
        server.before_reply = lambda _: clients.update(workers_of(folder)) if len(clients) < 2 else None
        assert spread(folder, server.spec) == expected[2]
        assert (studies.tables(folder, server.spec).text, vectors(folder)) == expected[:2]
        assert set(server.counts.values()) == {1}
        assert len(server.log) == expected[2]
        assert len(clients) >= 2, "there were two workers"


@pytest.mark.slow
def test_a_worker_that_is_killed_is_survived(
    template: Path, tmp_path: Path, expected: tuple[str, dict[str, bytes], int]
) -> None:
    folder = studies.copied(template, tmp_path / "study")
    with ChatServer() as server:
        killed: list[int] = []
        kept: set[str] = set()

        def kill(asked: Asked) -> None:
            if not killed and server.kinds["code"] > 15:
                # Before anybody dies: those whom Dask starts instead may keep what was in flight, asked anew.
                kept.update(studies.committed(folder))
                # Both: whichever was asking is among them.
                killed.extend(workers_of(folder))
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)

        server.before_reply = kill
        spread(folder, server.spec)
        assert killed
        assert (studies.tables(folder, server.spec).text, vectors(folder)) == expected[:2]
        twice = {digest for digest, n in server.counts.items() if n > 1}
        assert len(twice) <= 16, "more was asked again than two workers can have had in flight"
        assert not twice & kept, "a reply was kept, and paid for again"


@pytest.mark.slow
def test_many_workers_keep_to_one_budget(
    template: Path,
    tmp_path: Path,
    expected: tuple[str, dict[str, bytes], int],
    belonging: InProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cutting, "BATCH", 10)
    folder = studies.copied(template, tmp_path / "study")
    with ChatServer() as server:
        # About half of what it takes.
        usd = EACH * (expected[2] // 2)
        code, _, errors = spread_within(folder, server.spec, str(usd))
        assert code == 3, errors
        assert "Traceback" not in errors, errors
        assert "the budget of USD" in errors
        assert "Left: outcomes for" in errors
        paid = len(server.replies) * EACH
        assert usd <= paid <= usd + WORKERS * SIDE_BY_SIDE * EACH, "overspent by more than the calls in flight"
        done = belonging.analyse(folder, server.spec)
        assert done.exit_code == 0, done.output
        assert (studies.tables(folder, server.spec).text, vectors(folder)) == expected[:2]
        assert set(server.counts.values()) == {1}
        assert len(server.log) == expected[2]


@pytest.mark.usefixtures("dear")
@pytest.mark.parametrize("limit", [{"calls": 31}, {"budget": 31.4 * EACH}], ids=["calls", "money"])
def test_allowances_are_never_more_than_what_is_left(
    limit: dict[str, Any],
    template: Path,
    tmp_path: Path,
    server: ChatServer,
    belonging: InProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the flow does, without a cluster: three hands, one after the other."""
    del belonging
    monkeypatch.setattr(cutting, "BATCH", 10)
    job = Job(str(studies.copied(template, tmp_path / "study")), server.spec, "local", **limit)
    run, _ = analysis.prepare(job)
    analysis.find_themes(job, run.id)
    hand_out(job, run.id, server)
    with pytest.raises(BudgetReached):
        hand_out_all(job, run.id, server)
    if "calls" in limit:
        assert len(server.log) == 31
    else:
        assert 31.4 < len(server.log) <= 31.4 + 3 * SIDE_BY_SIDE
    assert max(server.counts.values()) == 1


def hand_out_all(job: Job, run_id: str, server: ChatServer) -> None:
    while True:
        hand_out(job, run_id, server)


def hand_out(job: Job, run_id: str, server: ChatServer) -> None:
    """One round: all that is left is handed out, and each piece spends its part once."""
    before = len(server.log)
    waiting = analysis.batches(job, run_id)[:3]
    given = analysis.allowances(job, run_id, len(waiting))
    calls = [one.calls for one in given if one.calls is not None]
    usd = [one.usd for one in given if one.usd is not None]
    assert sum(calls) == (31 - before if job.calls else 0)
    assert sum(usd) == pytest.approx((31.4 - before) * EACH if job.budget else 0)
    for rows, one in zip(waiting, given, strict=False):
        asked = len(server.log)
        share = analysis.code_piece(job, run_id, rows, one)
        assert share.calls == len(server.log) - asked
        assert share.calls <= (one.calls or SIDE_BY_SIDE + (one.usd or 0) / EACH)
        if share.reached:
            again = analysis.code_piece(job, run_id, rows, one)
            assert (again.reached, again.calls) == (True, 0), "an allowance is drawn on once"


def test_what_one_process_sees_to_is_not_spread(template: Path, tmp_path: Path, belonging: InProcess) -> None:
    folder = studies.copied(template, tmp_path / "study")
    done = belonging("analyse", folder, "--llm", "none", "--dask", "2", "--recall")
    assert (done.exit_code, "--recall" in done.stderr) == (1, True)
    counted = belonging("analyse", folder, "--llm", "none", "--dask", "tcp://192.0.2.1:8786", "--calls", "5")
    assert (counted.exit_code, "--dask N alone" in counted.stderr) == (1, True)
    far = belonging("analyse", folder, "--llm", "none", "--dask", "tcp://192.0.2.1:8786")
    assert (far.exit_code, "PostgreSQL" in far.stderr) == (1, True)
