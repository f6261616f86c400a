"""Counts as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from belonging_llm.report.audit.figures.canvas import BLUE, QUIET, SMALL, WIDTH, Drawing, axes, clear, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bars(name: str, says: str, labels: Sequence[str], counts: Sequence[int], axis: str) -> Drawing:
    """One bar a label, its count above it."""

    def paint(figure: Figure) -> None:
        on = axes(figure, 6, 16, WIDTH - 12, 110)
        clear(on)
        on.bar(range(len(counts)), counts, color=BLUE, width=0.72)
        on.set_ylim(0, max([*counts, 1]))
        on.set_yticks([])
        on.set_xticks(range(len(labels)), list(labels))
        on.tick_params(axis="x", length=0)
        on.set_xlabel(axis)
        for k, n in enumerate(counts):
            on.annotate(f"{n:,}", (k, n), (0, 2), textcoords="offset points", ha="center", fontsize=SMALL, color=QUIET)

    return draw(name, says, 170, paint)
