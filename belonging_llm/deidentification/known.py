"""Names that a study knows already: its speakers, and what the list of participants says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from belonging_llm.deidentification.kinds import Kind
from belonging_llm.transcripts import Transcript
from belonging_llm.transcripts.speakers import is_code, is_generic, is_interviewer

# Columns of a participants list that hold identifying words, by what their heading says.
_COLUMNS: tuple[tuple[Kind, str], ...] = (
    (Kind.EMAIL, r"e-?mail"),
    (Kind.PHONE, r"phone|mobile|telephone"),
    (Kind.POSTCODE, r"post ?code|zip"),
    (Kind.STUDENT_NUMBER, r"(?:student|candidate|matriculation|registration)_? ?(?:id|number|no)"),
    (Kind.BIRTH, r"birth|dob"),
    (Kind.HANDLE, r"handle|username"),
    (Kind.UNIVERSITY, r"universit|institution|college|school"),
    (Kind.ORGANISATION, r"employer|workplace|organi[sz]ation|company"),
    (Kind.PLACE, r"town|city|village|hometown|address|place|residence"),
    (Kind.PERSON, r"name|alias"),
)
_APPENDED = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_LEAST = 2


def known_names(
    transcripts: Sequence[Transcript], participants: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, Kind, str]]:
    """Words, kind and origin of every name that is written down; codes such as `P07` are no names."""
    for transcript in transcripts:
        for speaker in transcript.speakers:
            for name in (speaker.name, speaker.participant or ""):
                yield from _person(name, "speaker")
    for who, attributes in participants.items():
        yield from _person(who, "participants")
        for column, value in attributes.items():
            kind = _kind(column)
            if kind is Kind.PERSON:
                for alias in re.split(r"[;,/|]", value):
                    yield from _person(alias, f"participants: {column}")
            elif kind and len(value.strip()) > _LEAST:
                yield value.strip(), kind, f"participants: {column}"


def _kind(column: str) -> Kind | None:
    return next((kind for kind, heading in _COLUMNS if re.search(heading, column, re.IGNORECASE)), None)


def _person(name: str, how: str) -> Iterator[tuple[str, Kind, str]]:
    """A full name, and each part of it, which people are called by alone."""
    whole = re.sub(r"[\s_]+", " ", _APPENDED.sub("", name)).strip(" .")
    if len(whole) < _LEAST or is_code(whole) or is_generic(whole) or is_interviewer(whole) or not _speaks(whole):
        return
    yield whole, Kind.PERSON, how
    parts = whole.split()
    if len(parts) > 1:
        for part in parts:
            if len(part) > _LEAST and part[0].isupper() and part.strip(".").casefold() not in _TITLES:
                yield part, Kind.PERSON, f"{how}, part of the name"


def _speaks(name: str) -> bool:
    return any(c.isalpha() for c in name)


_TITLES = frozenset("dr prof professor doctor mr mrs ms miss mx sir the".split())
