"""Name the themes: one question each, and one more where names clash."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz import fuzz
from scipy.stats import rankdata

from belonging_llm.asking import Asker, Question
from belonging_llm.clusters import Belongs, Cluster, Clustering
from belonging_llm.embeddings import Vectors
from belonging_llm.errors import ReplyError
from belonging_llm.evidence import find
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment
from belonging_llm.themes.exemplars import choose, distinctive_terms
from belonging_llm.themes.own_words import Embed, Phrase, own_words
from belonging_llm.themes.theme import Quote, Theme, ThemeMember, theme_id

# Area under the curve that a name must reach between its own segments and all others.
SEPARATES = 0.75
ALIKE = 85
EXEMPLARS = 4
SHOWN = 200
# Gerunds keep a name on what people do (Charmaz 2006). Models that obey a schema are held to these: left
# free, a small one names roles ("Transcript reader"), and held to "-ing" alone it makes up words.
VERBS = (
    "Asking Being Belonging Caring Carrying Coping Depending Doing Doubting Facing Feeling Finding Fitting Getting"
    " Giving Having Hearing Helping Hiding Holding Joining Keeping Leaving Listening Living Longing Losing Making"
    " Managing Meeting Missing Needing Paying Reading Remembering Seeing Sending Sharing Speaking Staying Struggling"
    " Studying Talking Trusting Trying Turning Using Waiting Wanting Watching Working Worrying Writing"
).split()
TITLE = f"^({'|'.join(VERBS)})( [A-Za-z'’-]{{1,14}}){{2,6}}$"
IN_VIVO = "participants' own words"
_GENERAL = frozenset(
    (
        "a an the of in on and for with to their students student learner learners online learning experience "
        "experiences communication community university education studying study studies course courses "
        "challenges challenge issues feelings feeling support technology various general mixed personal other "
        "life theme topic academic digital environment interaction interactions"
    ).split()
)


class QuotedWords(BaseModel):
    """Words that the model says stand in a numbered segment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: int = Field(ge=1, le=99)
    words: str = Field(max_length=70)


class ThemeName(BaseModel):
    """The reply to `label_theme` and `rename_theme`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    definition: str = Field(min_length=10, max_length=160)
    name: str = Field(min_length=3, max_length=70, json_schema_extra={"pattern": TITLE})
    quotes: tuple[QuotedWords, ...] = Field(max_length=2)


@dataclass(frozen=True)
class Labelled:
    """Named themes, and what went wrong on the way.

    Attributes:
        unlocated: Quotes that stand nowhere in their segment; dropped.
        failed: Themes whose every reply failed.
        renamed: Themes that were sent back for a clash, a vague name or a poor fit.
        in_vivo: Themes called by participants' own words, since no name of the model's could stand.
    """

    themes: tuple[Theme, ...]
    unlocated: int = 0
    failed: int = 0
    renamed: int = 0
    in_vivo: int = 0


@dataclass(frozen=True)
class _Draft:
    """A theme before it has a name; `about` says whose words a question about it shows."""

    theme: Theme
    phrases: tuple[Phrase, ...]
    shown: tuple[str, ...]
    about: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        return [phrase.words for phrase in self.phrases]


@dataclass(frozen=True)
class _Answer:
    """A name of the model's, and the prompt that it answers."""

    given: ThemeName
    prompt: Prompt


# One for each draft; None where every reply failed, or where the name cannot stand.
_Answers = list[_Answer | None]


def label(
    clustering: Clustering,
    segments: Sequence[Segment],
    vectors: Vectors,
    *,
    asker: Asker | None,
    prompt: Prompt,
    again: Prompt,
    embed: Embed,
    ids: Sequence[str] = (),
    standing: Mapping[int, Theme] | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> Labelled:
    """Name every cluster whose name does not stand already.

    A name must hold its own: not another theme's, not one that fits any interview, nearer to its own
    theme's centre than to any other's, and near to most of its segments rather than to one. One that
    does not is sent back once; a second that does not gives way to participants' own words.

    Args:
        segments: The rows that the clustering indexes; `vectors` has shape (n_segments, dim).
        asker: None calls every theme by participants' own words.
        again: Prompt for themes that are sent back.
        embed: Unit vectors by the encoder that made `vectors`.
        ids: The clusters' themes; by default every theme is a new one.
        standing: Themes of an earlier run that keep their names, by position of their cluster.
        done: Told how many clusters are named.

    Raises:
        Incomplete: the model's endpoint is gone.
    """
    if not clustering.clusters:
        return Labelled(())
    stand = dict(standing or {})
    ground = _Ground(clustering, vectors, embed)
    drafts = _drafts(clustering, segments, vectors, ground, embed, ids)
    if asker is None:
        return Labelled(tuple(_kept(d.theme, stand[i]) if i in stand else d.theme for i, d in enumerate(drafts)))
    names = {index: theme.name for index, theme in stand.items()}
    first = _ask_all(drafts, asker, prompt, names, done)
    clashes = _clashes(first, ground, names)
    second = _ask_again(drafts, first, clashes, asker, again)
    good = _without(second, _clashes(second, ground, names))
    named = [
        (_kept(theme, stand[index]), 0) if index in stand else (theme, lost)
        for index, (theme, lost) in enumerate(_name(drafts, good, segments, asker.model.id))
    ]
    return Labelled(
        themes=tuple(theme for theme, _ in named),
        unlocated=sum(lost for _, lost in named),
        failed=first.count(None) - len(stand),
        renamed=len(clashes),
        in_vivo=sum(theme.by == IN_VIVO for theme, _ in named),
    )


def _kept(theme: Theme, before: Theme) -> Theme:
    """A theme under the name that it had, with quotes of segments that are still in it."""
    inside = {member.segment_id for member in theme.members}
    quotes = tuple(quote for quote in before.quotes if quote.segment_id in inside)
    own = {"name", "definition", "by", "prompt", "prompt_digest", "mapping"}
    return theme.model_copy(update={name: getattr(before, name) for name in own} | {"quotes": quotes})


def _drafts(
    clustering: Clustering,
    segments: Sequence[Segment],
    vectors: Vectors,
    ground: _Ground,
    embed: Embed,
    ids: Sequence[str],
) -> list[_Draft]:
    texts = [s.text for s in segments]
    terms, phrases = distinctive_terms(clustering, texts), own_words(clustering, texts, embed)
    drafts = []
    for number, cluster in enumerate(clustering.clusters):
        others = [c for c in clustering.clusters if c is not cluster]
        shown = choose(cluster, others, vectors, count=EXEMPLARS)
        told = _telling(phrases[number], ground, number)
        theme = _unnamed(number + 1, cluster, segments, shown, terms[number], told)
        if ids:
            theme = theme.model_copy(update={"id": ids[number]})
        about = tuple(sorted({segments[i].participant for i in (*shown, *(phrase.index for phrase in told))}))
        drafts.append(_Draft(theme, tuple(told), tuple(_cut(texts[i]) for i in shown), about))
    return drafts


def _telling(phrases: Sequence[Phrase], ground: _Ground, theme: int) -> list[Phrase]:
    """Phrases, those first that speak for most of the theme."""
    return sorted(phrases, key=lambda phrase: -round(ground.separates(phrase.words, theme), 3))


def _unnamed(
    ordinal: int,
    cluster: Cluster,
    segments: Sequence[Segment],
    shown: Sequence[int],
    terms: Sequence[str],
    phrases: Sequence[Phrase],
) -> Theme:
    """A theme called by participants' own words, until a model finds better."""
    members = tuple(
        ThemeMember(segment_id=segments[m.index].id, strength=m.strength, belongs=m.belongs) for m in cluster.members
    )
    quotes = tuple(Quote(segment_id=segments[p.index].id, start=p.start, end=p.end) for p in phrases[:3])
    also = "; ".join(f"“{p.words}”" for p in phrases[1:4])
    return Theme(
        id=theme_id([m.segment_id for m in members if m.belongs is Belongs.CORE]),
        ordinal=ordinal,
        name=f"“{phrases[0].words}”" if phrases else ", ".join(terms[:3]) or f"Theme {ordinal}",
        definition="Called by participants' own words" + (f"; near by: {also}." if also else "."),
        members=members,
        quotes=quotes,
        exemplars=tuple(segments[i].id for i in shown),
        terms=tuple(terms),
        by=IN_VIVO,
    )


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0]


def _ask_all(
    drafts: Sequence[_Draft], asker: Asker, prompt: Prompt, names: Mapping[int, str], done: Callable[[int], None]
) -> _Answers:
    answers: _Answers = []
    for index, draft in enumerate(drafts):
        answers.append(None if index in names else _ask(draft, asker, prompt))
        done(len(answers))
    return answers


def _ask_again(
    drafts: Sequence[_Draft], first: _Answers, clashes: dict[int, str], asker: Asker, again: Prompt
) -> _Answers:
    """The first answers; in place of those that clash stand second ones, where there are any."""
    answers = list(first)
    for index, clash in clashes.items():
        if before := first[index]:
            answers[index] = _ask(drafts[index], asker, again, name=before.given.name, clash=clash) or before
    return answers


def _ask(draft: _Draft, asker: Asker, prompt: Prompt, **more: str) -> _Answer | None:
    rendered = prompt.render(exemplars=draft.shown, own_words=draft.words, **more)
    given = asker.ask_or_none(Question(rendered, ThemeName, 200, check=_must_name, about=draft.about))
    return _Answer(given, prompt) if given else None


def _must_name(answer: ThemeName) -> None:
    if not re.search(r"[^\W\d_]{3}", answer.name):
        raise ReplyError("name: holds no word")


def _without(answers: _Answers, clashes: dict[int, str]) -> _Answers:
    return [None if index in clashes else answer for index, answer in enumerate(answers)]


class _Ground:
    """What names are tested on: every theme's centre, and its segments against all others."""

    def __init__(self, clustering: Clustering, vectors: Vectors, embed: Embed) -> None:
        self._vectors = vectors
        self._embed = embed
        self._members = [[m.index for m in cluster.members] for cluster in clustering.clusters]
        self._centroids = np.stack([cluster.centroid for cluster in clustering.clusters])

    def nearest(self, text: str) -> int:
        """The theme whose centre a text is nearest to."""
        return int(np.argmax(self._embed([text])[0] @ self._centroids.T))

    def separates(self, name: str, theme: int) -> float:
        """How often a name is nearer to a segment of its theme than to one of no such theme: the area under the curve.

        A name made from a single vivid statement is near to that one and to few others.
        """
        inside = np.zeros(len(self._vectors), bool)
        inside[self._members[theme]] = True
        if inside.all():
            return 1.0
        near = self._vectors @ self._embed([name])[0]
        ranks = rankdata(near)
        n = int(inside.sum())
        return float((ranks[inside].sum() - n * (n + 1) / 2) / (n * (len(near) - n)))


def _clashes(answers: _Answers, ground: _Ground, names: Mapping[int, str]) -> dict[int, str]:
    """Names that cannot stand, by theme, with what is wrong; of two alike the later (smaller) one goes.

    Args:
        names: Those that stand already.
    """
    found: dict[int, str] = {}
    given = {i: answer.given for i, answer in enumerate(answers) if answer}
    called = dict(names) | {i: name.name for i, name in given.items()}
    for index, name in given.items():
        others = (called[i] for i in sorted(called) if (i < index or i in names) and i != index)
        twin = next((other for other in others if _alike(other, name.name)), None)
        nearest = ground.nearest(f"{name.name}. {name.definition}")
        if twin:
            found[index] = f'another theme is already called "{twin}"'
        elif _is_vague(name.name):
            found[index] = "it would fit almost any interview"
        elif _stammers(name.name):
            found[index] = "it repeats itself"
        elif nearest != index:
            other = called.get(nearest)
            found[index] = "it fits other statements better" + (f', those called "{other}"' if other else "")
        elif ground.separates(name.name, index) < SEPARATES:
            found[index] = "it fits one statement; say what most of them share"
    return found


def _is_vague(name: str) -> bool:
    """Whether nothing is left of a name without the words that fit any interview."""
    return all(word in _GENERAL for word in re.findall(r"[^\W\d_]+", name.casefold()))


def _stammers(name: str) -> bool:
    """Whether a longer word stands in a name twice: small models do that when they have nothing to say."""
    words = [word for word in re.findall(r"[^\W\d_]+", name.casefold()) if len(word) > 3]
    return len(set(words)) < len(words)


def _alike(one: str, other: str) -> bool:
    return fuzz.token_sort_ratio(one.casefold(), other.casefold()) >= ALIKE


def _name(
    drafts: Sequence[_Draft], answers: _Answers, segments: Sequence[Segment], model: str
) -> list[tuple[Theme, int]]:
    """The themes with the names that stand, each with how many of its quotes could not be found."""
    texts = {s.id: s.text for s in segments}
    return [
        _named(draft.theme, answer, texts, model) if answer else (draft.theme, 0)
        for draft, answer in zip(drafts, answers, strict=True)
    ]


def _named(theme: Theme, answer: _Answer, texts: dict[str, str], model: str) -> tuple[Theme, int]:
    given, prompt = answer.given, answer.prompt
    quotes = [q for words in given.quotes if (q := _quote(words, theme, texts))]
    kept = {(q.segment_id, q.start): q for q in quotes}
    named = theme.model_copy(
        update={
            "name": given.name.strip().rstrip("."),
            "definition": given.definition.strip(),
            "quotes": tuple(kept.values()),
            "by": model,
            "prompt": prompt.name,
            "prompt_digest": prompt.digest,
        }
    )
    return named, len(given.quotes) - len(quotes)


def _quote(given: QuotedWords, theme: Theme, texts: dict[str, str]) -> Quote | None:
    """The quote in the segment it names, or in another exemplar when the number is off by some."""
    named = theme.exemplars[given.segment - 1 : given.segment]
    places = [(i, place) for i in (*named, *theme.exemplars) if (place := find(given.words, texts[i]))]
    # Words that stand in one exemplar are not repaired to what another has.
    for segment_id, place in sorted(places, key=lambda found: found[1].repaired):
        return Quote(segment_id=segment_id, start=place.span.start, end=place.span.end, repaired=place.repaired)
    return None
