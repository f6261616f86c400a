"""Map themes onto the framework: codes with a rationale, or outside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field

from belonging_llm.asking import Asker, Question
from belonging_llm.codebook import Framework
from belonging_llm.errors import ReplyError
from belonging_llm.prompts import Prompt
from belonging_llm.themes.label import SHOWN
from belonging_llm.themes.theme import MappedCode, Mapping, Theme

EXEMPLARS = 3


class CodeReason(BaseModel):
    """A code's id and what in the theme shows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(max_length=80)
    rationale: str = Field(max_length=120)


class ThemeMapping(BaseModel):
    """The reply to `map_theme`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: tuple[CodeReason, ...] = Field(max_length=2)
    outside: bool


def map_themes(
    themes: Sequence[Theme],
    framework: Framework,
    texts: dict[str, str],
    *,
    asker: Asker,
    prompt: Prompt,
    people: dict[str, str] | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> list[Theme]:
    """Ask for each theme which codes it speaks of; a theme whose replies fail stays unmapped.

    Args:
        people: Participants by segment; they are logged with what leaves.

    Raises:
        Incomplete: the model's endpoint is gone.
    """
    known = {code.id for code in framework.assignable}

    def check(answer: ThemeMapping) -> None:
        unknown = [c.code for c in answer.codes if c.code not in known]
        if unknown:
            raise ReplyError(f"codes that are not in the codebook: {', '.join(unknown)[:80]}")
        if answer.outside == bool(answer.codes):
            raise ReplyError("give codes, or say that the theme lies outside the framework, not both and not neither")

    mapped = []
    for theme in themes:
        rendered = prompt.render(
            framework=framework.name,
            codes=framework.assignable,
            name=theme.name,
            definition=theme.definition,
            exemplars=[texts[i][:SHOWN] for i in theme.exemplars[:EXEMPLARS]],
        )
        # A name may be in the words of any exemplar or quote, shown here or not.
        sources = (*theme.exemplars, *(quote.segment_id for quote in theme.quotes))
        about = tuple(sorted({people[i] for i in sources})) if people else ()
        limits = {"code": sorted(known)}
        answer = asker.ask_or_none(Question(rendered, ThemeMapping, 160, limits, check=check, about=about))
        mapped.append(theme if answer is None else _with(theme, answer, asker.model.id, prompt))
        done(len(mapped))
    return mapped


def _with(theme: Theme, answer: ThemeMapping, model: str, prompt: Prompt) -> Theme:
    codes = {c.code: MappedCode(code=c.code, rationale=c.rationale.strip()) for c in answer.codes}
    mapping = Mapping(
        codes=tuple(codes.values()), outside=answer.outside, by=model, prompt=prompt.name, prompt_digest=prompt.digest
    )
    return theme.model_copy(update={"mapping": mapping})
