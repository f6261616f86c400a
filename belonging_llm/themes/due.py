"""When themes are due to be grouped anew."""

from __future__ import annotations

# Segments that were placed since the last grouping, over those that were grouped. Grouping costs grow with the study;
# done at every such growth, all groupings together cost about six times the last one.
GROWTH = 0.2


def why_due(grouped: int, placed: int, *, novel: bool = False) -> str:
    """Why segments should be grouped anew; "" where placing them is enough.

    Args:
        grouped: Segments that the last grouping saw.
        placed: Segments that came since, whether or not they fit in a theme.
        novel: A test found that too many of them fit nowhere.
    """
    if novel:
        return "more new segments fit in no theme than chance explains"
    if placed >= GROWTH * grouped:
        return f"{placed} segments came since {grouped} were grouped: a fifth or more"
    return ""
