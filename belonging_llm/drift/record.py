"""What was found with a batch: counts, figures and ids, never anybody's words."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from belonging_llm.evaluation import Estimate

# Nobody is alarmed by what comes about once in twenty batches, but it is pointed out.
LOOK = 0.05
NOTHING_MOVED = "nothing beyond what is to be expected"


class State(StrEnum):
    """What a test says."""

    ALARM = "alarm"
    LOOK = "look"
    STEADY = "steady"
    UNKNOWN = "cannot tell"


class Kind(StrEnum):
    """What an alarm is about."""

    NOVELTY = "novelty"
    SENTINELS = "sentinels"
    ENDPOINT = "endpoint"
    DISTRIBUTION = "distribution"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Record):
    """An estimate as it is kept.

    Attributes:
        value: None where there is none, and why (`reason`); `flag` is what a reader must know of one that there is.
        low: Of the 95 % interval, `high` likewise; None where there is none.
    """

    value: float | None = None
    reason: str = ""
    low: float | None = None
    high: float | None = None
    flag: str = ""


def figure(found: Estimate) -> Figure:
    """The same, kept."""
    interval = found.interval
    return Figure(
        value=found.value,
        reason=found.reason,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        flag=found.flag,
    )


class Novelty(_Record):
    """Do the new segments fit the themes?

    Attributes:
        base: The run whose themes they were placed against.
        misfits: Segments that fit nowhere; `pocketed` those of them that lie close together.
        expected: Share of segments of a participant that fit nowhere, by participants whom the themes did not know;
            `expected_pocketed` likewise.
        p_misfits: Of a share as high as this; `p_pocketed` likewise; None where there is none.
        enough: So many segments that fit nowhere would have raised an alarm; None where no number would.
    """

    state: State
    reason: str = ""
    base: str = ""
    segments: int = 0
    participants: int = 0
    past_participants: int = 0
    misfits: int = 0
    pocketed: int = 0
    expected: Figure = Figure()
    expected_pocketed: Figure = Figure()
    p_misfits: float | None = None
    p_pocketed: float | None = None
    enough: int | None = None
    enough_pocketed: int | None = None

    @property
    def alarm(self) -> bool:
        """The themes no longer do: to be found anew."""
        return self.state is State.ALARM


class CodeShare(_Record):
    """How often a code was assigned in a batch, beside before.

    Attributes:
        p_value: Holm-adjusted over the codes of the batch; None where nothing can be tested.
        least: Counts from here down would have raised an alarm, `most` from here up; None where no count would.
    """

    code: str
    state: State
    reason: str = ""
    segments: int = 0
    participants: int = 0
    assigned: int = 0
    past_participants: int = 0
    expected: Figure = Figure()
    difference: Figure = Figure()
    p_value: float | None = None
    least: int | None = None
    most: int | None = None


class Distribution(_Record):
    """All codes of a batch."""

    state: State
    reason: str = ""
    codes: tuple[CodeShare, ...] = ()


class TurnedCode(_Record):
    """Answers about one code that were steady before, and turned."""

    code: str
    to_yes: int
    to_no: int
    steady: int
    p_value: float | None


class Endpoint(_Record):
    """What the endpoint says of itself.

    Attributes:
        models: Names that it gave for the model that answered; `fingerprints` of its configuration.
        new_models: Those of them that it never gave before in this study; empty the first time.
    """

    models: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    new_models: tuple[str, ...] = ()
    new_fingerprints: tuple[str, ...] = ()


class Sentinels(_Record):
    """Does the model say the same of the same?

    Attributes:
        first: Nothing to compare with yet: a series begins with this batch.
        sentinels: How many there are; `answered` how many were answered now, `calls` what that took.
        times: How often they were answered before.
        changed: Share of sentinels with an answer other than what was mostly said; `wavered` the same share when
            earlier times are compared with each other.
        agreement: With people's settled codings, share of segment × code; interval over participants.
        agreement_first: The same at the series' beginning.
        enough: So many changed sentinels would have raised an alarm; None where no number would.
    """

    state: State
    reason: str = ""
    model: str = ""
    first: bool = False
    sentinels: int = 0
    answered: int = 0
    calls: int = 0
    times: int = 0
    changed: Figure = Figure()
    wavered: Figure = Figure()
    p_value: float | None = None
    enough: int | None = None
    agreement: Figure = Figure()
    agreement_first: Figure = Figure()
    codes: tuple[TurnedCode, ...] = ()
    endpoint: Endpoint = Endpoint()


class Drift(_Record):
    """Everything that was looked at with a batch.

    Attributes:
        error: False alarms of one kind that are to be expected in `batches` batches.
        misfits: Ids of the segments that fit nowhere; later batches are compared with them.
    """

    run_id: str
    error: float
    batches: int
    novelty: Novelty
    sentinels: Sentinels
    distribution: Distribution
    misfits: tuple[str, ...] = ()

    def alarms(self) -> Iterator[tuple[Kind, str, dict[str, Any]]]:
        """Kind, subject and figures of what is to be raised."""
        novelty, said = self.novelty, self.sentinels
        if novelty.state is State.ALARM:
            names = {"segments", "participants", "misfits", "pocketed", "p_misfits", "p_pocketed"}
            yield Kind.NOVELTY, novelty.base, novelty.model_dump(mode="json", include=names)
        if said.state is State.ALARM:
            names = {"answered", "times", "changed", "wavered", "p_value"}
            yield Kind.SENTINELS, said.model, said.model_dump(mode="json", include=names)
        if said.endpoint.new_models:
            yield Kind.ENDPOINT, said.model, said.endpoint.model_dump(mode="json", include={"new_models"})
        for code in self.distribution.codes:
            if code.state is State.ALARM:
                names = {"segments", "participants", "assigned", "expected", "difference", "p_value"}
                yield Kind.DISTRIBUTION, code.code, code.model_dump(mode="json", include=names)

    @property
    def verdict(self) -> str:
        """Did the model change, or the interviews?"""
        if not self.sentinels.endpoint.new_models:
            return self._moved or NOTHING_MOVED
        return f"the endpoint names another model than before; {self._moved or f'else {NOTHING_MOVED}'}"

    @property
    def _moved(self) -> str:
        """What answers and outcomes say of that; empty for nothing."""
        told = [self.novelty.state, self.distribution.state]
        moved = State.ALARM in told
        match self.sentinels.state:
            case State.ALARM if moved:
                return (
                    "the model answers the same questions otherwise than before; whether the interviews changed too "
                    "cannot be told from its codings"
                )
            case State.ALARM:
                return "the model answers the same questions otherwise than before"
            case State.STEADY | State.LOOK if moved:
                return "the interviews changed; the model answers the same questions as before"
            case State.UNKNOWN if moved:
                return f"something changed; whether model or interviews cannot be told: {self.sentinels.reason}"
        if all(one is State.UNKNOWN for one in (*told, self.sentinels.state)):
            return "cannot be told yet"
        return ""


def state_of(p: float | None, level: float, *, could: bool) -> State:
    """What a p-value says.

    Args:
        could: Whether any outcome would have passed the level: if not, nothing noticed says nothing.
    """
    if p is None:
        return State.UNKNOWN
    if p <= level:
        return State.ALARM
    if p <= LOOK:
        return State.LOOK
    return State.STEADY if could else State.UNKNOWN
