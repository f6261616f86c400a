"""What the model may learn: development's codings, made without it; a test participant's never."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from audited import EACH, PARTICIPANTS, bring, demand, ident, people_code, text, true, who, write
from audited import run as run_that_said

from belonging_llm import analysis
from belonging_llm.analysis import Job
from belonging_llm.auditing.lessons import NOTHING, Teaching, teaching
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.codes import Coding, Lessons, Outcome
from belonging_llm.errors import LeakError
from belonging_llm.importing import Kind
from belonging_llm.study import Study


def taught(folder: Path, *, everything: bool = False) -> Teaching:
    opened = Study(folder)
    found = teaching(opened, opened.store.corpus.segments(), everything=everything)
    opened.store.close()
    return found


def locked(folder: Path) -> dict[str, str]:
    opened = Study(folder)
    found = opened.store.audits.parts()
    opened.store.close()
    return found


def people_in(folder: Path, part: Part) -> list[int]:
    """Participants of a part, by number."""
    opened = Study(folder)
    where = parts(opened)
    opened.store.close()
    return [p for p in range(PARTICIPANTS) if where.get(who(p)) is part]


def said_of(folder: Path, lessons: Lessons) -> dict[str, tuple[float, ...]]:
    """Shares of each code, by segment."""
    opened = Study(folder)
    ids = [s.id for s in opened.store.corpus.segments()]
    opened.store.close()
    return {ids[row]: tuple(shares) for row, shares in zip(lessons.rows, lessons.shares.tolist(), strict=True)}


def segments_of(participants: Iterable[int]) -> set[str]:
    return {ident(p, s) for p in participants for s in range(EACH)}


def opposite(segment_id: str, code: str) -> bool:
    return not true(segment_id, code)


def polarities(folder: Path, rows: Iterable[tuple[str, str, str]], name: str, saw_model: str = "no") -> None:
    """People (segment, coder, polarity) who find `home` there."""
    names = ("segment_id", "coder", "code", "polarity", "saw_model")
    table = [(segment, coder, "home", polarity, saw_model) for segment, coder, polarity in rows]
    bring(folder, write(folder / name, names, table))


def test_nobody_coded_so_nothing_is_learned(talks: Path) -> None:
    assert taught(talks) is NOTHING
    assert locked(talks) == {}
    assert taught(talks).shares(3, 2) is None


def test_too_few_participants_to_keep_any_apart_teach_nothing(talks: Path) -> None:
    people_code(talks, segments=segments_of([0, 1]))
    assert taught(talks) is NOTHING
    people_code(talks, segments=segments_of([2]), name="third.csv")
    assert len(taught(talks).development) == EACH


def test_each_lesson_is_of_its_own_part_and_no_test_participant_is_in_any(talks: Path) -> None:
    people_code(talks)
    found = taught(talks)
    # Of 12 participants 40 % are 5, 20 % are 2, 40 % are 5.
    assert len(people_in(talks, Part.TEST)) == 5
    assert set(said_of(talks, found.development)) == segments_of(people_in(talks, Part.DEVELOPMENT))
    assert set(said_of(talks, found.calibration)) == segments_of(people_in(talks, Part.CALIBRATION))
    assert len(set(found.development.groups)) == 5
    assert sorted(np.bincount(found.development.groups)) == [EACH] * 5
    for lessons in (found.development, found.calibration):
        for unit, shares in said_of(talks, lessons).items():
            assert shares == (float(true(unit, "home")), float(true(unit, "group")))


def test_shares_by_segment_are_unknown_where_nobody_may_look(talks: Path) -> None:
    people_code(talks)
    found = taught(talks)
    shares = found.shares(PARTICIPANTS * EACH, 2)
    assert shares is not None
    known = {*found.development.rows.tolist(), *found.calibration.rows.tolist()}
    assert {int(row) for row in np.flatnonzero(~np.isnan(shares).any(1))} == known
    assert len(known) == 7 * EACH


def test_everything_is_learned_from_when_nobody_will_audit(talks: Path) -> None:
    people_code(talks)
    found = taught(talks, everything=True)
    assert set(said_of(talks, found.development)) == segments_of(range(PARTICIPANTS))
    assert len(found.calibration) == 0
    assert locked(talks) == {}, "nothing is sealed"


def test_people_who_differ_count_each(talks: Path) -> None:
    people_code(talks, ("A", "B", "C"))
    people_code(talks, ("D",), found=opposite, name="d.csv")
    unit, shares = next(iter(said_of(talks, taught(talks).development).items()))
    assert shares == tuple(0.75 if true(unit, code) else 0.25 for code in ("home", "group"))


def test_who_saw_the_models_codings_teaches_nothing(talks: Path) -> None:
    people_code(talks, ("A",))
    before = taught(talks)
    people_code(talks, ("B",), found=opposite, saw_model="yes", name="b.csv")
    assert taught(talks).digest == before.digest
    assert said_of(talks, taught(talks).development) == said_of(talks, before.development)


def test_only_anchored_judgements_are_no_lesson(talks: Path) -> None:
    people_code(talks, ("A",), saw_model="yes")
    found = taught(talks)
    assert (len(found.development), len(found.calibration)) == (0, 0)


def test_the_adjudicator_counts_where_nobody_else_judged(talks: Path) -> None:
    by_people = [ident(p, s) for p in range(PARTICIPANTS) for s in range(4)]
    people_code(talks, ("A", "B"), segments=by_people)
    people_code(talks, ("adjudicated",), found=opposite, name="settled.csv")
    found = said_of(talks, taught(talks).development)
    assert len(found) == 5 * EACH
    for unit, shares in found.items():
        expected = true if unit in by_people else opposite
        assert shares == (float(expected(unit, "home")), float(expected(unit, "group")))


def test_who_abstained_on_a_code_judged_the_others(talks: Path) -> None:
    people_code(talks, ("A", "B"), found=lambda *_: False)
    people_code(talks, ("C",), found=lambda _, code: code == "home", name="c.csv")
    one = ident(people_in(talks, Part.DEVELOPMENT)[0], 0)
    opened = Study(talks)
    abstained = [Coding(segment_id=one, code="home", coder=x, outcome=Outcome.ABSTAINED) for x in ("A", "B")]
    abstained += [Coding(segment_id=one, code="group", coder=x, outcome=Outcome.ABSTAINED) for x in ("A", "B", "C")]
    opened.store.findings.add_codings(abstained)
    opened.store.close()
    found = said_of(talks, taught(talks).development)
    assert found[one][0] == 1.0, "only C judged home"
    assert np.isnan(found[one][1]), "nobody judged group"
    assert {shares for unit, shares in found.items() if unit != one} == {(1 / 3, 0.0)}


def test_polarity_is_learned_from_the_development_split_alone(talks: Path) -> None:
    people_code(talks, ("A",), found=lambda *_: False)
    by_part = {part: people_in(talks, part) for part in Part}
    kinds = {0: "absent", 1: "experienced", 2: "mixed"}
    rows = [(ident(p, s), "B", kinds[s]) for people in by_part.values() for p in people for s in kinds]
    polarities(talks, rows, "polar.csv")
    found = taught(talks)
    place = {row: unit for unit, row in _places(talks).items()}
    told = {place[row]: absent for row, absent in zip(found.polar_rows, found.polar_absent, strict=True)}
    development = by_part[Part.DEVELOPMENT]
    assert told == {ident(p, s): {0: 1.0, 1: 0.0, 2: 0.5}[s] for p in development for s in kinds}


def _places(folder: Path) -> dict[str, int]:
    opened = Study(folder)
    found = {s.id: row for row, s in enumerate(opened.store.corpus.segments())}
    opened.store.close()
    return found


def test_anchored_and_adjudicated_polarities_are_no_lesson(talks: Path) -> None:
    people_code(talks, ("A",), found=lambda *_: False)
    p = people_in(talks, Part.DEVELOPMENT)[0]
    polarities(talks, [(ident(p, 0), "B", "absent")], "anchored.csv", saw_model="yes")
    polarities(talks, [(ident(p, 1), "adjudicated", "absent")], "settled.csv")
    assert len(taught(talks).polar_rows) == 0
    polarities(talks, [(ident(p, 2), "B", "absent")], "free.csv")
    assert taught(talks).polar_rows.tolist() == [_places(talks)[ident(p, 2)]]


def test_the_order_in_which_codings_came_changes_nothing(talks: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(talks, tmp_path / "other"))
    for folder, names in ((talks, "ABC"), (other, "CBA")):
        for name in names:
            people_code(folder, (name,), name=f"{name}.csv", found=true if name != "B" else opposite)
    assert taught(talks).digest == taught(other).digest


def prepared(folder: Path) -> bool:
    """Whether an analysis finds its inputs unchanged."""
    unchanged = analysis.prepare(Job(str(folder), "none", "hashed"))[1]
    analysis.workbench.cache_clear()
    return unchanged


def test_new_lessons_start_a_new_run(talks: Path) -> None:
    people_code(talks)
    run_that_said(talks)
    assert prepared(talks)
    development = people_in(talks, Part.DEVELOPMENT)
    before = taught(talks).digest
    people_code(talks, ("D",), segments=[ident(development[0], 0)], name="d.csv")
    # What D found is what everybody found: the shares are as they were.
    assert taught(talks).digest == before
    assert prepared(talks)
    people_code(talks, ("D",), segments=[ident(development[0], 1)], found=opposite, name="more.csv")
    assert taught(talks).digest != before
    assert not prepared(talks)


def test_a_calibration_participants_codings_start_a_new_run_too(talks: Path) -> None:
    people_code(talks)
    run_that_said(talks)
    people_code(talks, ("D",), segments=[ident(people_in(talks, Part.CALIBRATION)[0], 0)], found=opposite, name="d.csv")
    assert not prepared(talks)


def test_codings_of_the_test_split_change_no_lesson(talks: Path) -> None:
    people_code(talks)
    run_that_said(talks)
    before = taught(talks).digest
    sealed = sorted(segments_of(people_in(talks, Part.TEST)))
    people_code(talks, ("D",), segments=sealed, found=opposite, name="d.csv")
    assert taught(talks).digest == before
    assert prepared(talks)


def test_a_polarity_that_moves_to_another_segment_is_another_lesson(talks: Path, tmp_path: Path) -> None:
    people_code(talks, found=lambda _, code: code == "home")
    p = people_in(talks, Part.DEVELOPMENT)[0]
    other = Path(shutil.copytree(talks, tmp_path / "other"))
    # Both have one judge more, who gave home to the same two segments; the polarity is on one or the other.
    for folder, kinds in ((talks, ("absent", "")), (other, ("", "absent"))):
        polarities(folder, [(ident(p, s), "D", kind) for s, kind in enumerate(kinds)], "d.csv")
    one, two = taught(talks), taught(other)
    assert np.array_equal(one.development.shares, two.development.shares)
    assert one.digest != two.digest


def test_a_study_that_does_not_want_to_learn_learns_nothing(talks: Path) -> None:
    people_code(talks)
    demand(talks, learn="false")
    job = Job(str(talks), "none", "hashed")
    opened, _ = analysis.prepare(job)
    bench = analysis.workbench(job)
    assert bench.teaching is NOTHING
    assert not bench.likely(opened.id).taught.any()
    for rows in analysis.batches(job, opened.id):
        analysis.code_batch(job, opened.id, rows)
    assert analysis.finish(job, opened.id).status == "complete"
    assert {c.provenance.taught for c in bench.store.findings.codings(opened.id)} == {False}
    bench.store.close()
    assert locked(talks) == {}, "nothing is sealed"
    people_code(talks, ("D",), found=opposite, name="d.csv")
    assert prepared(talks), "what people say is no input"


def test_a_study_that_learns_says_what_it_learned(talks: Path) -> None:
    people_code(talks)
    job = Job(str(talks), "none", "hashed")
    opened, _ = analysis.prepare(job)
    bench = analysis.workbench(job)
    for rows in analysis.batches(job, opened.id):
        analysis.code_batch(job, opened.id, rows)
    assert analysis.finish(job, opened.id).status == "complete"
    codings = bench.store.findings.codings(opened.id)
    assert {c.provenance.taught for c in codings} == {True}
    mean = {
        code: float(np.mean([c.provenance.chance or 0.0 for c in codings if c.code == code]))
        for code in ("home", "group")
    }
    # People have home in every second segment and group in every eighth. From 16 segments to calibrate on, group's
    # share p leans on that of both codes, .31: 16 p - 2 = 2 (logit .31 - logit p) holds at p = .19.
    assert mean == pytest.approx({"home": 0.5, "group": 0.19}, abs=0.08)
    bench.store.close()


def test_what_is_sealed_by_learning_is_searched_for_at_once(talks: Path, tmp_path: Path) -> None:
    """The first analysis draws the split, and must not show the model what it has just sealed."""
    people_code(talks)
    sealed = people_in(Path(shutil.copytree(talks, tmp_path / "looked-at")), Part.TEST)[0]
    rows = [("home", "Home", "Feels at home.", text(sealed, 2)), ("group", "Group", "Speaks of a group.", "")]
    bring(talks, write(talks / "planted.csv", ("code", "name", "definition", "examples"), rows), Kind.CODEBOOK)
    assert locked(talks) == {}
    with pytest.raises(LeakError, match=f"segment {ident(sealed, 2)}"):
        analysis.prepare(Job(str(talks), "none", "hashed"))
