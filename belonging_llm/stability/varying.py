"""Which variations there are for a run: what really reaches the model, and why the rest does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.codes import Kind, Variation
from belonging_llm.prompts import Prompt

# Wordings without a paraphrase are no test of wording.
NO_PARAPHRASE = "there is no {name}.paraphrase1.md, in the study's prompts folder or among the built-in ones"
NO_SEED = "the model is asked how likely each answer is, which the request's seed and temperature do not change"
ONE_CODE = "the codebook has one code, which has no order"
NOT_WISHED = "none was asked for"


@dataclass(frozen=True)
class Asked:
    """A model as it is asked about segments.

    Attributes:
        weighs: It tells how likely each code is, instead of answering in words.
    """

    spec: str
    model: str
    prompt: Prompt
    weighs: bool


@dataclass(frozen=True)
class Varied:
    """Variations, and why kinds of them are missing; `idle` are kinds that could not change anything."""

    variations: tuple[Variation, ...]
    not_varied: dict[Kind, str]
    idle: tuple[Kind, ...]


def vary(
    usual: Asked,
    *,
    codes: Sequence[str],
    paraphrases: Sequence[Prompt],
    others: Sequence[Asked],
    seeds: int,
    orders: int,
    temperature: float,
    seed: int,
) -> Varied:
    """One thing at a time, everything else as in the run.

    Args:
        codes: Ids in the codebook's order.
        paraphrases: Of the usual prompt.
        others: Other models, each with the prompt that suits it.
        seeds: How many request seeds; `orders` how many orders of codes and segments.
        seed: Of the shuffling.
    """
    shuffled = list(_orders(codes, orders, seed))
    found = [_variation(usual, Kind.AGAIN, 1, repetition=1, shuffle=seed + 1)]
    found += [
        _variation(usual, Kind.SEED, k, seed=k, temperature=temperature) for k in _upto(0 if usual.weighs else seeds)
    ]
    found += [_variation(usual, Kind.ORDER, k, order=o, shuffle=seed + k) for k, o in enumerate(shuffled, 1)]
    found += [_of(usual, Kind.WORDING, p.name, p) for p in paraphrases]
    found += [_of(other, Kind.MODEL, other.model, other.prompt) for other in others]
    there = {v.kind for v in found}
    missing = {
        Kind.SEED: NO_SEED if usual.weighs else NOT_WISHED,
        Kind.ORDER: ONE_CODE if len(codes) < 2 else NOT_WISHED,
        Kind.WORDING: NO_PARAPHRASE.format(name=usual.prompt.name),
        Kind.MODEL: NOT_WISHED,
    }
    return Varied(
        tuple(found),
        {kind: why for kind, why in missing.items() if kind not in there},
        tuple(kind for kind, why in missing.items() if why in (NO_SEED, ONE_CODE)),
    )


def _upto(n: int) -> range:
    return range(1, n + 1)


def _orders(codes: Sequence[str], wanted: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Distinct orders other than the usual one, as many as there are of those wanted."""
    random = np.random.default_rng(seed)
    seen = {tuple(codes)}
    # Two codes have one other order, three have five; more than enough tries to meet each of so few.
    for _ in range(50 * wanted if len(codes) > 1 else 0):
        order = tuple(codes[i] for i in random.permutation(len(codes)))
        if order not in seen and len(seen) <= wanted:
            seen.add(order)
            yield order


def _variation(asked: Asked, kind: Kind, number: int, **differs: object) -> Variation:
    return _of(asked, kind, str(number), asked.prompt, **differs)


def _of(asked: Asked, kind: Kind, name: str, prompt: Prompt, **differs: object) -> Variation:
    fields = {"spec": asked.spec, "model": asked.model, "prompt": prompt.name, "prompt_digest": prompt.digest}
    return Variation.model_validate({"kind": kind, "name": f"{kind} {name}", **fields, **differs})
