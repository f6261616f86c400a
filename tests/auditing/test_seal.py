"""The test split is opened on the record, and what changes afterwards voids the verdicts."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import pytest
from audited import EACH, bring, demand, ident, people_code, run, write

from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.record import Audit
from belonging_llm.auditing.splits import Part
from belonging_llm.errors import StudyError
from belonging_llm.importing import Kind
from belonging_llm.prompts import load
from belonging_llm.study import Study


@pytest.fixture
def coded(talks: Path) -> Path:
    people_code(talks)
    run(talks)
    return talks


def audited(folder: Path, part: Part = Part.TEST, wanted: str | None = None, who: str = "ada") -> Audit:
    opened = Study(folder)
    found = audit(opened, part=part, wanted=wanted, who=who)
    opened.store.close()
    return found


def openings(folder: Path) -> list[str]:
    return [u.who for u in Study(folder).store.audits.unsealings()]


@pytest.mark.parametrize("part", [Part.DEVELOPMENT, Part.CALIBRATION])
def test_other_parts_open_nothing_and_count_for_nothing(part: Part, coded: Path) -> None:
    found = audited(coded, part)
    assert openings(coded) == []
    assert found.standing.kind == "provisional"
    assert f"made on the {part} split" in found.standing.reasons[0]
    assert "claim nothing" in found.methods


def test_opening_the_test_split_is_logged_with_who_when_and_whom(coded: Path) -> None:
    found = audited(coded)
    assert found.standing.kind == "final"
    assert "opened once" in found.standing.reasons[0]
    assert "by ada" in found.standing.reasons[0]
    (logged,) = found.provenance.openings
    assert (logged.who, logged.changed_since) == ("ada", ())
    assert logged.candidate == f"run {found.provenance.run_id}"
    assert logged.at <= found.made_at


def test_the_same_inputs_again_stay_final_and_are_counted(coded: Path) -> None:
    first = audited(coded)
    again = audited(coded, who="ben")
    assert openings(coded) == ["ada", "ben"]
    assert again.standing.kind == "final"
    assert "opened 2 times" in again.standing.reasons[0]
    assert "first on" in again.standing.reasons[0]
    assert first.verdicts == again.verdicts


def test_looking_at_development_in_between_changes_nothing(coded: Path) -> None:
    audited(coded)
    audited(coded, Part.DEVELOPMENT)
    assert audited(coded).standing.kind == "final"


def edit_prompt(folder: Path) -> None:
    text = load("code_segment.v1").source.replace("## User", "Be strict.\n\n## User")
    (folder / "prompts" / "code_segment.v1.md").write_text(text, encoding="utf-8")


def edit_codebook(folder: Path) -> None:
    rows = [("home", "Home", "Feels at home, or wants to."), ("group", "Group", "Speaks of a group.")]
    bring(folder, write(folder / "second.csv", ("code", "name", "definition"), rows), Kind.CODEBOOK)


def edit_demands(folder: Path) -> None:
    demand(folder, kappa_margin=0.2)


@pytest.mark.parametrize(
    ("edit", "named"), [(edit_prompt, "prompt code_segment.v1"), (edit_codebook, "codebook"), (edit_demands, "demands")]
)
def test_a_change_after_the_opening_voids_the_verdicts_and_is_named(
    edit: Callable[[Path], None], named: str, coded: Path
) -> None:
    audited(coded)
    edit(coded)
    found = audited(coded)
    assert found.standing.kind == "void"
    assert f"since then changed: {named}" in found.standing.reasons[0]
    assert "the verdicts are void" in found.warnings
    assert found.provenance.openings[0].changed_since == (named,)
    assert "claim nothing" in found.methods


def test_another_run_of_other_settings_after_the_opening_voids(coded: Path) -> None:
    audited(coded)
    demand(coded, seed=5)
    run(coded)
    found = audited(coded)
    assert found.standing.kind == "void"
    assert found.provenance.openings[0].changed_since == ("settings",)


def test_undoing_a_change_makes_an_opening_count_again_but_it_stays_on_the_record(coded: Path) -> None:
    audited(coded)
    edit_prompt(coded)
    audited(coded)
    (coded / "prompts" / "code_segment.v1.md").unlink()
    found = audited(coded)
    # The second opening saw another prompt.
    assert found.standing.kind == "void"
    assert [bool(o.changed_since) for o in found.provenance.openings] == [False, True, False]


@pytest.mark.parametrize(("edit", "named"), [(edit_prompt, "prompt code_segment.v1"), (edit_codebook, "codebook")])
def test_a_run_made_with_other_inputs_than_the_study_has_is_void_at_once(
    edit: Callable[[Path], None], named: str, coded: Path
) -> None:
    edit(coded)
    found = audited(coded)
    assert found.standing.kind == "void"
    assert found.standing.reasons == (f"the judged run was made with other inputs than the study now has: {named}",)


def test_participants_who_join_after_the_opening_change_the_split(talks: Path) -> None:
    people_code(talks, segments=[ident(p, s) for p in range(6) for s in range(EACH)])
    run(talks)
    audited(talks)
    people_code(talks, segments=[ident(p, s) for p in range(6, 12) for s in range(EACH)], name="more.csv")
    found = audited(talks)
    assert found.standing.kind == "void"
    assert found.provenance.openings[0].changed_since == ("split",)


def test_somebody_must_open_it(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(StudyError, match="--by"):
        audited(coded, who="")
    assert openings(coded) == []


def test_a_candidate_that_nobody_else_judged_with_leaves_the_split_sealed(talks: Path) -> None:
    people_code(talks, ["A"])
    with pytest.raises(StudyError, match="nobody judged"):
        audited(talks, wanted="A")
    assert openings(talks) == []
