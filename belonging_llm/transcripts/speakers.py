"""Find speaker labels, and tell interviewers from participants."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

# A label opens a line: `P01:`, `**Interviewer:**`, `[00:01:02] Dr. Ames:`; it never holds a sentence.
_LABEL = re.compile(
    r"^[ \t]{0,80}(?P<time>\[?\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?\]?[ \t]{1,80})?(?:\*\*|__)?\[?"
    r"(?P<name>[^\W_](?:[\w .'’()/-]{0,38}[\w.)])?)\]?(?:[ \t]{0,80}\[\d{1,2}:\d{2}(?::\d{2})?\])?"
    r"(?::(?:\*\*|__)?|(?:\*\*|__):)(?=\s|$)[ \t]*",
    re.MULTILINE,
)
_INTERVIEWER = re.compile(
    r"(?:(?:interviewers?|moderator|facilitator|researcher|host)\b.*|(?:int|iv|i|q|mod)[ .#-]*\d*)$", re.IGNORECASE
)
# Software that cannot know people numbers them anew in every file: Speaker 2 here is not Speaker 2 there.
_GENERIC = re.compile(
    r"(?:participant|respondent|interviewee|(?:unknown )?speaker(?:[ _-]?\d{1,3})?|student|guest|r|p|a|s)$",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?:[A-Za-z]{0,12}[ .#_-]?\d{1,4}[A-Za-z]?|[A-Z]{1,4})$")
_ASIDE = frozenset(
    (
        "note notes nb ps p.s title date time location place setting summary transcript update edit warning "
        "tip source example question answer keywords tags author subject re"
    ).split()
)


@dataclass(frozen=True)
class Label:
    """A speaker label: `start` is where its line begins, `end` where the talk begins.

    Attributes:
        timed: Whether a time stands before it, which nothing but a label has.
    """

    name: str
    start: int
    end: int
    timed: bool = False


def find_labels(text: str, expected: str | None = None) -> list[Label]:
    """Labels that mark speakers, in order; empty when the text is not an interview.

    A name counts as a speaker when it comes back, has a time before it, names an interviewer, looks like a
    participant's code, is the `expected` participant, or is the only one who answers an interviewer. Two speakers
    are needed: a lone "Note:" makes no interview. One name in several spellings keeps the first.
    """
    found = [Label(m["name"].strip(), m.start(), m.end(), m["time"] is not None) for m in _LABEL.finditer(text)]
    found = [label for label in found if not is_aside(label.name)]
    times = Counter(label.name.casefold() for label in found)
    spelling = {label.name.casefold(): label.name for label in reversed(found)}
    timed = {label.name.casefold() for label in found if label.timed}
    speakers = {key for key in times if times[key] > 1 or key in timed or _is_known(spelling[key], expected)}
    others = [key for key in times if not is_interviewer(key)]
    if len(others) == 1 and len(times) > 1:
        speakers.add(others[0])
    if len(speakers) < 2:
        return []
    return [
        Label(spelling[label.name.casefold()], label.start, label.end, label.timed)
        for label in found
        if label.name.casefold() in speakers
    ]


def _is_known(name: str, expected: str | None) -> bool:
    """Whether a name marks a speaker even if it stands but once."""
    same = expected is not None and name.casefold() == expected.casefold()
    return same or is_interviewer(name) or is_generic(name) or is_code(name)


def is_aside(name: str) -> bool:
    """Whether a label opens a remark rather than somebody's talk: `Note`, `Title`."""
    return name.casefold().rstrip(".") in _ASIDE


def is_interviewer(name: str) -> bool:
    """Whether a label names the person who asks: `Interviewer 2`, `INT`, `Moderator (Sam)`."""
    return _INTERVIEWER.match(name.strip()) is not None


def is_code(name: str) -> bool:
    """Whether a label looks like a participant's code: `P07`, `id 3`, `AB`."""
    return _CODE.match(name) is not None


def is_generic(name: str) -> bool:
    """Whether a label says only *a* participant, so that the transcript must say which."""
    return _GENERIC.match(name.strip()) is not None
