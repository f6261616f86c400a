"""Rows of estimates with their intervals: forest plots and their relatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from belonging_llm.evaluation import Estimate
from belonging_llm.report.audit.figures.canvas import (
    INK,
    LINE,
    PAPER,
    QUIET,
    SIZE,
    SMALL,
    WIDTH,
    Drawing,
    axes,
    clean,
    clear,
    draw,
    write,
)
from belonging_llm.report.audit.words import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL, STEP, GAP, FOOT, KEY = 17.0, 13.0, 9.0, 40.0, 17.0
EDGE, BETWEEN = 6.0, 26.0
MOST = 12  # rows of a drawing that fits on a sheet of paper
_BEHIND = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}  # text stays readable on lines


@dataclass(frozen=True)
class Lane:
    """A kind of estimate: one mark in every row."""

    label: str
    colour: str
    marker: str = "o"
    hollow: bool = False


@dataclass(frozen=True)
class Panel:
    """Estimates on one axis.

    Attributes:
        axis: What the axis measures.
        lanes: Kinds of estimates, from the upper to the lower one of a row.
        rows: Estimates by row and lane.
        at: Where dashed lines stand.
        span: What the axis spans at least.
        shares: Show the axis in per cent.
    """

    axis: str
    lanes: tuple[Lane, ...]
    rows: Sequence[Sequence[Estimate]]
    at: tuple[float, ...] = ()
    span: tuple[float, float] = (0.0, 1.0)
    shares: bool = False


def interval_rows(name: str, says: str, told: Mapping[str, str], panels: Sequence[Panel]) -> tuple[Drawing, ...]:
    """A row a label, its name above its marks, with panels side by side; several drawings where rows are many.

    An estimate without a value is written `undefined` where its mark would stand. All drawings have the same axes.

    Args:
        says: What is shown, a sentence.
        told: By label, its row in words.
    """
    found = []
    spanned = [replace(panel, span=_span(panel)) for panel in panels]
    for part, start in enumerate(range(0, len(told), MOST)):
        here = slice(start, start + MOST)
        row = list(told.items())[here]
        text = f"{says} {'; '.join(f'{label}: {words}' for label, words in row)}."
        shown = [replace(panel, rows=panel.rows[here]) for panel in spanned]
        found.append(_rows(f"{name}-{part + 1}" if part else name, text, [label for label, _ in row], shown))
    return tuple(found)


def _rows(name: str, says: str, labels: Sequence[str], panels: Sequence[Panel]) -> Drawing:
    lanes = max(len(panel.lanes) for panel in panels)
    tall = LABEL + lanes * STEP + GAP
    keyed = _legend(panels)
    top = KEY * len(keyed) + (6 if keyed else 0)
    height = top + tall * len(labels) + FOOT

    def paint(figure: Figure) -> None:
        _write_legend(figure, keyed)
        for k, label in enumerate(labels):
            write(figure, 0, top + k * tall + 2, shortened(label, 44), fontsize=SIZE, fontweight="bold", bbox=_BEHIND)
        for panel, (left, width) in zip(panels, _columns(len(panels)), strict=True):
            _panel(axes(figure, left, top, width, tall * len(labels)), panel, tall, lanes)

    return draw(name, says, height, paint)


def _columns(n: int) -> list[tuple[float, float]]:
    """Left edges and widths of panels side by side."""
    width = (WIDTH - 2 * EDGE - BETWEEN * (n - 1)) / n
    return [(EDGE + k * (width + BETWEEN), width) for k in range(n)]


def _panel(on: Axes, panel: Panel, tall: float, lanes: int) -> None:
    clear(on)
    on.set_ylim(tall * len(panel.rows), 0)
    on.set_yticks([])
    room = 0.02 * (panel.span[1] - panel.span[0])
    on.set_xlim(panel.span[0] - room, panel.span[1] + room)
    on.set_xlabel(panel.axis)
    on.locator_params(axis="x", nbins=5)
    if panel.shares:
        on.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.0f}%".replace("-", "−"))
    for k in range(1, len(panel.rows)):
        on.axhline(k * tall - GAP / 2, color=LINE, linewidth=0.6)
    for x in panel.at:
        on.axvline(x, color=QUIET, linewidth=0.9, linestyle=(0, (3, 2)))
    offset = (lanes - len(panel.lanes)) * STEP / 2
    for k, found in enumerate(panel.rows):
        for lane, (kind, one) in enumerate(zip(panel.lanes, found, strict=True)):
            _mark(on, one, kind, k * tall + LABEL + offset + (lane + 0.5) * STEP)


def _mark(on: Axes, found: Estimate, kind: Lane, y: float) -> None:
    if found.value is None:
        on.text(
            0.01, y, "undefined", bbox=_BEHIND, color=QUIET, fontsize=SMALL, style="italic", va="center",
            transform=on.get_yaxis_transform(),
        )  # fmt: skip
        return
    if found.interval:
        on.plot([found.interval.low, found.interval.high], [y, y], color=kind.colour, solid_capstyle="butt", zorder=2)
    face = "none" if kind.hollow else kind.colour
    on.plot([found.value], [y], kind.marker, color=kind.colour, markerfacecolor=face, zorder=3, clip_on=False)


def _span(panel: Panel) -> tuple[float, float]:
    """What the axis spans: every mark and interval."""
    seen = [*panel.span, *panel.at]
    for one in (one for row in panel.rows for one in row if one.value is not None):
        seen += [one.value or 0.0, *([one.interval.low, one.interval.high] if one.interval else [])]
    return min(seen), max(seen)


def _legend(panels: Sequence[Panel]) -> list[list[Lane]]:
    """Kinds of marks in lines that fit the width; none when there is only one kind."""
    kinds = list(dict.fromkeys(lane for panel in panels for lane in panel.lanes))
    if len(kinds) < 2:
        return []
    lines: list[list[Lane]] = [[]]
    for kind in kinds:
        if lines[-1] and sum(_room(one) for one in [*lines[-1], kind]) > WIDTH:
            lines.append([])
        lines[-1].append(kind)
    return lines


def _room(kind: Lane) -> float:
    return 32 + 5.9 * len(kind.label)


def _write_legend(figure: Figure, lines: Sequence[Sequence[Lane]]) -> None:
    for k, line in enumerate(lines):
        left = 0.0
        for kind in line:
            on = axes(figure, left, k * KEY, 22, KEY - 3)
            on.set_axis_off()
            on.set_xlim(-1, 1)
            on.set_ylim(-1, 1)
            on.plot([-1, 1], [0, 0], color=kind.colour)
            face = "none" if kind.hollow else kind.colour
            on.plot([0], [0], kind.marker, color=kind.colour, markerfacecolor=face)
            write(figure, left + 27, k * KEY + 0.5, clean(kind.label), fontsize=SMALL, color=INK)
            left += _room(kind)
