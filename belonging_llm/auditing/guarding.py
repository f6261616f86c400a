"""Search what the model is shown, in a study, before it is shown and after."""

from __future__ import annotations

from belonging_llm.auditing import leaks
from belonging_llm.codes.examples import marked
from belonging_llm.store import Run
from belonging_llm.study import Study

DEVELOPMENT, TEST = "development", "test"


def search_for_leaks(study: Study, run: Run | None = None) -> str:
    """Search what the model is (and was) shown for segments of the test split; says what was searched.

    Raises:
        LeakError: names every place and segment.
    """
    locked = study.store.audits.parts()
    segments = study.store.corpus.segments()
    test = [s for s in segments if locked.get(s.participant) == TEST]
    if not test:
        return "no test split yet"
    guard = leaks.Guard(test)
    prompts = study.prompts()
    found = leaks.in_codebook(guard, study.framework()) + leaks.in_prompts(guard, prompts.values())
    sent: dict[str, str] = {}
    if run:
        for name, digest in run.settings.get("prompts", {}).items():
            if name.startswith(leaks.CODING_PROMPTS):
                sent |= study.store.ledger.requests(digest)
        examples = {marked(s.text) for s in segments if locked.get(s.participant) == DEVELOPMENT}
        found += leaks.in_requests(guard, sent, {s.id: s.text for s in segments}, examples)
    leaks.refuse(found)
    short = f"; {guard.unguarded} of them are too short to be searched for" if guard.unguarded else ""
    return (
        f"codebook, {len(prompts)} prompt files and {len(sent)} coding requests as they were sent hold no words of the "
        f"{len(test)} test segments{short}"
    )
