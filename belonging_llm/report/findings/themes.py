"""The themes: how widespread each is, who speaks in it, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from belonging_llm.clusters import Belongs
from belonging_llm.report.findings.corpus import Corpus
from belonging_llm.report.findings.lists import Listed, cut
from belonging_llm.report.findings.passages import Passage, show
from belonging_llm.report.findings.share import Share
from belonging_llm.segments import Span
from belonging_llm.themes import MappedCode, Theme, ThemeMember

QUOTES = 4
EXEMPLARS = 3
HEAT = 4


@dataclass(frozen=True)
class Speaker:
    """How often a participant speaks in a theme; `level` 0 (never) to `HEAT` shades the cell."""

    name: str
    count: int
    level: int


@dataclass(frozen=True)
class Place:
    """A code that a theme is mapped onto; `anchor` is empty for one that has no place on the page."""

    name: str
    kind: str
    anchor: str
    rationale: str


@dataclass(frozen=True)
class ThemeView:
    """A theme as it is shown; `belongs` counts its members by kind."""

    number: int
    theme: Theme
    quotes: tuple[Passage, ...]
    mapped: tuple[Place, ...]
    segments: Share
    participants: Share
    speakers: tuple[Speaker, ...]
    belongs: Mapping[str, int]
    members: Listed[Passage]

    @property
    def anchor(self) -> str:
        """What links to the theme point at."""
        return f"theme-{self.number}"


def present(number: int, theme: Theme, corpus: Corpus) -> ThemeView:
    """One theme, ready to be shown as the `number`th."""
    ids = dict.fromkeys(m.segment_id for m in theme.members)
    speakers = _speakers(ids, corpus)
    return ThemeView(
        number=number,
        theme=theme,
        quotes=_quotes(theme, corpus),
        mapped=tuple(_place(code, corpus) for code in theme.mapping.codes),
        segments=Share(len(ids), len(corpus.segments)),
        participants=Share(sum(s.count > 0 for s in speakers), len(corpus.people)),
        speakers=speakers,
        belongs={kind.value: sum(m.belongs is kind for m in theme.members) for kind in Belongs},
        members=cut(theme.members, lambda member: _member(member, corpus)),
    )


def find_widest(themes: Sequence[ThemeView]) -> ThemeView | None:
    """The theme that most participants speak in, unless several do."""
    most = max((t.participants.count for t in themes), default=0)
    widest = [t for t in themes if t.participants.count == most]
    return widest[0] if len(widest) == 1 and len(themes) > 1 else None


def _speakers(segment_ids: Mapping[str, None], corpus: Corpus) -> tuple[Speaker, ...]:
    """All participants, also those who never speak in the theme."""
    spoken = corpus.speakers(segment_ids)
    most = max(spoken.values(), default=0)
    return tuple(Speaker(p, spoken[p], _level(spoken[p], most)) for p in corpus.people)


def _level(count: int, most: int) -> int:
    return ceil(HEAT * count / most) if most else 0


def _quotes(theme: Theme, corpus: Corpus) -> tuple[Passage, ...]:
    """Segments that hold the words a model chose; the most central ones where there are fewer than two."""
    words: dict[str, list[Span]] = {}
    for quote in theme.quotes:
        words.setdefault(quote.segment_id, []).append(Span(quote.start, quote.end))
    chosen = [show(corpus.segments[i], spans) for i, spans in words.items()][:QUOTES]
    if len(chosen) >= 2:
        return tuple(chosen)
    central = [i for i in theme.exemplars if i not in words][: EXEMPLARS - len(chosen)]
    return (*chosen, *(show(corpus.segments[i], notes=("chosen by centrality",)) for i in central))


def _place(mapped: MappedCode, corpus: Corpus) -> Place:
    code = corpus.codes.get(mapped.code)
    if code is None:
        return Place(mapped.code, "not in the framework", "", mapped.rationale)
    return Place(code.name, code.kind, corpus.anchor(code.id) if code.assignable else "", mapped.rationale)


def _member(member: ThemeMember, corpus: Corpus) -> Passage:
    notes = (member.belongs.value, f"strength {member.strength:.2f}")
    return show(corpus.segments[member.segment_id], notes=notes)
