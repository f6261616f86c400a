"""What an analysis may ask of a language model at most, told before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from belonging_llm import clusters
from belonging_llm.codebook import Framework
from belonging_llm.llm import ChatRequest
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment

# A token of English is about four characters long; in other languages shorter.
CHARACTERS = 4
LONGEST_REPLY: int = ChatRequest.model_fields["max_tokens"].default
# A theme is named, perhaps renamed, and mapped.
ASKED_OF_A_THEME = 3
SHOWN_OF_A_THEME = 4
# The interviewer's question, and the schema that goes with every question.
BESIDE = 1000


@dataclass(frozen=True)
class Forecast:
    """Upper bounds on questions; tokens are rough.

    A reply that cannot be used is asked for once more, so calls may be twice the questions.

    Attributes:
        segments: Questions about segments: as many as the study lets the model be asked about.
        themes: Questions about themes.
        clustered: Nothing is asked about themes; else their number is the most that the clustering can find.
        prompt_tokens: In all questions together, about.
        completion_tokens: In all replies together, at most.
        longest: Tokens of the longest question with its reply, about.
    """

    segments: int
    themes: int
    clustered: bool
    prompt_tokens: int
    completion_tokens: int
    longest: int

    @property
    def questions(self) -> int:
        """Of all kinds."""
        return self.segments + self.themes

    @property
    def calls(self) -> int:
        """At most, every reply having been asked for twice."""
        return 2 * self.questions


def forecast(
    segments: Sequence[Segment],
    framework: Framework,
    prompts: Mapping[str, Prompt],
    *,
    share: float,
    clustered: bool = False,
) -> Forecast:
    """The most that is asked about these segments.

    Args:
        share: Largest share of segments that the model is asked to code.
        clustered: Themes are named and mapped already, or are none of the job.
    """
    asked = math.floor(share * len(segments) + 1e-9)
    texts = len({s.text_digest for s in segments})
    found = 0 if clustered or texts < clusters.SMALLEST else texts // clusters.smallest(texts)
    # Whichever segments are asked about: no choice of them is longer than the longest ones.
    lengths = sorted((len(s.text) for s in segments), reverse=True)
    around = BESIDE + _around(framework, prompts.values())
    themes = ASKED_OF_A_THEME * found
    shown = sum(lengths[:SHOWN_OF_A_THEME])
    characters = (asked + themes) * around + sum(lengths[:asked]) + themes * shown
    return Forecast(
        segments=asked,
        themes=themes,
        clustered=clustered,
        prompt_tokens=math.ceil(characters / CHARACTERS),
        completion_tokens=(asked + themes) * LONGEST_REPLY,
        longest=math.ceil((around + shown) / CHARACTERS) + LONGEST_REPLY,
    )


def together(parts: Sequence[Forecast]) -> Forecast:
    """The sum of several, of which there is at least one."""
    longest, clustered = max(part.longest for part in parts), all(part.clustered for part in parts)
    counted = [f.name for f in fields(Forecast) if f.name not in {"longest", "clustered"}]
    sums = {name: sum(getattr(part, name) for part in parts) for name in counted}
    return Forecast(**sums, longest=longest, clustered=clustered)


def _around(framework: Framework, prompts: Iterable[Prompt]) -> int:
    """Characters of the longest prompt with the codebook in it, before any segment."""
    codes = sum(len(code.id) + len(code.definition or code.name) + 8 for code in framework.assignable)
    return codes + max((len(prompt.source) for prompt in prompts), default=0)
