"""Timed captions: find the cues, who speaks in them, and what is repeated only for the screen."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from belonging_llm.transcripts.draft import Piece, Utterance, trimmed
from belonging_llm.transcripts.source import Unit
from belonging_llm.transcripts.speakers import is_aside, is_code, is_generic, is_interviewer

_LINE = re.compile(r"[^\r\n]+|\r\n|\r|\n")
_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_TIMING = re.compile(rf"[ \t]*(?P<at>{_TIME})[ \t]*-->[ \t]*{_TIME}")
_SKIPPED = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t]|$)")
_MARKUP = re.compile(r"<[^<>\r\n]{0,200}>|&#?[A-Za-z0-9]{1,32};|\{\\[^{}\r\n]{0,60}\}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]+)*[ \t]+(?P<name>[^<>]+)>")
_TAG = re.compile(rf"</?(?:c|i|b|u|s|v|lang|ruby|rt|font)(?:[.\s][^<>]*)?/?>|<{_TIME}>", re.IGNORECASE)
_PREFIX = re.compile(r"(?:>>[ \t]*|-[ \t]+)?\[?(?P<name>[^\W_][^:<>\[\]\r\n]{0,59}?)\]?[ \t]*:(?:[ \t]+|$)")
_SOUND = re.compile(r"[ \t]*(?:[\[(][^\[\]()]{0,80}[\])]|[♪♫][^\r\n]*)[ \t]*$")

# Captions that roll show a line again in the next cue; where so large a share of cues does, it is their manner.
_ROLLING = 0.3
_WINDOW = 4
# Names that come once are believed where so large a share of cues is labelled.
_LABELLED = 0.5


@dataclass(frozen=True)
class Cue:
    """One caption.

    Attributes:
        number: Place in the file, from 1.
        at: When it begins, as written; empty where its times cannot be read.
        lines: Its lines of text, as half-open spans of the decoded file.
    """

    number: int
    at: str
    lines: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Line:
    """A caption's line without markup; voices are those named by tags."""

    cue: Cue
    spoken: tuple[tuple[str, tuple[Piece, ...]], ...]

    @property
    def plain(self) -> str:
        return "".join(piece.text for _, pieces in self.spoken for piece in pieces).strip()


def find_cues(written: str) -> tuple[list[Cue], list[str]]:
    """The cues of a WebVTT or SubRip file, and notes on what was odd.

    Words are never given up for the sake of a rule: text after an empty line inside a cue stays with the cue, and
    a line with an arrow whose times cannot be read still begins one.
    """
    found: list[tuple[str, list[tuple[int, int]]]] = []
    stray = skipped = 0
    for block in _blocks(written):
        lines = [written[start:end] for start, end in block]
        timings = [n for n, line in enumerate(lines) if _is_timing(line)]
        if not timings and _SKIPPED.match(lines[0]):
            skipped += 1
            continue
        loose = block[: _text_end(lines, timings[0], first=True) if timings else len(block)]
        if found:
            stray += len(loose)
            found[-1][1].extend(loose)
        for n, timing in enumerate(timings):
            end = _text_end(lines, timings[n + 1], first=False) if n + 1 < len(timings) else len(block)
            found.append((_beginning(lines[timing]), block[timing + 1 : end]))
    notes = [f"{stray} lines after an empty line stay with the cue before them"] if stray else []
    notes += [f"{skipped} blocks of notes and styles are no talk"] if skipped else []
    untimed = sum(not at for at, _ in found)
    notes += [f"{untimed} cues have no readable time"] if untimed else []
    return [Cue(number, at, tuple(lines)) for number, (at, lines) in enumerate(found, 1)], notes


def utterances(written: str, cues: Sequence[Cue]) -> tuple[list[Utterance], list[str]]:
    """What is said in cues, by whom, and notes on what was left out or assumed."""
    lines = [_line(written, cue, span, voice) for cue in cues for span, voice in _voices(written, cue)]
    names = _names(lines, len(cues))
    kept = _unrolled(cues, lines) if not names else lines
    said, orphans, sounds, last = list[Utterance](), 0, 0, ""
    for line in kept:
        for speaker, pieces in _spoken(line, names):
            words = trimmed(pieces)
            if not words:
                continue
            who, aside = speaker, False
            if not speaker and names:
                aside = bool(_SOUND.match(line.plain)) or not last
                who = "" if aside else last
                sounds, orphans = sounds + aside, orphans + (not aside)
            last = who or last
            said.append(Utterance(who, words, aside))
    notes = [f"{len(lines) - len(kept)} repeated lines of rolling captions left out"] if len(kept) < len(lines) else []
    notes += [f"{orphans} lines without a name taken as the speaker before"] if orphans else []
    return said, notes + ([f"{sounds} sounds or lines before the first speaker are no talk"] if sounds else [])


def _blocks(written: str) -> Iterator[list[tuple[int, int]]]:
    """Runs of lines that are not empty, as spans."""
    block: list[tuple[int, int]] = []
    fresh = True
    for found in _LINE.finditer(written):
        if found.group()[0] not in "\r\n":
            block.append(found.span())
            fresh = False
        elif fresh and block:
            yield block
            block = []
        else:
            fresh = True
    if block:
        yield block


def _is_timing(line: str) -> bool:
    return "-->" in line and (_TIMING.match(line) is not None or line.strip("0123456789:.,-> \t") == "")


def _beginning(line: str) -> str:
    timing = _TIMING.match(line)
    return timing["at"] if timing else ""


def _text_end(lines: Sequence[str], timing: int, *, first: bool) -> int:
    """Where the text before a cue ends: the line above its times may be its id."""
    named = timing > 0 and (lines[timing - 1].strip().isdecimal() or (first and timing == 1))
    return timing - 1 if named else timing


def _voices(written: str, cue: Cue) -> Iterator[tuple[tuple[int, int], str]]:
    """Each line of a cue with the voice that is still speaking when it begins."""
    voice = ""
    for start, end in cue.lines:
        yield (start, end), voice
        for token in re.finditer(r"<v[^<>\r\n]{0,200}>|</v>", written[start:end]):
            voice = _voice(token.group())


def _voice(tag: str) -> str:
    named = _VOICE.match(tag)
    return " ".join(html.unescape(named["name"]).split()) if named else ""


def _line(written: str, cue: Cue, span: tuple[int, int], voice: str) -> _Line:
    """A line in pieces by voice, without tags and with characters instead of their names."""
    spoken: list[tuple[str, list[Piece]]] = [(voice, [])]
    at = span[0]
    for token in _MARKUP.finditer(written, *span):
        shown = _shown(token.group())
        if shown == token.group():
            continue
        spoken[-1][1].append(_piece(written[at : token.start()], cue, at, token.start()))
        spoken[-1][1].append(_piece(shown, cue, *token.span()))
        at = token.end()
        if _is_voice(token.group()):
            spoken.append((_voice(token.group()), []))
    spoken[-1][1].append(_piece(written[at : span[1]], cue, at, span[1]))
    told = [(who, tuple(piece for piece in pieces if piece.text)) for who, pieces in spoken]
    return _Line(cue, tuple((who, pieces) for who, pieces in told if pieces))


def _piece(text: str, cue: Cue, first: int, last: int) -> Piece:
    return Piece(text, Unit.CUE, cue.number, first, last, cue.at)


def _shown(markup: str) -> str:
    """What a viewer sees of it: nothing of a tag, the character that an entity names; the rest is text."""
    if markup[0] == "&":
        return html.unescape(markup).replace("\xa0", " ")
    return "" if markup[0] == "{" or _TAG.fullmatch(markup) else markup


def _is_voice(markup: str) -> bool:
    return markup == "</v>" or _VOICE.fullmatch(markup) is not None


def _names(lines: Sequence[_Line], cues: int) -> set[str]:
    """Who speaks: voices that tags name, and names before a colon."""
    voices = {who for line in lines for who, _ in line.spoken if who}
    found = [m["name"] for line in lines if not any(who for who, _ in line.spoken) if (m := _PREFIX.match(line.plain))]
    found = [name for name in found if not is_aside(name) and len(name.split()) < 7]
    times = Counter(found)
    sure = {name for name in times if (times[name] > 1 and _is_name(name)) or times[name] > 3 or _is_role(name)}
    likely = {name for name in times if _is_name(name)}
    if sum(times[name] for name in likely) >= max(2, _LABELLED * cues):
        sure |= likely
    return voices | sure


def _is_role(name: str) -> bool:
    return is_interviewer(name) or is_generic(name) or is_code(name)


def _is_name(name: str) -> bool:
    """Whether every longer word begins with a capital, as in names."""
    return all(not word[0].islower() for word in name.split() if len(word) > 3 or name == word)


def _spoken(line: _Line, names: set[str]) -> Iterator[tuple[str, tuple[Piece, ...]]]:
    """Speaker and words of each part of a line."""
    for who, pieces in line.spoken:
        words = trimmed(pieces)
        label = _PREFIX.match(words[0].text) if words and not who else None
        if label and label["name"] in names:
            yield label["name"], (words[0].cut(label.end(), len(words[0].text)), *words[1:])
        else:
            yield who, words


def _unrolled(cues: Sequence[Cue], lines: Sequence[_Line]) -> list[_Line]:
    """The lines without those that a cue shows again from the cue before it, where that is the file's manner."""
    by_cue: dict[int, list[_Line]] = {}
    for line in lines:
        if line.plain:
            by_cue.setdefault(line.cue.number, []).append(line)
    shown = list(by_cue.values())
    again = {id(line) for before, after in pairwise(shown) for line in _repeated(before, after)}
    rolled = sum(bool(_repeated(before, after)) for before, after in pairwise(shown))
    if rolled < 2 or rolled < _ROLLING * len(shown):
        return list(lines)
    return [line for line in lines if id(line) not in again]


def _repeated(before: Sequence[_Line], after: Sequence[_Line]) -> Sequence[_Line]:
    """The first lines of a cue that are the last lines of the one before."""
    for size in range(min(len(before), len(after), _WINDOW), 0, -1):
        if [line.plain for line in before[-size:]] == [line.plain for line in after[:size]]:
            return after[:size]
    return ()
