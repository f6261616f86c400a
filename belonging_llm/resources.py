"""Where the files lie that travel with the package: prompts, frameworks, the sample, the models' catalogue."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """The place of a file that ships with the package, such as `path("data", "models.toml")`.

    Args:
        parts: Folders and file below the root that holds `data` and `prompts`.

    Returns:
        Inside `belonging_llm/_resources` when a built wheel is installed, else at the checkout's root. Whether the
        file exists is for the reader to find out.
    """
    packed = _PACKAGE / "_resources"
    return (packed if packed.is_dir() else _PACKAGE.parent).joinpath(*parts)
