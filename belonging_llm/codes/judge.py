"""Ask a language model about the codes of a segment that the cheap evidence leaves open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from belonging_llm.asking import Asker, Question
from belonging_llm.codebook import Framework
from belonging_llm.codes.coding import EvidenceSpan, Polarity
from belonging_llm.codes.examples import Example
from belonging_llm.errors import ReplyError
from belonging_llm.evidence import Found, find
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment

SHOWN = 1500
QUESTION_SHOWN = 200
BATCH = 20


class Judgement(BaseModel):
    """The model's word on one code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    applies: bool
    polarity: Polarity
    words: str = Field(max_length=80)


class Judgements(RootModel[dict[str, Judgement]]):
    """The reply to `code_segment`: one judgement for each candidate code, by the code's id."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Verdict:
    """What the model said of one code of one segment.

    Attributes:
        evidence: Where its words stand; None when it gave none or they could not be found.
        unlocated: It says that the code applies, in words that are not in the segment.
    """

    applies: bool
    polarity: Polarity
    evidence: EvidenceSpan | None
    unlocated: bool

    @property
    def counts(self) -> bool | None:
        """What it says of the code; None where its yes rests on a quote that does not exist."""
        return None if self.unlocated else self.applies


@dataclass(frozen=True)
class OpenSegment:
    """A segment with the codes to ask about, the interviewer's question before it, and segments that people coded."""

    segment: Segment
    candidates: tuple[str, ...]
    question: str
    examples: tuple[Example, ...] = ()


def judge(
    open_segments: Sequence[OpenSegment],
    framework: Framework,
    *,
    asker: Asker,
    prompt: Prompt,
    done: Callable[[int], None] = lambda _: None,
) -> dict[str, dict[str, Verdict] | Exception]:
    """Verdicts by segment and code; a segment whose replies all failed has its error instead.

    Raises:
        Incomplete: the model's endpoint is gone.
    """
    found: dict[str, dict[str, Verdict] | Exception] = {}
    for start in range(0, len(open_segments), BATCH):
        batch = open_segments[start : start + BATCH]
        answers = asker.ask_all([question(item, framework, prompt) for item in batch])
        for item, answer in zip(batch, answers, strict=True):
            found[item.segment.id] = answer if isinstance(answer, Exception) else verdicts(answer.root, item)
        done(len(found))
    return found


def question(item: OpenSegment, framework: Framework, prompt: Prompt) -> Question[Judgements]:
    """What is asked about one segment."""
    # The first version of the prompt shows none.
    shown = {"examples": item.examples} if "examples" in prompt.head.inputs else {}
    rendered = prompt.render(
        codes=framework.assignable,
        candidates=item.candidates,
        question=item.question[:QUESTION_SHOWN],
        segment=item.segment.text[:SHOWN],
        **shown,
    )

    def check(answer: Judgements) -> None:
        check_codes(answer.root, item.candidates)

    about = spoken_by([item], item.examples)
    return Question(rendered, Judgements, room(item), schema=schema(item.candidates), check=check, about=about)


def spoken_by(items: Sequence[OpenSegment], examples: Sequence[Example]) -> tuple[str, ...]:
    """Whose words a request holds: those of the segments asked about, and of the examples shown beside them."""
    return tuple(sorted({item.segment.participant for item in items} | {one.participant for one in examples}))


def room(item: OpenSegment) -> int:
    """Tokens that the judgements of a segment may take."""
    return 70 * len(item.candidates) + 30


def check_codes(given: Collection[str], candidates: Collection[str]) -> None:
    """Refuse an answer about other codes than those asked about.

    Raises:
        ReplyError: codes that nobody asked about, or none for one of the candidates.
    """
    if unknown := sorted(set(given) - set(candidates)):
        raise ReplyError(f"codes that were not asked about: {', '.join(unknown)[:80]}")
    if missing := sorted(set(candidates) - set(given)):
        raise ReplyError(f"codes that were asked about and not judged: {', '.join(missing)[:80]}")


def schema(candidates: Sequence[str]) -> dict[str, Any]:
    """An object with one judgement a candidate, all of them required."""
    one = {
        "type": "object",
        "properties": {
            "applies": {"type": "boolean"},
            "polarity": {"type": "string", "enum": [str(p) for p in Polarity]},
            "words": {"type": "string", "maxLength": 60},
        },
        "required": ["applies", "polarity", "words"],
        "additionalProperties": False,
    }
    properties = dict.fromkeys(candidates, one)
    return {"type": "object", "properties": properties, "required": list(candidates), "additionalProperties": False}


def verdicts(answer: Mapping[str, Judgement], item: OpenSegment) -> dict[str, Verdict]:
    """What the model said of a segment, with its words found in that segment alone."""
    found = {}
    for code, given in answer.items():
        place = find(given.words, item.segment.text) if given.applies else None
        found[code] = Verdict(
            applies=given.applies,
            polarity=given.polarity,
            evidence=_evidence(place) if place else None,
            unlocated=given.applies and bool(given.words.strip()) and place is None,
        )
    return found


def _evidence(place: Found) -> EvidenceSpan:
    return EvidenceSpan(start=place.span.start, end=place.span.end, repaired=place.repaired)
