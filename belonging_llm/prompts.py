"""Prompts are files: Markdown with front matter, a system part and a user part, strict Jinja.

A published version never changes; a study may put a file of the same name into its own
`prompts/` folder, and every judgement stores the digest of the text that was really used.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import jinja2
import jinja2.sandbox
import yaml
from pydantic import BaseModel, ConfigDict

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
        except (ValueError, RecursionError, yaml.YAMLError, jinja2.TemplateSyntaxError) as error:
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
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
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
            return Prompt(name, _read(file))
    raise PromptError(f"prompt {name}: no file {name}.md in the study's prompts folder or among the built-in ones")


def paraphrases(name: str, override: Path | None = None) -> list[Prompt]:
    """Prompts that ask the same as `name` in other words (`NAME.paraphrase1.md`, …), by name.

    A prompt of the study's own has the study's own paraphrases alone: those that are built in say what the built-in
    one says.

    Raises:
        PromptError: one is malformed.
    """
    own = override if override and (override / f"{name}.md").is_file() else None
    folders = [own] if own else [folder for folder in (resources.path("prompts"), override) if folder]
    found = sorted({file.stem for folder in folders for file in folder.glob(f"{name}.paraphrase*.md")})
    return [load(one, override) for one in found]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{file}: cannot be read as UTF-8 text: {error}") from error


def published() -> list[str]:
    """Names of the built-in prompts, sorted."""
    return sorted(file.stem for file in resources.path("prompts").glob("*.v*.md"))


def quoted(text: str | jinja2.Undefined) -> str:
    """A text as one JSON string: what people said is data, and cannot close its own quotes."""
    if isinstance(text, jinja2.Undefined):
        str(text)  # says which name is missing
    return json.dumps(text, ensure_ascii=False)


# Sandboxed: a study may bring prompts, and they may not run Python.
_ENVIRONMENT = jinja2.sandbox.ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,
)
_ENVIRONMENT.filters["quoted"] = quoted
