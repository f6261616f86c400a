"""Development, calibration and test: participants parted once, evenly, and locked.

Prompts and codebooks are tuned on development, thresholds on calibration; verdicts come from test,
which stays sealed until somebody opens it, and every opening is logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np

from belonging_llm.auditing.guarding import DEVELOPMENT, TEST
from belonging_llm.errors import StudyError
from belonging_llm.evaluation.estimate import Floats
from belonging_llm.provenance import digest
from belonging_llm.study import Study

TRIES = 2000


class Part(StrEnum):
    """What a participant's segments may be used for."""

    DEVELOPMENT = DEVELOPMENT
    CALIBRATION = "calibration"
    TEST = TEST


def parts(study: Study) -> dict[str, Part]:
    """The part of every participant whom people have coded, locking those who are new.

    A participant once locked never moves. New ones are added so that the shares and the codes stay even.

    Raises:
        StudyError: nobody has coded anything yet, or there are fewer than three participants.
    """
    locked = {who: Part(part) for who, part in study.store.audits.parts().items()}
    features = _features(study)
    fresh = sorted(features.keys() - locked.keys())
    if not features:
        raise StudyError(f"{study.folder}: no human codings to split; bring them in with `belonging import`")
    if len(features) < len(Part):
        raise StudyError(f"{study.folder}: {len(features)} coded participants cannot be split into three parts")
    if fresh:
        shares, seed = study.settings.audit.shares, study.settings.seed
        drawn = draw(features, locked, shares, seed)
        study.store.audits.lock({who: drawn[who] for who in fresh}, {"shares": shares, "seed": seed, "tries": TRIES})
        locked |= {who: drawn[who] for who in fresh}
    return locked


def split_digest(locked: Mapping[str, str]) -> str:
    """What names a split: who is in which part."""
    return digest(sorted((who, str(part)) for who, part in locked.items()))


def draw(
    features: Mapping[str, Floats], locked: Mapping[str, Part], shares: Sequence[float], seed: int
) -> dict[str, Part]:
    """The most even of many random parts: rerandomisation (Morgan & Rubin 2012), the same for the same seed.

    Args:
        features: What should be even between parts, by participant, all of one shape: amounts of segments and of
            each code, and indicators of attributes.
        locked: Participants whose part is fixed.
    """
    people = sorted(features)
    values = np.stack([features[who] for who in people])
    spread = values.std(0)
    values = (values - values.mean(0)) / np.where(spread > 0, spread, 1)
    fixed = np.array([list(Part).index(locked[who]) if who in locked else -1 for who in people])
    open_rows = np.flatnonzero(fixed < 0)
    wanted = _sizes(len(people), shares, np.bincount(fixed[fixed >= 0], minlength=len(Part)))
    seats = np.repeat(np.arange(len(Part)), wanted)
    random = np.random.default_rng(seed)
    best, least = fixed.copy(), np.inf
    for _ in range(TRIES):
        trial = fixed.copy()
        trial[open_rows] = random.permutation(seats)
        uneven = sum(float((values[trial == k].mean(0) ** 2).sum()) for k in range(len(Part)) if (trial == k).any())
        if uneven < least - 1e-9:
            best, least = trial, uneven
    return {who: list(Part)[best[i]] for i, who in enumerate(people)}


def _sizes(n: int, shares: Sequence[float], taken: np.ndarray) -> np.ndarray:
    """How many of the open participants go to each part, so that the whole comes near its share."""
    wanted = np.array(shares) * n
    room = np.zeros(len(Part), dtype=int)
    for _ in range(n - int(taken.sum())):
        room[np.argmax(wanted - taken - room)] += 1
    return room


def _features(study: Study) -> dict[str, Floats]:
    """Per participant whom people coded: segments judged, codes' counts, attributes."""
    store = study.store
    who = {s.id: s.participant for s in store.corpus.segments()}
    people = sorted({who[j.segment_id] for j in store.findings.judgements() if j.segment_id in who})
    codes = [code.id for code in study.framework().assignable]
    attributes = store.corpus.participants()
    kinds = sorted({(k, v) for p in people for k, v in attributes.get(p, {}).items() if v})
    # An attribute value that one participant alone has cannot be even.
    kinds = [kind for kind in kinds if sum(attributes.get(p, {}).get(kind[0]) == kind[1] for p in people) > 1]
    found = {p: np.zeros(1 + len(codes) + len(kinds)) for p in people}
    for j in store.findings.judgements():
        if j.segment_id in who:
            found[who[j.segment_id]][0] += 1
    for coding in store.findings.codings():
        if coding.segment_id in who and coding.code in codes:
            found[who[coding.segment_id]][1 + codes.index(coding.code)] += 1
    for p in people:
        for k, (name, value) in enumerate(kinds):
            # Attributes are many and codes matter more: they count half.
            found[p][1 + len(codes) + k] = 0.5 * (attributes.get(p, {}).get(name) == value)
    return found
