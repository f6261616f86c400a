"""Passages: stretches that people marked themselves, kept as they are, and what they say of the segments they touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from belonging_llm.codes import Coding, EvidenceSpan, Judgement, Outcome, Polarity
from belonging_llm.segments import Segment

# A passage counts for a segment when it covers this share of it, or this share of the passage lies in it.
SHARE = 0.5
MACHINE = "model:"


class PassageCoding(BaseModel):
    """A coder gave a code to a passage.

    Attributes:
        id: GUID, kept from the file it came from.
        code: Id in the codebook, or, of a code that was not taken into it, the name it came with.
        polarity: None when the file says nothing of it.
        saw_model: They had seen what the model says of the text, so it is no independent judgement.
        at: When, ISO 8601; empty when not recorded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    passage_id: str
    code: str
    coder: str
    polarity: Polarity | None = None
    rationale: str = ""
    saw_model: bool = False
    at: str = ""


class Passage(BaseModel):
    """A stretch of a transcript: half-open code-point offsets into its text.

    Attributes:
        id: GUID, kept from the file it came from.
        name: What the file calls it.
        note: What somebody wrote beside it.
        coder: Who marked it; empty when not recorded.
        whole: It stands for the whole document and is not marked in the text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    transcript_id: str
    start: int
    end: int
    name: str = ""
    note: str = ""
    coder: str = ""
    at: str = ""
    whole: bool = False


class Found(BaseModel):
    """What passages say of segments.

    Attributes:
        codings: One for each segment, code and coder, with the coder's own stretches as evidence.
        judgements: A coder went through every segment of a transcript in which they coded anything.
        outside: Codings of passages that touch no segment (an interviewer's turn, a heading, a whole document).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codings: tuple[Coding, ...]
    judgements: tuple[Judgement, ...]
    outside: int


def find(passages: Sequence[Passage], codings: Sequence[PassageCoding], segments: Sequence[Segment]) -> Found:
    """Carry people's codings of passages over to the segments of the same transcripts.

    A machine's codings (`model:…`) stay with their passages: they are no judgement of a person.
    """
    where = {p.id: p for p in passages}
    inside: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        inside[segment.transcript_id].append(segment)
    given: dict[tuple[str, str, str], list[tuple[PassageCoding, EvidenceSpan]]] = defaultdict(list)
    outside = 0
    people = [c for c in codings if not c.coder.startswith(MACHINE)]
    for coding in people:
        passage = where[coding.passage_id]
        touched = [] if passage.whole else touches(passage, inside[passage.transcript_id])
        outside += not touched
        for segment in touched:
            given[segment.id, coding.code, coding.coder].append((coding, _overlap(passage, segment)))
    judged = _judged(people, where, inside)
    return Found(
        codings=tuple(_coding(key, said) for key, said in sorted(given.items())), judgements=judged, outside=outside
    )


def touches(passage: Passage, segments: Sequence[Segment]) -> list[Segment]:
    """The segments for which a passage counts: at least the one that holds most of it, if any holds some."""
    shared = {s.id: _shared(passage, s) for s in segments}
    total = sum(shared.values())
    if not total:
        return []
    most = max(shared.values())
    return [
        s
        for s in segments
        if (n := shared[s.id]) and (n == most or n >= SHARE * (s.end - s.start) or n >= SHARE * total)
    ]


def _shared(passage: Passage, segment: Segment) -> int:
    return max(0, min(passage.end, segment.end) - max(passage.start, segment.start))


def _overlap(passage: Passage, segment: Segment) -> EvidenceSpan:
    start, end = max(passage.start, segment.start), min(passage.end, segment.end)
    return EvidenceSpan(start=start - segment.start, end=end - segment.start)


def _judged(
    codings: Sequence[PassageCoding], where: Mapping[str, Passage], inside: Mapping[str, Sequence[Segment]]
) -> tuple[Judgement, ...]:
    """Who went through which segment, and whether they had seen the model's codings."""
    went: dict[tuple[str, str], bool] = defaultdict(bool)
    for coding in codings:
        went[where[coding.passage_id].transcript_id, coding.coder] |= coding.saw_model
    return tuple(
        Judgement(segment_id=s.id, coder=coder, saw_model=saw)
        for (transcript, coder), saw in sorted(went.items())
        for s in inside.get(transcript, ())
    )


def _coding(key: tuple[str, str, str], said: Sequence[tuple[PassageCoding, EvidenceSpan]]) -> Coding:
    segment_id, code, coder = key
    polarities = {c.polarity for c, _ in said if c.polarity}
    spans = sorted({(span.start, span.end) for _, span in said})
    return Coding(
        segment_id=segment_id,
        code=code,
        coder=coder,
        outcome=Outcome.ASSIGNED,
        # Two passages of one segment that say opposite things: belonging is both there and absent.
        polarity=polarities.pop() if len(polarities) == 1 else Polarity.MIXED if polarities else None,
        evidence=tuple(EvidenceSpan(start=start, end=end) for start, end in spans),
        rationale="\n".join(dict.fromkeys(c.rationale for c, _ in said if c.rationale)),
    )
