"""Who is who in a transcript: who asks, who answers, and which spellings are one person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from belonging_llm.transcripts.model import Basis, Role, Speaker, Transcript, Turn
from belonging_llm.transcripts.speakers import is_generic, is_interviewer

# What meeting software appends to a name: (she/her), (Guest), [Example University].
_APPENDED = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])\s*$")
# A guess at who asks needs this many turns of each, and questions in such shares of them.
_TURNS = 3
_ASKS, _ANSWERS = 0.5, 0.2


@dataclass(frozen=True)
class Voice:
    """One row of the table of speakers: a speaker, and how much was said."""

    speaker: Speaker
    turns: int
    words: int


def cast(said: Sequence[tuple[str, str]], *, header: Mapping[str, str], name: str) -> dict[str, Speaker]:
    """Who every speaker is.

    An interviewer is known by the label. Where no label says who asks and two people speak, the one who mostly
    asks and says less is taken for the interviewer, as a guess that people are shown.

    Args:
        said: Speaker and words of every stretch of talk, in order; speakers without a name are nobody.
        name: The transcript's, for labels that say only *a participant*.

    Returns:
        Speakers by name, in order of first speaking.
    """
    names = list(dict.fromkeys(speaker for speaker, _ in said if speaker))
    asking = {who for who in names if is_interviewer(who)}
    guessed = set() if asking else _guess(names, said)
    voices = [who for who in names if who not in asking | guessed]
    people = _people(voices, header, name)
    return {
        who: Speaker(
            name=who,
            role=Role.PARTICIPANT if who in people else Role.INTERVIEWER,
            participant=people.get(who),
            basis=Basis.GUESS if guessed else Basis.LABEL,
        )
        for who in names
    }


def table(transcript: Transcript) -> list[Voice]:
    """Every speaker with their turns and words."""
    turns: dict[str, list[Turn]] = {speaker.name: [] for speaker in transcript.speakers}
    for turn in transcript.turns:
        if turn.speaker in turns:
            turns[turn.speaker].append(turn)
    return [
        Voice(speaker, len(turns[speaker.name]), sum(len(transcript.said(t).split()) for t in turns[speaker.name]))
        for speaker in transcript.speakers
    ]


def recast(transcript: Transcript, decided: Mapping[str, Speaker]) -> Transcript:
    """The same words with other roles: what people decided about speakers, by name as written."""
    speakers = tuple(decided.get(speaker.name, speaker) for speaker in transcript.speakers)
    by_name = {speaker.name: speaker for speaker in speakers}
    turns = tuple(_recast(turn, by_name.get(turn.speaker)) for turn in transcript.turns)
    return transcript.model_copy(update={"speakers": speakers, "turns": turns})


def _recast(turn: Turn, speaker: Speaker | None) -> Turn:
    if speaker is None:
        return turn
    return turn.model_copy(update={"role": speaker.role, "participant": speaker.participant})


def _guess(names: Sequence[str], said: Sequence[tuple[str, str]]) -> set[str]:
    if len(names) != 2:
        return set()
    asks, words = {}, {}
    for who in names:
        talk = [text for speaker, text in said if speaker == who]
        if len(talk) < _TURNS:
            return set()
        asks[who] = sum(text.rstrip().endswith("?") for text in talk) / len(talk)
        words[who] = sum(len(text.split()) for text in talk)
    less, more = sorted(names, key=lambda who: words[who])
    return {less} if asks[less] >= _ASKS and asks[more] <= _ANSWERS and words[less] < words[more] else set()


def _people(voices: Sequence[str], header: Mapping[str, str], name: str) -> dict[str, str]:
    """Participants by speaker: the header's word for a single voice, else the label, else the transcript's name."""
    spellings: dict[str, list[str]] = {}
    for who in voices:
        spellings.setdefault(plain_name(who).casefold(), []).append(who)
    alone = len(spellings) == 1
    people = {}
    for same in spellings.values():
        called = plain_name(same[0]) if len(same) > 1 else same[0]
        for who in same:
            people[who] = _participant(called, alone, header, name)
    return people


def _participant(called: str, alone: bool, header: Mapping[str, str], name: str) -> str:
    if alone:
        return header.get("participant") or (name if is_generic(called) else called)
    return f"{name}:{called}" if is_generic(called) else called


def plain_name(name: str) -> str:
    """A name without what software appends to it, and with single spaces."""
    shorter = _APPENDED.sub("", name)
    return " ".join((shorter or name).split())
