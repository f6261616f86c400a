"""What is varied when segments are coded again to see whether the model says the same: one thing at a time."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from belonging_llm.codes.coding import Outcome, Polarity


class Kind(StrEnum):
    """What differs from the run that is put to the test."""

    AGAIN = "again"
    SEED = "seed"
    ORDER = "order"
    WORDING = "wording"
    MODEL = "model"


class Variation(BaseModel):
    """One way to ask the same again.

    Attributes:
        name: Unique within a test, such as `seed 2`.
        spec: Of the model that is asked; `model` is its id.
        order: Ids of the codes in the order in which the prompt shows them; empty for the codebook's own.
        shuffle: Seed of the order in which segments are asked about; 0 for the run's own.
        repetition: Above 0 where nothing else would make it another question.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    name: str
    spec: str
    model: str
    prompt: str
    prompt_digest: str
    order: tuple[str, ...] = ()
    shuffle: int = 0
    seed: int = 0
    temperature: float = 0.0
    repetition: int = 0


class Sample(BaseModel):
    """Segments that are coded again: participants drawn first, then segments among all that these said.

    Attributes:
        seed: Of the draw.
        wanted: How many were asked for.
        asked: Segments that could be drawn: the run asked its model about them and got an answer.
        everything: Segments outside the test split, whether the model was asked or not.
        left_out: Segments that the run asked about and that belong to the test split.
        people: Participants with segments that could be drawn.
        inclusion: Chance of each of the `asked` segments to be in the sample.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    wanted: int
    asked: int
    everything: int
    left_out: int
    people: int
    inclusion: float
    participants: tuple[str, ...]
    segments: tuple[str, ...]


class StabilityPlan(BaseModel):
    """A test of stability as it was decided on before the first call.

    Attributes:
        model: Id of the run's model; `prompt` the one it coded with.
        not_varied: Why a kind of variation is not in the plan, by kind; `idle` are those of them that could not have
            changed anything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    model: str
    prompt: str
    prompt_digest: str
    sample: Sample
    variations: tuple[Variation, ...]
    not_varied: dict[Kind, str]
    idle: tuple[Kind, ...] = ()


class Recoding(BaseModel):
    """What became of one segment and code under a variation.

    Attributes:
        variation: Its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variation: str
    segment_id: str
    code: str
    outcome: Outcome
    polarity: Polarity | None = None
    confidence: float | None = None
