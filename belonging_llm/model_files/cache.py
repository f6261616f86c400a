"""The folder that models are kept in, and whether what lies there is what it should be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from belonging_llm.errors import ModelFileError
from belonging_llm.model_files.entries import ModelFile, Part, find


class Seen(BaseModel):
    """A file whose digest was computed when it had this size and this time.

    Attributes:
        mtime_ns: Time of the last change, nanoseconds since the epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    mtime_ns: int
    sha256: str


class _Sidecar(RootModel[dict[str, Seen]]):
    """Files already checked, by their path below the cache folder."""

    model_config = ConfigDict(frozen=True)


def cache_folder() -> Path:
    """Where models are kept: `BELONGING_MODELS`, else `belonging-llm/models` in the user's cache folder."""
    if named := os.environ.get("BELONGING_MODELS"):
        return Path(named).expanduser().absolute()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser().absolute() / "belonging-llm" / "models"


def locate(name: str, *, models: dict[str, ModelFile] | None = None) -> Path:
    """Finds a model in the cache folder, with every file checked.

    Sizes are compared every time; digests on first use, and again whenever a file's size or time has changed.

    Args:
        name: As the catalogue spells it.
        models: Another catalogue than the package's own.

    Returns:
        The folder of an encoder; the `.gguf` file of a chat model.

    Raises:
        ModelFileError: Unknown name, or a file is missing or holds other bytes; says how to fetch the model.
    """
    model = find(name, models)
    problems = []
    for folder in _candidates(model):
        try:
            _check(model, folder)
        except ModelFileError as problem:
            problems.append(f"{problem} in {folder}")
        else:
            return model.usable(folder)
    raise ModelFileError(f"model {name} is not usable ({'; '.join(problems)}); run: belonging models pull {name}")


def home(model: ModelFile) -> Path:
    """The folder that `pull` puts a model in."""
    return cache_folder() / model.name


def remember(model: ModelFile, seen: dict[str, Seen]) -> None:
    """Records checked files, so that a gigabyte is hashed once and not at every start.

    Args:
        model: The model whose record is replaced.
        seen: By path below the cache folder.
    """
    place = _sidecar(model)
    fresh = place.with_name(f"{place.name}.{uuid4().hex}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(_Sidecar(seen).model_dump_json(indent=1), "utf-8")
        os.replace(fresh, place)
    except OSError:
        # A folder shared read-only by a lab or an image: the models still work, they are only hashed at each start.
        return


def seen_now(part: Part, path: Path) -> Seen:
    """Checks a file's size and digest and says when it was found right.

    Raises:
        ModelFileError: The file holds other bytes than the accepted ones.
    """
    before = path.stat()
    return Seen(size=before.st_size, mtime_ns=before.st_mtime_ns, sha256=part.check(path).sha256)


def _candidates(model: ModelFile) -> Iterator[Path]:
    yield home(model)
    if model.kind == "chat":
        # A lone .gguf that someone keeps in one folder with others, as every other local runner stores them.
        yield cache_folder()


def _check(model: ModelFile, folder: Path) -> None:
    """Compares every file of a model with the record, reading only those that changed since the last time."""
    known, seen = _remembered(model), {}
    for part in model.files:
        key = _key(folder, part)
        seen[key] = _checked(part, folder / part.path, known.get(key))
    if seen != known:
        remember(model, seen)


def _checked(part: Part, path: Path, known: Seen | None) -> Seen:
    try:
        state = path.stat()
        part.check_size(state.st_size)
        if known and (known.size, known.mtime_ns) == (state.st_size, state.st_mtime_ns) and _accepts(part, known):
            return known
        return seen_now(part, path)
    except OSError as problem:
        raise ModelFileError(f"{part.path}: {problem.strerror}") from problem


def _accepts(part: Part, known: Seen) -> bool:
    # The catalogue may have changed since: what counted as right then is compared with what counts now.
    return any(content.sha256 == known.sha256 for content in part.accepted)


def _key(folder: Path, part: Part) -> str:
    return (folder / part.path).relative_to(cache_folder()).as_posix()


def _sidecar(model: ModelFile) -> Path:
    return cache_folder() / ".checked" / f"{model.name}.json"


def _remembered(model: ModelFile) -> dict[str, Seen]:
    try:
        return _Sidecar.model_validate_json(_sidecar(model).read_bytes()).root
    except (OSError, ValidationError):
        return {}
