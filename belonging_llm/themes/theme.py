"""A theme: a named group of segments, its evidence, and its place in the framework."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from belonging_llm.clusters import Belongs
from belonging_llm.provenance import digest

# What stands for the definition of a theme whose name may have been in the words of somebody who withdrew.
UNNAMED = "Its name went with somebody who withdrew; the next analysis names it anew."
# What stands for a model's id where a person named or mapped a theme.
BY_PEOPLE = "people"


class ThemeMember(NamedTuple):
    """A segment in a theme; `strength` is 0..1, cosine to the centre relative to the core's median.

    A tuple, as a study of a hundred thousand segments has as many of them, and pages read them all.
    """

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
        id: The same theme has the same id in every run; no other theme ever has it.
        quotes: Words that the model chose (or, in an in-vivo theme, that it is called by), each found in its segment.
        by: Model id that named it, `participants' own words` when no name of a model's stood, or `people: NAME`.
        terms: Words that set its segments apart from the other themes'.
        edit: The split by a person that made it, which it lasts as long as; None where a clustering found it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    ordinal: int
    name: str
    definition: str
    members: tuple[ThemeMember, ...] = ()
    quotes: tuple[Quote, ...] = ()
    exemplars: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    by: str = ""
    prompt: str = ""
    prompt_digest: str = ""
    mapping: Mapping = Mapping()
    edit: int | None = None

    @property
    def own(self) -> tuple[str, ...]:
        """Segments that have their home in it; those that are also in it have theirs elsewhere."""
        also = Belongs.ALSO
        return tuple([ident for ident, _, belongs in self.members if belongs is not also])


def theme_id(segment_ids: Collection[str], taken: Collection[str] = ()) -> str:
    """An id for a new theme with these core segments; never one of those that are taken."""
    ordered, tries = sorted(segment_ids), 0
    found = "T" + digest(ordered)[:10]
    while found in taken:
        tries += 1
        found = "T" + digest(ordered, tries)[:10]
    return found
