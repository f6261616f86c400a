"""Search what the model is shown, in a study, before it is shown and after."""

from __future__ import annotations

from collections.abc import Sequence

from belonging_llm.auditing import leaks
from belonging_llm.codes.examples import marked
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment
from belonging_llm.store import Run, StabilityTest
from belonging_llm.study import Study

DEVELOPMENT, TEST = "development", "test"


def search_for_leaks(study: Study, run: Run | None = None, more: Sequence[Prompt] = ()) -> str:
    """Search what the model is (and was) shown for segments of the test split; says what was searched.

    Args:
        more: Prompts beside those of the analysis.

    Raises:
        LeakError: names every place and segment.
    """
    segments = study.store.corpus.segments()
    test = sealed_segments(study, segments)
    if not test:
        return "no test split yet"
    guard = leaks.Guard(test)
    prompts = [*study.prompts().values(), *more]
    found = leaks.in_codebook(guard, study.framework()) + leaks.in_prompts(guard, prompts)
    texts = {s.id: s.text for s in segments}
    sent = _sent(study, run) if run else {}
    locked = study.store.audits.parts()
    examples = {marked(s.text) for s in segments if locked.get(s.participant) == DEVELOPMENT}
    found += leaks.in_requests(guard, sent, texts, examples)
    for again in _tests(study, run):
        # A test asks about its sample alone, and often about the same segment.
        asked = {ident: texts[ident] for ident in again.plan.sample.segments if ident in texts}
        requests = _sent_again(study, again)
        found += leaks.in_requests(guard, requests, asked, examples)
        sent |= requests
    leaks.refuse(found)
    short = f"; {guard.unguarded} of them are too short to be searched for" if guard.unguarded else ""
    return (
        f"codebook, {len(prompts)} prompt files and {len(sent)} coding requests as they were sent hold no words of the "
        f"{len(test)} test segments{short}"
    )


def sealed_segments(study: Study, segments: Sequence[Segment] | None = None) -> list[Segment]:
    """Segments of the sealed test split, as far as it is drawn."""
    locked = study.store.audits.parts()
    if TEST not in locked.values():
        return []
    every = study.store.corpus.segments() if segments is None else segments
    return [s for s in every if locked.get(s.participant) == TEST]


def _tests(study: Study, run: Run | None) -> list[StabilityTest]:
    chain = study.store.batches.chain(run.id) if run else []
    return [test for test in study.store.stability.tests() if test.run_id in chain]


def _sent(study: Study, run: Run) -> dict[str, str]:
    """Coding requests with the run's prompts, but for those of tests of stability."""
    tests = [test.id for test in study.store.stability.tests()]
    digests = [d for name, d in run.settings.get("prompts", {}).items() if name.startswith(leaks.CODING_PROMPTS)]
    return {k: r for digest in digests for k, r in study.store.ledger.requests(digest, not_of=tests).items()}


def _sent_again(study: Study, test: StabilityTest) -> dict[str, str]:
    """Requests of a test of stability, whichever prompt they were made with."""
    digests = {v.prompt_digest for v in test.plan.variations}
    return {k: r for digest in digests for k, r in study.store.ledger.requests(digest, of=[test.id]).items()}
