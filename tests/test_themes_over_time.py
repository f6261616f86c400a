"""Themes of a real study from run to run: ids, names, edits by people, batches, withdrawal; no language model."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from belonging_llm import analysis, cli, study, theme_board, withdrawal
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import Job
from belonging_llm.analysis.arrivals import arrive
from belonging_llm.errors import InputError, StudyError
from belonging_llm.importing import import_paths
from belonging_llm.report.gather import gather
from belonging_llm.study import Study
from belonging_llm.themes import (
    Change,
    Edit,
    Fate,
    Merge,
    Move,
    Remap,
    Rename,
    Retire,
    Split,
    Theme,
    Undo,
)

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "transcripts"


def bring(folder: Path, *names: str) -> None:
    opened = Study(folder)
    done = import_paths(opened, [next(SAMPLE.glob(f"{name}.*")) for name in names])
    assert not [d.problem for d in done if d.problem]
    opened.store.close()


def group(folder: Path) -> str:
    """An analysis up to its themes, closed; returns the run's id."""
    job = Job(str(folder), "none", "hash")
    run, unchanged = analysis.prepare(job)
    if not unchanged:
        analysis.embed_segments(job, coded=False)
        analysis.find_themes(job, run.id)
        store = analysis.workbench(job).store
        store.runs.finish(run.id, "complete")
        store.close()
    return run.id


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A study of three interviews with its themes, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "encoder", lambda _: HashEncoder(256))
        made = study.create(tmp_path_factory.mktemp("grouped") / "study")
        made.store.close()
        bring(made.folder, "P01", "P02", "P03")
        group(made.folder)
        analysis.workbench.cache_clear()
        yield made.folder


@pytest.fixture
def folder(grouped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder(256))
    return Path(shutil.copytree(grouped, tmp_path / "study"))


def now(folder: Path) -> dict[str, Theme]:
    return {theme.id: theme for theme in theme_board.board(Study(folder)).themes}


def change(folder: Path, made: Change) -> Edit:
    return theme_board.revise(Study(folder), made, by="Ana", reason="I read them all")


def test_an_analysis_of_the_same_segments_changes_no_theme(folder: Path) -> None:
    before = now(folder)
    one, other = list(before)[:2]
    change(folder, Merge(into=one, themes=(other,)))
    change(folder, Undo(edit=1))
    change(folder, Move(segments=before[one].own[:1], to=other))
    run = group(folder)
    store = Study(folder).store
    assert {s.fate for s in store.themes.steps(run)} == {Fate.CONTINUED}
    origin = store.themes.origin(run)
    assert origin is not None
    assert origin.base
    assert origin.base != run
    assert [t.own for t in store.themes.found(run)] == [t.own for t in store.themes.found(origin.base)]
    assert group(folder) == run, "nothing is left to do"


def test_themes_go_on_under_their_ids_and_names_when_interviews_come_in(folder: Path) -> None:
    before = now(folder)
    bring(folder, "P04")
    run = group(folder)
    store, after = Study(folder).store, now(folder)
    steps = store.themes.steps(run)
    went_on = {i for s in steps if s.fate is Fate.CONTINUED for i in s.after}
    assert went_on == before.keys() & after.keys()
    assert len(went_on) >= 2
    renamed = {i for s in steps if s.fate is Fate.RENAMED for i in s.after}
    assert not renamed, "nobody was asked for a name"
    assert {after[i].name for i in went_on} == {before[i].name for i in went_on}
    begun = {i for s in steps if s.fate in (Fate.BORN, Fate.SPLIT) for i in s.after}
    ended = {i for s in steps if s.fate in (Fate.MERGED, Fate.RETIRED) for i in s.before}
    assert begun == after.keys() - before.keys()
    assert ended == before.keys() - after.keys()
    assert store.themes.known() == before.keys() | after.keys()


def test_what_people_said_stands_in_the_next_run_and_undoing_it_restores(folder: Path) -> None:
    before = now(folder)
    first, second, third, fourth = list(before)[:4]
    code = Study(folder).framework().assignable[0].id
    change(folder, Merge(into=first, themes=(second,)))
    split = change(folder, Split(theme=third, segments=before[third].own[:4], name="Their own"))
    change(folder, Rename(theme=fourth, name="What I call it"))
    change(folder, Remap(theme=fourth, codes=(code,)))
    new = split.change.new
    bring(folder, "P04", "P05")
    run = group(folder)
    after, store = now(folder), Study(folder).store
    assert second not in after
    assert set(before[third].own[:4]) <= set(after[new].own)
    assert (after[new].name, after[fourth].name) == ("Their own", "What I call it")
    assert [c.code for c in after[fourth].mapping.codes] == [code]
    told = {s.edit for s in store.themes.steps(run) if s.fate is Fate.KEPT}
    assert told <= {1, 2, 3, 4}
    assert not [s for s in store.themes.steps(run) if s.fate is Fate.UNMET]
    with_edits = after
    change(folder, Undo(edit=split.id))
    assert new not in now(folder)
    change(folder, Undo(edit=5))
    assert now(folder) == with_edits


def test_new_segments_of_a_batch_go_where_people_parted_a_theme(folder: Path) -> None:
    before = now(folder)
    first = next(iter(before))
    split = change(folder, Split(theme=first, segments=before[first].own[:9], name="Their own"))
    run_id = theme_board.board(Study(folder)).run_id
    opened = Study(folder)
    bring(folder, "P04")
    job = Job(str(folder), "none", "hash")
    bench = analysis.Workbench(job)
    study.Study(folder).store.close()
    from belonging_llm.importing import split_transcripts

    split_transcripts(bench.study)
    new = [s for s in bench.segments if s.document == "P04"]
    vectors = bench.embed([s.text for s in new])
    came = arrive(bench, run_id, new, vectors)
    assert len(came.placements) == len(new)
    assert {m.segment_id for some in came.members.values() for m in some} <= {s.id for s in new}
    assert {p.theme for p in came.placements} <= {*before, split.change.new, ""}
    opened.store.close()


def test_two_edits_that_contradict_each_other_are_refused_with_what_there_is(folder: Path) -> None:
    one, other = list(now(folder))[:2]
    change(folder, Merge(into=one, themes=(other,)))
    for wrong, says in (
        (Rename(theme=other, name="x"), "there is none of this id now"),
        (Merge(into=one, themes=(one,)), "name other themes"),
        (Split(theme=one, segments=("nobody",), name="x"), "segments that are not in the study: nobody"),
        (Split(theme=one, segments=now(folder)[one].own, name="x"), "nothing would be left"),
        (Remap(theme=one, codes=("no_such",)), "not in the codebook: no_such"),
        (Remap(theme=one, codes=("peers",), outside=True), "not both"),
        (Undo(edit=7), "there is no such edit"),
        (Rename(theme=one, name=list(now(folder).values())[1].name), "is called that"),
    ):
        with pytest.raises(InputError, match=says):
            change(folder, wrong)
    with pytest.raises(InputError, match="needs a reason"):
        theme_board.revise(Study(folder), Retire(theme=one), by="Ana", reason=" ")
    with pytest.raises(InputError, match="needs a name"):
        theme_board.revise(Study(folder), Retire(theme=one), by="", reason="because")
    assert len(Study(folder).store.themes.edits()) == 1


def test_edits_are_never_changed(folder: Path) -> None:
    change(folder, Retire(theme=next(iter(now(folder)))))
    with (
        sqlite3.connect(folder / "study.sqlite") as database,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        database.execute("UPDATE theme_edit SET reason = ''")


def test_codings_are_known_to_be_older_than_edits_they_rest_on(folder: Path) -> None:
    one, other = list(now(folder))[:2]
    change(folder, Rename(theme=one, name="Another name"))
    assert not theme_board.board(Study(folder)).stale
    change(folder, Merge(into=one, themes=(other,)))
    assert theme_board.board(Study(folder)).stale
    group(folder)
    assert not theme_board.board(Study(folder)).stale


def test_the_report_has_everybody_somewhere(folder: Path) -> None:
    before = now(folder)
    first, second = list(before)[:2]
    change(folder, Retire(theme=first))
    change(folder, Move(segments=before[second].own[:2]))
    found = gather(Study(folder))
    themed = {m.segment_id for t in found.themes for m in t.members}
    assert themed.isdisjoint(found.outliers)
    assert {s.id for s in found.segments} == themed | {*found.outliers} | {*found.too_short}
    assert {*before[second].own[:2]} <= {*found.outliers}


def test_whoever_withdraws_is_gone_from_names_edits_and_lineage(folder: Path) -> None:
    before, opened = now(folder), Study(folder)
    said = {s.id: s for s in opened.store.corpus.segments()}
    # Four long words in a row that nobody else says in this order.
    theirs = next(
        s for t in before.values() for i in t.own if (s := said[i]).participant == "P02" and len(s.text) > 150
    )
    words = " ".join(theirs.text.split()[:9])
    one = next(t for t in before.values() if theirs.id in t.own)
    other = next(t for t in before if t != one.id)
    change(folder, Rename(theme=other, name=words, definition=f"as in: {words}"))
    theme_board.revise(Study(folder), Move(segments=(theirs.id,), to=other), by="Ana", reason=f"they say {words}")
    theme_board.revise(Study(folder), Merge(into=other, themes=(one.id,)), by="Ana", reason=f"also {words}")
    run = group(folder)
    opened.store.close()
    withdrawal.withdraw(Study(folder), "P02", "the supervisor")
    raw = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".txt")
    assert words.encode() not in raw
    assert theirs.id.encode() not in raw
    store = Study(folder).store
    kept = {e.id: e for e in store.themes.edits()}
    assert 2 not in kept, "it moved nobody else"
    assert (kept[1].change.name.startswith("(a name that went"), kept[3].reason) == (True, "")
    assert all(
        not {*p.segments} & {s.id for s in said.values() if s.participant == "P02"} for p in store.themes.places(run)
    )
    assert now(folder)
    group(folder)
    assert now(folder)


def command(folder: Path) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(cli.main, ["themes", str(folder), *words])


def test_the_command_shows_changes_undoes_and_tells(folder: Path) -> None:
    themes, before = command(folder), now(folder)
    one, other, *_ = before
    record = json.loads(themes("list", "--json").stdout)
    assert [t["id"] for t in record["themes"]] == list(before)
    said = ("--by", "Ana", "--reason", "one and the same")
    made = json.loads(themes("merge", other, "--into", one, *said, "--json").stdout)
    assert (made["id"], made["change"]["into"], made["by"]) == (1, one, "Ana")
    assert f"  {other}  " not in themes("list").stdout
    assert themes("rename", other, "x", *said).exit_code == 1
    assert themes("split", one, before[one].own[0], "--name", "Its own", *said).exit_code == 0
    assert themes("move", before[one].own[1], "--to", other, *said).exit_code == 1
    assert themes("map", one, "--outside", *said).exit_code == 0
    assert "outside the framework" in themes("list").stdout
    assert themes("retire", one, *said).exit_code == 0
    assert themes("restore", one, *said).exit_code == 0
    for edit in (2, 3, 1):
        assert themes("undo", str(edit), *said).exit_code == 0
    assert now(folder) == before
    told = json.loads(themes("lineage", "--json").stdout)
    assert [e["undone"] for e in told["edits"]] == [True, True, True, False, False, False, False, False]
    assert {s["fate"] for s in told["runs"][0]["steps"]} == {"born"}
    lines = themes("lineage").stdout
    assert "born  " in lines
    assert "[undone]" in lines
    assert themes("rename", one, "x", "--by", "Ana").exit_code == 2, "a reason must be given"


def test_without_an_analysis_there_is_nothing_to_change(tmp_path: Path) -> None:
    made = study.create(tmp_path / "study")
    with pytest.raises(StudyError, match="no themes yet"):
        theme_board.board(made)


def test_themes_are_due_once_batches_brought_a_fifth_more(folder: Path) -> None:
    opened = Study(folder)
    assert theme_board.due(opened) == ""
    base = opened.store.runs.get(theme_board.board(opened).run_id)
    origin = opened.store.themes.origin(base.id)
    assert origin is not None
    with sqlite3.connect(folder / "study.sqlite") as database:
        counts = json.dumps({"placed": origin.grouped // 5, "outliers": ["one"]})
        database.execute(
            "INSERT INTO run (id, inputs_digest, status, started_at, finished_at, settings, counts, kind, base_id, ordinal)"
            " VALUES ('batch', 'd', 'complete', '2099', '2099', '{}', ?, 'batch', ?, 1)",
            (counts, base.id),
        )
    assert "a fifth or more" in theme_board.due(Study(folder))
    assert theme_board.board(Study(folder)).run_id == "batch"
    assert set(now(folder)) == {t.id for t in opened.store.themes.found(base.id)}


def test_themes_are_due_while_nobody_looked_into_a_batch_that_fits_nowhere(folder: Path) -> None:
    opened = Study(folder)
    base = theme_board.board(opened).run_id
    with sqlite3.connect(folder / "study.sqlite") as database:
        database.execute(
            "INSERT INTO run (id, inputs_digest, status, started_at, finished_at, settings, counts, kind, base_id, ordinal)"
            " VALUES ('batch', 'd', 'complete', '2099', '2099', '{}', '{}', 'batch', ?, 1)",
            (base,),
        )
    opened.store.drift.close("batch", {}, [], [("distribution", "ownership", {}), ("endpoint", "a model", {})])
    assert theme_board.due(opened) == ""
    with sqlite3.connect(folder / "study.sqlite") as database:
        database.execute(
            "INSERT INTO alarm (id, run_id, kind, subject, content, at) VALUES ('n', 'batch', 'novelty', ?, '{}', '2099')",
            (base,),
        )
    assert "fit in no theme" in theme_board.due(opened)
    told = CliRunner().invoke(cli.main, ["status", str(folder)]).stdout
    assert "themes are due to be found anew (more new segments fit in no theme than chance explains)" in told
    opened.store.drift.acknowledge("n", by="Ana", reason="one talkative group")
    assert theme_board.due(opened) == ""
