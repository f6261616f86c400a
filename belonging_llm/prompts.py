"""Prompts are files: Markdown with front matter, a system part and a user part, strict Jinja.

A published version never changes; a study may put a file of the same name into its own
`prompts/` folder, and every judgement stores the digest of the text that was really used.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import jinja2
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from belonging_llm import resources
from belonging_llm.errors import PromptError
from belonging_llm.provenance import text_digest

_PARTS = re.compile(r"\A---\n(?P<head>.*?)\n---\n\s*## System\n(?P<system>.*?)\n## User\n(?P<user>.*)\Z", re.DOTALL)


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: str
    inputs: tuple[str, ...]
    reply: str


class Rendered(BaseModel):
    """A prompt with its inputs filled in, as it is sent.

    Attributes:
        name: File name without ending, e.g. `label_theme.v1`.
        digest: SHA-256 of the prompt file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: str
    system: str
    user: str


class Prompt:
    """One prompt file."""

    def __init__(self, name: str, source: str) -> None:
        """Parse `source`.

        Raises:
            PromptError: front matter or one of the two parts is missing or malformed.
        """
        parts = _PARTS.match(source.replace("\r\n", "\n"))
        if parts is None:
            raise PromptError(f"prompt {name}: needs front matter, then '## System', then '## User'")
        try:
            self.head = _Head.model_validate(yaml.safe_load(parts["head"]))
            self._system = _ENVIRONMENT.from_string(parts["system"].strip())
            self._user = _ENVIRONMENT.from_string(parts["user"].strip())
        except (ValidationError, yaml.YAMLError, jinja2.TemplateSyntaxError) as error:
            raise PromptError(f"prompt {name}: {error}") from error
        self.name = name
        self.source = source
        self.digest = text_digest(source)

    def render(self, **inputs: object) -> Rendered:
        """Fill in the declared inputs.

        Raises:
            PromptError: inputs other than the declared ones, or a name the template does not know.
        """
        if set(inputs) != set(self.head.inputs):
            wanted, given = sorted(self.head.inputs), sorted(inputs)
            raise PromptError(f"prompt {self.name}: declares inputs {wanted} and was given {given}")
        try:
            system, user = self._system.render(inputs), self._user.render(inputs)
        except jinja2.UndefinedError as error:
            raise PromptError(f"prompt {self.name}: {error}") from error
        return Rendered(name=self.name, digest=self.digest, system=system, user=user)


def load(name: str, override: Path | None = None) -> Prompt:
    """Read prompt `name` (such as `label_theme.v1`), from `override` first when it has one.

    Raises:
        PromptError: no such prompt, or it is malformed.
    """
    for folder in (override, resources.path("prompts")):
        file = folder / f"{name}.md" if folder else None
        if file and file.is_file():
            return Prompt(name, file.read_text(encoding="utf-8"))
    raise PromptError(f"prompt {name}: no file {name}.md in the study's prompts folder or among the built-in ones")


def published() -> list[str]:
    """Names of the built-in prompts, sorted."""
    return sorted(file.stem for file in resources.path("prompts").glob("*.v*.md"))


def quoted(text: str) -> str:
    """A text as one JSON string: what people said is data, and cannot close its own quotes."""
    return json.dumps(text, ensure_ascii=False)


_ENVIRONMENT = jinja2.Environment(
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701 - not HTML
)
_ENVIRONMENT.filters["quoted"] = quoted
