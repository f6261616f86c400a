"""Two ways to learn what is to be expected, each beside what people to come turn out to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from belonging_llm import clusters
from belonging_llm.clusters import Belongs
from belonging_llm.drift.novelty import Flags, Place, Rows, cross_fitted
from belonging_llm.drift.strangers import fit, strangers
from belonging_llm.embeddings import Vectors
from evals.drift import sets, talk
from evals.drift.bases import Base
from evals.drift.rates import Simulation, design

Truths = list[tuple[float, float, float]]


def ways(repetitions: int, seed: int, folder: Path) -> Simulation:
    """What share of new people's segments fits nowhere, and what was expected, in eight studies of each kind.

    Stripped: themes lose the segments of those who are placed. Anew: themes are found again without them. Off: root
    mean square of what was expected less what came. Seconds: median of three, both ways in turn; at 20,000 segments
    themes are the intents, and nothing is found anew.
    """
    count, facts = max(repetitions // 25, 2), {}
    for past in (12, 40):
        facts |= _beside(
            f"paraphrases, {past} past", [_of_crowd(s, folder) for s in talk.studies(folder, past, count, seed)]
        )
        facts |= _beside(f"diaries, {past} past", [_of_diaries(w) for w in talk.writers(folder, past, count, seed)])
    facts |= seconds(sets.intents(folder / "large_intents"))
    return Simulation("ways", design(ways), (), facts)


def _of_crowd(one: talk.Population, folder: Path) -> tuple[float, float, float]:
    every = sets.intents(folder / "large_intents").vectors
    dice = np.random.default_rng(0)
    came = []
    for _ in range(20):
        left = [list(dice.permutation(rows)) for rows in one.left]
        came += [row for _ in range(4) for row in talk.spoken(dice, left, talk.SAID)]
    return _truths(one.base, every[came])


def _of_diaries(one: talk.Writers) -> tuple[float, float, float]:
    return _truths(one.base, one.talk.vectors[list(one.left)])


def _truths(base: Base, came: Vectors) -> tuple[float, float, float]:
    """Share of people to come, and what was expected both ways."""
    found_anew = cross_fitted(base.people, anew(base.vectors, [str(i) for i in range(len(base.people))]))
    return float((~base.fits(came)).mean()), base.expected, float((~found_anew).mean())


def _beside(name: str, found: Truths) -> dict[str, float]:
    came, stripped, again = np.array(found).T
    return {
        f"{name}: share that came": float(came.mean()),
        f"{name}: expected, stripped": float(stripped.mean()),
        f"{name}: expected, anew": float(again.mean()),
        f"{name}: off, stripped": _off(stripped - came),
        f"{name}: off, anew": _off(again - came),
    }


def _off(by: Vectors) -> float:
    return float(np.sqrt((by**2).mean()))


def anew(vectors: Vectors, keys: Sequence[str]) -> Place:
    """Placing in themes that are found again on the known rows alone."""

    def place(known: Rows, new: Rows) -> Flags:
        found = clusters.find(vectors[known], [keys[i] for i in known])
        cores = [[int(known[m.index]) for m in c.members if m.belongs is Belongs.CORE] for c in found.clusters]
        return fit(vectors, cores, new)

    return place


def seconds(spoken: sets.Talk) -> dict[str, float]:
    """How long each way takes."""
    facts = {}
    for size in (1000, 2000, 20000):
        rows = np.random.default_rng(size).permutation(len(spoken.keys))[:size]
        vectors, people = spoken.vectors[rows], [f"P{k // talk.SAID:04d}" for k in range(size)]
        about = np.array(spoken.groups)[rows]
        cores = [np.flatnonzero(about == one).tolist() for one in sorted(set(about))]
        taken: dict[str, list[float]] = {"stripped": [], "anew": []}
        for _ in range(3):
            taken["stripped"].append(_took(lambda: strangers(people, vectors, cores)))  # noqa: B023
            if size <= 2000:
                again = anew(vectors, [str(i) for i in range(size)])
                taken["anew"].append(_took(lambda: cross_fitted(people, again)))  # noqa: B023
        facts |= {f"{size} segments: seconds, {way}": float(np.median(t)) for way, t in taken.items() if t}
        if taken["anew"]:
            facts[f"{size} segments: times as fast"] = float(np.median(taken["anew"]) / np.median(taken["stripped"]))
    return facts


def _took(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


SIMULATIONS = (ways,)
