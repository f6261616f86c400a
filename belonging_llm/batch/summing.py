"""The sums of the whole state as of a batch: the last ones, and what is new, without counting the study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from belonging_llm.codes import Coding
from belonging_llm.store import Store, Tally


def tally(store: Store, run_id: str, own: Sequence[Coding]) -> Tally:
    """The numbers as of a batch: those before it, what it took up, and its own outcomes as far as there are any."""
    *earlier, before = store.batches.chain(run_id)[:-1]
    # Where somebody withdrew since, the sums before are counted anew, once.
    known = store.coders.tally(before) or store.coders.count(before)
    codes = {code: Counter(by) for code, by in known.codes.items()}
    for coding in own:
        codes.setdefault(coding.code, Counter())[str(coding.outcome)] += 1
    again = set(store.batches.retried(run_id)) & {coding.segment_id for coding in own}
    for _, code, outcome in store.batches.coded_in([*earlier, before], sorted(again)):
        codes[code][outcome] -= 1
    parts = store.batches.parts(run_id)
    fresh = store.corpus.segments_of(parts)
    placed = store.batches.placed_in(run_id)
    return Tally(
        transcripts=known.transcripts + len({s.transcript_id for s in fresh}),
        participants=known.participants + len(store.corpus.strangers(sorted({s.participant for s in fresh}), parts)),
        segments=known.segments + len(fresh),
        placed=known.placed + len({segment for _, segment in placed}),
        codes={code: {o: n for o, n in by.items() if n} for code, by in codes.items()},
    )
