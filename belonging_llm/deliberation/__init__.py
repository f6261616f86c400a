"""Where people disagree, and how that is settled: their words side by side, the docket, the decision."""

from belonging_llm.deliberation.disagreement import About, Contested, Standing, contested, standing
from belonging_llm.deliberation.docket import Docket, Progress
from belonging_llm.deliberation.people import Anchored, People
from belonging_llm.deliberation.word import NOT_ASKED, Opinion, Word, shared, together

__all__ = [
    "NOT_ASKED",
    "About",
    "Anchored",
    "Contested",
    "Docket",
    "Opinion",
    "People",
    "Progress",
    "Standing",
    "Word",
    "contested",
    "shared",
    "standing",
    "together",
]
