"""How many segments to code twice for an interval of a wanted width."""

from __future__ import annotations

from math import ceil

from scipy import stats


def segments_for_kappa(kappa: float, prevalence: float, half_width: float, level: float = 0.95) -> int:
    """Independent segments for a kappa known to ± `half_width`.

    From the large-sample variance under the common-correlation model (Bloch & Kraemer 1989; Donner &
    Eliasziw 1992, eq. 3): (1 − κ)[(1 − κ)(1 − 2κ) + κ(2 − κ)/(2π(1 − π))]/n.

    Args:
        kappa: The agreement expected, below 1.
        prevalence: Share of segments that have the code, between 0 and 1.

    Raises:
        ValueError: a value out of its range.
    """
    if not (0 <= kappa < 1 and 0 < prevalence < 1 and half_width > 0 and 0 < level < 1):
        raise ValueError(
            f"kappa {kappa} must be from 0 to below 1, prevalence {prevalence} and level {level} between 0 and 1, "
            f"half width {half_width} above 0"
        )
    spread = (1 - kappa) * (1 - 2 * kappa) + kappa * (2 - kappa) / (2 * prevalence * (1 - prevalence))
    z = float(stats.norm.ppf((1 + level) / 2))
    return ceil(z**2 * (1 - kappa) * spread / half_width**2 - 1e-9)


def design_effect(per_participant: float, intraclass: float) -> float:
    """1 + (m − 1)·ICC (Kish 1965): how many times more segments are needed when m come from each participant."""
    return max(1.0, 1 + (per_participant - 1) * intraclass)


def segments_for_kappa_clustered(
    kappa: float, prevalence: float, half_width: float, *, participants: int, intraclass: float, level: float = 0.95
) -> int | None:
    """Segments when they come from `participants` people in equal parts; None if no number is enough.

    Solves n = n₀·(1 + (n/P − 1)·ICC) for n: each further segment of the same people tells less.
    """
    alone = segments_for_kappa(kappa, prevalence, half_width, level)
    left = 1 - alone * intraclass / participants
    if left <= 0:
        return None
    found = ceil(alone * (1 - intraclass) / left - 1e-9)
    return max(found, alone) if found > participants else alone
