"""Novelty on simulated vectors: the topics are known, and so is the one that nobody spoke of before."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from belonging_llm.drift.record import State
from belonging_llm.drift.strangers import strangers
from belonging_llm.embeddings import Vectors
from evals.drift.bases import Base
from evals.drift.rates import Rate, Simulation, design

Random = np.random.Generator
SAID = 25  # segments of an interview
TOPICS, DIMENSIONS = 10, 384
BASES = 4  # studies that batches are laid on; batches on one of them share what is expected


def vectors(repetitions: int, seed: int) -> Simulation:
    """Simulated vectors of 384 dimensions: ten known topics, and one that nobody spoke of before.

    A study of 24 interviews of 25 segments, each person with their own mixture of the topics (Dirichlet, 1 each); a
    quarter of the segments is about nothing in particular. A topic is a direction, a segment on it lies around that
    (cosine about .7), one on nothing anywhere. Batches of 1 or 4 new people speak alike; or a share of their segments
    is about an eleventh topic. Themes are the true topics, less the speakers who are left out; what is placed, how it
    is tested and what is expected is as in a study. Batches on one study share what is expected.
    """
    designs: tuple[tuple[int, float, tuple[float, float] | None], ...] = (
        (1, 0, (0, 0.05)),
        (4, 0, (0, 0.05)),
        (4, 0.3, None),
        (4, 0.5, (0.9, 1)),
        (1, 0.5, None),
        (1, 0.9, (0.9, 1)),
    )
    studies = [study(seed + k) for k in range(BASES)]
    rates: list[Rate] = []
    for people, share, wanted in designs:
        dice = np.random.default_rng((seed, people, int(100 * share)))
        found = [batch(studies[k % BASES], dice, people, share) for k in range(repetitions)]
        what = f"{people} interviews, {share:.0%} unrelated"
        hits = sum(one is State.ALARM for one in found)
        rates.append(Rate(f"{what}: alarm", hits, repetitions, wanted))
        looked = hits + sum(one is State.LOOK for one in found)
        rates.append(Rate(f"{what}: p ≤ .05", looked, repetitions, (0, 0.05) if not share else None))
    facts = {
        "share that fits nowhere, in themes found without the speaker": float(np.mean([s.expected for s in studies])),
        "the same in themes found with them": float(np.mean([s.flattered for s in studies])),
    }
    return Simulation("vectors", design(vectors), tuple(rates), facts)


def study(seed: int) -> Base:
    """Two dozen interviews."""
    dice = np.random.default_rng(seed)
    parts = [interview(dice) for _ in range(24)]
    said, topics = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    people = [f"P{k // SAID:02d}" for k in range(len(said))]
    cores = [np.flatnonzero(topics == k).tolist() for k in range(TOPICS)]
    return Base(people, said, cores, strangers(people, said, cores))


def batch(base: Base, dice: Random, people: int, unrelated: float) -> State:
    """What is said of a batch."""
    said = np.concatenate([interview(dice, unrelated)[0] for _ in range(people)])
    return base.batch([f"N{k // SAID}" for k in range(len(said))], said).state


def interview(dice: Random, unrelated: float = 0.0) -> tuple[Vectors, NDArray[np.int64]]:
    """One person's segments: vectors, and the topic of each; TOPICS is the unrelated one, -1 none."""
    mixture = dice.dirichlet(np.ones(TOPICS))
    topics = dice.choice(TOPICS, SAID, p=mixture)
    topics[dice.random(SAID) < 0.25] = -1
    topics[dice.random(SAID) < unrelated] = TOPICS
    noise = dice.standard_normal((SAID, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    # A topic's direction and noise of the same length: their cosine is about .7.
    found = np.where(topics[:, None] >= 0, directions()[topics], 0.0) + noise
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32), topics


@cache
def directions() -> NDArray[np.float64]:
    """Of every topic, the unrelated one last; unit length."""
    drawn = np.random.default_rng(0).standard_normal((TOPICS + 1, DIMENSIONS))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


SIMULATIONS = (vectors,)
