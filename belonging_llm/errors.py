"""Every error this package raises on purpose.

BelongingError                 something a person can put right; message names value and place
├── InputError                 a file, row, segment or setting is wrong
│   ├── ContainerError         a zip container, or XML in it, is damaged, too large or unsafe
│   ├── ExchangeError          another program's project cannot be understood, or not without a choice
│   ├── TranscriptError        a transcript cannot be read
│   ├── TableError             a table lacks a column or holds a bad row
│   ├── CodebookError          a framework or codebook breaks its schema
│   ├── PromptError            a prompt file is malformed or was asked with wrong inputs
│   ├── ConsentError           words would leave this machine whose speaker did not agree to that
│   ├── LeakError              words of the sealed test split stand where a model reads them
│   ├── StaleError             somebody else changed meanwhile what was to be changed
│   └── StudyError             the study folder or its settings
├── ModelError                 a language or embedding model
│   ├── ModelFileError         weights missing, or not the bytes they should be
│   ├── ModelRefused           the endpoint says no for good (key, unknown model, not allowed)
│   ├── RequestRefused         the endpoint says no to one request (too long, filtered)
│   ├── ModelUnavailable       no reply after every bounded retry
│   └── ReplyError             a reply came and breaks its schema
└── Incomplete                 the run ended with work left; a rerun continues
    ├── UnderWay               questions wait at an endpoint; a later run collects the replies
    ├── BudgetReached          it may spend no more
    └── DiskFull               there is no room for what has to be kept

Vendor errors are translated once, in `belonging_llm.adapters`.
"""

from __future__ import annotations


class BelongingError(Exception):
    """Base of all deliberate errors; the command line prints it and exits with `exit_code`."""

    exit_code = 1


class InputError(BelongingError):
    """Something that was handed in is wrong; the message names the place and the remedy."""


class ContainerError(InputError):
    """A zip container, or the XML in one, is damaged, too large, or holds what no document needs."""


class ExchangeError(InputError):
    """A project of another program cannot be understood, or not without somebody's choice."""


class TranscriptError(InputError):
    """A transcript cannot be read."""


class TableError(InputError):
    """A table lacks a column or holds a row that cannot be used."""


class CodebookError(InputError):
    """A framework or codebook breaks its schema."""


class PromptError(InputError):
    """A prompt file is malformed, or was rendered with inputs that it does not declare."""


class ConsentError(InputError):
    """Words would leave this machine whose speaker has not agreed to that."""


class LeakError(InputError):
    """Words of the sealed test split stand where a model reads them."""


class StaleError(InputError):
    """Somebody else changed meanwhile what was to be changed; the message says what happened, and nothing is lost."""


class StudyError(InputError):
    """The study folder, its settings or its database."""


class ModelError(BelongingError):
    """A language model or an embedding model."""


class ModelFileError(ModelError):
    """A model's files are missing, or their sha256 is not the one on record."""


class ModelRefused(ModelError):
    """The endpoint refused for good: trying again would not help."""


class RequestRefused(ModelError):
    """The endpoint refused one request for good; others may pass."""


class ModelUnavailable(ModelError):
    """No reply came after every bounded retry.

    Attributes:
        retry_after: Seconds that the endpoint asked us to wait, or None.
        busy: It is there and asked too much: whoever else asks it should wait as well.
    """

    def __init__(self, message: str, retry_after: float | None = None, *, busy: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.busy = busy or retry_after is not None


class ReplyError(ModelError):
    """A reply came, and breaks the schema it was asked for."""


class Incomplete(BelongingError):
    """The run ended with work left; what is done is kept and a rerun continues."""

    exit_code = 3


class Busy(Incomplete):
    """Another process is at it; nothing was begun."""


class UnderWay(Incomplete):
    """Questions were sent together and wait for their replies; a later run collects them. Nothing went wrong."""


class BudgetReached(Incomplete):
    """The run has spent what it may; a rerun with a higher limit continues."""


class DiskFull(Incomplete):
    """Nothing more can be written; what is committed is whole, and a rerun continues once there is room."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"no room is left for {where}: free some (old reports, exports, logs; never the study's database), "
            "or move the study to a larger disk; what is committed is whole: rerun the same command to continue"
        )
