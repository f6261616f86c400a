"""A table as tints, each with its figure in it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from belonging_llm.evaluation import Estimate
from belonging_llm.report.audit.figures.canvas import (
    LINE,
    QUIET,
    SMALL,
    WIDTH,
    Drawing,
    axes,
    clean,
    clear,
    draw,
    write,
)
from belonging_llm.report.audit.words import decimal, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, ROW, FLAT, SLANTED = 142.0, 30.0, 22.0, 84.0
TALL, BROAD = 18, 5  # rows and columns of a drawing
DARK, LIGHT = "#000000", "#ffffff"


def heatmap(
    name: str, says: str, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[Estimate]]
) -> tuple[Drawing, ...]:
    """Values from −1 to 1 by row and column; undefined ones are hatched. Several drawings where either are many."""
    parts = [(r, c) for r in range(0, len(rows), TALL) for c in range(0, len(columns), BROAD)]
    return tuple(
        _part(
            f"{name}-{k + 1}" if k else name,
            says,
            rows[r : r + TALL],
            columns[c : c + BROAD],
            [line[c : c + BROAD] for line in values[r : r + TALL]],
        )
        for k, (r, c) in enumerate(parts)
    )


def _part(
    name: str, says: str, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[Estimate]]
) -> Drawing:
    wide = (WIDTH - LEFT) / max(len(columns), 1)
    flat = all(6.4 * len(column) < wide for column in columns)
    top = FLAT if flat else SLANTED
    height = top + ROW * len(rows) + 4

    def paint(figure: Figure) -> None:
        on = axes(figure, LEFT, top, WIDTH - LEFT, ROW * len(rows))
        clear(on, keep="")
        on.set_xlim(0, len(columns))
        on.set_ylim(len(rows), 0)
        on.set_xticks([k + 0.5 for k in range(len(columns))], [clean(shortened(c, 16)) for c in columns])
        on.tick_params(axis="x", top=False, bottom=False, labeltop=True, labelbottom=False, rotation=0 if flat else 90)
        on.set_yticks([])
        for k, label in enumerate(rows):
            lines = "\n".join(textwrap.wrap(shortened(label, 40), 21))
            write(figure, 0, top + (k + 0.5) * ROW, lines, fontsize=SMALL, va="center", linespacing=1.05)
            for column, one in enumerate(values[k]):
                _cell(on, column, k, one)

    return draw(name, says, height, paint)


def _cell(on: Axes, x: int, y: int, found: Estimate) -> None:
    from matplotlib.patches import Rectangle

    place, size = (x + 0.03, y + 0.05), (0.94, 0.9)
    if found.value is None:
        on.add_patch(Rectangle(place, *size, facecolor="none", edgecolor=LINE, hatch="///", linewidth=0.8))
        on.text(x + 0.5, y + 0.5, "undef.", ha="center", va="center", fontsize=SMALL, color=QUIET, style="italic")
        return
    red, green, blue = _tint(found.value)
    ink = DARK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else LIGHT
    on.add_patch(Rectangle(place, *size, facecolor=(red, green, blue), edgecolor="none"))
    on.text(x + 0.5, y + 0.5, decimal(found.value), ha="center", va="center", fontsize=SMALL, color=ink)


def _tint(value: float) -> tuple[float, float, float]:
    """From near white at 0 to blue at 1, to vermillion at −1."""
    full = (0.0, 0.333, 0.533) if value >= 0 else (0.835, 0.369, 0.0)
    share = min(abs(value), 1.0)
    red, green, blue = (0.95 + (one - 0.95) * share for one in full)
    return red, green, blue
