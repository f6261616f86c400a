"""Is the model as good for some participants as for others?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, undefined
from belonging_llm.evaluation.intervals import Resampling, _plain, between, cluster_weights
from belonging_llm.evaluation.multiplicity import holm
from belonging_llm.evaluation.scores import false_positive_rates, recalls
from belonging_llm.evaluation.two_coders import kappas

SMALLEST = 3
MEASURES: dict[str, Callable[[Floats], Floats]] = {
    "kappa": kappas,
    "false_positive_rate": false_positive_rates,
    "false_negative_rate": lambda cells: 1 - recalls(cells),
}


@dataclass(frozen=True)
class Gap:
    """One group beside everybody else, for one code and measure.

    Attributes:
        here: The measure among the group's participants, with interval; likewise `elsewhere`.
        gap: `here` − `elsewhere`, with interval.
        p_value: Two-sided, normal with the resamples' standard error; None where nothing varies. `p_adjusted` after
            Holm over all gaps of the table.
    """

    attribute: str
    group: str
    participants: int
    code: str
    measure: str
    here: Estimate
    elsewhere: Estimate
    gap: Estimate
    p_value: float | None
    p_adjusted: float | None = None


@dataclass(frozen=True)
class Subgroups:
    """Gaps of every group that is large enough to show, and what was suppressed; all intervals are percentile."""

    gaps: tuple[Gap, ...]
    suppressed: tuple[str, ...]
    smallest: int


def subgroups(
    cells: Floats,
    codes: tuple[str, ...],
    participants: tuple[str, ...],
    attributes: Mapping[str, Mapping[str, str]],
    *,
    smallest: int = SMALLEST,
    resampling: Resampling | None = None,
) -> Subgroups:
    """Compare each group of participants with all others.

    Args:
        cells: Reference against model, `a b c d`, shape (n_participants, n_codes, 4).
        attributes: Of each participant, by name; participants without an attribute are left out of it.
        smallest: Groups (and remainders) with fewer participants are not shown: their figures mean little, and
            could point at a person.
    """
    how = replace(resampling or Resampling(), method="percentile")
    names = sorted({name for known in attributes.values() for name in known})
    gaps: list[Gap] = []
    suppressed = []
    for name in names:
        values = np.array([attributes.get(p, {}).get(name, "") for p in participants])
        shown, hidden = _shown(values, smallest)
        suppressed += [f"{name}: {value}" for value in hidden]
        for value in shown:
            inside, outside = values == value, (values != "") & (values != value)
            gaps += _gaps(name, value, cells, inside, outside, codes, how)
    return Subgroups(_adjusted(gaps), tuple(suppressed), smallest)


def _shown(values: np.ndarray, smallest: int) -> tuple[list[str], list[str]]:
    """Groups to compare with the rest, and groups that are too small.

    Where the small ones together are few, what is shown of the others would give them away: none is shown then. Of
    two groups one is compared with the other, once.
    """
    known = values != ""
    groups = sorted(set(values[known].tolist()))
    sizes = {group: int((values == group).sum()) for group in groups}
    everybody = int(known.sum())
    small = [g for g in groups if min(sizes[g], everybody - sizes[g]) < smallest]
    if 0 < sum(sizes[g] for g in small) < smallest:
        small = groups
    large = [g for g in groups if g not in small]
    return (large[:1] if len(groups) == len(large) == 2 else large), small


def _gaps(
    attribute: str,
    group: str,
    cells: Floats,
    inside: np.ndarray,
    outside: np.ndarray,
    codes: tuple[str, ...],
    how: Resampling,
) -> list[Gap]:
    # Two seeds: with one, groups of a size would be redrawn in step, and their gap would look too certain.
    here, elsewhere = _sums(cells[inside], how), _sums(cells[outside], replace(how, seed=how.seed + 1))
    found = []
    for measure, of in MEASURES.items():
        with np.errstate(invalid="ignore"):
            parts = [of(here), of(elsewhere)]
            parts.append(parts[0] - parts[1])
        for k, code in enumerate(codes):
            shown = [_estimate(part[:, k], how, measure) for part in parts]
            p = _two_sided(parts[2][0, k], parts[2][1:, k]) if shown[2].value is not None else None
            found.append(Gap(attribute, group, int(inside.sum()), code, measure, shown[0], shown[1], shown[2], p))
    return found


def _sums(cells: Floats, how: Resampling) -> Floats:
    """The cells as observed, then of each resample: shape (1 + draws, n_codes, 4)."""
    weights = np.concatenate([np.ones((1, len(cells))), cluster_weights(len(cells), how)])
    return np.asarray(np.einsum("bg,gkc->bkc", weights, cells, optimize=True))


def _estimate(values: Floats, how: Resampling, measure: str) -> Estimate:
    point, draws = values[:1], values[1:, None]
    if not np.isfinite(point[0]):
        return undefined(f"{measure.replace('_', ' ')} is not defined here: no variation or no such segments")
    made = between(point, draws, _plain(point, how.level), how)
    return made.around(estimate(float(point[0]), ""), 0)


def _two_sided(gap: float, draws: Floats) -> float | None:
    """From the resamples' spread: counting resamples beyond 0 could not go below 1/draws, which many gaps need."""
    kept = draws[np.isfinite(draws)]
    if len(kept) < len(draws) / 2:
        return None
    spread = float(kept.std(ddof=1))
    return float(2 * stats.norm.sf(abs(gap) / spread)) if spread > 0 else None


def _adjusted(gaps: list[Gap]) -> tuple[Gap, ...]:
    tested = [i for i, gap in enumerate(gaps) if gap.p_value is not None]
    raised = dict(zip(tested, holm([gaps[i].p_value or 0.0 for i in tested]), strict=True)) if tested else {}
    return tuple(replace(gap, p_adjusted=float(raised[i])) if i in raised else gap for i, gap in enumerate(gaps))
