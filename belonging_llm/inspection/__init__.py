"""The model beside people, pair by pair: what differs, on what it rests, and what somebody says who looks at it."""

from belonging_llm.inspection.beside import DIFFERENT, KINDS, Beside, Comparison, Settled, settled
from belonging_llm.inspection.matrix import Matrix, matrix
from belonging_llm.inspection.search import NO_THEME, Found, Search, neighbours, search
from belonging_llm.inspection.verdicts import VERDICTS, Verdict

__all__ = [
    "DIFFERENT",
    "KINDS",
    "NO_THEME",
    "VERDICTS",
    "Beside",
    "Comparison",
    "Found",
    "Matrix",
    "Search",
    "Settled",
    "Verdict",
    "matrix",
    "neighbours",
    "search",
    "settled",
]
