"""What a model's word is worth: how often it said yes where people have the code, and where they have not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

# Before anything is known of a model: a weak one, right in 60 of 100 either way, believed like 20 answers.
BEFORE = 10.0
HIT, FALSE_ALARM = 0.6, 0.35


@dataclass(frozen=True)
class Word:
    """How far a yes and a no move the log-odds.

    Attributes:
        heard: Answers that it was learned from; 0 is what is assumed of any model.
    """

    yes: float
    no: float
    heard: int

    def shift(self, applies: bool | None) -> float:
        """Change of the log-odds; 0 when the model was not asked."""
        return 0.0 if applies is None else self.yes if applies else self.no


def worth(answers: Iterable[tuple[bool, float]]) -> Word:
    """Log likelihood ratios from (what the model said, share of people who gave the code) on the same pairs."""
    said = list(answers)
    has = sum(share for _, share in said)
    has_not = sum(1 - share for _, share in said)
    hits = sum(share for applies, share in said if applies)
    alarms = sum(1 - share for applies, share in said if applies)
    hit = (hits + BEFORE * HIT) / (has + BEFORE)
    alarm = (alarms + BEFORE * FALSE_ALARM) / (has_not + BEFORE)
    return Word(math.log(hit / alarm), math.log((1 - hit) / (1 - alarm)), len(said))


UNHEARD = worth(())
