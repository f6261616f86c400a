"""YAML front matter: what a file says of itself before the talk begins."""

from __future__ import annotations

import re

import yaml

from belonging_llm.errors import TranscriptError

MOST_CHARACTERS = 20_000
_BLOCK = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


def read_front_matter(text: str, place: str) -> tuple[dict[str, str], int]:
    """The header's fields as plain strings, and the offset where the body begins.

    Raises:
        TranscriptError: the block is there but is not a YAML mapping.
    """
    block = _BLOCK.match(text)
    if block is None:
        return {}, 0
    if len(block["yaml"]) > MOST_CHARACTERS:
        raise TranscriptError(
            f"{place}: the front matter between the --- lines is longer than {MOST_CHARACTERS} letters"
        )
    try:
        # An alias that repeats aliases makes a few lines into gigabytes.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(block["yaml"])):
            raise TranscriptError(
                f"{place}: the front matter between the --- lines refers to itself (*name); write it out"
            )
        # Every value stays as it was typed: YAML would read participant 010 as the number 8.
        fields = yaml.load(block["yaml"], Loader=yaml.BaseLoader)  # noqa: S506 - plain strings only
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TranscriptError(f"{place}: the front matter between the --- lines is not valid YAML: {error}") from error
    if fields is None:
        return {}, block.end()
    if not isinstance(fields, dict):
        # A rule of dashes around prose, not a header.
        return {}, 0
    return {str(key): str(value) for key, value in fields.items()}, block.end()
