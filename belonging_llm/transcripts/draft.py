"""Write a transcript's text piece by piece, keeping track of where each piece comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts.cast import cast
from belonging_llm.transcripts.model import Role, Speaker, Transcript, Turn
from belonging_llm.transcripts.source import Anchor, Source, Unit


@dataclass(frozen=True)
class Piece:
    """Words and their place in the source; see `Anchor` for the fields."""

    text: str
    unit: Unit
    number: int
    first: int
    last: int
    detail: str = ""

    def cut(self, start: int, end: int) -> Piece:
        """A part of the words; only sensible where they were copied."""
        return Piece(self.text[start:end], self.unit, self.number, self.first + start, self.first + end, self.detail)


def made(text: str) -> Piece:
    """Something a reader writes itself."""
    return Piece(text, Unit.FILE, 0, 0, 0)


@dataclass(frozen=True)
class Utterance:
    """What one speaker said in one cue, row or paragraph; without a speaker it is nobody's.

    Attributes:
        aside: Whether it is kept as boilerplate: titles, notes, headings of a table.
    """

    speaker: str
    pieces: tuple[Piece, ...]
    aside: bool = False


class Draft:
    """A text in the making, with its anchors."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._anchors: list[Anchor] = []
        self.end = 0

    @property
    def text(self) -> str:
        """What was written so far."""
        return "".join(self._parts)

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """Where it comes from."""
        return tuple(self._anchors)

    def add(self, text: str) -> None:
        """Write something that stands nowhere in the source."""
        self._parts.append(text)
        self.end += len(text)

    def copy(self, pieces: Iterable[Piece]) -> None:
        """Write words of the source."""
        for piece in pieces:
            if piece.text and piece.first < piece.last:
                self._anchor(piece)
            self.add(piece.text)

    def _anchor(self, piece: Piece) -> None:
        fresh = Anchor(
            start=self.end,
            end=self.end + len(piece.text),
            unit=piece.unit,
            number=piece.number,
            first=piece.first,
            last=piece.last,
            detail=piece.detail,
        )
        before = self._anchors[-1] if self._anchors else None
        if before is not None and _continues(before, fresh):
            self._anchors[-1] = before.model_copy(update={"end": fresh.end, "last": fresh.last})
        else:
            self._anchors.append(fresh)


def assemble(
    utterances: Sequence[Utterance],
    *,
    name: str,
    place: str,
    format: str,
    encoding: str = "",
    digest: str,
    notes: Sequence[str] = (),
    header: dict[str, str] | None = None,
    merge: bool = True,
) -> Transcript:
    """A transcript out of what was said, as labelled blocks.

    Args:
        place: What errors call the file.
        merge: Whether everything that a speaker says in a row is one turn.

    Raises:
        TranscriptError: nobody says anything that could be coded.
    """
    together = groupby(enumerate(utterances), lambda item: (item[1].speaker, item[1].aside, merge or item[0]))
    blocks = [(who, aside, [u for _, u in group]) for (who, aside, _), group in together]
    said = [(who, " ".join(_plain(u) for u in group)) for who, aside, group in blocks if not aside]
    people = cast(said, header=header or {}, name=name)
    draft, turns = Draft(), list[Turn]()
    for who, aside, group in blocks:
        start = _write(draft, who, group)
        if start == draft.end:
            continue
        role, participant = _part(people.get(who), aside, alone=not people, name=name)
        turns.append(
            Turn(ordinal=len(turns) + 1, speaker=who, role=role, start=start, end=draft.end, participant=participant)
        )
    if not any(turn.role is Role.PARTICIPANT for turn in turns):
        raise TranscriptError(f"{place}: no participant's talk was found; is it a transcript?")
    return Transcript(
        name=name,
        kind="interview" if people else "prose",
        text=draft.text,
        turns=tuple(turns),
        header=header or {},
        speakers=tuple(people.values()),
        source=Source(format=format, encoding=encoding, digest=digest, anchors=draft.anchors, notes=tuple(notes)),
    )


def trimmed(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The same words without space around them."""
    kept = [piece for piece in pieces if piece.text]
    while kept and not kept[0].text.strip():
        kept.pop(0)
    while kept and not kept[-1].text.strip():
        kept.pop()
    if not kept:
        return ()
    kept[0] = _without(kept[0], len(kept[0].text) - len(kept[0].text.lstrip()), len(kept[0].text))
    kept[-1] = _without(kept[-1], 0, len(kept[-1].text.rstrip()))
    return tuple(kept)


def _without(piece: Piece, start: int, end: int) -> Piece:
    return piece.cut(start, end) if piece.last - piece.first == len(piece.text) else piece


def _write(draft: Draft, who: str, group: Sequence[Utterance]) -> int:
    """Write a block; returns where its words begin."""
    pieces = [trimmed(utterance.pieces) for utterance in group]
    if not any(pieces):
        return draft.end
    if draft.end:
        draft.add("\n\n")
    if who:
        draft.add(f"{who}: ")
    start = draft.end
    for words in filter(None, pieces):
        if draft.end > start:
            draft.add(" ")
        draft.copy(words)
    return start


def _plain(utterance: Utterance) -> str:
    return "".join(piece.text for piece in utterance.pieces)


def _part(speaker: Speaker | None, aside: bool, *, alone: bool, name: str) -> tuple[Role, str | None]:
    """Role and participant of a block; where nobody is named the file is one person's talk."""
    if aside:
        return Role.BOILERPLATE, None
    if speaker is not None:
        return speaker.role, speaker.participant
    return (Role.PARTICIPANT, name) if alone else (Role.BOILERPLATE, None)


def _continues(before: Anchor, fresh: Anchor) -> bool:
    same = (before.unit, before.number, before.detail) == (fresh.unit, fresh.number, fresh.detail)
    return same and before.copied and fresh.copied and before.end == fresh.start and before.last == fresh.first
