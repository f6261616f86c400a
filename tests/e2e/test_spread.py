"""An analysis over a Dask cluster finds what one process finds, byte for byte; a worker that is killed costs nothing."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import studies
from chat_server import Asked, ChatServer
from studies import InProcess

from belonging_llm.study import Study

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.make(tmp_path_factory.mktemp("spread") / "study", studies.sample("P01"), ask_share=1.0)


def spread(folder: Path, llm: str) -> int:
    """Run it to its end; how many calls it says that it paid for."""
    path = f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    preload = {"DASK_DISTRIBUTED__WORKER__PRELOAD": "hashed", "PYTHONPATH": path}
    # For machines that do much else.
    preload |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "400"}
    process = studies.start("spread_run.py", folder, llm, **preload)
    said, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors, errors
    return int(said.split()[-1])


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


def test_what_one_process_counts_is_not_spread(template: Path, tmp_path: Path, belonging: InProcess) -> None:
    folder = studies.copied(template, tmp_path / "study")
    done = belonging("analyse", folder, "--llm", "none", "--dask", "2", "--calls", "5")
    assert (done.exit_code, "--calls" in done.stderr) == (1, True)
    far = belonging("analyse", folder, "--llm", "none", "--dask", "tcp://192.0.2.1:8786")
    assert (far.exit_code, "PostgreSQL" in far.stderr) == (1, True)
