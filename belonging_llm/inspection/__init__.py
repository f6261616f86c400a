"""The model beside people, pair by pair: what differs, on what it rests, and what somebody says who looks at it."""

from belonging_llm.inspection.asked import Behind, behind
from belonging_llm.inspection.beside import DIFFERENT, KINDS, Beside, Comparison, Settled, settled
from belonging_llm.inspection.matrix import Matrix, matrix
from belonging_llm.inspection.room import Reviewed, Room
from belonging_llm.inspection.sealing import Seal
from belonging_llm.inspection.search import NO_THEME, Found, Search, neighbours, search
from belonging_llm.inspection.verdicts import SAW_MODEL, VERDICTS, Verdict, say

__all__ = [
    "DIFFERENT",
    "KINDS",
    "NO_THEME",
    "SAW_MODEL",
    "VERDICTS",
    "Behind",
    "Beside",
    "Comparison",
    "Found",
    "Matrix",
    "Reviewed",
    "Room",
    "Seal",
    "Search",
    "Settled",
    "Verdict",
    "behind",
    "matrix",
    "neighbours",
    "say",
    "search",
    "settled",
]
