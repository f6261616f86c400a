"""The database: migrations, append-only tables, frozen cuts, runs that continue."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from belonging_llm.asking import Departure, LedgerEntry
from belonging_llm.clusters import Belongs
from belonging_llm.codes import Coding, Kind, Outcome, Recoding, Sample, StabilityPlan, Variation
from belonging_llm.errors import StudyError
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.segments import split
from belonging_llm.store import JudgementKind, Origin, Said, Store, database
from belonging_llm.store.database import connect
from belonging_llm.store.schema import metadata
from belonging_llm.themes import Rename, Theme, ThemeMember, locate, theme_id
from belonging_llm.transcripts import parse_text

TALK = "Interviewer: How was it?\n\nP01: I felt at home there. The group was always awake when I was.\n"
REQUEST = ChatRequest(system="s", user="secret words", reply_schema={})


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url)
    yield made
    made.close()


def entry(attempt: int = 1, text: str = "{}") -> LedgerEntry:
    reply = ChatReply(text=text, finish_reason="stop")
    fields = {"key": "k", "attempt": attempt, "run_id": "r", "model": "m", "prompt": "p", "prompt_digest": "d"}
    return LedgerEntry.model_validate(fields | {"reply": reply, "seconds": 0.5, "at": "now"})


def test_migrations_build_what_the_schema_says(store_url: str) -> None:
    engine = connect(store_url)
    found = sa.inspect(engine)
    assert set(found.get_table_names()) - {"alembic_version"} == set(metadata.tables)
    for name, table in metadata.tables.items():
        assert {c["name"] for c in found.get_columns(name)} == {c.name for c in table.columns}
    engine.dispose()


def test_sqlite_is_careful(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path / 'study.sqlite'}").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_evidence_kept_before_it_could_be_repaired_is_read(store: Store) -> None:
    talk = parse_text(TALK, name="P01", place="P01")
    store.corpus.add(talk)
    store.corpus.add_segments(talk.id, (cut := split(talk)), "whole turns")
    coding = Coding(segment_id=cut[0].id, code="c", coder="A", outcome=Outcome.ASSIGNED)
    store.findings.add_codings([coding])
    table = metadata.tables["coding"]
    with store._engine.begin() as connection:
        (row,) = connection.execute(sa.select(table)).mappings()
        older = {"coder": "B", "evidence": '[{"start": 2, "end": 6}]'}
        connection.execute(table.insert(), {k: v for k, v in row.items() if k != "id"} | older)
    kept = store.findings.codings()[1]
    assert [(span.start, span.end, span.repaired) for span in kept.evidence] == [(2, 6, False)]


def test_processes_that_end_a_run_together_keep_what_it_learned_once(store_url: str) -> None:
    """Each with a connection of its own, as processes have."""
    stores = [Store(store_url) for _ in range(4)]
    run_id = stores[0].runs.start("inputs", {"seed": 1}).id
    with ThreadPoolExecutor(len(stores)) as pool:
        for attempt in range(10):
            list(pool.map(lambda one, n=attempt: one.coders.keep(run_id, b"learned %d" % n, "people"), stores))
            list(pool.map(lambda one: one.coders.keep_tally(run_id, one.coders.count(run_id)), stores))
    kept = stores[0].coders.of(run_id)
    assert kept is not None
    assert kept.content == b"learned 9"
    assert stores[0].coders.tally(run_id) is not None
    for one in stores:
        one.close()


def test_an_unknown_schema_is_refused(store_url: str) -> None:
    with connect(store_url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StudyError, match="9999"):
        connect(store_url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.sqlite").write_text("not a database at all" * 50)
    with pytest.raises(StudyError, match=r"study\.sqlite"):
        Store(f"sqlite:///{tmp_path / 'study.sqlite'}")


@pytest.mark.parametrize("table", ["coding", "call", "vector"])
def test_append_only_tables_refuse_updates(store_url: str, store: Store, table: str) -> None:
    transcript = parse_text(TALK, name="a", place="a.txt")
    store.corpus.add(transcript)
    segments = split(transcript)
    store.corpus.add_segments(transcript.id, segments, "x")
    store.findings.add_codings([Coding(segment_id=segments[0].id, code="c", coder="A", outcome=Outcome.ASSIGNED)])
    store.ledger.record(entry(), REQUEST)
    store.vectors.put({"d": np.ones(2, np.float32)}, "m")
    column = {"coding": "coder", "call": "reply", "vector": "data"}[table]
    engine = connect(store_url)
    with engine.begin() as connection, pytest.raises(sa.exc.DBAPIError, match="append-only"):
        connection.exec_driver_sql(f'UPDATE "{table}" SET {column} = NULL')


def test_the_same_words_come_in_once(store: Store) -> None:
    assert store.corpus.add(parse_text(TALK, name="a", place="a.txt"))
    assert not store.corpus.add(parse_text(TALK, name="renamed", place="b.txt"))
    assert list(store.corpus.names().values()) == ["a"]


def test_another_cut_makes_other_segments_and_keeps_the_old(store: Store) -> None:
    transcript = parse_text(TALK, name="a", place="a.txt")
    store.corpus.add(transcript)
    whole, halves = split(transcript), split(transcript, min_words=1, max_words=6)
    store.corpus.add_segments(transcript.id, whole, "12-60")
    store.findings.add_codings([Coding(segment_id=whole[0].id, code="c", coder="A", outcome=Outcome.ASSIGNED)])
    store.corpus.add_segments(transcript.id, halves, "1-6")
    assert [s.id for s in store.corpus.segments()] == [s.id for s in halves]
    assert store.corpus.segment_text(whole[0].id) == whole[0].text
    assert store.findings.codings()[0].segment_id == whole[0].id


def test_replies_survive_with_their_odd_characters(store: Store) -> None:
    store.ledger.record(entry(1, "\ud800 \0 é"), REQUEST)
    store.ledger.record(entry(2, "second"), REQUEST)
    assert [e.reply.text for e in store.ledger.replies("k")] == ["\ud800 \0 é", "second"]


def test_the_egress_log_holds_digests_and_counts_not_words(store_url: str, store: Store) -> None:
    store.ledger.record(entry(1), REQUEST)
    store.ledger.leaving(REQUEST, Departure("https://models.example/v1", "m", "r", ("P02", "P01")))
    with connect(store_url).connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM egress").mappings().all()
    assert [row["endpoint"] for row in rows] == ["https://models.example/v1"]
    assert rows[0]["bytes"] == len(REQUEST.model_dump_json())
    assert "secret" not in str(rows)
    (left,) = store.ledger.departures()
    assert (left.about, left.run_id, left.away) == (("P01", "P02"), "r", True)


def test_an_interrupted_run_continues_and_a_finished_one_does_not(store: Store) -> None:
    first = store.runs.start("inputs", {"seed": 0})
    assert store.runs.start("inputs", {}).id == first.id
    assert store.runs.start("others", {}).id != first.id
    store.runs.finish(first.id, "complete")
    assert store.runs.start("inputs", {}).id != first.id
    latest = store.runs.latest()
    assert latest is not None
    assert (latest.id, latest.settings) == (first.id, {"seed": 0})


def test_vectors_are_kept_once_and_found_again(store: Store) -> None:
    store.vectors.put({"a": np.array([1, 0], np.float32)}, "m")
    store.vectors.put({"a": np.array([0, 1], np.float32)}, "m")
    assert store.vectors.get(["a", "b"], "m")["a"].tolist() == [1, 0]
    assert store.vectors.get(["a"], "other") == {}


SAMPLE = Sample(
    seed=0, wanted=1, asked=1, everything=2, left_out=0, people=1, inclusion=1.0, participants=("P01",), segments=("s",)
)
AGAIN = Variation(kind=Kind.AGAIN, name="again 1", spec="m", model="m", prompt="p", prompt_digest="d", repetition=1)


def planned(run_id: str) -> StabilityPlan:
    return StabilityPlan(
        run_id=run_id,
        model="m",
        prompt="p",
        prompt_digest="d",
        sample=SAMPLE,
        variations=(AGAIN,),
        not_varied={Kind.MODEL: "none was asked for"},
    )


def test_a_test_of_stability_continues_until_it_is_finished(store: Store) -> None:
    run = store.runs.start("inputs", {})
    first = store.stability.start("a", planned(run.id))
    assert store.stability.start("a", planned(run.id)) == first
    assert store.stability.start("b", planned(run.id)).id != first.id
    assert store.stability.of_run(run.id) is None
    done = store.stability.finish(first.id, "incomplete")
    assert done.finished_at
    assert store.stability.of_run(run.id) == done
    assert store.stability.last("a", "complete") is None
    again = store.stability.start("a", planned(run.id))
    assert again.id != first.id
    assert store.stability.finish(again.id, "complete") == store.stability.last("a", "complete")
    assert [test.id for test in store.stability.tests()][:1] == [first.id]


def test_what_was_coded_in_a_test_is_kept_once(store: Store) -> None:
    transcript = parse_text(TALK, name="a", place="a.txt")
    store.corpus.add(transcript)
    segments = split(transcript)
    store.corpus.add_segments(transcript.id, segments, "x")
    test = store.stability.start("a", planned(store.runs.start("inputs", {}).id))
    one = Recoding(variation="again 1", segment_id=segments[0].id, code="c", outcome=Outcome.ASSIGNED, confidence=0.7)
    store.stability.add(test.id, [one])
    store.stability.add(test.id, [one.model_copy(update={"outcome": Outcome.FAILED})])
    assert store.stability.recodings(test.id) == [one]
    assert store.findings.codings() == [], "people's codings and runs' are not touched"


def test_requests_can_be_told_apart_by_who_made_them(store: Store) -> None:
    for run in ("run", "test"):
        given = entry().model_copy(update={"key": run, "run_id": run})
        store.ledger.record(given, REQUEST)
    assert set(store.ledger.requests("d")) == {"run", "test"}
    assert set(store.ledger.requests("d", not_of=["test"])) == {"run"}
    assert set(store.ledger.requests("d", of=["test"])) == {"test"}


def test_a_database_of_the_third_schema_is_brought_up_to_date(store_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with connect(store_url).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    opened = Store(store_url)
    assert opened.stability.tests() == []


def test_themes_of_older_databases_keep_their_ids_and_nobody_else_gets_those(store_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    first = Store(store_url)
    talk = parse_text(TALK, name="P01", place="P01")
    first.corpus.add(talk)
    first.corpus.add_segments(talk.id, (cut := split(talk)), "whole turns")
    member = ThemeMember(segment_id=cut[0].id, strength=1, belongs=Belongs.CORE)
    old = Theme(id=theme_id([cut[0].id]), ordinal=1, name="n", definition="d", members=(member,))
    run = first.runs.start("digest", {})
    first.findings.add_themes(run.id, [old])
    first.runs.finish(run.id, "complete")
    first.close()
    with connect(store_url).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
    opened = Store(store_url)
    assert opened.themes.known() == {old.id}
    assert opened.themes.last() == run.id
    assert opened.findings.themes(run.id) == [old]
    assert (opened.themes.origin(run.id), opened.themes.places(run.id), opened.themes.steps(run.id)) == (None, [], [])
    edit = opened.themes.edit(run.id, Rename(theme=old.id, name="new"), by="Ana", reason="because")
    assert (edit.id, opened.findings.themes(run.id)[0].name) == (1, "new")
    assert theme_id([cut[0].id], opened.themes.known()) != old.id
    opened.close()


def test_places_of_themes_come_back_as_they_were(store: Store) -> None:
    run = store.runs.start("digest", {})
    vectors = np.eye(4, dtype=np.float32)[:3]
    place = locate("T1", ["a", "b", "c"], vectors)
    store.themes.add(run.id, [Theme(id="T1", ordinal=1, name="n", definition="d")], origin=Origin(), places=[place])
    (kept,) = store.themes.places(run.id)
    assert (kept.theme, kept.segments, kept.floor, kept.typical) == ("T1", place.segments, place.floor, place.typical)
    for name in ("vectors", "centre", "named_at"):
        assert (getattr(kept, name) == getattr(place, name)).all()


def test_a_database_of_before_batches_knows_what_no_run_has_covered(store_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    first = Store(store_url)
    covered, new = (parse_text(TALK.replace("P01", who), name=who, place=who) for who in ("P01", "P02"))
    for talk in (covered, new):
        first.corpus.add(talk)
        first.corpus.add_segments(talk.id, split(talk), "whole turns")
    run = first.runs.start("digest", {})
    coding = Coding(segment_id=split(covered)[0].id, code="c", coder="model:x", outcome=Outcome.ASSIGNED)
    first.findings.add_codings([coding], run.id)
    first.runs.finish(run.id, "complete")
    first.close()
    with connect(store_url).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
    again = Store(store_url)
    assert again.batches.waiting() == [new.id]
    assert covered.source is None or again.batches.came_from(covered.source.digest) >= {covered.id}
    base = again.batches.base()
    assert base is not None
    assert (base.id, again.runs.get(run.id).kind) == (run.id, "whole")
    again.close()


def test_decisions_of_before_that_were_made_after_looking_are_no_gold_any_more(store_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    first = Store(store_url)
    cut = []
    for who in ("P01", "P02", "P03"):
        talk = parse_text(TALK.replace("P01", who), name=who, place=who)
        first.corpus.add(talk)
        first.corpus.add_segments(talk.id, split(talk), "whole turns")
        cut.append(split(talk)[0])
    for n, notes in enumerate((["yes"], ["", "yes"], ["yes", ""])):
        head = 0
        for k, note in enumerate(notes):
            said = Said(
                key=f"decided-{n}-{k}",
                kind=JudgementKind.ADJUDICATION,
                segment_id=cut[n].id,
                reviewer="dora",
                coder="adjudicated",
                none_fits=True,
                codebook_digest="b",
                details={"seen_model": note} if note else {},
                supersedes=head,
            )
            head = first.judgements.submit(said).id
    assert [j.saw_model for j in first.findings.judgements()] == [False] * 3
    first.close()
    with connect(store_url).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0013")
    again = Store(store_url)
    assert {j.segment_id: j.saw_model for j in again.findings.judgements()} == {
        cut[0].id: True,
        cut[1].id: True,
        cut[2].id: False,
    }
    again.close()
