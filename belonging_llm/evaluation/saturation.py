"""Are further interviews still bringing new codes? (Guest, Namey & Chen 2020)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.evaluation.estimate import Floats

BASE, RUN, THRESHOLD = 4, 2, 0.05


@dataclass(frozen=True)
class SaturationRun:
    """A run of consecutive interviews after the base.

    Attributes:
        interviews: Their places, counted from 1.
        new: Codes that none of the interviews before the run had.
        ratio: `new` over the codes of the base, which stays fixed.
    """

    interviews: tuple[int, ...]
    new: int
    ratio: float


@dataclass(frozen=True)
class Saturation:
    """New information by run, in the order given and over random orders.

    Attributes:
        base_codes: Distinct codes in the base interviews.
        new_after_base: New codes in each interview after the base.
        reached: `6+2`: the interviews before the first run at or under the threshold, and the run's length; None
            when there is no such run.
        band: 5th, 50th and 95th percentile of the ratio over random orders of the interviews, by run, shape
            (n_runs, 3); empty when no order was permuted.
        share_reached: Share of random orders in which the threshold was met before the interviews ran out.
        reason: Why nothing could be said; empty otherwise.
    """

    base_codes: int
    new_after_base: tuple[int, ...]
    runs: tuple[SaturationRun, ...]
    reached: str | None
    band: Floats
    share_reached: float | None
    reason: str = ""


def saturation(
    interviews: Sequence[Collection[str]],
    *,
    base: int = BASE,
    run: int = RUN,
    threshold: float = THRESHOLD,
    orders: int = 0,
    seed: int = 0,
) -> Saturation:
    """Ratio of new codes per run to the codes of the base.

    Args:
        interviews: The codes of each interview, in the order in which they were held.
        orders: Random orders for the band; the answer depends on the order, so that one order alone says little.
    """
    if len(interviews) < base + run:
        reason = f"{len(interviews)} interviews; a base of {base} and a run of {run} need {base + run}"
        return Saturation(0, (), (), None, np.empty((0, 3)), None, reason)
    codes = sorted(set().union(*interviews))
    if not set().union(*interviews[:base]):
        return Saturation(0, (), (), None, np.empty((0, 3)), None, "the base interviews have no code")
    has = np.array([[code in one for code in codes] for one in interviews], bool).reshape(len(interviews), len(codes))
    given = np.arange(len(interviews))[None]
    known, fresh = _new(has, given, base)
    news, ratios = _by_run(fresh[0], run), _by_run(fresh[0], run) / known[0]
    runs = tuple(
        SaturationRun(tuple(range(base + k + 1, base + k + 1 + run)), int(n), float(r))
        for k, (n, r) in enumerate(zip(news, ratios, strict=True))
    )
    first = next((r.interviews[0] - 1 for r in runs if r.ratio <= threshold), None)
    band, share = _band(has, base, run, threshold, orders, seed)
    return Saturation(
        base_codes=int(known[0]),
        new_after_base=tuple(int(n) for n in fresh[0]),
        runs=runs,
        reached=f"{first}+{run}" if first is not None else None,
        band=band,
        share_reached=share,
    )


def _new(has: np.ndarray, orders: np.ndarray, base: int) -> tuple[Floats, Floats]:
    """Codes known after the base (orders,) and new in each later interview (orders, n − base)."""
    n = len(has)
    place = np.argsort(orders, axis=1)
    first = np.stack([np.where(has[:, k], place, n).min(1) for k in range(has.shape[1])], axis=1)
    fresh = np.stack([(first == at).sum(1) for at in range(n)], axis=1).astype(float)
    return fresh[:, :base].sum(1), fresh[:, base:]


def _by_run(fresh: Floats, run: int) -> Floats:
    return np.asarray(np.lib.stride_tricks.sliding_window_view(fresh, run, axis=-1).sum(-1), float)


def _band(
    has: np.ndarray, base: int, run: int, threshold: float, orders: int, seed: int
) -> tuple[Floats, float | None]:
    if not orders:
        return np.empty((0, 3)), None
    draw = np.random.default_rng(seed)
    known, fresh = _new(has, draw.permuted(np.tile(np.arange(len(has)), (orders, 1)), axis=1), base)
    ratios = _by_run(fresh, run) / np.maximum(known, 1)[:, None]
    return np.quantile(ratios, [0.05, 0.5, 0.95], axis=0).T, float((ratios <= threshold).any(1).mean())
