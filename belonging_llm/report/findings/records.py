"""What the page is given: a run, its interviews and all that was found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belonging_llm.codebook import Framework
from belonging_llm.codes.coding import Coding
from belonging_llm.segments import Segment
from belonging_llm.themes import Theme


@dataclass(frozen=True)
class RunRecord:
    """The execution that the page reports.

    Attributes:
        status: `running`, `complete` or `incomplete`.
        started_at: ISO 8601; likewise `finished_at`, None while it runs.
        settings: What shaped the result, nested at will; keys that hold `seed` are listed as seeds.
        counts: Whatever the run counted, shown as it is recorded.
        versions: Installed packages.
    """

    id: str
    status: str
    started_at: str
    finished_at: str | None
    settings: Mapping[str, Any]
    counts: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class TranscriptSummary:
    """One interview: `name` is what its segments call their document."""

    name: str
    participant_turns: int


@dataclass(frozen=True)
class PromptText:
    """A prompt file, in full."""

    name: str
    digest: str
    text: str


@dataclass(frozen=True)
class Usage:
    """What this run asked of the language model; None is not recorded.

    Attributes:
        seconds: Sum over calls, which may exceed the whole run's time when calls overlap.
    """

    calls: int | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True)
class Losses:
    """What was dropped or done over on the way; None is not recorded.

    Attributes:
        theme_quotes: Quotes for themes that stand nowhere in their segment.
        theme_quotes_repaired: Quotes for themes that stand in their segment nearly as the model gave them.
        code_evidence: Evidence for codes that stands nowhere in its segment.
        code_evidence_repaired: Evidence of the model's that stands in its segment nearly as it was given.
        codes_demoted: Codes left to people since the model's yes rested on evidence that stands nowhere.
        themes_renamed: Themes sent back for a clash or a vague name.
        themes_unnamed: Themes whose every reply failed, called by participants' own words.
        replies_refused: Replies that broke their schema.
    """

    theme_quotes: int | None = None
    theme_quotes_repaired: int | None = None
    code_evidence: int | None = None
    code_evidence_repaired: int | None = None
    codes_demoted: int | None = None
    themes_renamed: int | None = None
    themes_unnamed: int | None = None
    replies_refused: int | None = None


@dataclass(frozen=True)
class Findings:
    """Everything that the page shows.

    Attributes:
        segments: All of the run's segments, in reading order.
        codings: One for each segment and assignable code.
        participants: What is recorded of each participant, by name; may be empty.
        outliers: Ids of segments that lie near no theme.
        too_short: Ids of segments with too few words to be grouped.
        language_model: Its id; empty when none was asked.
        synthetic: Nobody real speaks in these interviews.
    """

    study: str
    run: RunRecord
    transcripts: Sequence[TranscriptSummary]
    segments: Sequence[Segment]
    themes: Sequence[Theme]
    codings: Sequence[Coding]
    framework: Framework
    participants: Mapping[str, Mapping[str, str]]
    outliers: Sequence[str]
    too_short: Sequence[str]
    prompts: Sequence[PromptText]
    usage: Usage
    losses: Losses
    language_model: str
    encoder: str
    synthetic: bool
