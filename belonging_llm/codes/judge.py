"""Ask a language model about the codes of a segment that the cheap evidence leaves open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from belonging_llm.asking import Asker, Question
from belonging_llm.codebook import Framework
from belonging_llm.codes.coding import EvidenceSpan, Polarity
from belonging_llm.errors import ReplyError
from belonging_llm.evidence import locate
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment

SHOWN = 1500
QUESTION_SHOWN = 200
BATCH = 20


class Judgement(BaseModel):
    """The model's word on one code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(max_length=80)
    applies: bool
    polarity: Polarity
    words: str = Field(max_length=120)


class Judgements(BaseModel):
    """The reply to `code_segment`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judgements: tuple[Judgement, ...] = Field(max_length=6)


@dataclass(frozen=True)
class Verdict:
    """What the model said of one code of one segment.

    Attributes:
        evidence: Where its words stand; None when it gave none or they could not be found.
        unlocated: It gave words that are not in the segment.
    """

    applies: bool
    polarity: Polarity
    evidence: EvidenceSpan | None
    unlocated: bool


@dataclass(frozen=True)
class OpenSegment:
    """A segment with the codes to ask about and the interviewer's question before it."""

    segment: Segment
    candidates: tuple[str, ...]
    question: str


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
        answers = asker.ask_all([_question(item, framework, prompt) for item in batch])
        for item, answer in zip(batch, answers, strict=True):
            found[item.segment.id] = answer if isinstance(answer, Exception) else _verdicts(answer, item)
        done(len(found))
    return found


def _question(item: OpenSegment, framework: Framework, prompt: Prompt) -> Question[Judgements]:
    wanted = set(item.candidates)

    def check(answer: Judgements) -> None:
        given = [j.code for j in answer.judgements]
        if unknown := sorted(set(given) - wanted):
            raise ReplyError(f"codes that were not asked about: {', '.join(unknown)[:80]}")
        if sorted(given) != sorted(wanted):
            raise ReplyError(f"judge each of these once: {', '.join(item.candidates)}")

    rendered = prompt.render(
        codes=framework.assignable,
        candidates=item.candidates,
        question=item.question[:QUESTION_SHOWN],
        segment=item.segment.text[:SHOWN],
    )
    return Question(rendered, Judgements, 90 * len(wanted) + 40, {"code": item.candidates}, check)


def _verdicts(answer: Judgements, item: OpenSegment) -> dict[str, Verdict]:
    found = {}
    for given in answer.judgements:
        span = locate(given.words, item.segment.text) if given.applies else None
        found[given.code] = Verdict(
            applies=given.applies,
            polarity=given.polarity,
            evidence=EvidenceSpan(start=span.start, end=span.end) if span else None,
            unlocated=given.applies and bool(given.words.strip()) and span is None,
        )
    return found
