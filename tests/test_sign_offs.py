"""What somebody says to finding themes anew: asked only when due, kept with the runs, refused without a name."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from belonging_llm import analysis, cli, renewal, study, withdrawal
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import Job
from belonging_llm.importing import import_paths
from belonging_llm.study import Study

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "transcripts"


@pytest.fixture
def due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study with themes, a batch after them, and an alarm that the batch does not fit them."""
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder())
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    folder = tmp_path / "study"
    made = study.create(folder)
    import_paths(made, [next(SAMPLE.glob(f"{name}.*")) for name in ("P01", "P03")])
    made.store.close()
    job = Job(str(folder), "none", "hash")
    run, _ = analysis.prepare(job)
    analysis.embed_segments(job, coded=False)
    analysis.find_themes(job, run.id)
    store = analysis.workbench(job).store
    store.runs.finish(run.id, "complete")
    store.close()
    with sqlite3.connect(folder / "study.sqlite") as database:
        database.execute(
            "INSERT INTO run (id, inputs_digest, status, started_at, finished_at, settings, counts, kind, base_id, ordinal)"
            " VALUES ('batch', 'd', 'complete', '2099', '2099', '{}', '{}', 'batch', ?, 1)",
            (run.id,),
        )
    opened = Study(folder)
    opened.store.drift.close("batch", {}, [], [("novelty", run.id, {"misfits": 9})])
    return opened


def renew(folder: Path, by: str = "Ana", reason: str = "a new course") -> Result:
    return CliRunner().invoke(cli.main, ["renew", str(folder), "--by", by, "--reason", reason])


def test_an_open_alarm_is_the_question(due: Study) -> None:
    (alarm,) = due.store.drift.alarms()
    asked = renewal.question(due)
    assert asked == renewal.Question("batch", "more new segments fit in no theme than chance explains", (alarm.id,))
    due.store.drift.acknowledge(alarm.id, by="Ana", reason="one group")
    assert renewal.question(due) is None


def test_every_word_stays_and_the_last_one_is_shown(due: Study) -> None:
    asked = renewal.question(due)
    assert asked is not None
    renewal.keep(due, "batch", renewal.word(asked, agree=False, by="Ana", reason="compare first"))
    renewal.keep(due, "batch", renewal.word(asked, agree=False, by="", reason="no answer within 60 seconds"))
    assert [one.by for _, one in renewal.words(due)] == ["Ana", ""]
    told = CliRunner().invoke(cli.main, ["status", str(due.folder)]).stdout
    assert "nobody: no answer within 60 seconds  [more new segments fit" in told


def test_a_word_does_not_outlive_whoever_is_quoted_in_it(due: Study) -> None:
    asked = renewal.question(due)
    assert asked is not None
    said = next(s for s in due.store.corpus.segments() if s.participant == "P03")
    renewal.keep(due, "batch", renewal.word(asked, agree=False, by="Ana", reason=f"think of this: {said.text}"))
    withdrawal.withdraw(due, "P03", "the supervisor")
    due.store.close()
    kept = b"".join(path.read_bytes() for path in due.folder.glob("study.sqlite*"))
    assert said.text.encode() not in kept
    assert [one.by for _, one in renewal.words(Study(due.folder))] == ["Ana"]


@pytest.mark.parametrize(("by", "reason"), [(" ", "a new course"), ("Ana", "\t")])
def test_an_answer_without_name_or_reason_is_none(by: str, reason: str, due: Study) -> None:
    refused = renew(due.folder, by, reason)
    assert refused.exit_code == 1
    assert "needs somebody's name (--by) and a reason" in refused.output


def test_without_a_schedule_nobody_could_be_told(due: Study) -> None:
    refused = renew(due.folder)
    assert refused.exit_code == 1
    assert "its schedule is not served here" in refused.output
    assert renewal.words(due) == []
    (alarm,) = due.store.drift.alarms()
    due.store.drift.acknowledge(alarm.id, by="Ana", reason="one group")
    assert "themes are not due" in renew(due.folder).output
