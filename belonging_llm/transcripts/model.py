"""What was said, by whom, and where it stands in the text."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import text_digest
from belonging_llm.transcripts.source import Source


class Role(StrEnum):
    """Who speaks in a turn, as far as coding is concerned."""

    PARTICIPANT = "participant"
    INTERVIEWER = "interviewer"
    BOILERPLATE = "boilerplate"


class Basis(StrEnum):
    """How it is known who a speaker is."""

    LABEL = "label"
    GUESS = "guess"
    PERSON = "person"


class Speaker(BaseModel):
    """Somebody who speaks in a transcript.

    Attributes:
        name: As the transcript writes it.
        participant: Whose talk it is; None for interviewers and boilerplate. Two spellings of one person share it.
        basis: The label itself (`Interviewer`, `P07`, a name), a guess from what was said, or a person's word.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    role: Role
    participant: str | None = None
    basis: Basis = Basis.LABEL


class Turn(BaseModel):
    """A stretch of one speaker's talk.

    Attributes:
        ordinal: Place in the transcript, from 1, counting every speaker's turns.
        start: First code point of what was said (after the label).
        end: One past the last code point.
        participant: The participant this talk belongs to; None for interviewers and boilerplate.
        segment_id: Given when the unit of coding was fixed outside (a segments table).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ordinal: int
    speaker: str
    role: Role
    start: int
    end: int
    participant: str | None = None
    segment_id: str | None = None


class Transcript(BaseModel):
    """One interview, post or document; offsets count Unicode code points of `text`.

    Attributes:
        name: What people call it (the file's stem, or the document's id in a table).
        text: The whole source text, line ends as LF, without byte-order mark.
        header: What the front matter says, as plain strings.
        kind: `interview` (labelled speakers), `prose` (one author) or `segments` (units given).
        speakers: Who speaks, in order of first speaking; empty for prose and given units.
        source: The file and the offset map to it; None where the units came from a table of segments.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: str
    text: str
    turns: tuple[Turn, ...]
    header: dict[str, str] = {}
    speakers: tuple[Speaker, ...] = ()
    source: Source | None = None

    @cached_property
    def id(self) -> str:
        """The content's digest: the same words from another folder are the same transcript."""
        return text_digest(self.text)[:16]

    def said(self, turn: Turn) -> str:
        """The words of one turn."""
        return self.text[turn.start : turn.end]

    @cached_property
    def questions(self) -> dict[int, Turn]:
        """For each turn's ordinal, the interviewer turn that it answers, where one precedes it."""
        found, last = {}, None
        for turn in self.turns:
            if turn.role is Role.INTERVIEWER:
                last = turn
            elif last is not None:
                found[turn.ordinal] = last
        return found
