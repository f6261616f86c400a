"""Reporting checklists: answered where the software knows the answer, left open where only people do.

`data/checklists.yaml` holds the items. Their answers are templates over `Facts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Self

import jinja2
import jinja2.meta
import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from belonging_llm import resources
from belonging_llm.auditing.record import ChecklistItem, PromptUsed


@dataclass(frozen=True)
class Facts:
    """What answers are made of. Texts are phrases without a full stop at their end.

    Facts with a default are optional: an answer that would print one that is missing is left open. The others must
    not be empty.

    Attributes:
        participants: Whose interviews the study holds.
        part: The part of the split that was audited.
        segments: Of that part, those that people judged.
        split: Participants by part.
        coders: People who coded the audited segments without having seen the model's codings; never the adjudicator.
        adjudicated: Whether an adjudicator settled what the coders disagreed on.
        codebook: Its name.
        synthetic: The interviews are made up; there are no participants.
        quotes_shown: The report quotes segments, each with its participant.
        versions: Of the software, such as `belonging-llm 0.1.0, hdbscan 0.8.44`.
        model: Id of the language model; empty when none was asked or a person's codings are audited.
        encoder: Id of the encoder; empty when a person's codings are audited.
        prompts: Printed in full by the report; empty when no language model was asked.
        framework_sources: Citations; empty when the codebook names none.
        settings: What shaped the replies, such as `temperature 0, seed 0, one run`.
        human_alpha: Krippendorff's alpha among people from the lowest code to the highest, such as `.61 to .84`.
        model_kappa: Cohen's kappa of the audited coder with people, likewise.
        stability: Such as `.94 to .99 of judgements came out the same`; empty when coded once.
        remote: `no text left this machine`, or the endpoint that the text went to.

    Raises:
        ValueError: a fact that is not optional is empty; names it.
    """

    study: str
    participants: int
    part: str
    segments: int
    split: Mapping[str, int]
    coders: tuple[str, ...]
    adjudicated: bool
    codebook: str
    codebook_digest: str
    synthetic: bool
    quotes_shown: bool
    versions: str
    model: str = ""
    encoder: str = ""
    prompts: tuple[PromptUsed, ...] = ()
    framework_sources: tuple[str, ...] = ()
    settings: str = ""
    human_alpha: str = ""
    model_kappa: str = ""
    stability: str = ""
    remote: str = ""

    def __post_init__(self) -> None:
        empty = [f.name for f in fields(self) if f.default is MISSING and getattr(self, f.name) in ("", (), {})]
        if empty:
            raise ValueError(f"facts that every checklist needs are empty: {', '.join(empty)}")


class Item(BaseModel):
    """One item.

    Attributes:
        item: Number and topic, such as `12 Sample size`.
        asks: What is asked, in our own words.
        answer: Template over `Facts`; empty where only people know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str = Field(pattern=r"^\S+ \S")
    asks: str = Field(min_length=1, max_length=199)
    answer: str = ""

    @field_validator("answer")
    @classmethod
    def _known_facts(cls, answer: str) -> str:
        try:
            names = jinja2.meta.find_undeclared_variables(_ENVIRONMENT.parse(answer))
        except jinja2.TemplateSyntaxError as error:
            raise ValueError(f"not a template: {error}") from error
        if unknown := names - {f.name for f in fields(Facts)}:
            raise ValueError(f"unknown facts: {', '.join(sorted(unknown))}")
        return answer

    @property
    def number(self) -> str:
        """What tells it from the other items of its checklist."""
        return self.item.split()[0]

    def answered(self, facts: Facts) -> str:
        """The answer in one line; empty where it is for people to give, or would print a missing fact."""
        known = {f.name: getattr(facts, f.name) for f in fields(facts)}
        try:
            return " ".join(_ENVIRONMENT.from_string(self.answer).render(known).split())
        except _MissingFactError:
            return ""


class Checklist(BaseModel):
    """A published checklist."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    citation: str
    items: tuple[Item, ...]

    @model_validator(mode="after")
    def _each_number_once(self) -> Self:
        repeated = [number for number, n in Counter(item.number for item in self.items).items() if n > 1]
        if repeated:
            raise ValueError(f"checklist {self.id}: items occur more than once: {', '.join(repeated)}")
        return self


def load(path: Path | None = None) -> tuple[Checklist, ...]:
    """The checklists that come with the package, or those of another file.

    Raises:
        ValueError: the file breaks the schema; names the field.
    """
    file = path or resources.path("data", "checklists.yaml")
    return tuple(Checklist.model_validate(found) for found in yaml.safe_load(file.read_text(encoding="utf-8")))


def fill(facts: Facts) -> tuple[ChecklistItem, ...]:
    """Every item of every checklist, in their order, with its answer where the facts give one."""
    return tuple(
        ChecklistItem(checklist.name, item.item, item.asks, item.answered(facts))
        for checklist in load()
        for item in checklist.items
    )


class _MissingFactError(Exception):
    """A template printed an optional fact that is missing."""


def _present(value: object) -> object:
    if value is None or value == "":
        raise _MissingFactError
    return value


# Answers are plain text: the page that shows them escapes them.
_ENVIRONMENT = jinja2.Environment(undefined=jinja2.StrictUndefined, finalize=_present, autoescape=False)  # noqa: S701
