"""Name the themes: one question each, and one more where names clash."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz import fuzz

from belonging_llm.asking import Asker, Question
from belonging_llm.clusters import Belongs, Cluster, Clustering
from belonging_llm.embeddings import Vectors
from belonging_llm.errors import ReplyError
from belonging_llm.evidence import locate
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment
from belonging_llm.themes.exemplars import choose, distinctive_terms
from belonging_llm.themes.theme import Quote, Theme, ThemeMember, theme_id

ALIKE = 85
SHOWN = 400
_VAGUE = re.compile(
    r"(?:the )?(?:online |student |students'? |learning |personal |various |general |mixed )*"
    r"(?:theme|themes|topic|experiences?|communication|community|learning|education|feelings?|challenges?|issues?"
    r"|support|technology|miscellaneous|other|life|studies|interview|segments?)",
    re.IGNORECASE,
)


class QuotedWords(BaseModel):
    """Words that the model says stand in a numbered segment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: int = Field(ge=1, le=99)
    words: str = Field(max_length=160)


class ThemeName(BaseModel):
    """The reply to `label_theme` and `rename_theme`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=3, max_length=80)
    definition: str = Field(min_length=10, max_length=260)
    quotes: tuple[QuotedWords, ...] = Field(max_length=3)


@dataclass(frozen=True)
class Labelled:
    """Named themes, and what went wrong on the way.

    Attributes:
        unlocated: Quotes that stand nowhere in their segment; dropped.
        failed: Themes whose every reply failed; named by keywords instead.
        renamed: Themes that were sent back for a clash or a vague name.
    """

    themes: tuple[Theme, ...]
    unlocated: int
    failed: int
    renamed: int


def label(
    clustering: Clustering,
    segments: Sequence[Segment],
    vectors: Vectors,
    *,
    asker: Asker | None,
    prompt: Prompt,
    again: Prompt,
    done: Callable[[int], None] = lambda _: None,
) -> Labelled:
    """Name every cluster.

    Args:
        segments: The rows that the clustering indexes; `vectors` has shape (n_segments, dim).
        asker: None names themes by their keywords.
        again: Prompt for themes that are sent back.
        done: Told how many clusters are named.

    Raises:
        Incomplete: the model's endpoint is gone.
    """
    drafts = _drafts(clustering, segments, vectors)
    if asker is None or not drafts:
        return Labelled(tuple(drafts), 0, 0, 0)
    texts = {s.id: s.text for s in segments}
    names: list[ThemeName | None] = []
    for draft in drafts:
        rendered = prompt.render(exemplars=_shown(draft, texts), terms=draft.terms[:6], neighbours=[])
        names.append(_ask(asker, Question(rendered, ThemeName, 220, check=_must_name)))
        done(len(names))
    renamed = 0
    for index, clash in _clashes(names):
        given = names[index]
        assert given is not None  # noqa: S101 - only named themes clash
        rendered = again.render(
            exemplars=_shown(drafts[index], texts), name=given.name, definition=given.definition, clash=clash
        )
        better = _ask(asker, Question(rendered, ThemeName, 220, check=_must_name))
        names[index], renamed = better or given, renamed + 1
    named = [_named(d, n, texts, asker.model.id, prompt) for d, n in zip(drafts, names, strict=True)]
    unlocated = sum(lost for _, lost in named)
    return Labelled(tuple(theme for theme, _ in named), unlocated, names.count(None), renamed)


def _drafts(clustering: Clustering, segments: Sequence[Segment], vectors: Vectors) -> list[Theme]:
    terms = distinctive_terms(clustering, [s.text for s in segments])
    drafts = []
    for number, cluster in enumerate(clustering.clusters):
        others = [c for c in clustering.clusters if c is not cluster]
        shown = choose(cluster, others, vectors)
        drafts.append(_draft(number + 1, cluster, segments, [segments[i].id for i in shown], terms[number]))
    return drafts


def _draft(
    ordinal: int, cluster: Cluster, segments: Sequence[Segment], exemplars: list[str], terms: list[str]
) -> Theme:
    members = tuple(
        ThemeMember(segment_id=segments[m.index].id, strength=m.strength, belongs=m.belongs) for m in cluster.members
    )
    return Theme(
        id=theme_id([m.segment_id for m in members if m.belongs is Belongs.CORE]),
        ordinal=ordinal,
        name=", ".join(terms[:3]) or f"Theme {ordinal}",
        definition="Not named by a model; the words above set its segments apart.",
        members=members,
        exemplars=tuple(exemplars),
        terms=tuple(terms),
        by="keywords",
    )


def _ask(asker: Asker, question: Question[ThemeName]) -> ThemeName | None:
    answer = asker.ask_all([question])[0]
    return None if isinstance(answer, Exception) else answer


def _must_name(answer: ThemeName) -> None:
    if not re.search(r"[^\W\d_]{3}", answer.name):
        raise ReplyError("name: holds no word")


def _shown(theme: Theme, texts: dict[str, str]) -> list[str]:
    return [texts[i] if len(texts[i]) <= SHOWN else texts[i][:SHOWN].rsplit(" ", 1)[0] for i in theme.exemplars]


def _clashes(names: Sequence[ThemeName | None]) -> list[tuple[int, str]]:
    """Themes to send back, with what is wrong; of two alike the later (smaller) one goes."""
    found = []
    for index, given in enumerate(names):
        if given is None:
            continue
        twin = next((o for o in names[:index] if o and _alike(o.name, given.name)), None)
        if twin:
            found.append((index, f'another theme is already called "{twin.name}" ({twin.definition})'))
        elif _VAGUE.fullmatch(given.name.strip(" .")):
            found.append((index, f'"{given.name}" would fit almost any interview'))
    return found


def _alike(one: str, other: str) -> bool:
    return fuzz.token_sort_ratio(one.casefold(), other.casefold()) >= ALIKE


def _named(
    draft: Theme, given: ThemeName | None, texts: dict[str, str], model: str, prompt: Prompt
) -> tuple[Theme, int]:
    if given is None:
        return draft, 0
    quotes = [q for words in given.quotes if (q := _quote(words, draft, texts))]
    kept = {(q.segment_id, q.start): q for q in quotes}
    theme = draft.model_copy(
        update={
            "name": given.name.strip().rstrip("."),
            "definition": given.definition.strip(),
            "quotes": tuple(kept.values()),
            "by": model,
            "prompt": prompt.name,
            "prompt_digest": prompt.digest,
        }
    )
    return theme, len(given.quotes) - len(quotes)


def _quote(given: QuotedWords, theme: Theme, texts: dict[str, str]) -> Quote | None:
    """The quote in the segment it names, or in another exemplar when the number is off by some."""
    named = theme.exemplars[given.segment - 1 : given.segment]
    for segment_id in (*named, *theme.exemplars):
        if span := locate(given.words, texts[segment_id]):
            return Quote(segment_id=segment_id, start=span.start, end=span.end)
    return None
