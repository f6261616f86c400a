"""Find speaker labels, and tell interviewers from participants."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

# A label opens a line: `P01:`, `**Interviewer:**`, `[00:01:02] Dr. Ames:`; it never holds a sentence.
_LABEL = re.compile(
    r"^[ \t]*(?:\[?\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?\]?[ \t]+)?(?:\*\*|__)?\[?"
    r"(?P<name>[^\W_](?:[\w .'’()-]{0,38}[\w.)])?)\]?(?:[ \t]*\[\d{1,2}:\d{2}(?::\d{2})?\])?"
    r"(?::(?:\*\*|__)?|(?:\*\*|__):)(?=\s|$)[ \t]*",
    re.MULTILINE,
)
_INTERVIEWER = re.compile(
    r"(?:(?:interviewers?|moderator|facilitator|researcher|host)\b.*|(?:int|iv|i|q|mod)[ .#-]*\d*)$", re.IGNORECASE
)
_GENERIC = re.compile(r"(?:participant|respondent|interviewee|speaker|student|guest|r|p|a|s)$", re.IGNORECASE)
_CODE = re.compile(r"(?:[A-Za-z]{0,12}[ .#_-]?\d{1,4}[A-Za-z]?|[A-Z]{1,4})$")
_ASIDE = frozenset(
    (
        "note notes nb ps p.s title date time location place setting summary transcript update edit warning "
        "tip source example question answer keywords tags author subject re"
    ).split()
)


@dataclass(frozen=True)
class Label:
    """A speaker label: `start` is where its line begins, `end` where the talk begins."""

    name: str
    start: int
    end: int


def find_labels(text: str, expected: str | None = None) -> list[Label]:
    """Labels that mark speakers, in order; empty when the text is not an interview.

    A name counts as a speaker when it comes back, names an interviewer, looks like a participant's
    code, is the `expected` participant, or is the only one who answers an interviewer. Two speakers
    are needed: a lone "Note:" makes no interview. One name in several spellings keeps the first.
    """
    found = [Label(m["name"].strip(), m.start(), m.end()) for m in _LABEL.finditer(text)]
    found = [label for label in found if label.name.casefold().rstrip(".") not in _ASIDE]
    times = Counter(label.name.casefold() for label in found)
    spelling = {label.name.casefold(): label.name for label in reversed(found)}
    speakers = {key for key in times if times[key] > 1 or _is_known(spelling[key], expected)}
    others = [key for key in times if not is_interviewer(key)]
    if len(others) == 1 and len(times) > 1:
        speakers.add(others[0])
    if len(speakers) < 2:
        return []
    return [
        Label(spelling[label.name.casefold()], label.start, label.end)
        for label in found
        if label.name.casefold() in speakers
    ]


def _is_known(name: str, expected: str | None) -> bool:
    """Whether a name marks a speaker even if it stands but once."""
    same = expected is not None and name.casefold() == expected.casefold()
    return same or is_interviewer(name) or is_generic(name) or _CODE.match(name) is not None


def is_interviewer(name: str) -> bool:
    """Whether a label names the person who asks: `Interviewer 2`, `INT`, `Moderator (Sam)`."""
    return _INTERVIEWER.match(name.strip()) is not None


def is_generic(name: str) -> bool:
    """Whether a label says only *a* participant, so that the transcript must say which."""
    return _GENERIC.match(name.strip()) is not None
