"""What forms carry along of the page that they were on: the codebook that it showed, the record that is followed."""

from __future__ import annotations

from belonging_llm.errors import InputError, StaleError
from belonging_llm.review.visit import Visit

_LONGEST_NUMBER = 9


def codebook_shown(visit: Visit) -> str:
    """Digest of the codebook that whoever filled in the form had before them; the one in use where it names none.

    Raises:
        StaleError: the study never had such a codebook.
    """
    given, current = visit.field("codebook"), visit.study.framework().digest
    if given in ("", current):
        return current
    try:
        visit.store.codebooks.get(given)
    except KeyError:
        raise StaleError("the codebook that this form showed is none of the study's; load the segment again") from None
    return given


def followed(visit: Visit) -> int:
    """Number of the record that was shown along with the form; 0 for none.

    Raises:
        InputError: it is no number.
    """
    given = visit.field("supersedes")
    if given and not is_number(given):
        raise InputError("the form does not say which record it follows; load the page again, and decide again")
    return int(given or 0)


def is_number(given: str) -> bool:
    """Whether this is a whole number as forms write it: plain digits, and not too many of them."""
    return given.isascii() and given.isdecimal() and len(given) <= _LONGEST_NUMBER


def seconds(visit: Visit, longest: float) -> float:
    """Time spent as the page counted it, within reason."""
    try:
        counted = float(visit.field("seconds") or 0)
    except ValueError:
        return 0
    return min(max(counted, 0), longest) if counted == counted else 0  # not a number is not equal to itself
