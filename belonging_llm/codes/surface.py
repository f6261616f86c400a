"""How something is said: cues that meaning-vectors pass over, such as questions, negation, person and tense.

Word lists are English; in other languages those cues are zero and the others remain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_CLOCK = re.compile(r"\d+:\d\d")
_LISTS = (
    ("i", "me", "my", "mine", "i'm", "i've", "i'd", "i'll"),
    ("we", "us", "our", "ours", "we're", "we'll"),
    ("you", "your", "yours"),
    ("not", "no", "never", "nobody", "nothing", "don't", "didn't", "can't", "couldn't", "won't", "wasn't", "isn't"),
    (
        *("was", "were", "had", "did", "went", "said", "told", "got", "came", "made", "took", "gave", "saw", "found"),
        *("began", "knew", "felt", "thought", "left", "kept", "spoke", "wrote", "met", "brought"),
    ),
    (
        *("will", "won't", "shall", "want", "wants", "going", "gonna", "plan", "plans", "intend", "hope", "try"),
        *("next", "future"),
    ),
    ("feel", "felt", "feeling", "happy", "glad", "afraid", "worried", "sad", "fear", "joy", "lonely", "proud", "safe"),
    (
        *("think", "thinking", "thought", "believe", "realise", "realised", "realize", "realized", "know", "knew"),
        *("understand", "wonder", "wondering", "wondered", "consider", "reflect", "maybe", "perhaps", "why"),
    ),
)
# The lists of past and future: regular verbs, and contractions with "will". Shorter words end so by chance: "need".
_ENDINGS = {"ed": 4, "'ll": 5}
_SHORTEST = {"ed": 5, "'ll": 4}
NAMES = (
    *("length", "question", "exclamation", "foreign letters", "digits", "clock time"),
    *("I", "we", "you", "negation", "past", "future", "feeling", "thinking"),
)


def cues(texts: Sequence[str]) -> NDArray[np.float64]:
    """Raw cues, float64, shape (n_texts, len(NAMES)): log length, marks as 0/1, word lists as shares of words."""
    return np.array([_of(text) for text in texts], dtype=float).reshape(len(texts), len(NAMES))


def _of(text: str) -> list[float]:
    words = _WORD.findall(text.lower().replace("’", "'"))
    n = max(len(words), 1)
    counts = [0] * len(_LISTS)
    for word in words:
        for place in {*_PLACES.get(word, ()), *_by_ending(word)}:
            counts[place] += 1
    return [
        float(np.log1p(n)),
        float("?" in text),
        float("!" in text),
        _foreign(text),
        float(any(map(str.isdigit, text))),
        float(bool(_CLOCK.search(text))),
        *(count / n for count in counts),
    ]


def _by_ending(word: str) -> tuple[int, ...]:
    """Lists that a word belongs to by its ending."""
    return tuple(
        place for ending, place in _ENDINGS.items() if word.endswith(ending) and len(word) >= _SHORTEST[ending]
    )


def _foreign(text: str) -> float:
    """Share of letters beyond ASCII in all characters."""
    if text.isascii():
        return 0.0
    return sum(character.isalpha() and ord(character) > 127 for character in text) / len(text)


_PLACES = {
    word: tuple(place for place, words in enumerate(_LISTS) if word in words) for words in _LISTS for word in words
}
