"""A theme: a named group of segments, its evidence, and its place in the framework."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from belonging_llm.clusters import Belongs
from belonging_llm.provenance import digest


class ThemeMember(BaseModel):
    """A segment in a theme; `strength` is 0..1, cosine to the centre relative to the core's median."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment_id: str
    strength: float
    belongs: Belongs


class Quote(BaseModel):
    """Verbatim words: half-open code-point offsets into the segment's text.

    Attributes:
        repaired: The model wrote nearly these words; they stand here as the segment has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment_id: str
    start: int
    end: int
    repaired: bool = False


class MappedCode(BaseModel):
    """A code that a theme speaks of, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    rationale: str


class Mapping(BaseModel):
    """Where a theme stands in the framework.

    Attributes:
        outside: The theme lies outside the framework: a finding, not an error.
        by: Model id that mapped it, or `similarity` when no model was asked or it failed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: tuple[MappedCode, ...] = ()
    outside: bool = False
    by: str = ""
    prompt: str = ""
    prompt_digest: str = ""


class Theme(BaseModel):
    """One theme of one run.

    Attributes:
        id: Digest of its core segments: the same group has the same id in every run.
        quotes: Words that the model chose (or, in an in-vivo theme, that it is called by), each found in its segment.
        by: Model id that named it, or `participants' own words` when no name of a model's stood.
        terms: Words that set its segments apart from the other themes'.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    ordinal: int
    name: str
    definition: str
    members: tuple[ThemeMember, ...]
    quotes: tuple[Quote, ...] = ()
    exemplars: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    by: str = ""
    prompt: str = ""
    prompt_digest: str = ""
    mapping: Mapping = Mapping()


def theme_id(segment_ids: list[str]) -> str:
    """The id of a theme with these core segments."""
    return "T" + digest(sorted(segment_ids))[:10]
