"""A coding: coder C said of segment S and code K what the outcome is, and why."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Outcome(StrEnum):
    """What became of one segment and code; *failed* is never *not assigned*."""

    ASSIGNED = "assigned"
    NOT_ASSIGNED = "not_assigned"
    ABSTAINED = "abstained"
    FAILED = "failed"


class Polarity(StrEnum):
    """Whether belonging is there; for a determinant, whether it enables, constrains or both."""

    EXPERIENCED = "experienced"
    ABSENT = "absent"
    MIXED = "mixed"


class EvidenceSpan(BaseModel):
    """Words that show a code: half-open code-point offsets into the segment's text.

    Attributes:
        repaired: Who quoted them wrote nearly these words; they stand here as the segment has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int
    end: int
    repaired: bool = False


class Provenance(BaseModel):
    """Where a coding comes from.

    Attributes:
        model: Id of the language model that was asked; empty when it was not.
        similarity: How close the segment is to the code, in standard deviations over all segments.
        theme: Strength (0..1) with which a theme mapped to the code holds the segment.
        taught: Whether the code was learned from people's codings.
        chance: Probability that a person would give the code, the model's word included.
        guess: What it would say if it had to: yes or no.
        asked: Whether the language model was asked about this segment.
        moved: How far its weighing of all codes moved the log-odds.
        said: What it answered for this code; None when not asked or no usable reply.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = ""
    encoder: str = ""
    prompt: str = ""
    prompt_digest: str = ""
    codebook_digest: str = ""
    similarity: float | None = None
    theme: float | None = None
    taught: bool = False
    chance: float | None = None
    guess: bool | None = None
    asked: bool = False
    said: bool | None = None
    moved: float | None = None


class Judgement(BaseModel):
    """A person judged a segment against the whole codebook; without a coding, none of the codes applies.

    Attributes:
        saw_model: They had seen what the model says of it, so it is no independent judgement.
        at: When, ISO 8601; empty when not recorded.
        codebook: Digest of the codebook in use when it was kept; empty when not recorded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment_id: str
    coder: str
    saw_model: bool = False
    at: str = ""
    codebook: str = ""


class Coding(BaseModel):
    """One judgement; human and machine codings are one type.

    Attributes:
        coder: A person's name or initial, or `model:…`.
        confidence: That the outcome is right, 0..1; calibrated where `provenance.taught`; None for people and
            failures; of an abstention, the chance that the code applies.
        polarity: None when not judged.
        rationale: Which evidence led to the outcome, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment_id: str
    code: str
    coder: str
    outcome: Outcome
    polarity: Polarity | None = None
    confidence: float | None = None
    evidence: tuple[EvidenceSpan, ...] = ()
    rationale: str = ""
    provenance: Provenance = Provenance()
