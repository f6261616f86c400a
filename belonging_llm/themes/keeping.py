"""Whether a theme that goes on keeps its name and its place in the framework."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from belonging_llm.embeddings import Vectors
from belonging_llm.themes.label import IN_VIVO
from belonging_llm.themes.placing import Place
from belonging_llm.themes.theme import UNNAMED, Theme

# Least cosine between a theme's centre and where it was when the theme got its name. In the sample the centres of
# different themes reach .73, and a theme of half its segments, drawn at random, stays above .88 in 95 of 100 draws.
HOLDS = 0.8


@dataclass(frozen=True)
class Since:
    """What changed since the run before.

    Attributes:
        asked: A model is asked now; `was_asked` and `failed` say whether one was then, and whether it failed.
        naming, mapping: Digests of the prompts in use.
        codebook: The codebook is another one.
    """

    asked: bool
    was_asked: bool
    failed: bool
    naming: Collection[str]
    mapping: str
    codebook: bool


def why_named_anew(theme: Theme, was: Place | None, centre: Vectors, since: Since) -> str:
    """The reason for another name; "" where the name stands.

    Args:
        was: Where the theme was; None where that was not kept, or by another encoder.
        centre: Where it is now, shape (dim,).
    """
    if theme.definition == UNNAMED:
        return "its name went with somebody who withdrew"
    if not since.asked or theme.edit is not None:
        return ""
    if theme.by == IN_VIVO and not since.was_asked:
        return "no model had been asked for a name"
    if theme.by == IN_VIVO and since.failed:
        return "the model had failed to answer"
    if theme.prompt_digest and theme.prompt_digest not in since.naming:
        return "the prompt that names themes was changed"
    if was is not None and (likeness := float(was.named_at @ centre)) < HOLDS:
        return f"its content moved: cosine {likeness:.2f} to where it was when it got its name, less than {HOLDS}"
    return ""


def why_mapped_anew(theme: Theme, renamed: bool, since: Since) -> str:
    """The reason for another place in the framework; "" where it stands, or nobody can be asked."""
    if not since.asked or theme.edit is not None:
        return ""
    if not theme.mapping.by:
        return "it had not been mapped"
    if renamed:
        return "it has another name"
    if since.codebook:
        return "the codebook is another one"
    if theme.mapping.prompt_digest and theme.mapping.prompt_digest != since.mapping:
        return "the prompt that maps themes was changed"
    return ""
