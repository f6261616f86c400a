"""One segment's part of a call that asked about several: what the others say or are said to be is cut out.

The others may belong to the sealed test split. What is shown is therefore what is known to belong to the segment, line
by line and value by value; everything else is left out and counted. A published prompt puts every text into quotes on a
line of its own (`prompts.quoted`), so that nothing that somebody said can begin a line; of other wordings nobody can
tell which words are whose, and nothing is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belonging_llm import prompts
from belonging_llm.asking import unwrapped
from belonging_llm.codes import Polarity
from belonging_llm.codes.examples import MARK
from belonging_llm.errors import PromptError
from belonging_llm.evidence import find
from belonging_llm.llm import ChatRequest

OTHERS = "[{others} of the same call {are} not shown]"
WITHHELD = "[words that do not stand in this segment are not shown]"
UNREADABLE = "[a reply of {length} characters that cannot be taken apart: it is not shown, since {others} {are} in it]"
UNTOLD = (
    "It cannot be told which words of this prompt belong to which segment: prompt and reply are not shown, since "
    "{others} shared the call"
)
TWINS = (
    "Another segment of the call has the very same words, so that nobody can tell which answer is whose: prompt and "
    "reply are not shown"
)
_NAMES = frozenset({"applies", "polarity", "words", "", *Polarity})
_EXAMPLE = re.compile(r'- .* (?:applies|does not apply): (".*")')
_QUESTION = re.compile(r'Interviewer asked before segment ([0-9]+): (".*")')
_SEGMENT = re.compile(r'Segment ([0-9]+): (".*")')
_CANDIDATES = re.compile(r"Candidate codes of segment ([0-9]+): .*")
_REPAIR = "\n\nYour last reply could not be used: "


@dataclass(frozen=True)
class Part:
    """What of a call may be shown beside one of its segments.

    Attributes:
        others: Segments that shared the call.
        system: Empty where it may hold others' words; likewise `user`.
        notes: What was left out, in words.
        number: The segment's number in the call; empty where that cannot be told.
        words: The segment's, as the call showed them.
        codes: That the segment was asked about.
    """

    others: int
    system: str
    user: str
    notes: tuple[str, ...]
    number: str = ""
    words: str = ""
    codes: frozenset[str] = frozenset()

    def reply(self, text: str) -> str:
        """What a reply says of the segment, and that it says more."""
        answers = _answers(text) if self.number else None
        own = answers.get(self.number) if answers else None
        if not isinstance(own, dict):
            return UNREADABLE.format(length=len(text), others=_counted(self.others), are=_are(self.others))
        shown = json.dumps({self.number: _cut(own, self.words, self.codes | _NAMES)}, ensure_ascii=False, indent=2)
        return f"{shown}\n{_line(self.others)}"


def size(request: ChatRequest) -> int:
    """How many segments a request asks about: several have an object each in the reply, with one for each code."""
    inner = [one.get("properties", {}).values() for one in request.reply_schema.get("properties", {}).values()]
    several = bool(inner) and all(parts and all(part.get("type") == "object" for part in parts) for parts in inner)
    return len(inner) if several else 1


def part_of(request: ChatRequest, prompt: str, digest: str, words: str, code: str) -> Part | None:
    """The part of a call about several segments that belongs to one of them; None where the call is not about it.

    Args:
        prompt: Name of the prompt, `digest` of the text that was really used.
        words: The segment's, as calls show them.
    """
    asked = request.reply_schema["properties"]
    others = len(asked) - 1
    lines = _lines(request.user, len(asked)) if is_published(prompt, digest) else None
    if lines is None:
        about = prompts.quoted(words) in request.user or words in request.user
        why = UNTOLD.format(others=_counted(others, other=True))
        return _nothing(others, why) if about and _names(asked, code) else None
    same = [line.number for line in lines if line.is_segment and line.said == words]
    mine = [number for number in same if code in asked[number]["properties"]]
    if not mine:
        return None
    if len(same) > 1:
        return _nothing(others, TWINS)
    codes = frozenset(asked[mine[0]]["properties"])
    notes = (_line(others),)
    return Part(others, request.system, "\n".join(_kept(lines, mine[0])), notes, mine[0], words, codes)


@dataclass(frozen=True)
class _Line:
    """A line of a published prompt.

    Attributes:
        number: Of the segment that it belongs to; empty for what belongs to all of them.
        said: The text in its quotes.
        is_segment: It is the segment's own words, and not what was asked before.
    """

    text: str
    number: str = ""
    said: str = ""
    is_segment: bool = False


def _lines(user: str, segments: int) -> list[_Line] | None:
    """The lines of a published prompt with whose they are; None where one of them is not as such a prompt has it."""
    asked, repair, _ = user.partition(_REPAIR)
    # Other line ends than this one stand within quotes.
    found = list(_read(asked.removesuffix("\n").split("\n"), segments))
    if any(line is None for line in found):
        return None
    tail = [_Line(_REPAIR.strip() + " [the reason is not shown]")] if repair else []
    return [line for line in found if line] + tail


def _read(lines: Sequence[str], segments: int) -> Iterator[_Line | None]:
    """Examples first, then for each segment in turn its question (if any), its words and its codes."""
    left = list(lines)
    if left and left[0] == "Judged by people:":
        yield _Line(left.pop(0))
        while left and (example := _EXAMPLE.fullmatch(left[0])) and (_text(example[1]) or "").startswith(MARK):
            yield _Line(left.pop(0))
    for number in map(str, range(1, segments + 1)):
        if left and _QUESTION.fullmatch(left[0]):
            yield _of(number, _QUESTION, left)
        yield _of(number, _SEGMENT, left)
        yield _of(number, _CANDIDATES, left)
    if left:
        yield None


def _of(number: str, shape: re.Pattern[str], left: list[str]) -> _Line | None:
    """The next line, if it has this shape and belongs to this segment."""
    line = left.pop(0) if left else ""
    found = shape.fullmatch(line)
    if found is None or found[1] != number:
        return None
    said = _text(found[2]) if shape.groups > 1 else ""
    return None if said is None else _Line(line, number, said, shape is _SEGMENT)


def _text(literal: str) -> str | None:
    """What stands in quotes; None where these are not quotes around one text."""
    try:
        found = json.loads(literal)
    except ValueError:
        return None
    return found if isinstance(found, str) else None


def _kept(lines: Sequence[_Line], mine: str) -> Iterator[str]:
    """The lines that are shown, with one in place of each stretch that is not."""
    left: set[str] = set()
    for line in lines:
        if line.number and line.number != mine:
            left.add(line.number)
            continue
        if left:
            yield _line(len(left))
            left = set()
        yield line.text
    if left:
        yield _line(len(left))


def _cut(value: Any, words: str, known: Collection[str]) -> Any:
    """A value of a reply without texts that are neither the segment's words nor names that were asked for."""
    if isinstance(value, dict):
        return {_cut(key, words, known): _cut(inner, words, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cut(inner, words, known) for inner in value]
    if isinstance(value, str):
        return value if value in known or value in words or find(value, words) else WITHHELD
    return value


def _answers(text: str) -> Mapping[str, Any] | None:
    """A reply by number; None where it is none that could be used."""
    try:
        found = unwrapped(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_published(prompt: str, digest: str) -> bool:
    """Whether a prompt was used as it comes with the program, and not in words of the study's own."""
    try:
        return prompts.load(prompt).digest == digest
    except PromptError:
        return False


def _names(asked: Mapping[str, Any], code: str) -> bool:
    return any(code in one["properties"] for one in asked.values())


def _nothing(others: int, why: str) -> Part:
    return Part(others, "", "", (f"{why}.",))


def _line(others: int) -> str:
    return OTHERS.format(others=_counted(others, other=True), are=_are(others))


def _counted(segments: int, *, other: bool = False) -> str:
    return f"{segments} {'other ' if other else ''}{'segment' if segments == 1 else 'segments'}"


def _are(segments: int) -> str:
    return "is" if segments == 1 else "are"
