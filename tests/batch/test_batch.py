"""Batches on top of an analysis: the same outcomes however they are cut, the whole state at every point."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from growing import FIRST, LATER, analyse, answer, drop, grow, opens, segments, set_to, state

from belonging_llm import batch, codes
from belonging_llm.analysis import Job, Workbench, prepare
from belonging_llm.batch import BatchJob, exclusive
from belonging_llm.errors import Incomplete, StudyError
from belonging_llm.llm import ChatRequest
from belonging_llm.report.gather import gather
from belonging_llm.store import KeptCoder
from belonging_llm.study import Study
from belonging_llm.summaries import status_lines
from belonging_llm.usecases import status


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch)


def test_what_the_base_learned_gives_the_bases_own_outcomes_byte_for_byte(study: Path) -> None:
    """Read back from the store, laid on the base's own segments, with the replies of the ledger."""
    bench = Workbench(Job(str(study), "fake", "hashed"))
    base = bench.store.batches.base()
    assert base is not None
    before = [c.model_dump_json() for c in bench.store.findings.codings(base.id)]
    kept = bench.store.coders.of(base.id)
    assert kept is not None
    coder = codes.from_bytes(kept.content)
    assert coder.probe is not None
    assert coder.pool is not None
    themes = bench.store.findings.themes(base.id)
    weighed = coder.weigh(bench.material, bench.framework, themes, bench.embed)
    own = codes.assign(
        bench.segments,
        weighed.signals,
        weighed.likely,
        [bench.questions[s.id] for s in bench.segments],
        open_to=bench.open_pairs(base.id),
        framework=bench.framework,
        asker=bench.asker(base.id),
        prompt=bench.coding_prompt,
        embed=bench.embed,
        encoder=bench.encoder.id,
        bar=codes.Bar(bench.settings.assign_error, bench.settings.miss_error),
        word=coder.word,
        absent=weighed.absent,
        examples=bench.examples(base.id),
    )
    assert bench.work_done()[0] == 0, "every reply was in the ledger"
    assert sorted(c.model_dump_json() for c in own.codings) == sorted(before)


def test_four_batches_say_what_one_says(study: Path, tmp_path: Path) -> None:
    together = Path(shutil.copytree(study, tmp_path / "together"))
    drop(together, *LATER)
    assert grow(together) is not None
    for name in LATER:
        drop(study, name)
        assert grow(study) is not None
    one, four = state(together), state(study)
    assert one.codings == four.codings
    assert len(one.of(segments(study, *LATER))) > 500
    assert Counter(map(len, map(json.loads, one.themes))) == Counter(map(len, map(json.loads, four.themes)))
    for first, second in zip(one.themes, four.themes, strict=True):
        a, b = json.loads(first), json.loads(second)
        # New members come in the order of their batches.
        assert sorted(map(json.dumps, a.pop("members"))) == sorted(map(json.dumps, b.pop("members")))
        assert a == b


def test_calls_about_several_segments_are_cut_alike_however_many_come(study: Path, tmp_path: Path) -> None:
    set_to(study, together=3)
    analyse(study)
    other = Path(shutil.copytree(study, tmp_path / "other"))
    drop(other, *LATER[:2])
    grow(other)
    for name in LATER[:2]:
        drop(study, name)
        grow(study)
    assert state(other).codings == state(study).codings


def test_what_was_there_stays_and_the_whole_state_is_told(study: Path) -> None:
    before = state(study)
    drop(study, "P09")
    run = grow(study)
    assert run is not None
    assert run.status == "complete"
    after = state(study)
    old, new = segments(study, *FIRST), segments(study, "P09")
    assert after.of(old) == before.codings
    opened = Study(study)
    assert len(after.of(new)) == len(new) * len(opened.framework().assignable)
    assert opened.store.findings.coded(run.id) == old | new
    assert sum(opened.store.findings.outcomes(run.id).values()) == len(after.codings)
    assert run.counts["outcomes"] == dict(opened.store.findings.outcomes(run.id))
    # A run's own state does not change with what comes later.
    base = run.base_id or ""
    assert [c.model_dump_json() for c in opened.store.findings.codings(base)] == before.codings
    members = {m.segment_id for t in opened.store.findings.themes(run.id) for m in t.members}
    assert members & new
    assert {t.id for t in opened.store.findings.themes(run.id)} == {t.id for t in opened.store.findings.themes(base)}
    found = gather(opened)
    assert {s.id for s in found.segments} == old | new
    left_out = set(found.outliers) | set(found.too_short)
    assert new <= members | left_out
    assert old <= members | left_out
    assert found.usage.calls == opened.store.ledger.usage()["calls"]


def test_sums_are_kept_as_they_would_be_counted(study: Path) -> None:
    for names in (("P09", "P10"), ("P11",)):
        drop(study, *names)
        run = grow(study)
        assert run is not None
        opened = Study(study)
        assert opened.store.coders.tally(run.id) == opened.store.coders.count(run.id)


def test_a_batch_asks_about_new_segments_alone(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch)
    drop(study, "P09")
    grow(study)
    opened = Study(study)
    new = [s.text for s in opened.store.corpus.segments() if s.participant == "P09"]
    assert 0 < len(chat.asked) <= len(new)
    assert all(any(json.dumps(text[:100])[1:-1] in r.user or text[:100] in r.user for text in new) for r in chat.asked)


def test_nothing_new_is_no_batch(study: Path) -> None:
    assert grow(study) is None
    drop(study, "P09")
    assert grow(study) is not None
    assert grow(study) is None


def test_what_was_imported_by_hand_waits_for_the_next_batch(study: Path) -> None:
    from growing import interview

    from belonging_llm.importing import import_paths

    opened = Study(study)
    import_paths(opened, [interview("P12")])
    assert len(opened.store.batches.waiting()) == 1
    run = grow(study)
    assert run is not None
    assert state(study).of(segments(study, "P12"))
    assert opened.store.batches.waiting() == []


def test_what_comes_while_a_batch_is_interrupted_is_the_next_ones(study: Path) -> None:
    drop(study, "P09")
    begun = grow(study, until="intake")
    drop(study, "P10")
    finished = grow(study)
    assert begun is not None
    assert finished is not None
    assert finished.id == begun.id
    assert not state(study).of(segments(study, "P10"))
    later = grow(study)
    assert later is not None
    assert later.ordinal == 2
    opened = Study(study)
    assert {a.name: a.run_id for a in opened.store.arrivals.of_run(later.id)} == {"P10.txt": later.id}


def test_a_failure_is_tried_again_and_the_last_word_counts(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, lambda _: "no JSON")
    drop(study, "P09")
    first = grow(study)
    assert first is not None
    assert first.status == "incomplete"
    failed = first.counts["failed"]
    assert failed
    chat = opens(monkeypatch)
    assert grow(study) is None, "a failure alone opens no batch, however often a schedule looks"
    assert not chat.asked
    drop(study, "P10")
    again = grow(study)
    assert again is not None
    assert (again.status, again.counts["failed"]) == ("complete", [])
    assert set(Study(study).store.batches.retried(again.id)) == set(failed)
    opened = Study(study)
    of_run = opened.store.findings.codings
    assert {c.segment_id for c in of_run(first.id) if c.outcome == "failed"} == set(failed)
    assert not [c for c in of_run(again.id) if c.outcome == "failed"]
    pairs = [(c.segment_id, c.code) for c in of_run(again.id)]
    assert len(pairs) == len(set(pairs))
    assert {s for s, _ in pairs} == segments(study)
    assert opened.store.coders.tally(again.id) == opened.store.coders.count(again.id)
    assert opened.store.findings.outcomes(again.id) == Counter(str(c.outcome) for c in of_run(again.id))
    assert grow(study) is None


def test_another_codebook_prompt_or_setting_stops_a_batch(study: Path) -> None:
    drop(study, "P09")
    (study / "prompts" / "code_segment.v2.md").write_text(
        Workbench(Job(str(study), "fake", "hashed")).prompts["code_segment.v2"].source.replace("segment", "passage", 1),
        encoding="utf-8",
    )
    with pytest.raises(StudyError, match=r"the prompt code_segment\.v2 has another text.*--recode"):
        grow(study)
    (study / "prompts" / "code_segment.v2.md").unlink()
    set_to(study, assign_error=0.4)
    with pytest.raises(StudyError, match=r"the setting assign_error is 0\.4, in the analysis it was 0\.5"):
        grow(study)
    set_to(study, assign_error=0.5)
    assert grow(study) is not None


def test_a_codebook_saved_while_a_batch_is_under_way_stops_it(study: Path) -> None:
    drop(study, "P09")
    begun = grow(study, until="intake")
    assert begun is not None
    opened = Study(study)
    before = opened.framework()
    first = before.assignable[0]
    other = before.model_copy(
        update={
            "codes": tuple(
                c.model_copy(update={"definition": f"{c.definition} Or so."}) if c.id == first.id else c
                for c in before.codes
            )
        }
    )
    change = opened.store.codebooks.use
    change(other, by="Ana", reason="clearer")
    with pytest.raises(
        StudyError, match=rf"codebook was changed while batch {begun.id}.*to version 2.*--restore 1.*--recode"
    ):
        batch.place_segments(BatchJob(str(study), "fake", "hashed"), begun.id)
    assert opened.store.batches.codings(begun.id) == []
    change(before, by="Ana", reason="as it was")
    again = grow(study)
    assert again is not None
    assert (again.id, again.status) == (begun.id, "complete")


def test_another_model_stops_a_batch(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch).id = "fake:2"
    drop(study, "P09")
    with pytest.raises(StudyError, match="the language model is fake:2, in the analysis it was fake"):
        grow(study)


def test_another_codebook_stops_a_batch_and_is_told_by_its_version(study: Path) -> None:
    opened = Study(study)
    before = opened.framework()
    first, *others = before.codes
    opened.store.codebooks.use(
        before.model_copy(update={"codes": (first.model_copy(update={"definition": "Otherwise."}), *others)})
    )
    assert "outcomes are of an older version of the codebook (version 1; in use is version 2)" in told(study)
    drop(study, "P09")
    with pytest.raises(
        StudyError, match=r"is version 2, the analysis went by version 1 \(`.*--restore 1` brings"
    ) as no:
        grow(study)
    assert before.digest not in str(no.value)
    opened.store.codebooks.use(before)
    assert "older version" not in told(study)
    assert grow(study) is not None


def told(folder: Path) -> str:
    return "\n".join(status_lines(status(folder)))


def test_another_way_of_coding_stops_a_batch_and_is_analysed_anew(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "METHOD", codes.METHOD + 1)
    drop(study, "P09")
    with pytest.raises(StudyError, match=r"the way of coding is another in this version.*--recode"):
        grow(study)
    job = Job(str(study), "fake", "hashed")
    _, unchanged = prepare(job)
    assert not unchanged


def test_without_an_analysis_there_is_nothing_to_stand_on(tmp_path: Path) -> None:
    from belonging_llm.study import create

    create(tmp_path / "bare").store.close()
    with pytest.raises(StudyError, match="belonging analyse"):
        grow(tmp_path / "bare")


def test_people_who_coded_since_are_spoken_of(study: Path) -> None:
    from growing import code_by_people

    drop(study, "P09")
    run = grow(study)
    assert run is not None
    assert run.counts["taught_since"] is False
    code_by_people(study)
    drop(study, "P10")
    later = grow(study)
    assert later is not None
    assert later.counts["taught_since"] is True
    assert later.counts["coder"] == run.counts["coder"]
    told = batch.tell(Study(study), later)
    assert told.taught_since


def test_the_analysis_covers_what_batches_brought(study: Path) -> None:
    drop(study, "P09")
    run = grow(study)
    assert run is not None
    whole = analyse(study)
    assert (whole.kind, whole.base_id) == ("whole", None)
    opened = Study(study)
    assert opened.store.findings.coded(whole.id) == segments(study)
    base = opened.store.batches.base()
    assert base is not None
    assert base.id == whole.id
    drop(study, "P10")
    later = grow(study)
    assert later is not None
    assert (later.base_id, later.ordinal) == (whole.id, 1)


def test_what_was_learned_is_learned_again_where_it_is_not_kept(study: Path, tmp_path: Path) -> None:
    """As in studies of the time before, and after a withdrawal."""
    import sqlalchemy as sa

    other = Path(shutil.copytree(study, tmp_path / "other"))
    opened = Study(other)
    with opened.store._engine.begin() as connection:
        for table in ("coder_state", "tally"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
    opened.store.close()
    for folder in (study, other):
        drop(folder, "P09")
        assert grow(folder) is not None
    a, b = state(study), state(other)
    assert [_said(c) for c in a.codings] == [_said(c) for c in b.codings]
    assert _kept(study).content == _kept(other).content


def _kept(folder: Path) -> KeptCoder:
    opened = Study(folder)
    base = opened.store.batches.base()
    assert base is not None
    kept = opened.store.coders.of(base.id)
    assert kept is not None
    return kept


def _said(coding: str) -> tuple[str, ...]:
    found = json.loads(coding)
    return found["segment_id"], found["code"], found["outcome"]


def test_two_batches_at_once_are_one_too_many(study: Path) -> None:
    drop(study, "P09")
    with exclusive(Study(study)), pytest.raises(Incomplete, match="another process"):
        grow(study)
    assert grow(study) is not None


def test_the_forecast_counts_what_is_open(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(study, "P09")
    run = grow(study, until="place")
    assert run is not None
    bench = batch.batch_bench(BatchJob(str(study), "fake", "hashed"), run.id)
    most = batch.forecast(bench)
    chat = opens(monkeypatch)
    grow(study)
    assert most.segments == len(chat.asked) > 0
    assert most.themes == 0


def test_words_of_examples_are_of_people_who_coded_before(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noting(request: ChatRequest) -> str:
        asked.append(request.user)
        return answer(request)

    opens(monkeypatch, noting)
    drop(study, "P09")
    run = grow(study)
    assert run is not None
    assert any("[coded]" in user for user in asked)
    shown = set(run.counts["examples_shown"])
    assert shown
    assert shown <= segments(study, *FIRST)
