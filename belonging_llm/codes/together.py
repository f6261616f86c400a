"""Ask about several segments in one call, where the codebook would else be sent again with each of them.

An answer to a segment is what stands under its number, and is checked against its own codes and its own words. A reply
that cannot be used as a whole is used for nobody: its segments are asked about one by one, so that what stands in one
segment, or is missing from its answer, costs its neighbours nothing but the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Any

from pydantic import ConfigDict, RootModel

from belonging_llm.asking import Asker, Question
from belonging_llm.codebook import Framework
from belonging_llm.codes.examples import Example, wording
from belonging_llm.codes.judge import (
    BATCH,
    QUESTION_SHOWN,
    SHOWN,
    Judgement,
    OpenSegment,
    Verdict,
    check_codes,
    judge,
    room,
    schema,
    spoken_by,
    verdicts,
)
from belonging_llm.errors import ReplyError, RequestRefused
from belonging_llm.prompts import Prompt

# Examples of one code in a call: with the code, and without.
WITH, WITHOUT = 4, 2


class JudgedSegments(RootModel[dict[str, dict[str, Judgement]]]):
    """The reply to `code_segments`: judgements by the segment's number in the call, then by the code's id."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Several:
    """How several segments are asked about in one call.

    Attributes:
        size: Segments a call, at most.
    """

    prompt: Prompt
    size: int


@dataclass(frozen=True)
class Numbered:
    """A segment as the prompt shows it."""

    number: str
    text: str
    question: str
    candidates: tuple[str, ...]


@dataclass
class Heard:
    """What a model said of segments.

    Attributes:
        verdicts: By segment and code; a segment whose replies all failed has its error instead.
        alone: Segments that were answered in a call of their own.
        apart: Calls about several whose reply could not be used, so that their segments were asked one by one.
    """

    verdicts: dict[str, dict[str, Verdict] | Exception] = field(default_factory=dict)
    alone: set[str] = field(default_factory=set)
    apart: int = 0


def calls(open_segments: Sequence[OpenSegment], size: int) -> list[list[OpenSegment]]:
    """Segments cut into calls, in their order."""
    return [list(open_segments[k : k + size]) for k in range(0, len(open_segments), size)]


def hear(
    asked: Sequence[Sequence[OpenSegment]],
    framework: Framework,
    *,
    asker: Asker,
    prompt: Prompt,
    several: Several | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> Heard:
    """Ask about segments, each inner sequence in one call.

    Args:
        prompt: For segments that are asked about one by one.
        several: Without, all of them are.

    Raises:
        Incomplete: the model's endpoint is gone.
    """
    found = Heard()
    # As many segments at a time as when they are asked about one by one, so that progress is told as often.
    at_a_time = max(1, BATCH // several.size) if several else BATCH
    for start in range(0, len(asked), at_a_time):
        batch = asked[start : start + at_a_time]
        left = _together(batch, framework, asker, several, found) if several else list(chain.from_iterable(batch))
        found.verdicts |= judge(left, framework, asker=asker, prompt=prompt)
        found.alone |= {item.segment.id for item in left}
        done(len(found.verdicts))
    return found


def _together(
    batch: Sequence[Sequence[OpenSegment]], framework: Framework, asker: Asker, several: Several, found: Heard
) -> list[OpenSegment]:
    """Ask the calls with several segments; returns the segments that are to be asked about alone."""
    shared = [call for call in batch if len(call) > 1]
    left = [call[0] for call in batch if len(call) == 1]
    answers = asker.ask_all([question(call, framework, several.prompt) for call in shared])
    for call, answer in zip(shared, answers, strict=True):
        if isinstance(answer, ReplyError | RequestRefused):
            asker.forgive(answer)
            found.apart += 1
            left += call
        else:
            found.verdicts |= _shared_out(answer, call)
    return left


def question(call: Sequence[OpenSegment], framework: Framework, prompt: Prompt) -> Question[JudgedSegments]:
    """What is asked about the segments of one call."""
    numbered = {str(number): item for number, item in enumerate(call, 1)}

    def check(answer: JudgedSegments) -> None:
        if set(answer.root) != set(numbered):
            raise ReplyError(f"the segments have the numbers {', '.join(numbered)}, and each needs an answer")
        for number, item in numbered.items():
            try:
                check_codes(answer.root[number], item.candidates)
            except ReplyError as error:
                raise ReplyError(f"segment {number}: {error}") from error

    beside = list(shown(call))
    rendered = prompt.render(
        codes=framework.assignable,
        examples=beside,
        segments=[
            Numbered(number, item.segment.text[:SHOWN], item.question[:QUESTION_SHOWN], item.candidates)
            for number, item in numbered.items()
        ],
    )
    tokens = sum(room(item) for item in call)
    about = spoken_by(call, beside)
    return Question(rendered, JudgedSegments, tokens, schema=_schema(numbered), check=check, about=about)


def shown(call: Sequence[OpenSegment]) -> Iterator[Example]:
    """The examples of all segments of a call, each once, the nearest of each segment first.

    Left out are segments by a participant, or in the words, of any segment of the call: what one may not be shown
    beside, no neighbour may bring along.
    """
    people = {item.segment.participant for item in call}
    words = {wording(item.segment.text) for item in call}
    counts: dict[tuple[str, bool], set[str]] = {}
    for one in chain.from_iterable(zip_longest(*(item.examples for item in call))):
        if one is None or one.participant in people or one.words in words:
            continue
        seen = counts.setdefault((one.code, one.applies), set())
        if one.words not in seen and len(seen) < (WITH if one.applies else WITHOUT):
            seen.add(one.words)
            yield one


def _schema(numbered: dict[str, OpenSegment]) -> dict[str, Any]:
    """An object with the judgements of each segment, all of them required."""
    properties = {number: schema(item.candidates) for number, item in numbered.items()}
    return {"type": "object", "properties": properties, "required": list(numbered), "additionalProperties": False}


def _shared_out(answer: JudgedSegments | Exception, call: Sequence[OpenSegment]) -> dict[str, Any]:
    """To each segment what stands under its number."""
    if isinstance(answer, Exception):
        return {item.segment.id: answer for item in call}
    return {item.segment.id: verdicts(answer.root[str(n)], item) for n, item in enumerate(call, 1)}
