"""How far a run's outcomes hold when a sample is coded again with one thing varied at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from belonging_llm.auditing.guarding import TEST
from belonging_llm.auditing.record import CodeFlips, KindFlips, Steadiness
from belonging_llm.codes import Coding, Kind, Outcome, Recoding, Variation
from belonging_llm.evaluation import Resampling, flips
from belonging_llm.evaluation.ratings import Marks
from belonging_llm.segments import Segment
from belonging_llm.store import Run, StabilityTest
from belonging_llm.study import Study

CHANGES: dict[Kind, str] = {
    Kind.AGAIN: "the very same questions asked anew, segments in another order",
    Kind.SEED: "the request's seed, and its temperature above 0",
    Kind.ORDER: "the order of the codes in the prompt, and of the segments asked about",
    Kind.WORDING: "the prompt in other words",
    Kind.MODEL: "another model, which is another coder",
}
SAID = {Outcome.NOT_ASSIGNED: 0, Outcome.ASSIGNED: 1, Outcome.ABSTAINED: 2, Outcome.FAILED: -1}
OUTCOMES, DECIDED = 3, 2


def of_run(study: Study, run: Run | None, how: Resampling) -> Steadiness | None:
    """What the newest finished test of a run found, or of the last one that it says again; None without one."""
    chain = study.store.batches.chain(run.id) if run else []
    tests = filter(None, map(study.store.stability.of_run, reversed(chain)))
    test = next(tests, None)
    return steadiness(study, test, how) if test else None


def steadiness(study: Study, test: StabilityTest, how: Resampling) -> Steadiness:
    """The figures of a test of stability, from what was coded in it.

    Segments whose participants have come into the test split since are left out.
    """
    plan, where = test.plan, study.store.audits.parts()
    everything = {s.id: s for s in study.store.corpus.segments()}
    kept = [everything[i] for i in plan.sample.segments if i in everything]
    kept = [s for s in kept if where.get(s.participant) != TEST]
    again = study.store.stability.recodings(test.id)
    table = _Table(kept, [code.id for code in study.framework().assignable])
    first = table.said(study.store.findings.codings(plan.run_id))
    kinds = [kind for kind in Kind if any(v.kind is kind for v in plan.variations)]
    return Steadiness(
        test_id=test.id,
        tests=sum(t.run_id == test.run_id and t.status != "running" for t in study.store.stability.tests()),
        run_id=plan.run_id,
        finished_at=test.finished_at or "",
        status=test.status,
        model=plan.model,
        prompt=plan.prompt,
        prompt_digest=plan.prompt_digest,
        sample=plan.sample,
        segments=len(kept),
        participants=len({s.participant for s in kept}),
        asked_share=plan.sample.asked / plan.sample.everything,
        kinds=tuple(_kind(kind, plan.variations, first, again, table, how) for kind in kinds),
        not_varied=plan.not_varied,
        idle=plan.idle,
    )


class _Table:
    """Segments as rows and codes as columns."""

    def __init__(self, segments: Sequence[Segment], codes: Sequence[str]) -> None:
        self.codes = codes
        self._row = {s.id: i for i, s in enumerate(segments)}
        self._column = {code: k for k, code in enumerate(codes)}
        self.people: NDArray[np.intp] = np.unique([s.participant for s in segments], return_inverse=True)[1].astype(
            np.intp
        )

    def said(self, codings: Iterable[Coding | Recoding]) -> Marks:
        """Outcomes as numbers, shape (n_segments, n_codes); -1 for failed and for what was not coded."""
        found = np.full((len(self._row), len(self.codes)), -1, np.int8)
        for c in codings:
            if c.segment_id in self._row and c.code in self._column:
                found[self._row[c.segment_id], self._column[c.code]] = SAID[c.outcome]
        return found


def _kind(
    kind: Kind,
    variations: Sequence[Variation],
    first: Marks,
    again: Sequence[Recoding],
    table: _Table,
    how: Resampling,
) -> KindFlips:
    these = tuple(v for v in variations if v.kind is kind)
    later = [[r for r in again if r.variation == v.name] for v in these]
    said = np.stack([first, *map(table.said, later)])
    decided = np.where(said == SAID[Outcome.ABSTAINED], -1, said).astype(np.int8)
    outcomes = flips(said, table.people, kinds=OUTCOMES, resampling=how)
    settled = flips(decided, table.people, kinds=DECIDED, resampling=how)
    return KindFlips(
        kind=kind,
        variations=these,
        codes={code: CodeFlips(outcomes[k], settled[k]) for k, code in enumerate(table.codes)},
        failed=int((said[1:] < 0).sum()),
    )


def least_stable_first(found: Steadiness, code: str, wanted: Sequence[Kind]) -> Mapping[Kind, CodeFlips]:
    """The code's figures by kind, of those kinds wanted that were varied."""
    by_kind = {k.kind: k.codes[code] for k in found.kinds if k.kind in wanted and code in k.codes}
    return dict(sorted(by_kind.items(), key=lambda item: -(item[1].outcomes.rate.value or 0)))
