"""Which segments are coded again: participants are drawn first, then segments among all that these said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from belonging_llm.codes import Sample


def draw(
    people: Mapping[str, Sequence[str]],
    *,
    segments: int,
    participants: int | None,
    seed: int,
    everything: int,
    left_out: int,
) -> Sample:
    """A sample in which every segment had the same chance, spread over the participants drawn as their talk is.

    Args:
        people: Segments that could be drawn, by participant; in any order.
        segments: How many are wanted; all where there are no more.
        participants: How many are drawn first; all when None.
        everything: Recorded as it is; likewise `left_out`.
    """
    random = np.random.default_rng(seed)
    names = sorted(people)
    n = len(names) if participants is None else min(participants, len(names))
    chosen = [names[i] for i in random.permutation(len(names))[:n]]
    pool = [ident for who in chosen for ident in random.permutation(sorted(people[who])).tolist()]
    size = min(segments, len(pool))
    # Systematic from a random start: each of the pool has the chance size / len(pool), exactly.
    places = np.floor((random.uniform() + np.arange(size)) * len(pool) / max(size, 1)).astype(int)
    drawn = [pool[i] for i in places]
    owner = {ident: who for who in chosen for ident in people[who]}
    return Sample(
        seed=seed,
        wanted=segments,
        asked=sum(map(len, people.values())),
        everything=everything,
        left_out=left_out,
        people=len(names),
        inclusion=n / max(len(names), 1) * size / max(len(pool), 1),
        participants=tuple(sorted({owner[ident] for ident in drawn})),
        segments=tuple(sorted(drawn)),
    )
