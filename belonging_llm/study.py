"""A study: one folder with its settings, database, prompts and reports."""

from __future__ import annotations

import os
import shutil
import tomllib
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from belonging_llm import codebook, resources
from belonging_llm.codebook import Framework
from belonging_llm.errors import StudyError
from belonging_llm.prompts import Prompt, load
from belonging_llm.store import Store

SETTINGS = "study.toml"
DEFAULT_FRAMEWORK = "odl-belonging"


class Settings(BaseModel):
    """What `study.toml` says; the command line may override the models for one run.

    Attributes:
        store: SQLAlchemy URL of the database; empty for `study.sqlite` in the folder.
        allow_remote: Whether interview text may leave this machine at all.
        ask_share: Largest share of segments that the language model is asked to code.
        shortest_themed: Segments with fewer words are coded but not grouped into themes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    framework: str = DEFAULT_FRAMEWORK
    language: str = "en"
    store: str = ""
    llm: str = "local"
    embedder: str = "local"
    allow_remote: bool = False
    seed: int = 0
    min_words: int = Field(12, ge=1)
    max_words: int = Field(60, ge=2)
    shortest_themed: int = Field(5, ge=1)
    ask_share: float = Field(0.04, ge=0, le=1)
    synthetic: bool = False


class Study:
    """A study folder."""

    def __init__(self, folder: Path) -> None:
        """Open a folder that `belonging init` made.

        Raises:
            StudyError: no settings there, or settings that make no sense.
        """
        self.folder = folder.resolve()
        self.settings = _settings(self.folder / SETTINGS)

    @cached_property
    def store(self) -> Store:
        """The study's database."""
        url = os.environ.get("BELONGING_STORE") or self.settings.store
        return Store(url or f"sqlite:///{self.folder / 'study.sqlite'}")

    @property
    def reports(self) -> Path:
        """Where reports go."""
        return self.folder / "reports"

    @property
    def prefect_home(self) -> Path:
        """Where Prefect keeps its own records, away from the user's."""
        return self.folder / ".prefect"

    def framework(self) -> Framework:
        """The codebook in use: the one brought in last, else the one that the settings name.

        Raises:
            CodebookError: the settings name one that cannot be read.
        """
        return self.store.codebooks.current() or codebook.load(self.settings.framework)

    def prompt(self, name: str) -> Prompt:
        """A prompt, from the study's own `prompts/` folder first.

        Raises:
            PromptError: there is none of this name, or it is malformed.
        """
        return load(name, self.folder / "prompts")


def create(folder: Path, *, framework: str = DEFAULT_FRAMEWORK, sample: bool = False) -> Study:
    """Make a study folder; with `sample`, its transcripts and gold folders hold the synthetic interviews.

    Raises:
        StudyError: the folder already holds a study, or cannot be written.
        CodebookError: no such framework.
    """
    if (folder / SETTINGS).exists():
        raise StudyError(f"{folder}: is already a study; use `belonging import` and `belonging analyse` on it")
    chosen = codebook.load(framework)
    try:
        for part in ("transcripts", "gold", "prompts", "reports"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        if sample:
            shutil.copytree(resources.path("data", "sample"), folder, dirs_exist_ok=True)
        (folder / SETTINGS).write_text(_initial(folder.resolve().name, framework, sample), encoding="utf-8")
    except OSError as error:
        raise StudyError(f"{folder}: cannot be made: {error}") from error
    study = Study(folder)
    study.store.codebooks.use(chosen)
    return study


def _settings(path: Path) -> Settings:
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise StudyError(f"{path.parent}: holds no {SETTINGS}; make a study with `belonging init`") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise StudyError(f"{path}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error


def _initial(name: str, framework: str, sample: bool) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f"""# What shapes this study's analysis. Every value here lands in the record of each run.
name = "{quoted}"
framework = "{framework}"
synthetic = {str(sample).lower()}

# Models. `local` runs on this machine. See `belonging analyse --help` for other specs.
llm = "local"
embedder = "local"
# Interview text leaves this machine only if this says true AND llm names a remote service.
allow_remote = false

# Units of coding, in words: a shorter one joins its neighbour, a longer one is divided between sentences.
min_words = 12
max_words = 60
# Segments with fewer words than this are coded but not grouped into themes.
shortest_themed = 5
# Largest share of segments that the language model is asked to code where cheaper evidence is in doubt.
ask_share = 0.04
language = "en"
seed = 0
"""
