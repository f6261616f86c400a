"""What was said of a base and of earlier batches is said of the batches that repeat it."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from growing import drop, grow, opens, segments

from belonging_llm import changes
from belonging_llm.auditing.guarding import search_for_leaks
from belonging_llm.auditing.repeats import differences
from belonging_llm.auditing.steadiness import of_run
from belonging_llm.codes import Kind, Sample, StabilityPlan, Variation
from belonging_llm.evaluation import Resampling
from belonging_llm.inspection import VERDICTS, Room, Verdict, say
from belonging_llm.inspection.matrix import NOTHING
from belonging_llm.store import Layered
from belonging_llm.study import Study


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch)


def test_what_was_said_before_a_segment_was_tried_again_does_not_stand() -> None:
    here = Layered(("base", "first", "second"), {"s": 1})
    assert [here.stands(run, "s") for run in ("base", "first", "second", "later")] == [False, True, True, False]
    assert [here.stands(run, "t") for run in ("base", "first", "second", "later")] == [True, True, True, False]


def test_a_batch_says_again_what_its_base_said(study: Path) -> None:
    drop(study, "P09")
    run = grow(study)
    assert run is not None
    opened = Study(study)
    store = opened.store
    base = store.runs.get(run.base_id or "")
    assert changes.changes(opened, run).causes == ()
    assert differences(store.runs.inputs(base), store.runs.inputs(run)) == []
    assert store.codebook_use.by_run(run.id) == len(store.findings.codings(run.id))
    assert store.codebook_use.by_run(run.id) > store.codebook_use.by_run(base.id) > 0

    segment = sorted(segments(study, "P02"))[0]
    (coding, *_) = store.outcomes.codings(base.id, [segment])
    say(
        opened, base.id, coding, Verdict.REJECT,
        reviewer="dora", coder="dora", reason="look again", key=uuid4().hex, supersedes=0,
    )  # fmt: skip
    here = Room(opened)
    here.refresh()
    for one in (base, run):
        seen = here.run(one.id)
        place = seen.beside.matrix.row[segment], seen.beside.matrix.column[coding.code]
        assert seen.audited[place] == VERDICTS.index(Verdict.REJECT)
        assert (seen.audited != NOTHING).sum() == 1

    assert of_run(opened, run, Resampling(draws=50, seed=0)) is None
    test = store.stability.start("digest", plan(base.id, segment))
    store.stability.finish(test.id, "complete")
    found = of_run(opened, run, Resampling(draws=50, seed=0))
    assert found is not None
    assert (found.test_id, found.run_id) == (test.id, base.id)
    search_for_leaks(opened, run)
    store.close()


def plan(run_id: str, segment: str) -> StabilityPlan:
    sample = Sample(
        seed=0, wanted=1, asked=1, everything=2, left_out=0, people=1, inclusion=0.5, participants=("P02",),
        segments=(segment,),
    )  # fmt: skip
    again = Variation(kind=Kind.AGAIN, name="again", spec="m", model="m", prompt="p", prompt_digest="d" * 64)
    return StabilityPlan(
        run_id=run_id, model="m", prompt="p", prompt_digest="d" * 64, sample=sample, variations=(again,), not_varied={}
    )
