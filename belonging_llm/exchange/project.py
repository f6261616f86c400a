"""A project as programs for qualitative analysis exchange it: sources, codes, people's stretches, notes, cases.

Every reader yields this and every writer takes it. GUIDs are upper case without braces.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

# What a user is called who is no person.
MODEL = "model:"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class User(_Part):
    """Somebody who codes; `model:…` when it is a machine."""

    guid: str
    name: str


class ProjectCode(_Part):
    """One code, or a folder of codes (`codable` false).

    Attributes:
        parent: GUID of the code above it; None at the top.
        colour: `#RRGGBB`, or empty.
    """

    guid: str
    name: str
    parent: str | None = None
    codable: bool = True
    description: str = ""
    colour: str = ""
    memos: tuple[str, ...] = ()


class Mark(_Part):
    """One coding: a user gave a code.

    Attributes:
        at: When, ISO 8601; empty when not recorded.
    """

    guid: str
    code: str
    user: str = ""
    at: str = ""
    memos: tuple[str, ...] = ()


class Passage(_Part):
    """A stretch of a source that somebody marked: `start` to `end`, end exclusive.

    Attributes:
        start: Code points of the source's text. In a project as it was found, what the file says.
        whole: It stands for the source as a whole and is not marked in the text.
        quoted: The words that the file says stand there; empty when it does not say.
    """

    guid: str
    start: int
    end: int
    name: str = ""
    description: str = ""
    user: str = ""
    at: str = ""
    marks: tuple[Mark, ...] = ()
    memos: tuple[str, ...] = ()
    whole: bool = False
    quoted: str = ""


class Source(_Part):
    """One text that people coded.

    Attributes:
        text: LF line ends, no byte-order mark. In a project as it was found, with the file's own.
        values: The source's own variables, by name.
    """

    guid: str
    name: str
    text: str
    description: str = ""
    user: str = ""
    at: str = ""
    passages: tuple[Passage, ...] = ()
    values: dict[str, str] = {}
    memos: tuple[str, ...] = ()


class Memo(_Part):
    """A note that somebody wrote; what it belongs to names it."""

    guid: str
    name: str
    text: str
    user: str = ""
    at: str = ""


class Variable(_Part):
    """What is known of cases or sources; `kind` is REFI-QDA's: Text, Boolean, Integer, Float, Date, DateTime."""

    guid: str
    name: str
    kind: str = "Text"
    description: str = ""


class Case(_Part):
    """A unit of the study, here a participant, with what is known of it.

    Attributes:
        sources: GUIDs of the sources that are its own.
        passages: GUIDs of its passages in shared sources.
    """

    guid: str
    name: str
    description: str = ""
    values: dict[str, str] = {}
    sources: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()


class CodeSet(_Part):
    """A named set of codes, sources and notes."""

    guid: str
    name: str
    description: str = ""
    codes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    memos: tuple[str, ...] = ()


class Project(_Part):
    """Everything that one file holds and this program can keep.

    Attributes:
        origin: The program that wrote it, in its own words.
        memos: GUIDs of the notes on the project as a whole.
        notes: All notes.
    """

    name: str
    origin: str = ""
    description: str = ""
    user: str = ""
    at: str = ""
    users: tuple[User, ...] = ()
    codes: tuple[ProjectCode, ...] = ()
    variables: tuple[Variable, ...] = ()
    cases: tuple[Case, ...] = ()
    sources: tuple[Source, ...] = ()
    notes: tuple[Memo, ...] = ()
    sets: tuple[CodeSet, ...] = ()
    memos: tuple[str, ...] = ()

    @property
    def codings(self) -> int:
        """How many codings it holds."""
        return sum(len(p.marks) for s in self.sources for p in s.passages)


class LeftOut(_Part):
    """Something that a file holds and that was not kept.

    Attributes:
        what: What it is and what it is called.
        why: In words that help.
        codings: How many codings were lost with it.
    """

    what: str
    why: str
    codings: int = 0

    def __str__(self) -> str:
        lost = f" ({self.codings} {'coding' if self.codings == 1 else 'codings'})" if self.codings else ""
        return f"{self.what}{lost}: {self.why}"


class Found(_Part):
    """A project as a reader found it: offsets still as the program that wrote it counts.

    Attributes:
        codings: Codings in the file, those left out included.
        notes: What was put right on the way, in words.
    """

    project: Project
    left_out: tuple[LeftOut, ...] = ()
    codings: int
    notes: tuple[str, ...] = ()
