"""What is watched, in the database: kept once, added up by participant, gone with whoever withdraws."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from belonging_llm import study, withdrawal
from belonging_llm.drift import acknowledge
from belonging_llm.drift.watching import _series
from belonging_llm.errors import InputError
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.store import PastCount, SentinelAnswer, WatchCount
from belonging_llm.study import Study

TALKS = {
    "ana.txt": "Interviewer: How did it begin?\n\nAna: We wrote to each other every night, and somebody always answered me.\n",
    "ben.txt": "Interviewer: And you?\n\nBen: I never read the secret marmalade letters that the others sent around.\n",
}


def count(measure: str, participant: str, n: int, k: int) -> WatchCount:
    return WatchCount(measure=measure, participant=participant, n=n, k=k)


@pytest.fixture
def opened(tmp_path: Path) -> Study:
    made = study.create(tmp_path / "study")
    for name, text in TALKS.items():
        (made.folder / "transcripts" / name).write_text(text, "utf-8")
    assert not [done.problem for done in import_paths(made, [made.folder / "transcripts"]) if done.problem]
    split_transcripts(made)
    return made


def run(opened: Study, name: str) -> str:
    return opened.store.runs.start(name, {}).id


def test_a_batch_is_kept_once(opened: Study) -> None:
    ident, records = run(opened, "one"), opened.store.drift
    raised = [("novelty", ident, {"n": 3}), ("distribution", "c", {})]
    records.close(ident, {"novelty": 1}, [count("m", "Ana", 5, 2)], raised)
    first = records.alarms()
    records.close(ident, {"novelty": 2}, [count("m", "Ana", 9, 9)], raised)
    assert records.found(ident) == {"novelty": 1}
    assert records.alarms() == first
    assert [(a.kind, a.subject, a.content, a.open) for a in first] == [
        ("distribution", "c", {}, True),
        ("novelty", ident, {"n": 3}, True),
    ]
    assert records.past([ident], without=()) == [PastCount(measure="m", n=5, k=2, participants=1)]
    assert records.found("other") is None


def test_a_participants_batches_are_added_up_and_alike_ones_packed(opened: Study) -> None:
    one, two = run(opened, "one"), run(opened, "two")
    records = opened.store.drift
    records.close(one, {}, [count("m", who, 5, 2) for who in ("Ana", "Ben", "Cem")])
    records.close(two, {}, [count("m", "Ana", 10, 1)])
    packed = records.past([one, two], without=())
    assert [(p.n, p.k, p.participants) for p in packed] == [(5, 2, 2), (15, 3, 1)]
    assert [(p.n, p.k, p.participants) for p in records.past([one, two], without=["Ben"])] == [(5, 2, 1), (15, 3, 1)]
    assert [(p.n, p.participants) for p in records.past([two], without=())] == [(10, 1)]


def test_acknowledging_needs_an_alarm_a_name_and_a_reason(opened: Study) -> None:
    ident = run(opened, "one")
    opened.store.drift.close(ident, {}, [], [("sentinels", "m", {})])
    (alarm,) = opened.store.drift.alarms()
    for by, reason in (("", "why"), ("Ana", " ")):
        with pytest.raises(InputError, match="say who looked into"):
            acknowledge(opened, alarm.id, by=by, reason=reason)
    with pytest.raises(InputError, match="no such alarm; open ones: " + alarm.id[:8]):
        acknowledge(opened, "nothing", by="Ana", reason="why")
    done = acknowledge(opened, alarm.id[:6], by="Ana", reason="a new version")
    assert (done.open, done.by, done.reason) == (False, "Ana", "a new version")
    with pytest.raises(InputError, match=r"Ana acknowledged it on .*: a new version"):
        acknowledge(opened, alarm.id, by="Ben", reason="other")


def test_a_series_begins_after_a_change_that_somebody_looked_into(opened: Study) -> None:
    runs = [run(opened, str(k)) for k in range(4)]
    for ident in runs:
        opened.store.drift.close(ident, {}, [], [("sentinels", "m", {})] if ident == runs[1] else [])
    alarms = opened.store.drift.alarms()
    assert _series(alarms, runs) == [runs[0], *runs[2:]]
    acknowledge(opened, alarms[0].id, by="Ana", reason="a new version")
    assert _series(opened.store.drift.alarms(), runs) == runs[2:]


def test_whoever_withdraws_is_in_no_count_answer_list_or_reason(opened: Study) -> None:
    ident, records = run(opened, "one"), opened.store.drift
    segments = {s.participant: s.id for s in opened.store.corpus.segments()}
    records.add_answers(
        [
            SentinelAnswer(run_id=ident, repetition=0, segment_id=s, code="c", question="q", said=1.0)
            for s in segments.values()
        ]
    )
    records.close(
        ident,
        {"novelty": {}, "misfits": sorted(segments.values())},
        [count("m", who, 5, 2) for who in segments],
        [("sentinels", "m", {}), ("novelty", ident, {})],
    )
    first, second = records.alarms()
    records.acknowledge(first.id, by="Supervisor", reason="Ben spoke of marmalade, nobody else did")
    records.acknowledge(second.id, by="Supervisor", reason="a new version")
    folder = opened.folder
    opened.store.close()
    withdrawal.withdraw(Study(folder), "Ben", "the supervisor")
    left = Study(folder).store.drift
    assert [a.segment_id for a in left.answers()] == [segments["Ana"]]
    assert left.past([ident], without=()) == [PastCount(measure="m", n=5, k=2, participants=1)]
    found = left.found(ident)
    assert found is not None
    assert found["misfits"] == [segments["Ana"]]
    assert {a.reason for a in left.alarms()} == {"", "a new version"}
    everything = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    assert segments["Ben"].encode() not in everything
    assert b"marmalade" not in everything


def test_tables_are_those_of_the_migration(opened: Study) -> None:
    names = set(sa.inspect(opened.store._engine).get_table_names())
    assert {"watch", "watch_count", "sentinel_answer", "alarm", "acknowledgement"} <= names
