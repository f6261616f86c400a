"""What a schedule refuses before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm import study, withdrawal
from belonging_llm.batch import BatchJob
from belonging_llm.errors import Incomplete, InputError
from belonging_llm.importing import import_paths
from belonging_llm.schedules import When, alone, schedule
from belonging_llm.study import Study

TALK = "Interviewer: And?\n\nAna: We wrote to each other every night, and somebody always answered me.\n"


@pytest.fixture
def made(tmp_path: Path) -> Study:
    opened = study.create(tmp_path / "study")
    (opened.folder / "transcripts" / "Ana.txt").write_text(TALK, "utf-8")
    assert not [done for done in import_paths(opened, [opened.folder / "transcripts"]) if done.problem]
    return opened


def test_one_schedule_a_study(made: Study) -> None:
    with alone(made), pytest.raises(Incomplete, match="end that one first"), alone(made):
        pass
    with alone(made):
        """Whoever ended has let go of it."""


def test_nobody_is_taken_out_under_a_server_that_runs(made: Study) -> None:
    with alone(made), pytest.raises(Incomplete, match="serves its schedule"):
        withdrawal.withdraw(made, "Ana", "the supervisor")
    certificate, _ = withdrawal.withdraw(made, "Ana", "the supervisor")
    assert certificate.rows["transcripts"] == 1


@pytest.mark.parametrize("limits", [{}, {"budget": 5.0}, {"calls": 9}])
def test_a_model_elsewhere_needs_a_limit_and_somebodys_word(limits: dict[str, float], made: Study) -> None:
    settings = made.folder / "study.toml"
    settings.write_text(settings.read_text("utf-8").replace("allow_remote = false", "allow_remote = true"), "utf-8")
    job = BatchJob(str(made.folder), "https://models.example.org/v1#m", "local", **limits)
    for yes in [False] if limits else [False, True]:
        with pytest.raises(InputError, match="when nobody is there to agree"):
            schedule(job, When("0 2 * * *", "UTC"), lambda _: None, yes=yes)
