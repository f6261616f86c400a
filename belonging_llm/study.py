"""A study: one folder with its settings, database, prompts and reports."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from belonging_llm import codebook, resources
from belonging_llm.codebook import Framework
from belonging_llm.errors import StudyError
from belonging_llm.pacing import CONCURRENCY
from belonging_llm.prompts import Prompt, load
from belonging_llm.store import Store

SETTINGS = "study.toml"
PER_PARTICIPANT = "per participant"
STATED = re.compile(r"all, stated by \S.* on \d{4}-\d{2}-\d{2}")
DEFAULT_FRAMEWORK = "odl-belonging"
PROMPTS = (
    *("label_theme.v1", "rename_theme.v1", "map_theme.v1"),
    *("code_segment.v1", "code_segment.v2", "code_segments.v1", "choose_code.v1"),
)


class AuditSettings(BaseModel):
    """What an audit demands; decided before the test split is opened, and void if changed after.

    Attributes:
        adjudicator: The coder whose record is what disagreements were settled to; never one of the raw coders.
        shares: Of participants, for development, calibration and test.
        epsilon: Margin of the alternative annotator test: .2 for experts, .15 skilled coders, .1 crowd workers.
        kappa_margin: How far the model's kappa with people may lie below people's with each other.
        score_margin: Likewise for recall and precision.
        alpha_floor: Agreement among people below which no replacement is claimed.
        stability_floor: Share of repeated judgements that must come out the same.
        subgroup_margin: Largest gap between groups of participants.
        min_positives: Segments with the code, by people's consensus, that a verdict needs.
        smallest_group: Groups with fewer participants are not shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    adjudicator: str = "adjudicated"
    shares: tuple[float, float, float] = (0.4, 0.2, 0.4)
    epsilon: float = Field(default=0.15, ge=0, le=1)
    kappa_margin: float = Field(default=0.10, ge=0, le=1)
    score_margin: float = Field(default=0.10, ge=0, le=1)
    alpha_floor: float = Field(default=0.667, ge=0, le=1)
    stability_floor: float = Field(default=0.90, ge=0, le=1)
    subgroup_margin: float = Field(default=0.10, ge=0, le=1)
    min_positives: int = Field(default=30, ge=1)
    smallest_group: int = Field(default=3, ge=2)
    draws: int = Field(default=2000, ge=100)

    @field_validator("shares")
    @classmethod
    def _whole(cls, shares: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise ValueError("the three shares must not be negative and must add up to 1")
        return shares


class ReviewSettings(BaseModel):
    """How people work in the review application.

    Attributes:
        adjudicate_own: Whether an adjudicator may settle segments that they coded themselves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    adjudicate_own: bool = False


class DriftSettings(BaseModel):
    """How often what is watched from batch to batch may raise a false alarm.

    Attributes:
        error: False alarms of each kind (novelty, sentinels, codes) that may be expected in so many `batches`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    error: float = Field(default=0.05, gt=0, lt=1)
    batches: int = Field(default=52, ge=1)


class Settings(BaseModel):
    """What `study.toml` says; the command line may override the models for one run.

    Attributes:
        store: SQLAlchemy URL of the database; empty for `study.sqlite` in the folder.
        allow_remote: Whether interview text may leave this machine at all.
        consent: Whose consent covers that: `per participant` (their attribute `consent_remote` says yes), or
            `all, stated by NAME on DATE`.
        concurrency: Requests side by side that a server is sent; fewer while it says that it is too busy.
        ask_share: Largest share of segments that the language model is asked to code.
        together: Segments that a model which answers in words is asked about in one call.
        examples: For each code in question so many segments that people gave it are shown to such a model, and one
            without it; 0 shows none.
        learn: Whether the coding learns from people's codings of the development split.
        hold_out: Whether calibration and test participants are kept from it; without, nothing can be audited.
        assign_error: A code is assigned where at most this share of such assignments is expected to be wrong.
        miss_error: A code is not assigned where at most this share of such segments is expected to have it; what
            lies between is left to people.
        shortest_themed: Segments with fewer words are coded but not grouped into themes.
        inbox: Where new files are looked for: a folder (in the study's, unless it is absolute), or an fsspec URL.
        settle: Seconds for which nobody has to have touched a file there before it is read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    framework: str = DEFAULT_FRAMEWORK
    language: str = "en"
    learn: bool = True
    hold_out: bool = True
    assign_error: float = Field(default=0.5, gt=0, lt=1)
    miss_error: float = Field(default=0.12, ge=0, lt=1)
    store: str = ""
    llm: str = "local"
    embedder: str = "local"
    allow_remote: bool = False
    consent: str = PER_PARTICIPANT
    concurrency: int = Field(CONCURRENCY, ge=1, le=256)
    seed: int = 0
    min_words: int = Field(12, ge=1)
    max_words: int = Field(60, ge=2)
    shortest_themed: int = Field(5, ge=1)
    ask_share: float = Field(0.1, ge=0, le=1)
    together: int = Field(1, ge=1, le=20)
    examples: int = Field(2, ge=0, le=10)
    synthetic: bool = False
    inbox: str = ""
    settle: float = Field(60, ge=0)
    audit: AuditSettings = AuditSettings()
    review: ReviewSettings = ReviewSettings()
    drift: DriftSettings = DriftSettings()

    @field_validator("consent")
    @classmethod
    def _stated(cls, consent: str) -> str:
        if consent != PER_PARTICIPANT and not STATED.fullmatch(consent):
            raise ValueError(f"write {PER_PARTICIPANT!r}, or 'all, stated by NAME on YYYY-MM-DD'")
        return consent


class Study:
    """A study folder."""

    def __init__(self, folder: Path) -> None:
        """Open a folder that `belonging init` made.

        Raises:
            StudyError: no settings there, or settings that make no sense.
        """
        self.folder = folder.resolve()
        self.settings = _settings(self.folder / SETTINGS)

    @cached_property
    def store(self) -> Store:
        """The study's database."""
        url = os.environ.get("BELONGING_STORE") or self.settings.store
        return Store(url or f"sqlite:///{self.folder / 'study.sqlite'}")

    @property
    def reports(self) -> Path:
        """Where reports go."""
        return self.folder / "reports"

    @property
    def prefect_home(self) -> Path:
        """Where Prefect keeps its own records, away from the user's."""
        return self.folder / ".prefect"

    def framework(self) -> Framework:
        """The codebook in use: the one brought in last, else the one that the settings name.

        Raises:
            CodebookError: the settings name one that cannot be read.
        """
        return self.store.codebooks.current() or codebook.load(self.settings.framework)

    def words_its_own(self, name: str) -> bool:
        """Whether the study has its own text of a prompt."""
        return (self.folder / "prompts" / f"{name}.md").is_file()

    def prompt(self, name: str) -> Prompt:
        """A prompt, from the study's own `prompts/` folder first.

        Raises:
            PromptError: there is none of this name, or it is malformed.
        """
        return load(name, self.folder / "prompts")

    def prompts(self) -> dict[str, Prompt]:
        """Every prompt of the analysis, by name.

        Raises:
            PromptError: one is malformed.
        """
        return {name: self.prompt(name) for name in PROMPTS}


def create(folder: Path, *, framework: str = DEFAULT_FRAMEWORK, sample: bool = False) -> Study:
    """Make a study folder; with `sample`, its transcripts and gold folders hold the synthetic interviews.

    Raises:
        StudyError: the folder already holds a study, or cannot be written.
        CodebookError: no such framework.
    """
    if (folder / SETTINGS).exists():
        raise StudyError(f"{folder}: is already a study; use `belonging import` and `belonging analyse` on it")
    chosen = codebook.load(framework)
    try:
        for part in ("transcripts", "gold", "prompts", "reports", "inbox"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        if sample:
            shutil.copytree(resources.path("data", "sample"), folder, dirs_exist_ok=True)
        (folder / SETTINGS).write_text(_initial(folder.resolve().name, framework, sample), encoding="utf-8")
    except OSError as error:
        raise StudyError(f"{folder}: cannot be made: {error}") from error
    study = Study(folder)
    study.store.codebooks.use(chosen, reason="the study was made with it")
    return study


def _settings(path: Path) -> Settings:
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise StudyError(f"{path.parent}: holds no {SETTINGS}; make a study with `belonging init`") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise StudyError(f"{path}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error


def _initial(name: str, framework: str, sample: bool) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f"""# What shapes this study's analysis. Every value here lands in the record of each run.
name = "{quoted}"
framework = "{framework}"
synthetic = {str(sample).lower()}

# Models. `local` runs on this machine. See `belonging analyse --help` for other specs.
llm = "local"
embedder = "local"
# Interview text leaves this machine only if this says true AND llm names a remote service.
allow_remote = false
# And only of those who agreed: the column consent_remote (yes or no) of the participants' table says who did.
# Or state it for all of them, by name and date: "all, stated by NAME on YYYY-MM-DD".
consent = "per participant"
# Requests side by side where the model runs on a server.
concurrency = {CONCURRENCY}

# Units of coding, in words: a shorter one joins its neighbour, a longer one is divided between sentences.
min_words = 12
max_words = 60
# Segments with fewer words than this are coded but not grouped into themes.
shortest_themed = 5
# Largest share of segments that the language model is asked to code where cheaper evidence is in doubt.
ask_share = 0.1
# Segments in one call. More cost less on a hosted service, since the codebook is sent once for all of them; small
# models judge better one at a time. Of no effect on models that weigh codes by log-probability, as `local` does.
together = 1
# Segments that people coded, shown beside the one in question: so many for each code, and one without it; 0 for none.
# Of the development split alone. To a remote service they go along with the question.
examples = 2
# Learn from people's codings of the development split (never from calibration or test).
learn = true
# A code is assigned where at most assign_error of such assignments are expected to be wrong, and not assigned where at
# most miss_error of such segments are expected to have it. Between the two it is left to people.
assign_error = 0.5
miss_error = 0.12
language = "en"
seed = 0

# Where `belonging batch` looks for new files (a folder, or a URL such as s3://bucket/folder), and for how many seconds
# nobody has to have touched a file there before it is read.
inbox = "inbox"
settle = 60

# What an audit demands. Decide before the test split is opened: a later change voids the verdicts.
[audit]
# The coder whose record holds how disagreements were settled.
adjudicator = "adjudicated"
# Shares of participants for development, calibration and test.
shares = [0.4, 0.2, 0.4]
# Margin of the alternative annotator test: 0.2 for experts, 0.15 for skilled coders, 0.1 for crowd workers.
epsilon = 0.15
# How far the model may lie below people's own agreement, and below their recall and precision.
kappa_margin = 0.10
score_margin = 0.10
# Least agreement among people (alpha), least stability, largest gap between groups, least number of positives.
alpha_floor = 0.667
stability_floor = 0.90
subgroup_margin = 0.10
min_positives = 30
# Groups with fewer participants are not shown.
smallest_group = 3

# How people work in `belonging review`.
[review]
# Whether an adjudicator may settle segments that they coded themselves.
adjudicate_own = false

# What is watched from batch to batch: false alarms of each kind that may be expected in so many batches.
[drift]
error = 0.05
batches = 52
"""
