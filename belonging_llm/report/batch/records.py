"""What the change report is given: figures, names of files and themes, no words of anybody's."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileLine(_Record):
    """A file in the inbox, and what became of it."""

    name: str
    outcome: str
    reason: str = ""
    kind: str = ""
    added: int = 0


class Share(_Record):
    """A share of segments.

    Attributes:
        low: Where the share lies with 95 % confidence if other participants like these had come; None, for a `reason`.
    """

    count: int
    of: int
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @property
    def value(self) -> float | None:
        """0..1; None of nothing."""
        return self.count / self.of if self.of else None


class CodeChange(_Record):
    """A code before the batch, after it, and in the batch.

    Attributes:
        new: Among the batch's own segments; an estimate for the participants that come.
        waits: New segments that are left to people.
    """

    code: str
    name: str
    before: Share
    after: Share
    new: Share
    waits: int


class ThemeChange(_Record):
    """A theme, and how many new segments are in it."""

    theme: str
    name: str
    new: int


class Sums(_Record):
    """The whole study as of a run; `assigned`, `abstained` and `failed` count segment × code."""

    transcripts: int
    participants: int
    segments: int
    placed: int
    assigned: int
    abstained: int
    failed: int


class Told(_Record):
    """One batch.

    Attributes:
        files: Those that were read.
        kept_out: Files that stay out, unnamed: somebody in them withdrew, or they are in, de-identified.
        fits: New segments in some theme; `fits_nowhere` in none; `too_short` to be grouped.
        outcomes: Of the batch's own segment × code.
        failed: Segments that have a failed outcome.
        coder: Digest of what the base learned.
        taught_since: People coded since the base, which it has not learned from.
        withdrawn: Somebody withdrew after this batch.
        waiting: Questions that went out together and have no reply yet: nothing of the batch is coded before.
        waiting_since: When the first of them went out, ISO 8601.
        recoded: Everything was coded anew, in place of a batch.
        due: Why themes are due to be found anew; "" where they are not.
        drift: The part about drift, as HTML; empty where nobody watched.
    """

    study: str
    synthetic: bool
    batch_id: str
    base_id: str
    ordinal: int
    status: str
    started_at: str
    finished_at: str
    files: tuple[FileLine, ...]
    left: tuple[FileLine, ...]
    kept_out: int
    before: Sums
    after: Sums
    tried_again: int
    fits: int
    fits_nowhere: int
    too_short: int
    codes: tuple[CodeChange, ...]
    themes: tuple[ThemeChange, ...]
    outcomes: dict[str, int]
    failed: tuple[str, ...]
    calls: int
    model_seconds: float
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: str
    model: str
    embedder: str
    coder: str
    taught_since: bool
    withdrawn: bool
    waiting: int = 0
    waiting_since: str = ""
    recoded: bool = False
    due: str = ""
    drift: str = ""

    def files_that(self, outcome: str) -> tuple[FileLine, ...]:
        """Files with an outcome."""
        return tuple(one for one in self.files if one.outcome == outcome)

    @property
    def new_segments(self) -> int:
        """Segments that the study has now and had not before."""
        return self.after.segments - self.before.segments

    @property
    def new_participants(self) -> int:
        """Likewise participants."""
        return self.after.participants - self.before.participants

    @property
    def waits(self) -> int:
        """The batch's own segment × code that are left to people."""
        return self.outcomes.get("abstained", 0)
