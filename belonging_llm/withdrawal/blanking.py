"""A shared transcript without one participant's turns: every other offset stays true."""

from __future__ import annotations

import re

from belonging_llm.transcripts import Role, Transcript, Turn
from belonging_llm.withdrawal.traces import Traces

FILL = "█"
GONE = "withdrawn"


def blanked(transcript: Transcript, theirs: Traces) -> Transcript:
    """The transcript with the participant's turns and their labels filled up, character for character.

    Its text, and so its id, is another one then.
    """
    text, turns, before = transcript.text, [], 0
    for turn in transcript.turns:
        if theirs.is_theirs(turn, transcript):
            # The label stands between the end of the turn before and the beginning of what was said.
            text = text[:before] + _filled(text[before : turn.end]) + text[turn.end :]
            turns.append(_nobodys(turn))
        else:
            turns.append(turn)
        before = max(before, turn.end)
    spoken = {turn.speaker for turn in turns}
    source = transcript.source
    if source is not None:
        kept = tuple(a for a in source.anchors if FILL not in text[a.start : a.end])
        notes = tuple(note for note in source.notes if not theirs.names_them(note))
        source = source.model_copy(update={"anchors": kept, "notes": notes})
    return Transcript(
        name=transcript.name,
        kind=transcript.kind,
        text=text,
        turns=tuple(turns),
        header={k: "" if theirs.concerns(f"{k} {v}") else v for k, v in transcript.header.items()},
        speakers=tuple(s for s in transcript.speakers if s.name in spoken and s.participant != theirs.participant),
        source=source,
    )


def stretches(transcript: Transcript, theirs: Traces) -> list[tuple[int, int]]:
    """Where they speak: half-open offsets."""
    return [(turn.start, turn.end) for turn in transcript.turns if theirs.is_theirs(turn, transcript)]


def _nobodys(turn: Turn) -> Turn:
    left_out = {"speaker": GONE, "role": Role.BOILERPLATE, "participant": None, "segment_id": None}
    return turn.model_copy(update=left_out)


def _filled(text: str) -> str:
    return re.sub(r"[^\n]", FILL, text)
