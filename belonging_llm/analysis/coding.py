"""Outcomes for segments, batch by batch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from belonging_llm import codes
from belonging_llm.analysis import cutting
from belonging_llm.analysis.bench import Asking, Workbench, workbench
from belonging_llm.analysis.job import Done, Job, silent
from belonging_llm.codes import (
    Assigned,
    Bar,
    Chances,
    Verdict,
)
from belonging_llm.codes.signals import Floats


def try_model(job: Job, run_id: str, done: Done = silent) -> int:
    """Learn what the model's word is worth, from doubtful pairs that people judged; returns how many answers.

    A model that tells likelihoods weighs all codes of the doubtful segments at once, and is done then. These pairs
    would be asked about anyway: nothing is asked twice, and nothing of the test split is looked at.
    """
    bench = workbench(job)
    asker = bench.asker(run_id)
    if bench.weighs:
        return len(bench.weighed(run_id, done))
    if asker is None or "model_word" in bench.store.runs.get(run_id).counts:
        return 0
    open_to = bench.open_pairs(run_id)
    known = bench.teaching.shares(len(bench.segments), len(bench.framework.assignable))
    rows = [row for row in open_to if known is not None and not np.isnan(known[row]).all()]
    shown = bench.examples(run_id)
    calls = [
        [bench.open_segment(i, open_to[i], shown.get(i, ())) for i in call]
        for call in cutting.calls(open_to, len(bench.segments), bench.several, rows)
    ]
    total = sum(map(len, calls))
    failures = dict(asker.failures)
    said = codes.hear(
        calls,
        bench.framework,
        asker=asker,
        prompt=bench.coding_prompt,
        several=bench.several,
        done=lambda n: done(n, total),
    ).verdicts
    ids = [code.id for code in bench.framework.assignable]
    # Coding meets the same failures again and counts them there.
    asker.failures = failures
    answers = [
        (verdict.applies, share)
        for row in rows
        for code, verdict in _verdicts(said[bench.segments[row].id]).items()
        if known is not None and not verdict.unlocated and not np.isnan(share := float(known[row, ids.index(code)]))
    ]
    bench.store.runs.note(run_id, model_word=asdict(codes.worth(answers)))
    return len(answers)


def _verdicts(answer: Mapping[str, Verdict] | Exception) -> Mapping[str, Verdict]:
    return {} if isinstance(answer, Exception) else answer


def batches(job: Job, run_id: str) -> list[list[int]]:
    """Batches of rows (of the canonical order) that still lack codings in a run.

    Batches are cut over all rows and kept whole, so that what shares one never depends on an interruption.
    """
    bench = workbench(job)
    ready = bench.store.findings.coded(run_id)
    return [
        batch for batch in cutting.whole(len(bench.segments)) if any(bench.segments[i].id not in ready for i in batch)
    ]


def open_batches(job: Job, run_id: str) -> Iterator[list[int]]:
    """Batches to code, one by one, each claimed while the caller is at it; ends when all have their codings.

    Several processes share the work so. What another one is at is waited for in the end, and done here if it died.
    """
    bench, mine, wait = workbench(job), set[int](), 0.02
    claims = bench.store.claims
    while waiting := [rows for rows in batches(job, run_id) if rows[0] not in mine]:
        before = len(mine)
        for rows in waiting:
            what = f"batch of {run_id} from {bench.segments[rows[0]].id}"
            if not claims.take(what):
                continue
            try:
                # Another process may have done it since it was looked for.
                if bench.store.findings.uncoded(run_id, [bench.segments[i].id for i in rows]):
                    yield rows
                mine.add(rows[0])
            finally:
                claims.give(what)
        if len(mine) == before:
            time.sleep(wait)
            wait = min(2 * wait, 1.0)


def code_batch(job: Job, run_id: str, rows: Sequence[int], done: Done = silent) -> int:
    """Give every segment of a batch its outcomes and keep them at once; returns how many codings."""
    bench = workbench(job)
    moved = scored(bench, run_id, rows)
    how = Asking(bench.asker(run_id), bench.coding_prompt, moved=moved, several=bench.several)
    found = decide(bench, run_id, rows, how, done)
    bench.store.findings.add_codings(found.codings, run_id)
    lost = {"unlocated": found.unlocated, "repaired": found.repaired, "demoted": found.demoted, "failed": found.failed}
    counts = {"asked": found.asked, "apart": found.apart} | lost
    bench.store.runs.note(run_id, **{f"batch {bench.segments[rows[0]].id}": counts})
    return len(found.codings)


def decide(bench: Workbench, run_id: str, rows: Sequence[int], how: Asking, done: Done = silent) -> Assigned:
    """Outcomes for some segments from the run's evidence, and from its model asked in the given way."""
    signals = bench.signals(run_id)
    likely = bench.likely(run_id)
    absent = bench.absent(run_id)
    open_to = {} if how.moved is not None else bench.open_pairs(run_id)
    framework, columns = bench.shown(how.order)
    place = np.argsort(columns)
    asked = {at: sorted(int(place[j]) for j in open_to[row]) for at, row in enumerate(rows) if row in open_to}
    shown = bench.examples(run_id) if asked else {}
    here = np.ix_(np.array(rows, np.intp), columns)
    return codes.assign(
        [bench.segments[i] for i in rows],
        signals.of(here),
        Chances(likely.chance[here], likely.leaning[here], likely.taught[columns]),
        [bench.questions.get(bench.segments[i].id, "") for i in rows],
        open_to=asked,
        framework=framework,
        asker=how.asker,
        prompt=how.prompt,
        embed=bench.embed,
        encoder=bench.encoder.id,
        bar=Bar(bench.settings.assign_error, bench.settings.miss_error),
        word=bench.word(run_id),
        scored=None if how.moved is None else {i: _in_order(one, columns) for i, one in how.moved.items()},
        absent=None if absent is None else absent[list(rows)],
        examples={at: shown[rows[at]] for at in asked if rows[at] in shown},
        several=how.several,
        done=lambda n: done(n, len(asked)),
    )


def _in_order(one: Floats | Exception, columns: NDArray[np.intp]) -> Floats | Exception:
    return one if isinstance(one, Exception) else one[columns]


def scored(bench: Workbench, run_id: str, rows: Sequence[int]) -> dict[str, Floats | Exception] | None:
    """What a model that weighs codes moved, by segment of a batch; None for other models."""
    if not bench.weighs:
        return None
    weighed = bench.weighed(run_id)
    here = [bench.segments[i].id for i in rows]
    return {ident: weighed[ident] for ident in here if ident in weighed}
