"""An audit sample is drawn with chances that are what the plan says, and coded blind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audited import EACH, PARTICIPANTS, bring, outcome, people_code, run, true, who, write
from click.testing import CliRunner

from belonging_llm import cli, usecases
from belonging_llm.auditing import plan as module
from belonging_llm.auditing.plan import Plan, Wish, intraclass, plan, sheet
from belonging_llm.codes import Outcome
from belonging_llm.errors import InputError, StudyError
from belonging_llm.importing import import_paths
from belonging_llm.segments import Segment
from belonging_llm.store import AuditUnit
from belonging_llm.study import Study
from belonging_llm.tables import read_rows

ALL = PARTICIPANTS * EACH
DRAWS = 2000
# Beyond this many standard errors a frequency is not what the plan said: of 96 segments, none by luck.
BEYOND = 4.5


def said(segment: Segment, code: str) -> Outcome:
    """Three strata: home assigned (half), left open (participant 0's others), none."""
    if segment.participant == who(0) and not true(segment.id, "home"):
        return Outcome.ABSTAINED
    return outcome(code == "home" and true(segment.id, "home"))


@pytest.fixture
def analysed(talks: Path) -> Path:
    run(talks, said)
    return talks


def planned(folder: Path, **wish: Any) -> Plan:
    return plan(Study(folder), Wish(**wish))


def draws(folder: Path, times: int = DRAWS, **wish: Any) -> list[tuple[AuditUnit, ...]]:
    """The same plan under many seeds, without writing any of them down."""
    study, one = Study(folder), Wish(**wish)
    segments = sorted(study.store.corpus.segments(), key=lambda s: s.id)
    last = study.store.runs.latest()
    assert last is not None
    codings = study.store.findings.codings(last.id)
    strata = module._strata(study, segments, codings, one.group)
    assert one.segments is not None
    made = []
    for seed in range(times):
        draw = np.random.default_rng(seed)
        chances = module._participants(study, segments, one, draw)
        rates = module._rates(segments, strata, one.segments, chances)
        made.append(module._drawn(segments, chances, rates, draw))
    return made


def test_the_drawing_here_is_the_plan_s_own(analysed: Path) -> None:
    made = planned(analysed, segments=20, participants=6, seed=1)
    assert made.units == draws(analysed, 2, segments=20, participants=6)[1]


def test_every_segment_comes_as_often_as_its_chance_says(analysed: Path) -> None:
    made = draws(analysed, segments=20)
    chance = np.array([[u.inclusion for u in units] for units in made])
    drawn = np.array([[u.drawn for u in units] for units in made])
    assert np.ptp(chance, axis=0).max() == 0  # with all participants in, chances are no matter of luck
    error = np.sqrt(chance[0] * (1 - chance[0]) / DRAWS)
    assert (np.abs(drawn.mean(0) - chance[0]) / error).max() < BEYOND
    assert len(set(chance[0])) == 3  # one for each stratum
    assert set(drawn.sum(1)) <= {19, 20, 21}
    assert chance[0].sum() == pytest.approx(20)


@pytest.mark.parametrize("group", ["", "shift"])
def test_with_participants_drawn_first_the_weighted_sample_speaks_for_all(group: str, analysed: Path) -> None:
    # Strata's sizes depend on who was drawn, and so do the chances; that their reciprocals weigh every segment
    # up to one, over all draws, is what makes estimates right (Horvitz & Thompson 1952).
    made = draws(analysed, segments=16, participants=6, group=group)
    weights = np.array([[u.drawn / u.inclusion for u in units] for units in made])
    error = weights.std(0) / np.sqrt(DRAWS)
    assert (np.abs(weights.mean(0) - 1) / error).max() < BEYOND
    assert min(u.inclusion for units in made for u in units) > 0


def test_participants_come_as_often_as_their_chance_says(analysed: Path) -> None:
    study = Study(analysed)
    segments = study.store.corpus.segments()
    wish = Wish(participants=5, group="shift")
    found = [module._participants(study, segments, wish, np.random.default_rng(seed)) for seed in range(DRAWS)]
    people = sorted(found[0])
    chance = np.array([found[0][name][1] for name in people])
    often = np.array([[one[name][0] for name in people] for one in found]).mean(0)
    assert (np.abs(often - chance) / np.sqrt(chance * (1 - chance) / DRAWS)).max() < BEYOND
    # 4 of 12 work nights: round(5 · 4/12) = 2 of them, and round(5 · 8/12) = 3 of the others.
    assert sorted({round(c, 3) for c in chance}) == [0.375, 0.5]


@pytest.mark.parametrize("segments", [1, 5, 20, 95, 96, 500])
def test_every_segment_has_a_chance_whatever_the_size(segments: int, analysed: Path) -> None:
    made = planned(analysed, segments=segments)
    assert all(0 < u.inclusion <= 1 for u in made.units)
    assert len(made.units) == ALL
    assert abs(len(made.order) - min(segments, ALL)) <= 1


def test_strata_say_what_the_model_said_how_surely_and_whose_it_is(analysed: Path) -> None:
    made = planned(analysed, segments=30, group="shift")
    # Four segments of participant 0 were left open; nights are participants 0, 3, 6 and 9.
    sizes: dict[str, int] = {}
    for unit in made.units:
        sizes[unit.stratum] = sizes.get(unit.stratum, 0) + 1
    assert sizes == {
        "left open; night": 4,
        "assigned, sure; night": 16,
        "none, sure; night": 12,
        "assigned, sure; day": 32,
        "none, sure; day": 32,
    }


def test_without_a_wish_for_a_number_the_neediest_code_says(analysed: Path) -> None:
    made = planned(analysed, half_width=0.4)
    served = [need.clustered for need in made.needs if need.clustered is not None]
    assert abs(len(made.order) - min(ALL, max(served))) <= 1
    assert {need.code: round(need.prevalence, 3) for need in made.needs} == {"home": 0.5, "group": 0.005}


def test_the_same_seed_draws_the_same_sample_in_the_same_order(analysed: Path) -> None:
    one, same, other = (planned(analysed, segments=20, seed=seed) for seed in (3, 3, 4))
    assert (one.units, one.order) == (same.units, same.order)
    assert one.order != other.order
    assert (one.number, same.number, other.number) == (1, 2, 3)


def test_the_plan_is_kept_with_everybody_s_chance(analysed: Path) -> None:
    made = planned(analysed, segments=20, participants=6)
    audits = Study(analysed).store.audits
    assert tuple(audits.units(made.number)) == made.units
    content = audits.plans()[made.number]
    assert content["wish"]["segments"] == 20
    assert set(content["participant_chances"].values()) == {0.5}
    drawn = {u.segment_id for u in made.units if u.drawn}
    assert {who(int(one[1:3])) for one in drawn} <= set(made.participants)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"participants": 13}, "13 participants wanted of 12"),
        ({"participants": 0}, "0 participants wanted"),
        ({"segments": 0}, "0 segments wanted"),
        ({"group": "weather"}, "no participant has the attribute weather"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused(wish: dict[str, Any], said: str, analysed: Path) -> None:
    with pytest.raises(StudyError, match=said):
        planned(analysed, **wish)
    assert Study(analysed).store.audits.plans() == {}


def test_before_an_analysis_there_are_no_strata(talks: Path) -> None:
    with pytest.raises(StudyError, match="belonging analyse"):
        planned(talks)


def test_the_sheet_is_blind_and_in_a_random_order(analysed: Path) -> None:
    people_code(analysed, ["Secretary"], segments=["s000"])
    made = planned(analysed, segments=40)
    rows = sheet(Study(analysed), made)
    assert [row["segment_id"] for row in rows] == list(made.order) != sorted(made.order)
    assert {name for row in rows for name in row if row[name]} <= {"segment_id", "question", "text"}
    assert not {"stratum", "inclusion", "confidence", "participant_id", "model"} & set(rows[0])
    everything = str(rows)
    assert not [word for word in ("home", "group", "Secretary", "assigned", "0.9") if word in everything]


def test_the_sheet_shows_the_question_that_was_asked(sample: Path) -> None:
    run(sample, lambda *_: Outcome.NOT_ASSIGNED)
    made = planned(sample, segments=50)
    rows = sheet(Study(sample), made)
    assert sum(bool(row["question"]) for row in rows) > 25


def test_cells_that_look_like_formulas_get_an_apostrophe(talks: Path, tmp_path: Path) -> None:
    names = ("segment_id", "document_id", "participant_id", "text")
    texts = ['=HYPERLINK("http://example.org")', "+1 for that", "-- well", "@home I am"]
    rows = [(f"f{i}", "d99", who(0), text) for i, text in enumerate(texts)]
    bring(talks, write(talks / "formulas.csv", names, rows))
    run(talks, lambda *_: Outcome.NOT_ASSIGNED)
    _, path = usecases.plan_audit(talks, tmp_path / "sheet.csv", segments=500)
    found = {row["segment_id"]: row["text"] for row in read_rows(path)}
    assert [found[f"f{i}"] for i in range(4)] == [f"'{text}" for text in texts]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_filled_sheet_comes_back_and_rows_without_a_coder_are_no_judgements(analysed: Path) -> None:
    made, path = usecases.plan_audit(analysed, None, segments=20)
    assert path == analysed / "gold" / f"audit-{made.number}.csv"
    rows = read_rows(path)
    for row in rows[:-2]:
        row |= {"coder": "D", "code": "home" if true(row["segment_id"], "home") else ""}
    filled = write(analysed / "filled.csv", list(rows[0]), [list(row.values()) for row in rows])
    opened = Study(analysed)
    (done,) = import_paths(opened, [filled])
    assert (done.problem, done.note) == ("", f"{len(rows) - 2} judgements, 2 rows without a coder taken as not judged")
    assert opened.store.findings.coders() == {"D": len(rows) - 2}
    assert {(c.segment_id, c.code) for c in opened.store.findings.codings()} == {
        (row["segment_id"], "home") for row in rows[:-2] if row["code"]
    }


def test_a_sheet_that_is_there_is_not_overwritten_and_nothing_is_drawn(analysed: Path, tmp_path: Path) -> None:
    target = tmp_path / "sheet.csv"
    target.write_text("kept")
    for place in (target, tmp_path / "nowhere" / "sheet.csv"):
        with pytest.raises(InputError, match="name another file"):
            usecases.plan_audit(analysed, place, segments=20)
    assert target.read_text() == "kept"
    assert Study(analysed).store.audits.plans() == {}


def test_the_command_says_what_was_drawn_and_where_the_sheet_lies(analysed: Path) -> None:
    done = CliRunner().invoke(cli.main, ["audit", "plan", str(analysed), "--segments", "20", "--participants", "6"])
    assert done.exit_code == 0, done.output
    assert "segments from 6 participants" in done.stdout
    assert "coding sheet: " in done.stdout
    assert "home: needs" in done.stdout


@pytest.mark.parametrize("option", [("--kappa", "1.5"), ("--half-width", "0"), ("--participants", "99")])
def test_the_command_refuses_in_words(option: tuple[str, str], analysed: Path) -> None:
    done = CliRunner().invoke(cli.main, ["audit", "plan", str(analysed), *option])
    assert (done.exit_code, done.stdout) == (1, "")
    assert option[1] in done.stderr


def test_intraclass_correlation_by_hand() -> None:
    # Groups (1,1,0) and (0,0,0): means 2/3 and 0; between (3·1/9 + 3·1/9)/1 = 2/3; within (2/3)/4 = 1/6;
    # (2/3 − 1/6)/(2/3 + 2 · 1/6) = 1/2.
    assert intraclass(np.array([1, 1, 0, 0, 0, 0.0]), np.array([0, 0, 0, 1, 1, 1])) == pytest.approx(0.5)
    assert intraclass(np.zeros(6), np.array([0, 0, 0, 1, 1, 1])) == 0
    assert intraclass(np.array([1, 0, 1, 0.0]), np.array([0, 0, 1, 1])) == 0
