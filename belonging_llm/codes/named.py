"""What a codebook says of how a thing is said: "asks a question", "in the first person", "describes a past event".

Likeness of meaning does not see it, since definition and segment do not speak of the same things. Only sentences that
speak of the segment itself or of who wrote it are read: "they ask without fear" is about students, not about a manner.
English codebooks alone; in other languages nothing is found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codebook import Code
from belonging_llm.codes.surface import NAMES

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_OF_THE_SEGMENT = re.compile(
    r"\b(comment|sentence|segment|utterance|text|writer|author|speaker|verb|tense|keyword)s?\b|\bfirst[- ]person\b",
    re.IGNORECASE,
)
# Said of what the code is not.
_DENIED = re.compile(r"\b(not|no|without|never|rather than)\b[^,;:.]{0,25}$", re.IGNORECASE)
_MANNERS = {
    "question": r"\b(questions?|ask|asks|asked|asking)\b",
    "exclamation": r"\b(exclamations?|exclaims?|smileys?|emojis?)\b",
    "foreign letters": r"\b(not in english|non-english|(an)?other languages?|foreign language)\b",
    "clock time": r"\btime ?stamps?\b",
    # Whoever describes or intends something in a text of their own says *I*.
    "I": r"\bfirst[- ]person|\b(personal|own) experiences?\b|\bthe (writer|author|speaker) "
    r"(describes|recogni[sz]es|reports|mentions|feels|believes|intends|takes|has)\b",
    "past": r"\b(in the past|past (events?|tense|experiences?)|happened)\b",
    "future": r"\b(future|next time|intends?|intentions?|plans to)\b",
    "feeling": r"\b(feelings?|feels?|emotions?)\b",
    "thinking": r"\b(think|thinks|thinking|thoughts?|reasoning|reflective|beliefs?|believes?)\b",
}
_WANTED = {NAMES.index(name): re.compile(pattern, re.IGNORECASE) for name, pattern in _MANNERS.items()}
_REST = re.compile(
    r"\b((every|any)thing (else|that (does|did) not)|(does|do) not (fall|fit|belong)|all other|"
    r"none of the others?|no other (code|category))\b",
    re.IGNORECASE,
)


def manners(codes: Sequence[Code]) -> NDArray[np.float64]:
    """Which cues of `surface` each code's definition and *include* name.

    Returns:
        Rows of length 1, or 0 where none is named, shape (n_codes, n_cues).
    """
    found = np.zeros((len(codes), len(NAMES)), bool)
    for row, code in enumerate(codes):
        for sentence in _about_the_segment(code):
            for column, pattern in _WANTED.items():
                found[row, column] |= _said(pattern, sentence)
    return np.asarray(found / np.sqrt(np.maximum(found.sum(axis=1, keepdims=True), 1)))


def is_rest(code: Code) -> bool:
    """Whether a code is for whatever fits no other: its definition opens by saying so."""
    opening = _SENTENCE.split(code.definition.strip(), maxsplit=1)[0]
    return bool(_REST.search(opening))


def _about_the_segment(code: Code) -> list[str]:
    sentences = [one for part in (code.definition, code.include) for one in _SENTENCE.split(part)]
    return [one for one in sentences if _OF_THE_SEGMENT.search(one)]


def _said(pattern: re.Pattern[str], sentence: str) -> bool:
    return any(not _DENIED.search(sentence[: hit.start()]) for hit in pattern.finditer(sentence))
