"""Drift: do new interviews still fit the themes, does the model still say the same, are codes as frequent as before?

Statistics are in `evaluation`; here is what they are fed with, and what becomes of what they say.
"""

from __future__ import annotations

from belonging_llm.drift.alarms import acknowledge
from belonging_llm.drift.drift_lines import alarm_lines, drift_lines
from belonging_llm.drift.record import Drift, Kind, State
from belonging_llm.drift.section import markdown, section
from belonging_llm.drift.sentinels import watched
from belonging_llm.drift.watching import found_with, questions, watch

__all__ = [
    "Drift",
    "Kind",
    "State",
    "acknowledge",
    "alarm_lines",
    "drift_lines",
    "found_with",
    "markdown",
    "questions",
    "section",
    "watch",
    "watched",
]
