"""What an audit found, section by section: plain records that the page, the JSON and the verdicts are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from belonging_llm.codes import Kind, Sample, Variation
from belonging_llm.evaluation import (
    Agreement,
    AltTest,
    Calibration,
    Corrected,
    Estimate,
    Flips,
    Grouping,
    Matching,
    Panel,
    RiskCoverage,
    Saturation,
    Scores,
    SetAlpha,
    Stability,
    Subgroups,
)

Verdict = Literal["replace", "assist", "human only", "insufficient evidence"]
NO_MODEL = "none"  # what a run's record calls the model where none was asked


@dataclass(frozen=True)
class Criterion:
    """One thing that a verdict rests on.

    Attributes:
        met: None when it could not be told.
        found: The figure it was judged by, in words.
        wanted: What was demanded, in words.
    """

    name: str
    met: bool | None
    found: str
    wanted: str


@dataclass(frozen=True)
class CodeVerdict:
    """What may be done with the model on one code.

    Attributes:
        in_words: What it means for the researcher.
        positives: Segments with the code by what people settled on.
    """

    code: str
    name: str
    verdict: Verdict
    in_words: str
    criteria: tuple[Criterion, ...]
    positives: int


@dataclass(frozen=True)
class Standing:
    """How far the verdicts may be relied on.

    Attributes:
        kind: `final` on an untouched test split, `provisional` on another part, `void` when something changed after
            the test split had been opened.
        reasons: Why, in sentences.
    """

    kind: Literal["final", "provisional", "void"]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class PromptUsed:
    """A prompt of the run that is judged; `text` says so when the file was changed since."""

    name: str
    digest: str
    text: str


@dataclass(frozen=True)
class CoderRecord:
    """A person who coded: what they judged in this part, and how much of it after seeing the model's codings."""

    name: str
    judged: int
    saw_model: int
    first_at: str
    last_at: str
    role: Literal["coder", "adjudicator"]


@dataclass(frozen=True)
class Opening:
    """An opening of the test split, and what has changed since."""

    at: str
    who: str
    candidate: str
    changed_since: tuple[str, ...]


@dataclass(frozen=True)
class Provenance:
    """Where the figures come from.

    Attributes:
        prompts_tried: Distinct texts of the coding prompt that finished runs of this study used.
        codebooks_tried: Distinct codebooks, likewise.
        split: Participants by part.
        taught: Whether the judged run learned from people's codings; None where that is not recorded.
    """

    candidate: str
    run_id: str | None
    model: str
    encoder: str
    prompts: tuple[PromptUsed, ...]
    codebook: str
    codebook_digest: str
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    coders: tuple[CoderRecord, ...]
    prompts_tried: int
    codebooks_tried: int
    runs: int
    openings: tuple[Opening, ...]
    split: Mapping[str, tuple[str, ...]]
    split_digest: str
    demanded: Mapping[str, Any]
    leaks_searched: str
    taught: bool | None = None

    @property
    def without_model(self) -> bool:
        """Whether a run is judged that asked no language model."""
        return self.run_id is not None and self.model == NO_MODEL

    @property
    def judged(self) -> str:
        """What a reader calls the candidate."""
        return "the program without a language model" if self.without_model else self.candidate


@dataclass(frozen=True)
class PartFlow:
    """One part of the split: what it holds and how much of it people judged."""

    part: str
    participants: int
    segments: int
    judged_once: int
    judged_twice: int
    judged_thrice: int


@dataclass(frozen=True)
class Flow:
    """How segments came into the audit.

    Attributes:
        settled_by: Whose word people settled on: the adjudicator's name, or `majority`.
        outcomes: Of the candidate on the audited segments, over segment × code.
        anchored: People's judgements left out because they had seen the model's; `anchored_decisions` of them settle a
            segment.
        strata: Of an audit sample, by stratum: size, drawn, probability; empty without a plan.
    """

    parts: tuple[PartFlow, ...]
    audited: int
    settled_by: str
    outcomes: Mapping[str, int]
    anchored: int
    strata: tuple[Mapping[str, Any], ...]
    anchored_decisions: int = 0


@dataclass(frozen=True)
class AgainstHumans:
    """The model beside people, on one code.

    Attributes:
        among_humans: Mean kappa over pairs of people.
        with_model: Mean kappa of the model with each person.
        difference: `with_model` − `among_humans`, intervals from the same resamples.
        each: Kappa of the model with each person.
        recall_humans: Mean recall of each person against what the others said; likewise precision.
        recall_model: Mean recall of the model against the same references.
        assigned: Audited segments that the model gave the code.
        left_open: Audited segments on which it abstained, failed or said nothing; no figure here is over them.
    """

    code: str
    among_humans: Estimate
    with_model: Estimate
    difference: Estimate
    each: Mapping[str, Estimate]
    recall_humans: Estimate
    recall_model: Estimate
    recall_difference: Estimate
    precision_humans: Estimate
    precision_model: Estimate
    precision_difference: Estimate
    assigned: int = 0
    left_open: int = 0


@dataclass(frozen=True)
class Paradox:
    """One code against what people settled on: every coefficient, and coders who never read a word beside them."""

    code: str
    model: Panel
    alpha: Estimate
    never: Panel
    always: Panel


@dataclass(frozen=True)
class Disagreement:
    """A segment where the candidate and what people settled on differ.

    Attributes:
        kind: `missing`: people have the code; `extra`: the candidate has it.
        assigned_by: People who assigned it, of those who judged it.
        unanimous: Everybody who judged it said the same.
        quote: The evidence that the candidate gave, verbatim; empty when none.
    """

    segment_id: str
    participant: str
    text: str
    code: str
    kind: Literal["missing", "extra"]
    assigned_by: tuple[str, ...]
    judged_by: tuple[str, ...]
    unanimous: bool
    quote: str
    rationale: str
    confidence: float | None


@dataclass(frozen=True)
class Unanimity:
    """Errors where people agreed and where they did not, on one code."""

    code: str
    unanimous: int
    unanimous_wrong: int
    split: int
    split_wrong: int


@dataclass(frozen=True)
class Errors:
    """Where the candidate errs.

    Attributes:
        confused: (code that people have and the candidate lacks, code that it has instead, segments); `none` where
            nothing stands on a side. Most frequent first.
    """

    scores: Mapping[str, Scores]
    macro_precision: Estimate
    macro_recall: Estimate
    macro_f1: Estimate
    micro: Scores
    confused: tuple[tuple[str, str, int], ...]
    unanimity: tuple[Unanimity, ...]
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True)
class RunShown:
    """A finished run that stability compares, and in which inputs it differs from the judged one."""

    run_id: str
    finished_at: str
    model: str
    differs_in: tuple[str, ...]


@dataclass(frozen=True)
class Repeats:
    """The same segments coded again."""

    runs: tuple[RunShown, ...]
    by_code: Mapping[str, Stability]
    reason: str = ""


@dataclass(frozen=True)
class CodeFlips:
    """One code coded again under one kind of variation.

    Attributes:
        outcomes: With assigned, not assigned and left to people as three outcomes.
        decided: Assigned against not assigned, where both times it was decided.
    """

    outcomes: Flips
    decided: Flips


@dataclass(frozen=True)
class KindFlips:
    """One kind of variation against the run, and its variations against each other.

    Attributes:
        failed: Pairs of segment and code without a usable reply, over all variations; compared with nothing.
    """

    kind: Kind
    variations: tuple[Variation, ...]
    codes: Mapping[str, CodeFlips]
    failed: int


@dataclass(frozen=True)
class Steadiness:
    """A sample of the run's segments coded again with one thing varied at a time (`belonging stability`).

    Attributes:
        model: The run's; `prompt` the one it coded with.
        tests: Finished tests of this run, of which this is the newest: each is another draw.
        segments: Of the sample, less those whose participants are in the test split by now; likewise `participants`.
        asked_share: Of the segments outside the test split, the share that the run asked its model about. The
            others could not flip, since nothing of theirs was varied.
        not_varied: Why a kind of variation is not there, by kind; `idle` those that could not have changed anything.
    """

    test_id: str
    tests: int
    run_id: str
    finished_at: str
    status: str
    model: str
    prompt: str
    prompt_digest: str
    sample: Sample
    segments: int
    participants: int
    asked_share: float
    kinds: tuple[KindFlips, ...]
    not_varied: Mapping[Kind, str]
    idle: tuple[Kind, ...]


@dataclass(frozen=True)
class DriftRow:
    """Sentinels in one run: agreement with their gold, and judgements that differ from the first run's."""

    run_id: str
    finished_at: str
    model: str
    n: int
    right: Estimate
    kappa: Estimate
    flipped: Estimate


@dataclass(frozen=True)
class Confidence:
    """Whether the candidate's confidence means anything.

    Attributes:
        workload: (risk accepted, share of judgements that may be left to the candidate).
        abstained: Share of judgements that it left to people.
    """

    overall: Calibration
    by_code: Mapping[str, Calibration]
    risk: RiskCoverage
    workload: tuple[tuple[float, float], ...]
    abstained: float | None


@dataclass(frozen=True)
class TimeShare:
    """Agreement with what people settled on, over all codes, in one third of the interviews."""

    third: str
    units: int
    kappa: Estimate


@dataclass(frozen=True)
class Evidence:
    """The candidate's quotes.

    Attributes:
        assigned: Codes assigned; `quoted` of them with a quote, `verbatim` of those with words that stand there.
        repaired: Quotes of these that the model gave nearly, and that were put right from the segment.
        dropped: Quotes that the run dropped because they stood nowhere; None when not recorded.
        demoted: Codes left to people since the model's yes rested on such a quote; None when not recorded.
        places: How many quotes begin in each tenth of their interview, from first to last.
    """

    assigned: int
    quoted: int
    verbatim: int
    repaired: int
    dropped: int | None
    demoted: int | None
    places: tuple[int, ...]


@dataclass(frozen=True)
class Themes:
    """The run's themes beside people's codes; None parts where nothing could be compared."""

    outliers_apart: Grouping
    outliers_left_out: Grouping
    single_coded: int
    matching: Matching


@dataclass(frozen=True)
class ChecklistItem:
    """One item of a reporting checklist; an empty answer is for people to fill in."""

    checklist: str
    item: str
    asks: str
    answer: str


@dataclass(frozen=True)
class Audit:
    """Everything that the audit page shows.

    Attributes:
        split: The part that was audited.
        command: What made it.
        methods: A paragraph to paste into a paper.
        warnings: What a reader must know of all figures.
        steadiness: None when no sample of the judged run was coded again.
        undefined: Statistics without a value, and why.
    """

    study: str
    synthetic: bool
    made_at: str
    version: str
    split: str
    command: str
    standing: Standing
    verdicts: tuple[CodeVerdict, ...]
    code_names: Mapping[str, str]
    provenance: Provenance
    flow: Flow
    ceiling: Agreement
    ceiling_sets: SetAlpha
    against: tuple[AgainstHumans, ...]
    paradox: tuple[Paradox, ...]
    alternative: Mapping[str, AltTest]
    errors: Errors
    repeats: Repeats
    steadiness: Steadiness | None
    drift: tuple[DriftRow, ...]
    confidence: Confidence
    prevalence: Mapping[str, Corrected]
    subgroups: Subgroups
    time: tuple[TimeShare, ...]
    evidence: Evidence
    themes: Themes | None
    saturation_people: Saturation
    saturation_model: Saturation
    checklists: tuple[ChecklistItem, ...]
    methods: str
    scope: str
    warnings: tuple[str, ...]
    undefined: tuple[Mapping[str, str], ...]
