"""Which key does what on the coding page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from belonging_llm.codebook import Code

# What letters do that are not a code's.
TAKEN = {
    "f": "flag, to come back to",
    "h": "guidelines",
    "p": "polarity of the code chosen last",
    "n": "none of the codes fits",
    "m": "write a memo",
    "c": "how certain you are",
    "e": "mark evidence by keyboard",
    "t": "the whole transcript",
}
_DIGITS = "1234567890"


def digits(codes: Sequence[Code]) -> dict[str, str]:
    """The digit of each of the first twenty codes, `⇧` before those that want Shift."""
    names = [*_DIGITS, *(f"⇧{digit}" for digit in _DIGITS)]
    return {code.id: name for code, name in zip(codes, names, strict=False)}


def letters(codes: Sequence[Code], chosen: Mapping[str, str]) -> dict[str, str]:
    """A letter for each code: the one that somebody chose, else the first of its name that is free.

    Args:
        chosen: Letters by code id; letters that do something else, or are given twice, are passed over.
    """
    found: dict[str, str] = {}
    for code in codes:
        letter = chosen.get(code.id, "").lower()
        if is_free(letter) and letter not in found.values():
            found[code.id] = letter
    for code in codes:
        if code.id not in found:
            free = [c for c in code.name.lower() if is_free(c) and c not in found.values()]
            if free:
                found[code.id] = free[0]
    return found


def is_free(letter: str) -> bool:
    """Whether a code may have it."""
    return len(letter) == 1 and letter.isalpha() and letter.isascii() and letter not in TAKEN
