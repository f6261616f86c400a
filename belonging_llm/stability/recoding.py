"""A test of stability from plan to outcomes: like an analysis it can be killed at any point and run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from belonging_llm import analysis, codes
from belonging_llm.analysis import Asking, Workbench
from belonging_llm.asking import Sampling
from belonging_llm.auditing.guarding import search_for_leaks
from belonging_llm.codes import Kind, Outcome, Recoding, Scale, StabilityPlan, Variation
from belonging_llm.codes.score import FEWEST
from belonging_llm.codes.signals import Floats
from belonging_llm.progress import Progress
from belonging_llm.provenance import digest
from belonging_llm.stability.bench import Bench, Wish
from belonging_llm.store import StabilityTest

Answers = dict[str, Floats | Exception]


@dataclass(frozen=True)
class Begun:
    """A test that was planned.

    Attributes:
        finished: It was finished before with the same plan; there is nothing to do.
    """

    test: StabilityTest
    finished: bool
    bench: Bench


def prepare(wish: Wish, agree: Callable[[Bench, StabilityPlan, StabilityTest | None], None]) -> Begun:
    """Plan a test, or find it finished.

    Args:
        agree: Called when there is work and before anything is asked, with the interrupted test that would be
            continued, if there is one; it raises what is to stop this.

    Raises:
        StudyError: there is no run to put to the test.
        LeakError: words of the sealed test split stand in the codebook or a prompt.
        ConsentError: words would leave this machine whose speaker did not agree to that.
    """
    analysis.workbench.cache_clear()
    bench = Bench(wish)
    # Planning may part the participants: what is sealed then must not be in what the model is shown.
    plan = bench.plan()
    search_for_leaks(bench.study, more=list(bench.prompts.values()))
    inputs = digest(bench.run.inputs_digest, plan.model_dump(mode="json"))
    tests = bench.work.store.stability
    if done := tests.last(inputs, "complete"):
        return Begun(done, True, bench)
    for spec, model in bench.models.items():
        bench.work.demand_consent(model)
        # Says at once, rather than after the first model, that a limit cannot be kept.
        bench.budget(None, spec)
    agree(bench, plan, tests.last(inputs, "running"))
    return Begun(tests.start(inputs, plan), False, bench)


def recode(begun: Begun) -> StabilityTest:
    """Code the sample under every variation that is not there yet, and close the test.

    Raises:
        Incomplete: a model's endpoint is gone, or the limit is reached; the same command continues.
    """
    bench, test = begun.bench, begun.test
    tests = bench.work.store.stability
    done = {r.variation for r in tests.recodings(test.id)}
    failed: list[Recoding] = []
    for number, variation in enumerate(test.plan.variations, 1):
        if variation.name not in done:
            with Progress(f"coding again, {variation.name} ({number} of {len(test.plan.variations)})") as progress:
                found = _recoded(bench, test, variation, progress)
            if any(r.outcome is Outcome.FAILED for r in found):
                # Kept when all is over: if this ends before, what failed is tried again.
                failed += found
            else:
                tests.add(test.id, found)
    tests.add(test.id, failed)
    return tests.finish(test.id, "incomplete" if failed else "complete")


def _recoded(bench: Bench, test: StabilityTest, variation: Variation, progress: Progress) -> list[Recoding]:
    rows = _rows(bench.work, test.plan.sample.segments, variation.shuffle)
    sampling = Sampling(variation.seed, variation.temperature, variation.repetition)
    asker = bench.asker(test, variation.spec, sampling)
    how = Asking(asker, bench.prompts[variation.prompt], variation.order)
    if bench.asked[variation.spec].weighs:
        how = replace(how, moved=_moved(bench, test, rows, how, variation, progress))
    found = analysis.decide(bench.work, bench.run.id, rows, how, progress)
    return [
        Recoding(
            variation=variation.name,
            segment_id=c.segment_id,
            code=c.code,
            outcome=c.outcome,
            polarity=c.polarity,
            confidence=c.confidence,
        )
        for c in found.codings
    ]


def _moved(
    bench: Bench, test: StabilityTest, rows: Sequence[int], how: Asking, variation: Variation, progress: Progress
) -> Answers:
    """How far a model that weighs codes moves the log-odds, on the run's scale.

    A whole run under this variation would find its own centre and spread. Here the sample tells how both differ
    from the run's on the same segments, which is free of the luck of the draw.
    """
    said = bench.work.scores(rows, how, progress)
    noted = bench.run.counts.get("model_scale")
    if variation.kind is Kind.MODEL or not noted:
        return codes.shifts_of(said, _own_scale(bench, rows, said, noted))
    # The ledger has these replies: nothing is asked here.
    usual = Asking(bench.asker(test, variation.spec), bench.asked[variation.spec].prompt)
    return codes.shifts_of(said, _rescaled(Scale(**noted), bench.work.scores(rows, usual), said))


def _own_scale(bench: Bench, rows: Sequence[int], said: Answers, noted: Mapping[str, Any] | None) -> Scale:
    """Another model's own centre and spread; what a spread is worth is as in the run, where that is known."""
    segments = bench.work.segments
    told = [row for row in rows if not isinstance(said[segments[row].id], Exception)]
    width = len(bench.work.framework.assignable)
    scores = np.array([said[segments[row].id] for row in told], float).reshape(len(told), width)
    found = codes.scale(scores, bench.work.likely(bench.run.id).chance[told], None)
    if not noted or not found.slope:
        return found
    return replace(found, slope=noted["slope"], heard=noted["heard"])


def _rescaled(known: Scale, before: Answers, after: Answers) -> Scale:
    """The run's scale, moved by as much as the sample's centre and spread differ under a variation."""
    both = [i for i in before if not isinstance(before[i], Exception) and not isinstance(after[i], Exception)]
    if not both:
        return known
    first, second = (np.array([one[i] for i in both], float) for one in (before, after))
    centre = np.array(known.centre) + (second.mean(0) - first.mean(0))
    spread = np.array(known.spread)
    if len(both) >= FEWEST:
        usual = first.std(0)
        spread = spread * np.where(usual > 0, second.std(0) / np.where(usual > 0, usual, 1), 1)
    return replace(known, centre=tuple(map(float, centre)), spread=tuple(map(float, spread)))


def _rows(work: Workbench, wanted: Sequence[str], shuffle: int) -> list[int]:
    """Rows of the sample, in the run's order or in another one."""
    there = set(wanted)
    rows = [i for i, s in enumerate(work.segments) if s.id in there]
    return [rows[i] for i in np.random.default_rng(shuffle).permutation(len(rows))] if shuffle else rows
