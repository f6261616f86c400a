"""What is one participant's in a study, and how it is known again elsewhere."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from belonging_llm.errors import StudyError
from belonging_llm.segments import Segment
from belonging_llm.study import Study
from belonging_llm.transcripts import Role, Transcript, Turn

# Words in a row that nobody else said count as theirs; a shorter statement counts where it stands whole.
GRAM = 6
SHORTEST = 3
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CODE_POINT = re.compile(r"\\u([0-9a-fA-F]{4})")
_ESCAPE = re.compile(r"\\[nrtbf]")


@dataclass(frozen=True)
class Traces:
    """One participant's part of a study.

    Attributes:
        names: How transcripts call them, where nobody else is called so; their id among them.
        alone: Transcripts with no other participant; they go as a whole.
        shared: Transcripts in which others speak as well; they stay, less this participant's turns.
        segments: Of every cut, in use or not.
        said: Words of their turns.
        others: Words of everybody else, interviewers in these transcripts included.
        derived: Names and definitions of themes that they were in: a model may have put their words there.
    """

    participant: str
    names: tuple[str, ...]
    alone: tuple[Transcript, ...]
    shared: tuple[Transcript, ...]
    segments: frozenset[str]
    said: tuple[str, ...]
    others: tuple[str, ...]
    derived: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the study holds nothing that is known to be theirs."""
        return not (self.alone or self.shared or self.segments)

    @property
    def sources(self) -> set[str]:
        """Digests of the files that their transcripts came from."""
        return {t.source.digest for t in (*self.alone, *self.shared) if t.source}

    def owns(self, text: str) -> bool:
        """Whether a text holds words that they said and nobody else, whatever escapes stand between them."""
        if any(quoted in text for quoted in self._quoted):
            return True
        words = words_of(text)
        if any(gram in self._grams for gram in _grams(words, GRAM)):
            return True
        return any(gram in self._short for n in self._lengths for gram in _grams(words, n))

    def names_them(self, text: str) -> bool:
        """Whether a text calls them by id or name."""
        return bool(self._named.search(text))

    def veiled(self, text: str, reference: str) -> str:
        """A text with something else in place of their id and names."""
        return self._named.sub(reference, text)

    def concerns(self, text: str) -> bool:
        """Whether a text is of them in any way: their words, their name, or the id of a segment of theirs."""
        return self.names_them(text) or self.owns(text) or any(ident in text for ident in self.segments)

    def is_theirs(self, turn: Turn, transcript: Transcript) -> bool:
        """Whether they speak in a turn."""
        return turn.role is Role.PARTICIPANT and (turn.participant or transcript.name) == self.participant

    @cached_property
    def _grams(self) -> set[tuple[str, ...]]:
        theirs = {gram for text in self.said for gram in _grams(words_of(text), GRAM)}
        return theirs.difference(gram for text in self.others for gram in _grams(words_of(text), GRAM))

    @cached_property
    def _short(self) -> set[tuple[str, ...]]:
        found = {tuple(words) for text in self.said if SHORTEST <= len(words := words_of(text)) < GRAM}
        for length in {len(one) for one in found}:
            found.difference_update(gram for text in self.others for gram in _grams(words_of(text), length))
        # Whatever a model calls a theme counts only with a word in it that nobody else has.
        known = {word for text in self.others for word in words_of(text)}
        own = {word for text in self.said for word in words_of(text)} - known
        names = [tuple(words_of(text)) for text in self.derived]
        return found | {words for words in names if own.intersection(words)}

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(one) for one in self._short})

    @cached_property
    def _quoted(self) -> list[str]:
        """The shortest statements, as prompts quote them: alone they are nobody's, so only whole and in quotes."""
        others = "\n".join(self.others)
        brief = {text for text in self.said if 0 < len(words_of(text)) < SHORTEST and text not in others}
        return [json.dumps(text, ensure_ascii=False) for text in sorted(brief)]

    @cached_property
    def _named(self) -> re.Pattern[str]:
        return re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in self.names))


def demand(study: Study, participant: str) -> None:
    """Somebody in the study has to be called so, or a withdrawal of theirs must have been cut off.

    Raises:
        StudyError: neither.
    """
    if any(one.participant == participant for one in study.store.withdrawals.open()):
        return
    corpus = study.store.corpus
    talks = (corpus.transcript(ident) for ident in corpus.transcript_ids())
    known = {who for talk in talks for who in _people(talk)} | set(corpus.participants())
    if participant not in known:
        raise StudyError(
            f"{study.folder}: has no participant {participant}; it has {', '.join(sorted(known)) or 'none'}"
        )


def traces(study: Study, participant: str) -> Traces:
    """What is a participant's.

    Raises:
        StudyError: nobody in the study is called so.
    """
    corpus = study.store.corpus
    transcripts = [corpus.transcript(ident) for ident in corpus.transcript_ids()]
    held = [t for t in transcripts if participant in _people(t)]
    if not held:
        demand(study, participant)
    alone = tuple(t for t in held if _people(t) == {participant})
    cut = corpus.every_segment()
    mine = [s for s in cut if s.participant == participant or s.transcript_id in {t.id for t in alone}]
    return Traces(
        participant=participant,
        names=_names(participant, transcripts),
        alone=alone,
        shared=tuple(t for t in held if len(_people(t)) > 1),
        segments=frozenset(s.id for s in mine),
        said=tuple(dict.fromkeys(_said(participant, held, mine))),
        others=tuple(_others(study, participant, transcripts)),
        derived=tuple(_derived(study, {s.id for s in mine})),
    )


def words_of(text: str) -> list[str]:
    """A text's words in small letters, less what HTML, JSON and XML put between them."""
    plain = html.unescape(re.sub(r"<[^<>]{0,300}>", " ", text)) if "&" in text or "<" in text else text
    if "\\" in plain:
        plain = _CODE_POINT.sub(lambda m: chr(int(m[1], 16)), plain)
        plain = _ESCAPE.sub(" ", plain)
    return [word.lower().replace("’", "'") for word in _WORD.findall(plain)]


def _people(transcript: Transcript) -> set[str]:
    return {turn.participant or transcript.name for turn in transcript.turns if turn.role is Role.PARTICIPANT}


def _said(participant: str, held: Sequence[Transcript], mine: Sequence[Segment]) -> Iterator[str]:
    for transcript in held:
        for turn in transcript.turns:
            if turn.role is Role.PARTICIPANT and (turn.participant or transcript.name) == participant:
                yield transcript.said(turn)
    yield from (segment.text for segment in mine)


def _others(study: Study, participant: str, transcripts: Sequence[Transcript]) -> Iterator[str]:
    for transcript in transcripts:
        for turn in transcript.turns:
            if not (turn.role is Role.PARTICIPANT and (turn.participant or transcript.name) == participant):
                yield transcript.said(turn)
    for prompt in study.prompts().values():
        yield prompt.source


def _derived(study: Study, segments: set[str]) -> Iterator[str]:
    runs = (*study.store.runs.finished(), *filter(None, [study.store.runs.latest(finished=False)]))
    themes = [t for run in runs for t in (*study.store.themes.found(run.id), *study.store.findings.themes(run.id))]
    # A theme keeps its name from run to run, and its id: words may have come from a run in which they were in it.
    theirs = {t.id for t in themes if segments.intersection(member.segment_id for member in t.members)}
    yield from dict.fromkeys(text for t in themes if t.id in theirs for text in (t.name, t.definition))


def _names(participant: str, transcripts: Iterable[Transcript]) -> tuple[str, ...]:
    theirs: set[str] = {participant}
    others: set[str] = set()
    for transcript in transcripts:
        for turn in transcript.turns:
            whose = turn.participant or transcript.name
            own = turn.role is Role.PARTICIPANT and whose == participant
            (theirs if own else others).add(turn.speaker)
    return tuple(sorted({participant, *(name for name in theirs - others if len(name) > 1)}, key=len, reverse=True))


def _grams(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    return (tuple(words[at : at + length]) for at in range(len(words) - length + 1))
