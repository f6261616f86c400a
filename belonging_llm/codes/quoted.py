"""Words that a codebook quotes: `the comment contains "thank you"` says where to look, letter for letter."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codebook import Code

LONGEST = 40
_QUOTED = re.compile("|".join(f"{a}([^{a}{b}]*){b}" for a, b in ('""', "“”", "„“", "«»", "``", "‘’")))


def hits(texts: Sequence[str], codes: Sequence[Code]) -> NDArray[np.float64]:
    """Whether a text holds a word or phrase quoted in when to use a code, 1 or 0, shape (n_texts, n_codes)."""
    folded = [text.casefold() for text in texts]
    return np.stack([_hits(folded, phrases(code)) for code in codes], axis=1) if codes else np.zeros((len(texts), 0))


def phrases(code: Code) -> list[str]:
    """What a code's definition and its *include* put in quotation marks, in lower case; *exclude* is not read."""
    found = ["".join(groups) for part in (code.definition, code.include) for groups in _QUOTED.findall(part)]
    plain = {quoted.strip(" .…").casefold() for quoted in found}
    return sorted(phrase for phrase in plain if 0 < len(phrase) <= LONGEST)


def _hits(folded: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float64]:
    if not wanted:
        return np.zeros(len(folded))
    any_of = re.compile("|".join(_whole(phrase) for phrase in wanted))
    return np.array([float(bool(any_of.search(text))) for text in folded])


def _whole(phrase: str) -> str:
    """The phrase as whole words; a sign such as @ may stand anywhere."""
    before, after = (r"(?<!\w)" if phrase[0].isalnum() else ""), (r"(?!\w)" if phrase[-1].isalnum() else "")
    return f"{before}{re.escape(phrase)}{after}"
