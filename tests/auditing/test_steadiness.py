"""A sample coded again with one thing varied at a time: known flips come out as counted by hand, and verdicts hear it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from audited import EACH, PARTICIPANTS, demand, ident, outcome, people_code, run, text, true, who
from click.testing import CliRunner
from test_try_model import code as code_with_model
from test_try_model import opens, reply, segment_of
from test_verdicts import GOOD, judged

from belonging_llm import analysis, cli, prompts, stability
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import FakeChat, HashEncoder
from belonging_llm.analysis import Job
from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.guarding import search_for_leaks
from belonging_llm.auditing.record import CodeFlips, KindFlips, Steadiness
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.auditing.steadiness import of_run, steadiness
from belonging_llm.auditing.steadiness_lines import steadiness_lines
from belonging_llm.codes import Bar, Coding, Kind, Outcome, Recoding, Sample, StabilityPlan, Variation, Word
from belonging_llm.codes.decide import after
from belonging_llm.errors import InputError, LeakError, StudyError
from belonging_llm.evaluation import Estimate, Flips, Interval, Resampling
from belonging_llm.llm import ChatRequest
from belonging_llm.stability import Wish
from belonging_llm.store import Run, StabilityTest
from belonging_llm.study import Study

HOW = Resampling(draws=100)
Flip = Callable[[str, str], Outcome]


def variation(kind: Kind, number: int = 1) -> Variation:
    return Variation(kind=kind, name=f"{kind} {number}", spec="m", model="m", prompt="p", prompt_digest="d" * 64)


def a_test(folder: Path, run_id: str, said: dict[Variation, Flip], segments: list[str], **more: Any) -> StabilityTest:
    """A finished test of a run in which each variation said this of the sample."""
    opened = Study(folder)
    sample = Sample(
        seed=0, wanted=len(segments), asked=48, everything=96, left_out=5, people=PARTICIPANTS, inclusion=0.5,
        participants=(), segments=tuple(segments),
    )  # fmt: skip
    plan = StabilityPlan(
        run_id=run_id, model="m", prompt="p", prompt_digest="d" * 64, sample=sample, variations=tuple(said),
        not_varied={Kind.MODEL: "none was asked for"}, **more,
    )  # fmt: skip
    test = opened.store.stability.start("inputs", plan)
    for one, says in said.items():
        found = [
            Recoding(variation=one.name, segment_id=s, code=c, outcome=says(s, c))
            for s in segments
            for c in ("home", "group")
        ]
        opened.store.stability.add(test.id, found)
    done = opened.store.stability.finish(test.id, "complete")
    opened.store.close()
    return done


def same(segment: str, code: str) -> Outcome:
    return outcome(true(segment, code))


def slips(segment: str, code: str) -> Outcome:
    """Home is said of every participant's last segment, where nobody has it, and left open on the third."""
    if code == "home" and segment.endswith("2"):
        return Outcome.ABSTAINED
    return outcome(true(segment, code) or (code == "home" and segment.endswith(str(EACH - 1))))


def fails(segment: str, code: str) -> Outcome:
    return Outcome.FAILED if segment.endswith("0") else same(segment, code)


EVERYTHING = [ident(p, s) for p in range(PARTICIPANTS) for s in range(EACH)]


def test_known_flips_by_hand(talks: Path) -> None:
    first = run(talks)
    orders = {variation(Kind.ORDER, 1): slips, variation(Kind.ORDER, 2): same}
    test = a_test(talks, first, {variation(Kind.AGAIN): same, **orders, variation(Kind.WORDING): fails}, EVERYTHING)
    found = steadiness(Study(talks), test, HOW)
    kinds = {k.kind: k for k in found.kinds}
    assert list(kinds) == [Kind.AGAIN, Kind.ORDER, Kind.WORDING]
    assert (found.segments, found.participants, found.asked_share) == (96, 12, 0.5)
    again = kinds[Kind.AGAIN].codes["home"]
    assert (again.outcomes.pairs, again.outcomes.rate.value, again.outcomes.alpha.value) == (96, 0, 1)
    # Of eight segments a participant the first order turns two, and the second none: 24 of 192, and 24 of 96.
    home = kinds[Kind.ORDER].codes["home"]
    assert (home.outcomes.units, home.outcomes.pairs) == (96, 192)
    assert home.outcomes.rate.value == pytest.approx(24 / 192)
    assert home.outcomes.among.value == pytest.approx(24 / 96)
    # Everybody flips alike, so that resampling participants changes nothing.
    assert home.outcomes.rate.interval is not None
    assert (home.outcomes.rate.interval.low, home.outcomes.rate.interval.high) == pytest.approx((0.125, 0.125))
    # Decided both times: the one left open is gone, the one turned round stays: 12 of 84 + 96.
    assert home.decided.pairs == 180
    assert home.decided.rate.value == pytest.approx(12 / 180)
    # A unit that all three say of: pairs unlike 2·2/2 of 3. Per participant one 001, one of two (11); in all
    # n = 12 × (7·3 + 2) = 276; yes 12 × (3·3 + 2 + 1) = 144, no 12 × (3·3 + 2) = 132; unlike 12 × 2.
    assert home.decided.alpha.value == pytest.approx(1 - 275 * 24 / (2 * 144 * 132))
    group = kinds[Kind.ORDER].codes["group"].outcomes
    assert (group.rate.value, group.alpha.value) == (0, 1)
    # One segment of eight failed: it is no flip, and it is counted.
    wording = kinds[Kind.WORDING]
    assert wording.failed == 2 * PARTICIPANTS
    assert (wording.codes["home"].outcomes.pairs, wording.codes["home"].outcomes.rate.value) == (84, 0)


def test_the_lines_say_what_was_varied_and_what_is_undefined(talks: Path) -> None:
    first = run(talks, lambda *_: Outcome.NOT_ASSIGNED)
    never: Flip = lambda *_: Outcome.NOT_ASSIGNED  # noqa: E731
    test = a_test(talks, first, {variation(Kind.AGAIN): never}, EVERYTHING)
    lines = "\n".join(steadiness_lines(steadiness(Study(talks), test, HOW)))
    assert "stability is not validity" in lines
    assert "drawn with seed 0 from 48 that the run asked its model about (50.0% of 96)" in lines
    assert "5 more segments were asked about there" in lines
    assert "0.0% [0.0, 3.1]*" in lines
    assert "undefined: alpha (three outcomes) of home, group: every pairable value is the same" in lines
    assert "model: undefined: none was asked for" in lines
    assert "nan" not in lines


def test_segments_that_have_come_into_the_test_split_since_are_left_out(talks: Path) -> None:
    first = run(talks)
    test = a_test(talks, first, {variation(Kind.AGAIN): same}, EVERYTHING)
    people_code(talks)
    opened = Study(talks)
    sealed = [p for p, part in parts(opened).items() if part is Part.TEST]
    found = steadiness(opened, test, HOW)
    assert sealed
    assert found.participants == PARTICIPANTS - len(sealed)
    assert found.segments == EACH * found.participants


def test_the_newest_test_of_the_judged_run_counts_and_another_run_s_does_not(talks: Path) -> None:
    people_code(talks)
    first = run(talks)
    test = a_test(talks, first, {variation(Kind.AGAIN): same}, EVERYTHING)
    demand(talks, seed=5)
    second = run(talks)
    opened = Study(talks)
    assert of_run(opened, opened.store.runs.get(second), HOW) is None
    assert of_run(opened, None, HOW) is None
    found = of_run(opened, opened.store.runs.get(first), HOW)
    assert found is not None
    assert (found.test_id, found.tests) == (test.id, 1)
    assert audit(opened).steadiness is None
    shown = audit(opened, wanted=first)
    assert shown.steadiness is not None
    assert shown.steadiness.test_id == test.id
    assert "the very same questions asked anew" in next(
        item.answer for item in shown.checklists if "Stability when coded again" in item.answer
    )


# The verdict


def flips(rate: float, low: float, high: float, units: int = 60) -> Flips:
    return Flips(units, units, Estimate(rate, interval=Interval(low, high)), Estimate(None, "one alone"), Estimate(1.0))


def steady(idle: tuple[Kind, ...] = (), **by_kind: Flips) -> Steadiness:
    given = {Kind(name): CodeFlips(one, one) for name, one in by_kind.items()}
    sample = Sample(
        seed=0, wanted=60, asked=60, everything=60, left_out=0, people=9, inclusion=1, participants=(), segments=()
    )
    kinds = tuple(KindFlips(kind, (), {"home": one}, 0) for kind, one in given.items())
    return Steadiness("t", 1, "r", "", "complete", "m", "p", "d", sample, 60, 9, 1.0, kinds, {}, idle)


FIRM = flips(0.02, 0.0, 0.06)


def test_a_stable_model_keeps_its_verdict() -> None:
    found, criteria = judged(steadiness=steady(again=FIRM, seed=FIRM, order=FIRM, wording=FIRM))
    assert (found, criteria["stable"].met) == ("replace", True)
    assert "98% [94%, 100%] of 60 segments" in criteria["stable"].found


@pytest.mark.parametrize("kind", ["again", "seed", "order", "wording"])
def test_one_kind_that_flips_too_often_is_enough(kind: str) -> None:
    kinds = {"again": FIRM, "seed": FIRM, "order": FIRM, "wording": FIRM} | {kind: flips(0.08, 0.03, 0.14)}
    found, criteria = judged(steadiness=steady(**kinds))
    assert (found, criteria["stable"].met) == ("assist", False)
    assert criteria["stable"].found.startswith(f"{kind}: 92%")


def test_a_kind_that_was_not_varied_leaves_it_open_unless_it_could_not_matter() -> None:
    found, criteria = judged(steadiness=steady(again=FIRM, order=FIRM, wording=FIRM))
    assert (found, criteria["stable"].met) == ("assist", None)
    assert "not varied: seed" in criteria["stable"].found
    assert judged(steadiness=steady((Kind.SEED,), again=FIRM, order=FIRM, wording=FIRM))[0] == "replace"


def test_a_kind_that_surely_flips_decides_whatever_was_not_varied() -> None:
    _, criteria = judged(steadiness=steady(wording=flips(0.4, 0.3, 0.5)))
    assert criteria["stable"].met is False


def test_without_an_interval_it_is_not_known() -> None:
    bare = Flips(60, 60, Estimate(0.0), Estimate(0.0), Estimate(1.0))
    assert judged(steadiness=steady(again=bare, seed=FIRM, order=FIRM, wording=FIRM))[1]["stable"].met is None


def test_another_model_s_flips_are_not_held_against_this_one() -> None:
    away = flips(0.5, 0.4, 0.6)
    given = steady(again=FIRM, seed=FIRM, order=FIRM, wording=FIRM, model=away)
    assert judged(steadiness=given)[0] == "replace"


def test_runs_that_differ_still_speak_against_a_model() -> None:
    wavering = replace(GOOD.repeats.by_code["home"], flip_rate=Estimate(0.3))
    given = steady(again=FIRM, seed=FIRM, order=FIRM, wording=FIRM)
    _, criteria = judged(steadiness=given, repeats=replace(GOOD.repeats, by_code={"home": wavering}))
    assert (criteria["stable"].met, criteria["stable"].found) == (False, "70% over 2 runs")


# From the run to the figures


PARAPHRASED = "Below is a codebook"


def contrary(request: ChatRequest) -> str:
    """Says what people say, and the opposite where the first paraphrase asks about home."""
    turned = PARAPHRASED in request.system
    return reply(request, lambda unit, code: true(unit, code) != (turned and code == "home"))


def wish(folder: Path, **changes: Any) -> Wish:
    return Wish(Job(str(folder), "fake", "hashed"), **changes)


@pytest.fixture(scope="module")
def _coded(_talks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(_talks, tmp_path_factory.mktemp("coded") / "talks"))
    people_code(folder)
    demand(folder, ask_share=1.0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(factory, "encoder", lambda _: HashEncoder())
        opens(patched, contrary)
        code_with_model(folder)
    analysis.workbench.cache_clear()
    return folder


@pytest.fixture
def coded(_coded: Path, tmp_path: Path) -> Path:
    """Talks that people coded, and a run that asked a model about nearly all."""
    return Path(shutil.copytree(_coded, tmp_path / "coded"))


def last_run(folder: Path) -> tuple[Run, list[Coding]]:
    opened = Study(folder)
    made = opened.store.runs.latest()
    assert made is not None
    found = opened.store.findings.codings(made.id)
    opened.store.close()
    return made, found


@pytest.fixture
def asked(talks: Path) -> Path:
    people_code(talks)
    demand(talks, ask_share=1.0)
    return talks


def test_flips_are_those_that_the_answers_make(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch, contrary)
    made, codings = last_run(coded)
    chat.asked.clear()
    begun = stability.prepare(wish(coded, segments=100, seeds=1, orders=1), lambda *_: None)
    test = stability.recode(begun)
    assert test.status == "complete"
    sample = set(test.plan.sample.segments)
    again = {(r.variation, r.segment_id, r.code): r for r in Study(coded).store.stability.recodings(test.id)}
    assert len(again) == len(test.plan.variations) * len(sample) * 2
    word, bar = Word(**made.counts["model_word"]), Bar()
    flipped = "wording code_segment.v2.paraphrase1"
    for c in codings:
        for v in test.plan.variations if c.segment_id in sample else ():
            expected = c.outcome
            if v.name == flipped and c.code == "home" and c.provenance.said is not None:
                chance = after(
                    c.provenance.chance or 0, word.shift(not c.provenance.said) - word.shift(c.provenance.said)
                )
                expected = bar.outcome(chance)
            assert again[v.name, c.segment_id, c.code].outcome == expected, (v.name, c.segment_id)
    found = steadiness(Study(coded), test, HOW)
    rates = {k.kind: {c: f.outcomes.rate.value for c, f in k.codes.items()} for k in found.kinds}
    assert rates[Kind.AGAIN] == rates[Kind.SEED] == rates[Kind.ORDER] == {"home": 0, "group": 0}
    assert rates[Kind.WORDING]["group"] == 0
    assert rates[Kind.WORDING]["home"] > 0.3  # type: ignore[operator]


def test_what_is_varied_really_reaches_the_model(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch, contrary)
    code_with_model(asked)
    usual = {r.model_dump_json() for r in chat.asked}
    chat.asked.clear()
    begun = stability.prepare(wish(asked, segments=20, seeds=2, orders=1, temperature=0.4), lambda *_: None)
    test = stability.recode(begun)
    n = len(test.plan.sample.segments)
    again, seeds, order, words = (chat.asked[:n], chat.asked[n : 3 * n], chat.asked[3 * n : 4 * n], chat.asked[4 * n :])
    assert {r.model_dump_json() for r in again} <= usual
    in_order = [segment_of(r) for r in seeds[:n]]
    assert [segment_of(r) for r in again] != in_order
    assert sorted(segment_of(r) for r in again) == sorted(in_order) == sorted(test.plan.sample.segments)
    assert {(r.seed, r.temperature) for r in seeds} == {(1, 0.4), (2, 0.4)}
    assert all(r.system.index("- group:") < r.system.index("- home:") for r in order)
    assert all(r.system.index("- home:") < r.system.index("- group:") for r in again)
    both = [r for r in order if "home" in r.user.rpartition("Candidate codes: ")[2] and "group" in r.user]
    assert all(r.user.endswith("Candidate codes: group, home") for r in both)
    assert len({r.system for r in words}) == 2
    assert not {r.system for r in words} & {r.system for r in again}


def test_the_test_split_is_never_asked_about(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch, contrary)
    chat.asked.clear()
    begun = stability.prepare(wish(coded, segments=1000), lambda *_: None)
    stability.recode(begun)
    opened = Study(coded)
    where = opened.store.audits.parts()
    heard = {where[f"P{segment_of(r)[1:3]}"] for r in chat.asked}
    assert heard == {Part.DEVELOPMENT, Part.CALIBRATION}
    assert begun.test.plan.sample.left_out > 0
    assert opened.store.audits.unsealings() == []


def test_the_audit_shows_it_and_searches_what_was_sent(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch, contrary)
    before = audit(Study(coded)).provenance.leaks_searched
    test = stability.recode(stability.prepare(wish(coded, segments=60), lambda *_: None))
    shown = audit(Study(coded))
    assert shown.steadiness is not None
    assert shown.steadiness.test_id == test.id
    stable = {v.code: next(c for c in v.criteria if c.name == "stable") for v in shown.verdicts}
    assert stable["home"].met is False
    assert stable["home"].found.startswith("wording: ")
    assert stable["group"].met is True
    # Those asked anew are other questions to the ledger, so they are all counted.
    assert sent(shown.provenance.leaks_searched) == sent(before) + len(chat.asked)


def sent(searched: str) -> int:
    found = re.search(r"(\d+) coding requests as they were sent", searched)
    assert found
    return int(found[1])


def test_a_leak_in_a_paraphrase_stops_it_before_anything_is_sent(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch, contrary)
    chat.asked.clear()
    sealed = next(p for p in range(PARTICIPANTS) if Study(coded).store.audits.parts()[who(p)] == Part.TEST)
    name = "code_segment.v2.paraphrase1"
    source = prompts.load(name).source.replace("## User\n", f"## User\nLike: {text(sealed, 1)}\n")
    (coded / "prompts" / f"{name}.md").write_text(source, encoding="utf-8")
    with pytest.raises(LeakError, match=f"prompt {name} holds words of segment {ident(sealed, 1)}"):
        stability.prepare(wish(coded), lambda *_: None)
    assert chat.asked == []


def test_a_leak_in_what_was_sent_again_is_found_afterwards(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a sample's segments stands in many requests; a test segment's words in one of them are a leak all the same."""
    opens(monkeypatch, contrary)
    made, _ = last_run(coded)
    opened = Study(coded)
    sealed = next(p for p in range(PARTICIPANTS) if opened.store.audits.parts()[who(p)] == Part.TEST)
    name = "code_segment.v2.paraphrase1"
    path = coded / "prompts" / f"{name}.md"
    path.write_text(prompts.load(name).source.replace("## User\n", f"## User\nLike: {text(sealed, 1)}\n"), "utf-8")
    monkeypatch.setattr(stability.recoding, "search_for_leaks", lambda *_, **__: "")
    stability.recode(stability.prepare(wish(coded, segments=5), lambda *_: None))
    with pytest.raises(LeakError, match=f"as it was sent holds words of segment {ident(sealed, 1)}"):
        search_for_leaks(Study(coded), opened.store.runs.get(made.id))


def test_a_rerun_asks_nothing_and_another_plan_only_what_is_new(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch, contrary)
    first = stability.recode(stability.prepare(wish(coded, segments=20), lambda *_: None))
    n = len(chat.asked)

    def nobody(*_: object) -> None:
        raise AssertionError("nothing is to be agreed to")

    again = stability.prepare(wish(coded, segments=20), nobody)
    assert (again.finished, again.test) == (True, first)
    more = stability.recode(stability.prepare(wish(coded, segments=20, seeds=4), lambda *_: None))
    assert more.id != first.id
    # Everything but the fourth seed is known.
    assert len(chat.asked) - n == len(more.plan.sample.segments)


def test_interrupted_it_goes_on_where_it_was(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, contrary)
    count = 0

    def stops(request: ChatRequest) -> str:
        nonlocal count
        count += 1
        if count == 30:
            raise KeyboardInterrupt
        return contrary(request)

    opens(monkeypatch, stops)
    begun = stability.prepare(wish(coded, segments=20), lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        stability.recode(begun)
    resumed = opens(monkeypatch, contrary)
    again = stability.prepare(wish(coded, segments=20), lambda *_: None)
    assert again.test.id == begun.test.id
    done = stability.recode(again)
    assert 29 + len(resumed.asked) == len(done.plan.variations) * len(done.plan.sample.segments)


def test_failures_are_counted_and_tried_again(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, contrary)
    opens(monkeypatch, lambda r: "sorry" if PARAPHRASED in r.system and segment_of(r).endswith("1") else contrary(r))
    first = stability.recode(stability.prepare(wish(coded, segments=1000), lambda *_: None))
    wording = steadiness(Study(coded), first, HOW).kinds[-1]
    failing = sum(i.endswith("1") for i in first.plan.sample.segments)
    assert (first.status, wording.kind, wording.failed) == ("incomplete", Kind.WORDING, 2 * failing)
    chat = opens(monkeypatch, contrary)
    again = stability.recode(stability.prepare(wish(coded, segments=1000), lambda *_: None))
    assert (again.status, len(chat.asked)) == ("complete", failing)
    assert steadiness(Study(coded), again, HOW).kinds[-1].failed == 0


def test_segments_without_an_answer_in_the_run_are_not_drawn(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, lambda r: "sorry" if segment_of(r).endswith("1") else contrary(r))
    code_with_model(asked)
    begun = stability.prepare(wish(asked, segments=1000), lambda *_: None)
    assert not [i for i in begun.test.plan.sample.segments if i.endswith("1")]


def test_a_study_that_changed_since_its_run_is_refused(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, contrary)
    with pytest.raises(StudyError, match="no analysis has finished"):
        stability.prepare(wish(asked), lambda *_: None)
    code_with_model(asked)
    demand(asked, seed=7)
    with pytest.raises(StudyError, match=r"settings: seed.*belonging analyse"):
        stability.prepare(wish(asked), lambda *_: None)


def test_a_run_without_a_model_has_nothing_to_ask_again(talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(talks)
    with pytest.raises(InputError, match="asked no language model"):
        stability.prepare(Wish(Job(str(talks), "none", "hashed")), lambda *_: None)
    demand(talks, ask_share=0.0)
    opens(monkeypatch, contrary)
    code_with_model(talks)
    with pytest.raises(StudyError, match="raise ask_share"):
        stability.prepare(wish(talks), lambda *_: None)


def test_a_paraphrase_with_other_inputs_is_refused(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, contrary)
    name = "code_segment.v2.paraphrase9"
    source = prompts.load("choose_code.v1").source
    (coded / "prompts" / f"{name}.md").write_text(source, encoding="utf-8")
    with pytest.raises(InputError, match=f"{name}.*must declare the inputs of code_segment"):
        stability.prepare(wish(coded), lambda *_: None)


# A model that weighs all codes at once


def weighing(monkeypatch: pytest.MonkeyPatch, answer: Callable[[ChatRequest], str]) -> FakeChat:
    chat = FakeChat(answer)
    chat.scores = True  # type: ignore[attr-defined]
    monkeypatch.setattr(factory, "chat_model", lambda *_, **__: chat)
    analysis.workbench.cache_clear()
    return chat


def by_content(request: ChatRequest, bias: float = 0.0) -> str:
    """Likes the letter of each code that people find, wherever it stands; none of these a little."""
    lines = dict(line.split(". ", 1) for line in request.system.split("\n") if line[1:2] == ".")
    unit = segment_of(request)
    likes = {"Home": true(unit, "home"), "Group": true(unit, "group"), "none": False}
    told = {letter: -3.0 + 2.5 * likes[words.split(":")[0].split(" ")[0]] for letter, words in lines.items()}
    told[request.options[-1]] = -2.0
    return json.dumps({letter: one - bias for letter, one in told.items()})


def by_letter(request: ChatRequest) -> str:
    """Likes the first letter, more or less, whatever code it stands for."""
    told = dict.fromkeys(request.options, -2.0)
    told[request.options[0]] = -0.5 - int(segment_of(request)[-1]) / 4
    return json.dumps(told)


def weighed(folder: Path, **changes: Any) -> tuple[StabilityTest, dict[str, list[Coding | Recoding]]]:
    """A test, and what was coded by variation; the run's codings of the sample are under "run"."""
    _, codings = code_with_model(folder)
    test = stability.recode(stability.prepare(wish(folder, segments=1000, **changes), lambda *_: None))
    sample = set(test.plan.sample.segments)
    found: dict[str, list[Coding | Recoding]] = {"run": [c for c in codings if c.segment_id in sample]}
    for r in Study(folder).store.stability.recodings(test.id):
        found.setdefault(r.variation, []).append(r)
    return test, found


def outcomes(found: list[Coding | Recoding]) -> dict[tuple[str, str], tuple[Outcome, float | None]]:
    return {(c.segment_id, c.code): (c.outcome, c.confidence) for c in found}


def test_letters_that_change_hands_change_nothing_for_a_model_that_reads(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = weighing(monkeypatch, by_content)
    test, found = weighed(asked)
    assert [v.name for v in test.plan.variations if v.kind is not Kind.WORDING] == ["again 1", "order 1"]
    assert test.plan.idle == (Kind.SEED,)
    for name in ("again 1", "order 1"):
        assert outcomes(found[name]) == outcomes(found["run"]), name
    shown = {r.system.index("Home:") < r.system.index("Group:") for r in chat.asked}
    assert shown == {True, False}


def test_a_model_that_likes_a_letter_flips_when_it_changes_hands(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weighing(monkeypatch, by_letter)
    demand(asked, learn="false")
    _, found = weighed(asked)
    assert outcomes(found["again 1"]) == outcomes(found["run"])
    moved = {k for k, v in outcomes(found["run"]).items() if outcomes(found["order 1"])[k] != v}
    assert moved


def test_a_wording_that_shifts_all_letters_alike_is_no_flip(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run under that wording would find its own centre; what counts is how segments differ."""
    weighing(monkeypatch, lambda r: by_content(r, bias=1.5 if PARAPHRASED in r.system else 0.0))
    _, found = weighed(asked)
    assert outcomes(found["wording choose_code.v1.paraphrase1"]) == outcomes(found["run"])


def test_another_model_is_asked_in_its_own_way(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weigher, talker = FakeChat(by_content, "weigher"), FakeChat(contrary, "talker")
    weigher.scores = True  # type: ignore[attr-defined]
    monkeypatch.setattr(factory, "chat_model", lambda spec, **_: talker if spec == "more" else weigher)
    analysis.workbench.cache_clear()
    # The run's own model under another name is not another model.
    test, found = weighed(asked, also=("more", "fake", "again"))
    assert [v.name for v in test.plan.variations if v.kind is Kind.MODEL] == ["model talker"]
    assert talker.asked
    assert all(not r.options for r in talker.asked)
    assert len(found["model talker"]) == len(found["run"])
    monkeypatch.setattr(factory, "chat_model", lambda spec, **_: None if spec == "none" else weigher)
    with pytest.raises(InputError, match="--also none"):
        stability.prepare(wish(asked, also=("none",)), lambda *_: None)


# The command


def test_the_command_prints_tables_or_json(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = opens(monkeypatch, contrary)
    called = ["stability", str(coded), "--llm", "fake", "--embedder", "hashed", "--segments", "30", "--seeds", "1"]
    done = CliRunner().invoke(cli.main, called)
    assert done.exit_code == 0, done.output
    assert "stability is not validity" in done.stdout
    assert "request seed 1 at temperature 0.7" in done.stdout
    assert "code_segment.v2.paraphrase1 (" in done.stdout
    n = len(chat.asked)
    again = CliRunner().invoke(cli.main, [*called, "--json"])
    found = json.loads(again.stdout)
    assert (found["unchanged"], found["calls"], len(chat.asked)) == (True, 0, n)
    wording = next(k for k in found["found"]["kinds"] if k["kind"] == "wording")
    assert wording["codes"]["group"]["outcomes"]["rate"]["value"] == 0
    assert [v["prompt"] for v in wording["variations"]] == [
        "code_segment.v2.paraphrase1",
        "code_segment.v2.paraphrase2",
    ]
    assert found["found"]["sample"]["wanted"] == 30


@pytest.mark.parametrize("wrong", [["--segments", "0"], ["--seeds", "-1"], ["--temperature", "3"], ["--calls", "-1"]])
def test_wrong_usage(wrong: list[str], talks: Path) -> None:
    assert CliRunner().invoke(cli.main, ["stability", str(talks), *wrong]).exit_code == 2
