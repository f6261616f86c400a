"""What may identify somebody, by kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of words that identify; each names its replacements: `[person-1]`."""

    PERSON = "person"
    UNIVERSITY = "university"
    PLACE = "place"
    ORGANISATION = "organisation"
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    POSTCODE = "postcode"
    STUDENT_NUMBER = "student-number"
    URL = "url"
    HANDLE = "handle"
    BIRTH = "date-of-birth"
    NUMBER = "number"


@dataclass(frozen=True)
class Finding:
    """A stretch of a text that may identify somebody.

    Attributes:
        how: What found it, for people: `rule: e-mail address`, `speaker`, `participants: name`, `model`.
    """

    start: int
    end: int
    kind: Kind
    how: str
