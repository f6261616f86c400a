"""Plain text and Markdown: interviews with speaker labels, and prose by one author."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts.front_matter import read_front_matter
from belonging_llm.transcripts.model import Role, Transcript, Turn
from belonging_llm.transcripts.prose import blocks, is_prose
from belonging_llm.transcripts.speakers import Label, find_labels, is_generic, is_interviewer

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INK = re.compile(r"\S(?:.*\S)?", re.DOTALL)


def decode(raw: bytes, place: str) -> str:
    """Bytes as text with LF line ends: by byte-order mark, else strict UTF-8, else cp1252.

    Raises:
        TranscriptError: nothing is in it, it holds NUL characters, or no encoding fits.
    """
    for encoding in _encodings(raw):
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise TranscriptError(f"{place}: the text is neither UTF-8 nor Windows-1252; save it as UTF-8 and import again")
    if "\0" in text:
        raise TranscriptError(f"{place}: holds NUL characters, so it is not a text file; export it as plain text")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise TranscriptError(f"{place}: the file is empty; remove it or export the interview again")
    return text


def _encodings(raw: bytes) -> list[str]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ["utf-16"]
    return ["utf-8-sig", "cp1252"]


def read_text(path: Path) -> Transcript:
    """Read one text or Markdown file.

    Raises:
        TranscriptError: unreadable, empty, or without a sentence that could be coded.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror}); check its name and rights") from error
    return parse_text(decode(raw, str(path)), name=path.stem, place=str(path))


def parse_text(text: str, *, name: str, place: str) -> Transcript:
    """Find speakers and turns in a text; every offset refers to `text` itself."""
    header, body = read_front_matter(text, place)
    masked = _mask(text, body)
    labels = find_labels(masked, header.get("participant"))
    turns = _interview(masked, labels, header, name) if labels else _prose(masked, header, name)
    if not any(turn.role is Role.PARTICIPANT for turn in turns):
        raise TranscriptError(f"{place}: no participant's talk and no prose was found; is it a transcript?")
    kind = "interview" if labels else "prose"
    return Transcript(name=name, kind=kind, text=text, turns=tuple(turns), header=header)


def _mask(text: str, body: int) -> str:
    """The text with header and comments blanked to line ends, so that offsets stay true."""
    hidden = _COMMENT.sub(lambda m: "\n" * len(m.group()), text[body:])
    return "\n" * body + hidden


def _interview(masked: str, labels: list[Label], header: dict[str, str], name: str) -> list[Turn]:
    voices = {label.name for label in labels if not is_interviewer(label.name)}
    turns: list[Turn] = []
    for start, end in _pieces(masked, 0, labels[0].start):
        turns.append(_turn(turns, "", Role.BOILERPLATE, start, end))
    ends = [label.start for label in labels[1:]] + [len(masked)]
    for label, end in zip(labels, ends, strict=True):
        role = Role.INTERVIEWER if is_interviewer(label.name) else Role.PARTICIPANT
        who = _participant(label.name, voices, header, name) if role is Role.PARTICIPANT else None
        for begin, stop in _pieces(masked, label.end, end):
            turns.append(_turn(turns, label.name, role, begin, stop, who))
    return turns


def _prose(masked: str, header: dict[str, str], name: str) -> list[Turn]:
    turns: list[Turn] = []
    who = header.get("participant", name)
    for start, end in blocks(masked):
        prose = is_prose(masked[start:end])
        role = Role.PARTICIPANT if prose else Role.BOILERPLATE
        for begin, stop in _pieces(masked, start, end):
            turns.append(_turn(turns, "", role, begin, stop, who if prose else None))
    return turns


def _participant(label: str, voices: set[str], header: dict[str, str], name: str) -> str:
    """Who speaks: the header's word for a single voice, else the label, else the file's name."""
    if len(voices) == 1:
        return header.get("participant") or (name if is_generic(label) else label)
    return f"{name}:{label}" if is_generic(label) else label


def _pieces(masked: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Trimmed stretches of talk between blanked-out comments."""
    # A comment leaves a run of line ends as long as itself ("<!---->" is the shortest: 7).
    for gap in re.finditer(r"(?:(?!\n{7}).)+", masked[start:end], re.DOTALL):
        ink = _INK.search(gap.group())
        if ink:
            yield start + gap.start() + ink.start(), start + gap.start() + ink.end()


def _turn(before: list[Turn], speaker: str, role: Role, start: int, end: int, who: str | None = None) -> Turn:
    return Turn(ordinal=len(before) + 1, speaker=speaker, role=role, start=start, end=end, participant=who)
