"""A model hub as a source, through its own client; what it sends is believed only once checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from belonging_llm.errors import ModelFileError
from belonging_llm.model_files.entries import HubSource, ModelFile, Part

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

_PATIENCE = 5.0  # seconds for a hub to answer a question about a file; a dead one must not hold up the next source

T = TypeVar("T")


def fetch(
    model: ModelFile, source: HubSource, staging: Path, tell: Callable[[int], None]
) -> Iterator[tuple[Part, Path]]:
    """Downloads a model's files one by one, the small ones first.

    A small file that differs then costs seconds and not a gigabyte. Files that came whole are kept in `staging` for the
    next try; within a call a broken connection is resumed by the hub's client.

    Args:
        model: The model whose files are wanted.
        source: The repository that may have them.
        staging: Folder for the files, kept between tries.
        tell: Called with the bytes fetched so far.

    Yields:
        Each part with the place of its (unchecked) file.

    Raises:
        ModelFileError: The hub does not answer, refuses, or announces a file of another size.
        OSError: The disk is full or cannot be written.
    """
    folder, done = staging / "hub", 0
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.rglob("*.incomplete"):
        leftover.unlink()  # the client names them anew each time: a killed pull's half file would never be used again
    for part in sorted(model.files, key=lambda part: (part.role == "weights", part.path)):
        path = _download(source, part, folder, partial(_Meter, done, tell))
        done += path.stat().st_size
        tell(done)
        yield part, path


class _Meter:
    """Stands in for the progress bar that the hub's client draws: it only counts."""

    def __init__(self, base: int, tell: Callable[[int], None], *, initial: int = 0, **_: object) -> None:
        self._done, self._tell = base + initial, tell

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, count: int = 1) -> None:
        """Called by the client for each chunk; negative when it has to start over."""
        self._done += count
        self._tell(self._done)


def _download(source: HubSource, part: Part, folder: Path, meter: Callable[..., _Meter]) -> Path:
    client, endpoint = _client(), os.environ.get("HF_ENDPOINT") or None
    try:
        # Asked first and once: the client itself would retry a dead hub for minutes before it gives up.
        found = _answer_within(_PATIENCE, partial(_announced, source, part, endpoint))
        part.check_size(found.size or part.size)
        return Path(
            client.hf_hub_download(
                source.repo,
                part.path,
                revision=found.commit_hash,
                local_dir=folder,
                endpoint=endpoint,
                etag_timeout=_PATIENCE,
                token=False,
                tqdm_class=cast("Any", meter),
            )
        )
    except ModelFileError:
        raise
    except Exception as problem:
        raise _translated(problem, part) from problem


def _client() -> ModuleType:
    import huggingface_hub  # takes half a second to load, so only when it is needed
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True
    # The client's other protocol speaks to further hosts; plain HTTP obeys the endpoint, and resumes and counts bytes.
    constants.HF_HUB_DISABLE_XET = True
    return huggingface_hub


def _announced(source: HubSource, part: Part, endpoint: str | None) -> HfFileMetadata:
    """What the hub says of a file: the commit (which pins the download) and the size."""
    import huggingface_hub

    url = huggingface_hub.hf_hub_url(source.repo, part.path, revision=source.revision, endpoint=endpoint)
    # Without a token: the repositories are public, and a stale token would turn a public file into a refusal.
    return huggingface_hub.get_hf_file_metadata(url, token=False, timeout=_PATIENCE, endpoint=endpoint)


def _translated(problem: Exception, part: Part) -> Exception:
    """The client's error as ours.

    Caught broadly above, because the client has changed its HTTP library, and with it its exceptions, twice.
    """
    if isinstance(problem, OSError) and problem.errno is not None:
        return problem  # the system's own word, such as a full disk
    reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
    return ModelFileError(f"{part.path}: {reason}")


def _answer_within(seconds: float, ask: Callable[[], T]) -> T:
    """Asks in a thread that can be left behind: a name server that never answers obeys no HTTP timeout."""
    answers: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()
    Thread(target=_answer, args=(ask, answers), daemon=True).start()
    try:
        answer, problem = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} seconds") from None
    if problem is not None:
        raise problem
    return cast("T", answer)


def _answer(ask: Callable[[], T], answers: SimpleQueue[tuple[T | None, Exception | None]]) -> None:
    try:
        answers.put((ask(), None))
    except Exception as problem:
        answers.put((None, problem))
