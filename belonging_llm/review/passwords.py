"""Passwords: argon2id, and a rule that only asks for length."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from belonging_llm.errors import InputError

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST = 12
LONGEST = 200
# Each takes 64 MB: a crowd at the door must not take all the memory there is.
_AT_ONCE = threading.BoundedSemaphore(2)


def hashed(password: str) -> str:
    """What is kept of a password.

    Raises:
        InputError: too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"a password has {SHORTEST} to {LONGEST} characters; four words that nobody would guess do well"
        )
    with _AT_ONCE:
        return _hasher().hash(password)


def is_right(password: str, kept: str) -> bool:
    """Whether a password is the one that was hashed; takes as long where there is none."""
    with _AT_ONCE:
        right = _hasher().verify(password[:LONGEST], kept or _nobodys())
    return right and bool(kept)


@cache
def _hasher() -> PasswordHash:
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


@cache
def _nobodys() -> str:
    """So that an account that does not exist is not told by the time that it takes."""
    return _hasher().hash("nobody's password")
