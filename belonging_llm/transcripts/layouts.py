"""Layouts in which the speaker's name has a line of its own: Otter, Teams, and names in capitals.

What stands in such a text besides talk (times on lines of their own, a tool's advertisement) is found here too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from belonging_llm.transcripts.speakers import Label, is_code, is_generic, is_interviewer

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?"
_NAME = r"[^\W\d_][\w .,'’&()@-]{0,58}?"

# "Amina  0:03", "Speaker 1 (00:01:02)", "P07 [1:02]": two spaces or brackets, so that "We met at 10:30" is none.
_NAME_THEN_TIME = re.compile(
    rf"^[ \t]{{0,80}}(?P<name>{_NAME})(?:(?:[ \t]{{2,40}}|[ ]?\t){_CLOCK}|[ \t]+[(\[]{_CLOCK}[)\]])[ \t]{{0,80}}$",
    re.MULTILINE,
)
_TIME_THEN_NAME = re.compile(
    rf"^[ \t]{{0,80}}[(\[]{_CLOCK}[)\]][ \t]+(?P<name>{_NAME})[ \t]*:?[ \t]{{0,80}}$", re.MULTILINE
)
# Teams, older: a line "0:0:0.0 --> 0:0:5.120", then the name.
_SLOPPY = r"\d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d+)?"
_RANGE_THEN_NAME = re.compile(
    rf"^[ \t]{{0,80}}{_SLOPPY}[ \t]*-->[ \t]*{_SLOPPY}[ \t]*\n+[ \t]*(?P<name>{_NAME})[ \t]{{0,80}}$", re.MULTILINE
)
# "Amina 0:03" with one space: only where all times rise, since prose has no such lines.
_NAME_SPACE_TIME = re.compile(rf"^[ \t]{{0,80}}(?P<name>{_NAME})[ \t](?P<time>{_CLOCK})[ \t]{{0,80}}$", re.MULTILINE)
_BRACKETED = re.compile(
    r"^[ \t]{0,80}\[(?P<name>[A-Za-z]{0,12}[ .#_-]?\d{1,4}|[A-Za-z]{1,14}[ \d]{0,3})\][ \t]*", re.MULTILINE
)
_ALONE = re.compile(rf"^[ \t]{{0,80}}(?P<name>{_NAME})[ \t]{{0,80}}$", re.MULTILINE)

_BARE_TIME = re.compile(rf"^[ \t]{{0,80}}[(\[]?{_CLOCK}[)\]]?[ \t]{{0,80}}$", re.MULTILINE)
_TOOLS = re.compile(
    r"^[ \t]{0,80}(?:Transcribed by https?://otter\.ai/?|Transcript(?:ion)? ended after \d[\d:]*|"
    r"This editable transcript was computer generated and might contain errors\..*|"
    r"[^\n]{1,60} (?:started|stopped) transcription)[ \t]{0,80}$",
    re.MULTILINE,
)


def find_headed(text: str) -> list[Label]:
    """Labels that have a line of their own, in order; empty when the text is laid out otherwise."""
    for pattern in (_NAME_THEN_TIME, _TIME_THEN_NAME, _RANGE_THEN_NAME):
        found = _labels(text, pattern)
        if len(found) > 1:
            return found
    times = [_seconds(m["time"]) for m in _NAME_SPACE_TIME.finditer(text)]
    if len(times) > 2 and times == sorted(times):
        return _labels(text, _NAME_SPACE_TIME)
    return []


def find_bare(text: str) -> list[Label]:
    """Labels without a colon: `[id1]` before the talk, or a name in capitals on a line of its own."""
    bracketed = [label for label in _labels(text, _BRACKETED) if _says_who(label.name)]
    if len(bracketed) > 1:
        return bracketed
    alone = [label for label in _labels(text, _ALONE) if _says_who(label.name) or _shouts(label.name)]
    times = Counter(label.name for label in alone)
    known = [label for label in alone if times[label.name] > 1 or _says_who(label.name)]
    several = len({label.name for label in known}) > 1
    return known if several and any(is_interviewer(label.name) for label in known) else []


def furniture(text: str) -> Iterator[tuple[int, int]]:
    """Spans of lines that nobody said: times of their own, what the transcribing software writes."""
    for pattern in (_BARE_TIME, _TOOLS):
        for found in pattern.finditer(text):
            yield found.span()


def _labels(text: str, pattern: re.Pattern[str]) -> list[Label]:
    return [Label(" ".join(m["name"].split()), m.start(), m.end()) for m in pattern.finditer(text)]


def _says_who(name: str) -> bool:
    return is_interviewer(name) or is_generic(name) or is_code(name)


def _shouts(name: str) -> bool:
    return name.isupper() and len(name.split()) < 5


def _seconds(clock: str) -> float:
    total = 0.0
    for part in clock.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total
