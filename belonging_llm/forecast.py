"""What an analysis may ask of a language model at most, told before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from belonging_llm import clusters
from belonging_llm.codebook import Framework
from belonging_llm.codes import examples as coded
from belonging_llm.codes.decide import CANDIDATES
from belonging_llm.llm import ChatRequest
from belonging_llm.prices import Price, cost
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
# What stands around an example: its code, and that it applies.
AROUND_EXAMPLE = 60


@dataclass(frozen=True)
class Forecast:
    """Upper bounds on questions; tokens are rough.

    A reply that cannot be used is asked for once more, so calls may be twice the questions.

    Attributes:
        segments: Questions about segments, of `together` or fewer each; they are about `asked` segments, as many as the
            study lets the model be asked about.
        themes: Questions about themes.
        clustered: Nothing is asked about themes; else their number is the most that the clustering can find.
        prompt_tokens: In all questions together, about; `segment_tokens` those about segments.
        completion_tokens: In all replies together, at most.
        longest: Tokens of the longest question with its reply, about.
    """

    segments: int
    themes: int
    clustered: bool
    prompt_tokens: int
    completion_tokens: int
    longest: int
    segment_tokens: int = 0
    asked: int = 0
    together: int = 1

    @property
    def questions(self) -> int:
        """Of all kinds."""
        return self.segments + self.themes

    def usd(self, price: Price | None, *, batch: bool) -> float | None:
        """What it costs if every question is asked once, those about segments in a batch; None without a price."""
        segments = cost(price, self.segment_tokens, self.asked * LONGEST_REPLY, batch=batch)
        rest = self.prompt_tokens - self.segment_tokens
        themes = cost(price, rest, self.completion_tokens - self.asked * LONGEST_REPLY)
        return None if segments is None or themes is None else segments + themes

    @property
    def calls(self) -> int:
        """At most, every reply having been asked for twice, and then for each segment by itself."""
        return 2 * (self.questions + (self.asked if self.together > 1 else 0))


def forecast(
    segments: Sequence[Segment],
    framework: Framework,
    prompts: Mapping[str, Prompt],
    *,
    share: float,
    clustered: bool = False,
    together: int = 1,
    batch: int | None = None,
    examples: int = 0,
) -> Forecast:
    """The most that is asked about these segments.

    Args:
        share: Largest share of segments that the model is asked to code.
        clustered: Themes are named and mapped already, or are none of the job.
        together: Segments that share a call, at most.
        batch: Segments that are coded at a time, and never share a call with one that is not; None for all.
        examples: Segments with the code that are shown for each code in question.
    """
    asked = math.floor(share * len(segments) + 1e-9)
    texts = len({s.text_digest for s in segments})
    found = 0 if clustered or texts < clusters.SMALLEST else texts // clusters.smallest(texts)
    # Whichever segments are asked about: no choice of them is longer than the longest ones.
    lengths = sorted((len(s.text) for s in segments), reverse=True)
    around = _around(framework, prompts.values())
    themes = ASKED_OF_A_THEME * found
    shown = BESIDE + sum(lengths[:SHOWN_OF_A_THEME])
    # A batch ends with a call that may be short of segments.
    short = (together - 1) * math.ceil(len(segments) / (batch or max(len(segments), 1)))
    questions = min(asked, (asked + short) // together)
    beside = BESIDE + _examples(examples)
    coding = questions * around + asked * beside + sum(lengths[:asked])
    characters = coding + themes * (around + shown)
    longest = max(shown, together * beside + sum(lengths[:together]))
    return Forecast(
        segments=questions,
        themes=themes,
        clustered=clustered,
        prompt_tokens=math.ceil(characters / CHARACTERS),
        completion_tokens=(asked + themes) * LONGEST_REPLY,
        longest=math.ceil((around + longest) / CHARACTERS) + together * LONGEST_REPLY,
        segment_tokens=math.ceil(coding / CHARACTERS),
        asked=asked,
        together=together,
    )


def in_all(parts: Sequence[Forecast]) -> Forecast:
    """The sum of several, of which there is at least one."""
    most = {name: max(getattr(part, name) for part in parts) for name in ("longest", "together")}
    counted = [f.name for f in fields(Forecast) if f.name not in {"longest", "together", "clustered"}]
    sums = {name: sum(getattr(part, name) for part in parts) for name in counted}
    return Forecast(**sums, **most, clustered=all(part.clustered for part in parts))


def _examples(most: int) -> int:
    """Characters of the examples beside one segment."""
    each = coded.SHOWN + len(coded.MARK) + AROUND_EXAMPLE
    return CANDIDATES * (most + coded.WITHOUT) * each if most else 0


def _around(framework: Framework, prompts: Iterable[Prompt]) -> int:
    """Characters of the longest prompt with the codebook in it, before any segment."""
    codes = sum(len(code.id) + len(code.definition or code.name) + 8 for code in framework.assignable)
    return codes + max((len(prompt.source) for prompt in prompts), default=0)
