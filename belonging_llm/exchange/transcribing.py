"""A project's source as a transcript: who speaks, and what people coded although it looks like furniture."""

from __future__ import annotations

import re
from collections.abc import Sequence

from belonging_llm.errors import TranscriptError
from belonging_llm.exchange.project import Source
from belonging_llm.transcripts import Role, Transcript, Turn, parse_text

_PARAGRAPH = re.compile(r"\S(?:[^\n]|\n(?!\s*\n))*")


def transcript(source: Source, owners: Sequence[str], place: str) -> Transcript:
    """The transcript of a source; its text is the source's, character for character.

    Args:
        owners: Cases that the source belongs to: with one, whoever speaks alone in it is that participant.
        place: What errors call it.
    """
    try:
        found = parse_text(source.text, name=source.name, place=place)
    except TranscriptError:
        # Nothing in it looks like talk or prose, but it is what people coded.
        found = Transcript(name=source.name, kind="prose", text=source.text, turns=tuple(_paragraphs(source)))
    turns = [_with_coded(turn, found, source) for turn in found.turns]
    voices = {turn.participant for turn in turns if turn.participant}
    if len(owners) == 1 and len(voices) == 1:
        turns = [t.model_copy(update={"participant": owners[0]}) if t.participant else t for t in turns]
    return Transcript.model_validate(dict(found) | {"turns": tuple(turns)})


def _paragraphs(source: Source) -> list[Turn]:
    return [
        Turn(
            ordinal=number,
            speaker="",
            role=Role.PARTICIPANT,
            start=match.start(),
            end=match.start() + len(match.group().rstrip()),
            participant=source.name,
        )
        for number, match in enumerate(_PARAGRAPH.finditer(source.text), 1)
    ]


def _with_coded(turn: Turn, found: Transcript, source: Source) -> Turn:
    """Prose that was taken for furniture is a participant's where somebody coded it."""
    if found.kind != "prose" or turn.role is not Role.BOILERPLATE:
        return turn
    coded = any(p.marks and not p.whole and p.start < turn.end and turn.start < p.end for p in source.passages)
    if not coded:
        return turn
    who = found.header.get("participant", found.name)
    return turn.model_copy(update={"role": Role.PARTICIPANT, "participant": who})
