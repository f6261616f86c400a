"""A disk that is full: what is said, what stays whole, what is paid for. Fifty points: `evals/full_disk.py`."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import studies
from chat_server import ChatServer
from studies import InProcess

SCRIPT = Path(__file__).parents[2] / "evals" / "full_disk.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("evals_full_disk", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def disk(script: ModuleType) -> Iterator[Path]:
    try:
        with script.small_disk() as place:
            yield place
    except OSError as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_an_analysis_stops_plainly_and_continues(script: ModuleType, disk: Path, tmp_path: Path) -> None:
    template = studies.make(tmp_path / "study", studies.sample("P01"), ask_share=1.0)
    with studies.Forge.opened() as forge:
        with ChatServer() as calm:
            alone = studies.copied(template, tmp_path / "alone")
            assert forge.start(alone, calm.spec, script.BATCH).over() == (0, "")
            expected = studies.tables(alone, calm.spec)
        # Before there is room for what is set aside; among the themes; among the codings.
        stops = [script.stopped_at(room, template, disk, forge, expected) for room in (600_000, 4_700_000, 6_400_000)]
    for stop in stops:
        assert stop.code == 3, stop
        assert "no room is left" in stop.message
        assert "free some" in stop.message
        assert not stop.traceback
        assert (stop.whole, stop.resumed, stop.same, stop.twice) == (True, True, True, 0), stop
    assert stops[0].asked == 0, "nothing is asked where a reply might find no room"
    assert 0 < stops[1].asked < stops[2].asked


@pytest.mark.parametrize("room", [8_192, 100_000])
def test_commands_say_what_is_full(
    room: int, script: ModuleType, disk: Path, tmp_path: Path, belonging: InProcess
) -> None:
    made = studies.make(tmp_path / "study", studies.sample("P01"))
    folder = studies.copied(made, disk / "study")
    before = studies.segments(folder)
    ballast = script.leave(disk, room)
    for command in (
        ("import", folder, *studies.sample("P02", "P03")),
        ("init", disk / "another"),
        ("export", folder, disk / "tables", "--to", "csv"),
        ("status", folder),
    ):
        done = belonging(*command)
        assert done.exit_code in (0, 1, 3), (command, done.output, done.exception)
        assert "Traceback" not in done.output
        if done.exit_code:
            assert any(said in done.output for said in ("no room is left", "No space left", "disk is full")), (
                done.output
            )
    ballast.unlink()
    assert not script.damaged(folder)
    assert before.items() <= studies.segments(folder).items()
    again = belonging("import", folder, *studies.sample("P02", "P03"))
    assert again.exit_code == 0, again.output


@pytest.mark.slow
def test_the_whole_command_says_what_prefect_lacks(script: ModuleType, disk: Path, tmp_path: Path) -> None:
    made = studies.make(tmp_path / "study", studies.sample("P01"))
    folder = studies.copied(made, disk / "study")
    script.leave(disk, 6_000_000)
    done = studies.command("analyse", folder, "--llm", "none", timeout=600)
    assert done.returncode == 3, done.stderr
    assert "Prefect's records" in done.stderr
    assert "Traceback" not in done.stderr


def test_fifty_points_were_tried() -> None:
    kept = json.loads(SCRIPT.with_suffix(".json").read_text(encoding="utf-8"))
    assert kept["points"] == kept["stopped"] == len(kept["stops"]) >= 50
    assert set(kept["exit codes"]) <= {"1", "3"}
    assert kept["tracebacks"] == kept["questions asked twice"] == 0
    for what in ("messages that name the remedy", "databases intact", "resumed", "same findings"):
        assert kept[what] == kept["points"], what
    assert len({(stop["asked"], stop["stage"]) for stop in kept["stops"]}) > 20, "the points are different ones"
