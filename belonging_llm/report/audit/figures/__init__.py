"""Figures as inline SVG: the same bytes for the same audit, readable on a phone, on paper and without colour."""

from __future__ import annotations

from belonging_llm.report.audit.figures.bars import bars
from belonging_llm.report.audit.figures.canvas import Drawing
from belonging_llm.report.audit.figures.curves import epsilon_curves, reliability, risk_curve, saturation_bands
from belonging_llm.report.audit.figures.heatmap import heatmap
from belonging_llm.report.audit.figures.intervals import Lane, Panel, interval_rows

__all__ = [
    "Drawing",
    "Lane",
    "Panel",
    "bars",
    "epsilon_curves",
    "heatmap",
    "interval_rows",
    "reliability",
    "risk_curve",
    "saturation_bands",
]
