"""What somebody says of one outcome of the model's after looking at it: accepted, corrected or rejected."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """`correct` gives another outcome or polarity; `reject` says that the outcome is wrong and leaves it at that."""

    ACCEPT = "accept"
    CORRECT = "correct"
    REJECT = "reject"


VERDICTS = tuple(Verdict)
