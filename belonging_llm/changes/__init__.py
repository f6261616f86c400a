"""What differs between two runs, and why: segments, themes, outcomes, and what went in.

Plain records; pages, reports and schedules say them in their own way.
"""

from belonging_llm.changes.causes import IN_WORDS, Cause, causes
from belonging_llm.changes.compare import Changes, State, changes, compare, state
from belonging_llm.changes.lineage import Became, ThemeChange, lineage, reasoned
from belonging_llm.changes.outcomes import OutcomeChange, differing, differs_in, kinds

__all__ = [
    "IN_WORDS",
    "Became",
    "Cause",
    "Changes",
    "OutcomeChange",
    "State",
    "ThemeChange",
    "causes",
    "changes",
    "compare",
    "differing",
    "differs_in",
    "kinds",
    "lineage",
    "reasoned",
    "state",
]
