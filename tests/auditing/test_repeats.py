"""The same segments coded again: how alike runs are, what differs between them, and how sentinels fare over time."""

from __future__ import annotations

from pathlib import Path

import pytest
from audited import EACH, bring, demand, outcome, people_code, run, true, who, write
from click.testing import CliRunner

from belonging_llm import cli
from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.record import Audit
from belonging_llm.auditing.sentinels import choose
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.codes import Outcome
from belonging_llm.errors import StudyError
from belonging_llm.importing import Kind
from belonging_llm.segments import Segment
from belonging_llm.study import Study


def slipping(segment: Segment, code: str) -> Outcome:
    """Right, but for every participant's last segment: home, where nobody has it."""
    return outcome(true(segment.id, code) or (code == "home" and segment.id.endswith(str(EACH - 1))))


@pytest.fixture
def twice(talks: Path) -> tuple[Path, str, str]:
    """Coded right, and then with another seed and share less well."""
    people_code(talks)
    first = run(talks)
    demand(talks, seed=5, ask_share=0.3)
    return talks, first, run(talks, slipping)


def audited(folder: Path, part: Part = Part.DEVELOPMENT, wanted: str | None = None) -> Audit:
    return audit(Study(folder), part=part, wanted=wanted, who="ada")


def test_two_runs_are_compared_and_what_differs_is_named(twice: tuple[Path, str, str]) -> None:
    folder, first, second = twice
    found = audited(folder).repeats
    assert [r.run_id for r in found.runs] == [first, second]
    assert [r.differs_in for r in found.runs] == [("settings: ask_share", "settings: seed"), ()]
    # One of eight segments a participant flips in home, none in group.
    home, group = found.by_code["home"], found.by_code["group"]
    assert (home.runs, home.units) == (2, 5 * EACH)
    assert home.same == pytest.approx(1 - 1 / EACH)
    assert group.same == 1


def test_stability_is_weighed_against_its_floor(twice: tuple[Path, str, str]) -> None:
    stable = {v.code: next(c for c in v.criteria if c.name == "stable") for v in audited(twice[0]).verdicts}
    assert (stable["home"].met, stable["home"].found) == (False, "88% over 2 runs")
    assert (stable["group"].met, stable["group"].found) == (True, "100% over 2 runs")


def test_once_is_not_again(talks: Path) -> None:
    people_code(talks)
    run(talks)
    found = audited(talks).repeats
    assert (found.runs, found.by_code) == ((), {})
    assert "one finished run" in found.reason


def test_runs_with_another_codebook_are_no_repeats(talks: Path) -> None:
    people_code(talks)
    run(talks)
    rows = [("home", "Home", "Feels at home, really."), ("group", "Group", "Speaks of a group.")]
    bring(talks, write(talks / "second.csv", ("code", "name", "definition"), rows), Kind.CODEBOOK)
    run(talks, slipping)
    found = audited(talks)
    assert "one finished run" in found.repeats.reason
    assert (found.provenance.runs, found.provenance.codebooks_tried) == (2, 2)


def test_what_a_run_left_open_is_compared_with_nothing(talks: Path) -> None:
    people_code(talks)
    run(talks)
    demand(talks, seed=5)
    run(talks, lambda *_: Outcome.ABSTAINED)
    found = audited(talks).repeats.by_code["home"]
    assert found.same is None
    assert found.flip_rate.reason


def test_sentinels_are_clear_gold_of_the_development_part_with_every_code(talks: Path) -> None:
    people_code(talks, ["A", "B"])
    people_code(talks, ["C"], found=lambda one, code: true(one, code) and not one.endswith("2"), name="c.csv")
    run(talks)
    opened = Study(talks)
    chosen = choose(opened, 9)
    assert len(set(chosen)) == 9
    assert opened.store.audits.sentinels() == sorted(chosen)
    locked = parts(opened)
    assert {locked[who(int(one[1:3]))] for one in chosen} == {Part.DEVELOPMENT}
    # home, group and neither in turn; segments 2, on which C disagrees, are not among the clearest.
    kinds = [(true(one, "home"), true(one, "group")) for one in chosen]
    assert kinds == [(True, False), (False, True), (False, False)] * 3
    assert not [one for one in chosen if one.endswith("2")]


def test_sentinels_are_chosen_once(talks: Path) -> None:
    people_code(talks)
    run(talks)
    chosen = choose(Study(talks), 10)
    with pytest.raises(StudyError, match="10 sentinels are fixed already"):
        choose(Study(talks), 12)
    assert Study(talks).store.audits.sentinels() == sorted(chosen)


def test_more_sentinels_than_segments_are_all_of_them(talks: Path) -> None:
    people_code(talks)
    run(talks)
    assert len(choose(Study(talks), 1000)) == 5 * EACH


def test_without_gold_there_is_nothing_to_fix(talks: Path) -> None:
    run(talks)
    with pytest.raises(StudyError, match="no human codings"):
        choose(Study(talks), 5)


def test_the_command_fixes_them_once(talks: Path) -> None:
    people_code(talks)
    run(talks)
    first, second = (
        CliRunner().invoke(cli.main, ["audit", "sentinels", str(talks), "--segments", "6"]) for _ in range(2)
    )
    assert (first.exit_code, first.stdout.startswith("6 sentinels fixed")) == (0, True)
    assert (second.exit_code, "fixed already" in second.stderr) == (1, True)


@pytest.mark.parametrize("part", [Part.DEVELOPMENT, Part.TEST])
def test_drift_has_a_row_for_each_run_whichever_part_is_audited(part: Part, twice: tuple[Path, str, str]) -> None:
    folder, first, second = twice
    chosen = choose(Study(folder), 1000)
    rows = audited(folder, part).drift
    assert [(row.run_id, row.n) for row in rows] == [(first, len(chosen)), (second, len(chosen))]
    # Of 8 × 2 judgements a participant, one differs, and is wrong.
    assert [row.right.value for row in rows] == [1, pytest.approx(15 / 16)]
    assert [row.flipped.value for row in rows] == [0, pytest.approx(1 / 16)]
    assert rows[0].kappa.value == 1
    assert rows[1].kappa.value is not None
    assert rows[1].kappa.value < 1


def test_without_sentinels_there_is_no_drift_to_show(twice: tuple[Path, str, str]) -> None:
    assert audited(twice[0]).drift == ()


def test_a_coder_s_codings_were_not_coded_twice(twice: tuple[Path, str, str]) -> None:
    choose(Study(twice[0]), 6)
    found = audited(twice[0], wanted="A")
    assert "not made by a run" in found.repeats.reason
    assert len(found.drift) == 2
    assert {row.n for row in found.drift} == {6}
