"""Find speaker labels, and tell interviewers from participants."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

# A label opens a line: `P01:`, `**Interviewer:**`, `[Dr. Ames]:`; it never holds a sentence.
_LABEL = re.compile(
    r"^[ \t]*(?:\*\*|__)?\[?(?P<name>[^\W_](?:[\w .'’()-]{0,38}[\w.)])?)\]?"
    r"(?::(?:\*\*|__)?|(?:\*\*|__):)(?=\s|$)[ \t]*",
    re.MULTILINE,
)
_INTERVIEWER = re.compile(
    r"(?:interviewer|interviewers?|int|iv|i|q|moderator|mod|facilitator|researcher|host)[ .#-]*\d*$", re.IGNORECASE
)
_GENERIC = re.compile(r"(?:participant|respondent|interviewee|speaker|student|guest|r|p|a|s)$", re.IGNORECASE)


@dataclass(frozen=True)
class Label:
    """A speaker label: `start` is where its line begins, `end` where the talk begins."""

    name: str
    start: int
    end: int


def find_labels(text: str, expected: str | None = None) -> list[Label]:
    """Labels that mark speakers, in order; empty when the text is not an interview.

    A name counts as a speaker when it comes back, names an interviewer, or is the `expected`
    participant. Two speakers are needed: a lone "Note:" makes no interview.
    """
    found = [Label(m["name"].strip(), m.start(), m.end()) for m in _LABEL.finditer(text)]
    times = Counter(label.name.casefold() for label in found)
    speakers = {
        name for name, n in times.items() if n > 1 or is_interviewer(name) or (expected or "").casefold() == name
    }
    if len(speakers) < 2:
        return []
    return [label for label in found if label.name.casefold() in speakers]


def is_interviewer(name: str) -> bool:
    """Whether a label names the person who asks: `Interviewer 2`, `INT`, `Moderator`."""
    return _INTERVIEWER.match(name.strip()) is not None


def is_generic(name: str) -> bool:
    """Whether a label says only *a* participant, so that the transcript must say which."""
    return _GENERIC.match(name.strip()) is not None
