"""Curves: the annotator test over its margin, calibration, risk, and saturation."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from belonging_llm.evaluation import AltTest, Calibration, RiskCoverage, Saturation
from belonging_llm.evaluation.alt_test import Candidate
from belonging_llm.report.audit.figures.canvas import (
    BLUE,
    GREEN,
    LINE,
    PURPLE,
    QUIET,
    SIZE,
    SMALL,
    VERMILLION,
    WIDTH,
    Drawing,
    axes,
    clean,
    draw,
    write,
)
from belonging_llm.report.audit.words import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 10  # plots of a drawing that fits on a sheet of paper
ACROSS, CELL, PLOT, TITLE = 2, 148.0, 78.0, 30.0
DASHED, DOTTED = (0, (4, 2)), (0, (1, 1.6))
BASELINES = {
    "never assigns": (BLUE, DASHED),
    "always assigns": (GREEN, DOTTED),
    "majority": (PURPLE, (0, (6, 2, 1, 2))),
}


def epsilon_curves(name: str, says: str, told: Mapping[str, str], tests: Mapping[str, AltTest]) -> tuple[Drawing, ...]:
    """A small plot a code: share of people over whom the model wins, by the margin allowed.

    Args:
        says: What is shown, a sentence.
        told: By the code's name, its plot in words; likewise `tests`.
    """
    found = []
    for part, start in enumerate(range(0, len(tests), MOST)):
        shown = dict(list(tests.items())[start : start + MOST])
        text = f"{says} {'; '.join(f'{label}: {told[label]}' for label in shown)}."
        found.append(_small_plots(f"{name}-{part + 1}" if part else name, text, shown))
    return tuple(found)


def _small_plots(name: str, says: str, tests: Mapping[str, AltTest]) -> Drawing:
    top = 38.0
    lines = -(-len(tests) // ACROSS)
    width = (WIDTH - 40 - 30) / ACROSS

    def paint(figure: Figure) -> None:
        _key(figure)
        for k, (label, test) in enumerate(tests.items()):
            left = 30 + (k % ACROSS) * (width + 40)
            down = top + (k // ACROSS) * CELL
            title = "\n".join(textwrap.wrap(shortened(label, 42), 22)[:2])
            write(figure, left - 26, down + TITLE - 4, title, va="bottom", fontsize=SMALL, fontweight="bold")
            _one_code(axes(figure, left, down + TITLE, width, PLOT), test)

    return draw(name, says, top + lines * CELL, paint)


def _key(figure: Figure) -> None:
    entries = [
        ("model, by participant", VERMILLION, "-", 2.2),
        ("model, naive", VERMILLION, DOTTED, 1.3),
        ("never assigns", *BASELINES["never assigns"], 1.3),
        ("always assigns", *BASELINES["always assigns"], 1.3),
    ]
    for k, (label, colour, style, width) in enumerate(entries):
        left, down = (k % 2) * WIDTH / 2, (k // 2) * 16
        on = axes(figure, left, down, 24, 13)
        on.set_axis_off()
        on.plot([0, 1], [0, 0], color=colour, linestyle=style, linewidth=width)
        write(figure, left + 29, down + 0.5, label, fontsize=SMALL)


def _one_code(on: Axes, test: AltTest) -> None:
    on.set_xlim(0, 0.3)
    on.set_ylim(-0.04, 1.04)
    on.set_xticks([0, 0.1, 0.2, 0.3], ["0", "0.1", "0.2", "0.3"])
    on.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    on.axhline(0.5, color=LINE, linewidth=0.8)
    on.axvline(min(test.epsilon, 0.3), color=QUIET, linewidth=0.9, linestyle=DASHED)
    on.set_xlabel("ε", labelpad=1)
    for one in test.baselines:
        if one.name in BASELINES and one.name != "majority":
            colour, style = BASELINES[one.name]
            _curve(on, one, colour, style, 1.3, clustered=True)
    if test.model is None:
        on.text(0.15, 0.25, "not tested", ha="center", va="center", fontsize=SMALL, color=QUIET, style="italic")
        return
    _curve(on, test.model, VERMILLION, DOTTED, 1.3, clustered=False)
    _curve(on, test.model, VERMILLION, "-", 2.2, clustered=True)
    if test.refused:
        on.text(
            1.0, -0.31, "no verdict", ha="right", va="top", fontsize=SMALL, color=QUIET, style="italic",
            transform=on.transAxes,
        )  # fmt: skip


def _curve(
    on: Axes,
    given: Candidate,
    colour: str,
    style: str | tuple[int, tuple[float, ...]],
    width: float,
    *,
    clustered: bool,
) -> None:
    found = [
        (at.epsilon, rate)
        for at in given.curve
        if (rate := at.winning_rate_clustered if clustered else at.winning_rate) is not None
    ]
    on.plot([e for e, _ in found], [r for _, r in found], color=colour, linestyle=style, linewidth=width)


def reliability(name: str, says: str, found: Calibration) -> Drawing:
    """Share right by stated confidence, with how many judgements each point rests on."""
    bins = [b for b in found.bins if b.confidence is not None and b.right is not None]

    def paint(figure: Figure) -> None:
        on = axes(figure, 46, 8, WIDTH - 60, 220)
        on.set_xlim(0, 1)
        on.set_ylim(0, 1.02)
        on.plot([0, 1], [0, 1], color=QUIET, linewidth=0.9, linestyle=DASHED)
        on.plot(
            [b.confidence or 0.0 for b in bins],
            [b.right or 0.0 for b in bins],
            "o-",
            color=BLUE,
            clip_on=False,
            zorder=3,
        )
        on.set_ylabel("share right")
        on.yaxis.set_label_coords(-0.09, 0.5)
        on.set_xticks([])
        low = axes(figure, 46, 240, WIDTH - 60, 62)
        low.set_xlim(0, 1)
        low.bar(
            [(b.low + b.high) / 2 for b in found.bins], [b.n for b in found.bins], color=BLUE,
            width=0.8 / max(len(found.bins), 1),
        )  # fmt: skip
        low.set_xlabel("confidence that the model stated")
        low.set_ylabel("number")
        low.yaxis.set_label_coords(-0.09, 0.5)
        most = max([b.n for b in found.bins], default=1)
        low.set_yticks([0, most], ["0", f"{most:,}"])

    return draw(name, says, 344, paint)


def risk_curve(name: str, says: str, found: RiskCoverage) -> Drawing:
    """Share wrong among the judgements kept, most confident first; dots where a threshold can cut."""

    def paint(figure: Figure) -> None:
        on = axes(figure, 46, 8, WIDTH - 60, 170)
        on.set_xlim(0, 1)
        whole = [k for k, cut in enumerate(found.whole) if cut]
        x, y = [float(found.coverage[k]) for k in whole], [float(found.risk[k]) for k in whole]
        on.set_ylim(0, max([*y, 0.05]) * 1.1)
        on.plot(x, y, ".-", color=VERMILLION, markersize=5 if len(x) < 60 else 0, clip_on=False, zorder=3)
        _per_cent(on)
        on.set_xlabel("share of judgements left to the model, most confident first")
        on.set_ylabel("share wrong")

    return draw(name, says, 222, paint)


def saturation_bands(name: str, says: str, found: Sequence[tuple[str, Saturation]], threshold: float) -> Drawing:
    """New codes by run over those of the base, with where random orders of the interviews lie."""
    tall = 176.0

    def paint(figure: Figure) -> None:
        for k, (label, one) in enumerate(found):
            write(figure, 0, k * tall, label, fontsize=SIZE, fontweight="bold")
            _saturation(axes(figure, 46, k * tall + 22, WIDTH - 60, 106), one, threshold)

    return draw(name, says, tall * len(found), paint)


def _saturation(on: Axes, found: Saturation, threshold: float) -> None:
    on.set_xlabel("interviews in the run")
    on.set_ylabel("new codes")
    if not found.runs:
        on.set_xticks([])
        on.set_yticks([])
        on.text(0.5, 0.5, "undefined", ha="center", color=QUIET, style="italic", transform=on.transAxes)
        return
    x = list(range(len(found.runs)))
    if len(found.band):
        on.fill_between(x, found.band[:, 0], found.band[:, 2], color=BLUE, alpha=0.22, linewidth=0)
        on.plot(x, found.band[:, 1], color=BLUE, linewidth=1.2, linestyle=DASHED)
    on.plot(x, [run.ratio for run in found.runs], "o-", color=VERMILLION, clip_on=False, zorder=3)
    on.axhline(threshold, color=QUIET, linewidth=0.9, linestyle=DOTTED)
    highest = max([*(run.ratio for run in found.runs), *found.band[:, 2].tolist(), 2 * threshold])
    on.set_ylim(0, highest * 1.08)
    on.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
    step = -(-len(x) // 8)
    names = [f"{run.interviews[0]}–{run.interviews[-1]}" for run in found.runs]
    on.set_xticks(x[::step], [clean(one) for one in names[::step]])


def _per_cent(on: Axes) -> None:
    on.xaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
    on.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
