"""Whether an analysis could run: the environment, and a model asked about made-up text. No interview text is sent."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from belonging_llm import consent, model_files
from belonging_llm.adapters import factory
from belonging_llm.asking import Question, parse
from belonging_llm.errors import BelongingError, ModelError, ReplyError
from belonging_llm.forecast import forecast
from belonging_llm.llm import (
    ChatModel,
    ChatRequest,
    OffersLogProbabilities,
    TellsWindow,
    is_loopback,
    tells_likelihoods,
)
from belonging_llm.prices import price_at
from belonging_llm.prompts import Rendered
from belonging_llm.provenance import versions
from belonging_llm.study import Study

T = TypeVar("T")

ROOM = 200_000_000
GB = 1_000_000_000


class Verdict(StrEnum):
    """What a finding means for an analysis."""

    OK = "ok"
    NOTE = "note"
    STOPS = "stops"


@dataclass(frozen=True)
class Check:
    """One finding; what stops an analysis says what to do about it."""

    name: str
    verdict: Verdict
    says: str


@dataclass(frozen=True)
class Health:
    """Everything that was looked at.

    Attributes:
        llm: The spec that was looked at.
        requests: How many were sent to an endpoint; the embedded model has none.
    """

    llm: str
    requests: int
    checks: tuple[Check, ...]

    @property
    def well(self) -> bool:
        """Nothing would stop an analysis."""
        return all(check.verdict is not Verdict.STOPS for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"well": self.well}


class _Weather(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    weather: Literal["rain", "snow", "sun"]
    sure: bool


_QUESTION = Question(
    Rendered(
        name="doctor",
        digest="",
        system='You read a sentence. Reply with one JSON object on one line: "weather" ("rain", "snow" or "sun") and '
        '"sure" (true or false).',
        user='Sentence: "It rained all afternoon, and the bench in the garden was still wet in the evening."',
    ),
    _Weather,
    max_tokens=200,
)


def examine(folder: Path | None = None, llm: str | None = None) -> Health:
    """Look at the environment and at the model that a study, or `llm`, names.

    A model elsewhere is asked nothing if the study does not allow it. Without a study one is asked only when it is
    named, since whoever names it knows where it is.

    Args:
        folder: A study; its settings choose the models where `llm` does not.

    Raises:
        StudyError: `folder` is no study.
        InputError: `llm` is no model spec.
    """
    study = Study(folder) if folder else None
    spec = llm or (study.settings.llm if study else "local")
    embedder = study.settings.embedder if study else "local"
    missing = [name for name in _packages(spec) if name not in versions()]
    checks = [*_environment(study), _embedder(embedder)]
    if missing:
        says = f"{', '.join(missing)} not installed: pip install 'belonging-llm[local]'"
        return Health(spec, 0, (*checks, Check("packages for models here", Verdict.STOPS, says)))
    try:
        model = factory.chat_model(spec, allow_remote=study.settings.allow_remote if study else llm is not None)
    except ModelError as error:
        return Health(spec, 0, (*checks, Check("language model", Verdict.STOPS, f"not asked anything: {error}")))
    if model is None:
        return Health(spec, 0, (*checks, Check("language model", Verdict.OK, "none: themes keep participants' words")))
    patient = _Patient(model)
    checks += [_leaving(model, study), *_agreed(model, study), *patient.examined(_needed(study))]
    return Health(spec, patient.requests, tuple(checks))


def _packages(spec: str) -> tuple[str, ...]:
    """What models on this machine need."""
    chat = ("xllamacpp",) if spec.split(":")[0] == "local" else ()
    return ("sentence-transformers", *chat)


def _environment(study: Study | None) -> Iterator[Check]:
    yield Check("python", Verdict.OK, platform.python_version())
    yield Check("packages", Verdict.OK, ", ".join(f"{name} {version}" for name, version in versions().items()))
    cache = model_files.cache_folder()
    if _writable(cache):
        yield Check("model cache", Verdict.OK, f"{cache} can be written")
    else:
        yield Check("model cache", Verdict.NOTE, f"{cache} cannot be written: set BELONGING_MODELS to fetch models")
    for place in {cache, study.folder} if study else {cache}:
        free = shutil.disk_usage(_there(place)).free
        enough = free >= ROOM
        says = f"{free / GB:.1f} GB free at {place}" + ("" if enough else ": make room")
        yield Check("disk", Verdict.OK if enough else Verdict.STOPS, says)


def _embedder(spec: str) -> Check:
    try:
        return Check("embedding model", Verdict.OK, factory.encoder(spec).id)
    except BelongingError as error:
        return Check("embedding model", Verdict.STOPS, str(error))


def _leaving(model: ChatModel, study: Study | None) -> Check:
    """What an analysis with this model would send away, and at what price."""
    if model.endpoint is None or is_loopback(model.endpoint):
        return Check("leaves this machine", Verdict.OK, f"nothing: {model.id} runs here")
    price = price_at(model.id, model.endpoint)
    money = f"USD {price.input:g} in, {price.output:g} out per million tokens" if price else "unknown price"
    leave = "allow_remote = true in its study.toml" if study else "a study would have to say allow_remote = true"
    says = f"interview text would go to {model.endpoint} ({leave}); {money}. Asked here: made-up text alone"
    return Check("leaves this machine", Verdict.NOTE, says)


def _agreed(model: ChatModel, study: Study | None) -> Iterator[Check]:
    """Whether everybody whose words would leave agreed to that, and what has left so far."""
    if study is None:
        return
    left = [one for one in study.store.ledger.departures() if one.away]
    people = {who for one in left for who in one.about or ()}
    says = (
        f"{len(left)} requests about {len(people)} participants; `belonging egress` lists them" if left else "nothing"
    )
    yield Check("left this machine so far", Verdict.OK, says)
    if model.endpoint is None or is_loopback(model.endpoint):
        return
    missing = consent.lacking(study, (s.participant for s in study.store.corpus.segments()))
    if missing:
        yield Check("consent", Verdict.STOPS, f"none on record of {', '.join(missing)}")
    else:
        yield Check("consent", Verdict.OK, consent.basis(study))


def _needed(study: Study | None) -> int:
    """Tokens of the longest question with its reply, roughly; 0 without a study."""
    if study is None:
        return 0
    settings = study.settings
    most = forecast(
        study.store.corpus.segments(),
        study.framework(),
        study.prompts(),
        share=1.0,
        together=settings.together,
        examples=settings.examples if settings.learn else 0,
    )
    return most.longest


@dataclass
class _Patient:
    """A model under examination: at most three questions and one look at the list of models."""

    model: ChatModel
    requests: int = 0

    def examined(self, needed: int) -> Iterator[Check]:
        request = _QUESTION.request()
        try:
            first = self._counted(lambda: self.model.complete(request))
        except ModelError as error:
            remedy = "start the server, or check address, model name and key"
            yield Check("answers", Verdict.STOPS, f"no ({error}): {remedy}")
            return
        yield Check("answers", Verdict.OK, f"yes ({self.model.id})")
        try:
            parse(first, _QUESTION)
            yield Check("JSON schema", Verdict.OK, "obeyed")
        except ReplyError as error:
            remedy = "take another model, or a server that holds replies to a schema"
            yield Check("JSON schema", Verdict.STOPS, f"not obeyed ({error}); {remedy}")
        yield self._repeats(request, first.text)
        yield self._log_probabilities(request)
        yield self._context(needed)

    def _repeats(self, request: ChatRequest, first: str) -> Check:
        try:
            same = self._counted(lambda: self.model.complete(request)).text == first
        except ModelError as error:
            return Check("repeats itself", Verdict.NOTE, f"not known: {error}")
        if same:
            return Check("repeats itself", Verdict.OK, "the same reply twice at temperature 0 with one seed")
        says = "two replies at temperature 0 with one seed differ; a study keeps its replies, a fresh one may differ"
        return Check("repeats itself", Verdict.NOTE, says)

    def _log_probabilities(self, request: ChatRequest) -> Check:
        if tells_likelihoods(self.model):
            return Check("log-probabilities", Verdict.OK, "told by the embedded model")
        if not isinstance(self.model, OffersLogProbabilities):
            return Check("log-probabilities", Verdict.NOTE, "not offered for this kind of model")
        probed = self.model
        try:
            given = self._counted(lambda: probed.gives_log_probabilities(request))
        except ModelError as error:
            return Check("log-probabilities", Verdict.NOTE, f"not given: {error}")
        return Check("log-probabilities", Verdict.OK if given else Verdict.NOTE, "given" if given else "not given")

    def _context(self, needed: int) -> Check:
        size = self._window()
        if size is None:
            return Check("context window", Verdict.NOTE, "not told" + f"; about {needed} tokens needed" * bool(needed))
        if size < needed:
            says = f"{size} tokens, and the longest question needs about {needed}: give the server a larger one"
            return Check("context window", Verdict.STOPS, says)
        return Check("context window", Verdict.OK, f"{size} tokens" + f"; about {needed} needed" * bool(needed))

    def _window(self) -> int | None:
        if not isinstance(self.model, TellsWindow):
            return None
        try:
            return self._counted(self.model.context_window)
        except ModelError:
            return None

    def _counted(self, ask: Callable[[], T]) -> T:
        self.requests += self.model.endpoint is not None
        return ask()


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=_there(folder)):
            return True
    except OSError:
        return False


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())
