"""One audit as a whole: every section speaks of the same units, and what cannot be told says why."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from html import escape
from pathlib import Path
from typing import Any

import pytest
from audited import EACH, PARTICIPANTS, codings_of, outcome, people_code, run, true
from click.testing import CliRunner

from belonging_llm import cli
from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.audit_lines import audit_lines
from belonging_llm.auditing.record import Audit
from belonging_llm.auditing.splits import Part
from belonging_llm.auditing.words import methods
from belonging_llm.codes import Outcome
from belonging_llm.report.audit import as_json, render
from belonging_llm.segments import Segment
from belonging_llm.study import Study


def slipping(segment: Segment, code: str) -> Outcome:
    """Right, but: segment 0 has group instead of home, segment 7 has home for nothing, segment 3 is left open."""
    s = int(segment.id[-1])
    if s == 3:
        return Outcome.ABSTAINED
    if s == 0:
        return outcome(code == "group")
    return outcome(true(segment.id, code) or (s == 7 and code == "home"))


def audited(folder: Path, part: Part = Part.DEVELOPMENT, wanted: str | None = None) -> Audit:
    return audit(Study(folder), part=part, wanted=wanted, who="ada", command="belonging evaluate talks")


@pytest.fixture
def slips(talks: Path) -> Path:
    people_code(talks, ["A", "B"])
    people_code(talks, ["C"], found=lambda one, code: true(one, code) and not one.endswith("4"), name="c.csv")
    run(talks, slipping)
    return talks


def test_every_part_has_its_own_participants_and_together_they_are_all(slips: Path) -> None:
    found = {part: audited(slips, part) for part in Part}
    assert [one.flow.audited for one in found.values()] == [5 * EACH, 2 * EACH, 5 * EACH]
    split = found[Part.TEST].provenance.split
    assert sorted(name for people in split.values() for name in people) == sorted(
        {n for p in split.values() for n in p}
    )
    assert sum(len(people) for people in split.values()) == PARTICIPANTS
    for part, one in found.items():
        shown = {d.participant for d in one.errors.disagreements}
        assert shown <= set(split[part])


def test_errors_are_counted_told_apart_and_shown_verbatim(slips: Path) -> None:
    found = audited(slips).errors
    # A participant: home on 0 2 4 6, of which the model misses 0 and adds 7; group on 1, and the model adds 0.
    home, group = found.scores["home"], found.scores["group"]
    assert [home.true_positive, home.false_negative, home.false_positive] == [15, 5, 5]
    assert [group.true_positive, group.false_negative, group.false_positive] == [5, 0, 5]
    assert home.recall.value == home.precision.value == 0.75
    assert found.confused == (("home", "group", 5), ("none", "home", 5))
    assert len(found.disagreements) == 15
    first = found.disagreements[0]
    assert (first.code, first.kind, first.unanimous) == ("home", "missing", True)
    assert (first.assigned_by, first.judged_by) == (("A", "B", "C"), ("A", "B", "C"))
    assert first.text.startswith("Word")
    assert not [d for d in found.disagreements if d.segment_id.endswith("3")]  # left open is no error
    # C disagrees on segment 4, where the model is right.
    unanimity = {u.code: u for u in found.unanimity}
    assert (unanimity["home"].split, unanimity["home"].split_wrong) == (5, 0)
    assert (unanimity["home"].unanimous, unanimity["home"].unanimous_wrong) == (30, 10)


def test_what_the_model_left_open_is_counted_and_warned_of(slips: Path) -> None:
    found = audited(slips)
    assert found.flow.outcomes["abstained"] == 5 * 2
    assert found.confidence.abstained == pytest.approx(1 / EACH)
    assert any("on 10 segment × code pairs the model abstained" in line for line in found.warnings)


def test_agreement_with_people_stands_beside_agreement_among_them(slips: Path) -> None:
    home = audited(slips).against[0]
    assert set(home.each) == {"A", "B", "C"}
    assert home.among_humans.value is not None
    assert home.with_model.value is not None
    assert home.difference.value == pytest.approx(home.with_model.value - home.among_humans.value)
    assert home.difference.interval is not None


def test_the_paradox_panel_has_coders_who_never_read(slips: Path) -> None:
    for one in audited(slips).paradox:
        assert one.never.kappa.value == pytest.approx(0)
        assert one.always.kappa.value == pytest.approx(0)
        assert one.never.n == one.model.n == 5 * (EACH - 1)


def test_where_it_comes_from_is_told(slips: Path) -> None:
    found = audited(slips).provenance
    assert (found.candidate, found.model, found.encoder) == ("none", "none", "hashed-words-64")
    assert {p.name for p in found.prompts} == {
        "choose_code.v1",
        "code_segment.v1",
        "code_segment.v2",
        "code_segments.v1",
        "label_theme.v1",
        "map_theme.v1",
        "rename_theme.v1",
    }
    assert all(p.text.startswith("---") for p in found.prompts)
    assert [(c.name, c.judged, c.saw_model, c.role) for c in found.coders] == [(n, 5 * EACH, 0, "coder") for n in "ABC"]
    assert (found.prompts_tried, found.codebooks_tried, found.runs) == (1, 1, 1)
    assert found.demanded["min_positives"] == 30


def test_a_prompt_changed_since_is_not_passed_off_as_the_one_used(slips: Path) -> None:
    (slips / "prompts" / "map_theme.v1.md").write_text(
        (Study(slips).prompt("map_theme.v1").source.replace("## User", "More.\n\n## User")), encoding="utf-8"
    )
    texts = {p.name: p.text for p in audited(slips).provenance.prompts}
    assert texts["map_theme.v1"] == "This prompt was changed after the run."


def test_methods_name_what_reviewers_ask_for(slips: Path) -> None:
    found = audited(slips)
    for words in (
        f"{5 * EACH} segments from 5 participants",
        "by 3 people independently",
        "a majority of them settled each code",
        f"sha256 {found.provenance.codebook_digest[:12]}",
        "100 times, seed 0",
        "5 for development, 2 for calibration, 5 for test",
        "versions of the codebook that had been tried is 1",
        f"coded without a language model and without prompts: by this program (belonging-llm), from the wording of the "
        f"codebook, with the embedding model {found.provenance.encoder}.",
        "had also learned from people's codings of the development split",
        "it had seen the codings that it is compared with here",
        f"of {5 * EACH * 2} segment × code pairs it left {5 * 2} open",
        "The verdicts are provisional and claim nothing.",
    ):
        assert words in found.methods
    for words in ("coded by none", "choose_code", "coding prompt"):
        assert words not in found.methods


def told(found: Audit, part: str = "development", **changed: Any) -> str:
    made = replace(found.provenance, **changed)
    return methods(made, found.flow, found.ceiling, found.against, found.standing, found.verdicts, part)


def test_methods_say_whose_codings_were_learned_from(slips: Path) -> None:
    found = audited(slips)
    assert found.provenance.taught is True
    assert "Of the test split it had seen no coding." in told(found, "test")
    assert "it had been calibrated on the codings" in told(found, "calibration")
    everything = told(found, settings={**found.provenance.settings, "hold_out": False})
    assert "learned from all of people's codings, those of the audited segments among them" in everything
    assert "Nothing was learned from people's codings." in told(found, taught=False)
    for paragraph in (told(found, taught=None), told(found, run_id=None)):
        assert "learned" not in paragraph


def test_a_run_before_anybody_coded_learned_from_nobody(talks: Path) -> None:
    run(talks, slipping)
    people_code(talks)
    assert audited(talks).provenance.taught is False


def test_methods_name_a_model_and_its_prompts(slips: Path) -> None:
    found = audited(slips)
    paragraph = told(found, candidate="qwen", model="qwen")
    assert "coded by qwen with the prompts choose_code.v1 (sha256" in paragraph
    assert f" and the embedding model {found.provenance.encoder}." in paragraph
    assert "versions of the coding prompt that had been tried is 1" in paragraph
    # A person who is called so is no run without a model.
    assert "coded by none with" in told(found, run_id=None)


def test_methods_say_that_an_adjudicator_settled(slips: Path) -> None:
    people_code(slips, ["adjudicated"], name="settled.csv")
    assert "disagreements were settled by an adjudicator." in audited(slips).methods


def test_the_page_of_a_run_without_a_model_names_none_and_prints_no_prompt(slips: Path) -> None:
    found = audited(slips)
    page = render(found)
    assert "Here the program without a language model is compared with" in page
    assert "no language model was asked, so no prompt was used" in page
    assert found.provenance.prompts[0].text
    assert not any(
        escape(p.text, quote=False) in page or json.dumps(p.text)[1:-1] in page for p in found.provenance.prompts
    )
    assert found.provenance.prompts[0].digest in page
    assert as_json(found)["provenance"]["candidate"] == "none"
    asked = replace(found, provenance=replace(found.provenance, candidate="qwen", model="qwen"))
    assert "<summary>Prompt choose_code.v1</summary>" in render(asked)


def test_everything_undefined_has_a_place_and_a_reason(talks: Path) -> None:
    people_code(talks, found=lambda _, code: False)
    run(talks, lambda *_: Outcome.NOT_ASSIGNED)
    found = audited(talks)
    assert all(line["where"] and line["reason"] for line in found.undefined)
    places = " ".join(line["where"] for line in found.undefined)
    for section in ("among people", "against", "paradox", "errors"):
        assert section in places
    assert {v.verdict for v in found.verdicts} == {"insufficient evidence"}


def test_one_coder_alone_can_be_audited_against_and_nothing_is_made_up(talks: Path) -> None:
    people_code(talks, ["A"])
    run(talks)
    found = audited(talks)
    for one in found.against:
        assert one.among_humans.value is None
        assert "one person only" in one.among_humans.reason
        assert one.with_model.value == pytest.approx(1)
    assert {v.verdict for v in found.verdicts} == {"insufficient evidence"}


def test_a_coder_as_candidate_has_no_confidence_themes_or_repeats_and_the_rest_is_there(slips: Path) -> None:
    found = audited(slips, wanted="C")
    assert found.provenance.run_id is None
    assert [c.name for c in found.provenance.coders] == ["A", "B"]
    assert found.themes is None
    assert found.repeats.reason
    assert found.confidence.overall.brier.value is None
    assert {d.kind for d in found.errors.disagreements} == {"missing"}


def test_evidence_lies_where_it_is_said_to(sample: Path) -> None:
    right = codings_of(sample, "adjudicated")
    run(sample, lambda segment, code: outcome((segment.id, code) in right))
    found = audited(sample, wanted="A").evidence
    assert found.assigned > 50
    assert found.quoted == found.verbatim == sum(found.places)


def test_lost_and_repaired_quotes_are_counted(talks: Path) -> None:
    people_code(talks, ["A", "B"])
    found = run(talks, slipping)
    before = audited(talks).evidence
    assert (before.repaired, before.dropped, before.demoted) == (0, None, None), "a run that did not count them"
    opened = Study(talks)
    opened.store.runs.note(
        found, **{"batch 1": {"unlocated": 2, "demoted": 1}, "batch 2": {"unlocated": 3, "demoted": 0}}
    )
    opened.store.close()
    after = audited(talks).evidence
    assert (after.dropped, after.demoted) == (5, 1)


def test_lines_for_a_terminal_put_the_standing_first_and_every_code_after_it(slips: Path) -> None:
    found = audited(slips)
    lines = list(audit_lines(found))
    assert lines[0] == "talks, development split, 40 segments; judged: the program without a language model"
    assert lines[1] == "standing: provisional"
    # Of eight segments each of five participants gives home to 2, 4, 6, 7 and group to 0 and 1; 3 is left open.
    assert [line.strip() for line in lines if "the model assigned" in line] == [
        "the model assigned 20, abstained or failed on 5 of 40",
        "the model assigned 10, abstained or failed on 5 of 40",
    ]
    assert (
        "    with the model: the resamples hardly vary (too few participants, or all alike): the interval does not "
        in ("\n".join(lines))
    )
    assert [line.split(":")[0] for line in lines if "segments have it" in line] == ["home", "group"]
    assert any("not known: stable" in line for line in lines)


def test_the_same_audit_twice_says_the_same(slips: Path) -> None:
    one, two = audited(slips), audited(slips)
    for field in fields(Audit):
        if field.name in ("verdicts", "against", "errors", "prevalence", "methods", "undefined", "alternative"):
            assert getattr(one, field.name) == getattr(two, field.name), field.name


def command(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli.main, [str(a) for a in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_the_command_writes_page_and_figures(slips: Path) -> None:
    code, said, _ = command("evaluate", slips)
    assert code == 0
    assert "standing: provisional" in said
    assert str(slips / "reports" / "audit.html") in said
    assert (slips / "reports" / "audit.html").stat().st_size > 10_000
    figures = json.loads((slips / "reports" / "audit.json").read_text(encoding="utf-8"))
    code, said, _ = command("evaluate", slips, "--json")
    assert code == 0
    assert set(json.loads(said)) == set(figures)


def test_the_command_opens_the_test_split_in_somebody_s_name(slips: Path) -> None:
    code, said, _ = command("evaluate", slips, "--split", "test", "--by", "Ada")
    assert (code, "standing: final" in said, "by Ada" in said) == (0, True, True)


@pytest.mark.parametrize(("flag", "there"), [("--quotes", True), ("--no-quotes", False)])
def test_people_s_words_are_written_only_where_they_may_be(flag: str, there: bool, slips: Path) -> None:
    shown = audited(slips).errors.disagreements[0].text
    assert command("evaluate", slips, flag)[0] == 0
    for name in ("audit.html", "audit.json"):
        assert (shown in (slips / "reports" / name).read_text(encoding="utf-8")) is there, name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--coder", "Zed"], "no such run or coder"), (["--split", "nowhere"], "nowhere")],
)
def test_the_command_refuses_in_words(arguments: list[str], said: str, slips: Path) -> None:
    code, shown, error = command("evaluate", slips, *arguments)
    assert (code, shown) == ((1 if "--coder" in arguments else 2), "")
    assert said in error
