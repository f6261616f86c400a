"""A parcel, its lines, and the two who handle it: the register that remembers it and the post that carries it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from belonging_llm.asking import LedgerEntry
from belonging_llm.llm import ChatReply, ChatRequest

if TYPE_CHECKING:
    from belonging_llm.parcels.answers import Stray

LABEL = "belonging_parcel"
DIGEST = "belonging_digest"


class State(StrEnum):
    """How far a parcel is; each is committed before the next step begins."""

    SEALED = "sealed"  # written down; nothing has been ordered at the endpoint
    UPLOADED = "uploaded"  # its file is at the endpoint, and a batch of it may have been ordered
    SENT = "sent"  # the endpoint's name for the batch is known
    CLOSED = "closed"  # every line has its fate


class Fate(StrEnum):
    """What became of one question."""

    WAITING = "waiting"
    REPLIED = "replied"
    REFUSED = "refused"  # the endpoint will not take this one
    FAILED = "failed"  # an error that may pass
    EXPIRED = "expired"  # not come to in time
    CANCELLED = "cancelled"
    MISSING = "missing"  # nothing that came back speaks of it
    UNASKED = "unasked"  # the parcel as a whole was not taken


class Line(BaseModel):
    """One question of a parcel.

    Attributes:
        key: What its reply is found under in the ledger; the endpoint gives it back with the reply.
        about: Participants whose words it shows; never sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    prompt: str
    prompt_digest: str
    request: ChatRequest
    about: tuple[str, ...] = ()


class Parcel(BaseModel):
    """A parcel as the register knows it.

    Attributes:
        id: Made here before anything is sent, and told to the endpoint with the order.
        run_id: The run that pays for it.
        digest: SHA-256 of the file's bytes.
        file_id: The endpoint's name for the file; None until uploaded.
        remote_id: The endpoint's name for the batch; None until known.
        status: The endpoint's last word on the batch; "" before it said any.
        errors: Codes with which the endpoint refused the whole.
        touched_at: When it last changed, or an order was last tried.
        fates: How many lines have which fate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    run_id: str
    model: str
    endpoint: str
    digest: str
    requests: int
    bytes: int
    state: State = State.SEALED
    file_id: str | None = None
    remote_id: str | None = None
    status: str = ""
    errors: tuple[str, ...] = ()
    made_at: str
    touched_at: str
    fates: dict[str, int] = {}


class Remote(BaseModel):
    """A batch as the endpoint tells of it.

    Attributes:
        status: The endpoint's word, such as `in_progress`; see `ended`.
        labels: What was told to the endpoint with the order.
        total: Questions in it; `done` those with a reply or an error so far.
        errors: Codes with which the whole was refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    status: str
    file_id: str | None = None
    output_file: str | None = None
    error_file: str | None = None
    labels: dict[str, str] = {}
    total: int = 0
    done: int = 0
    errors: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come; words that are not known count as under way."""
        return self.status in {"completed", "failed", "expired", "cancelled"}


@runtime_checkable
class Post(Protocol):
    """An endpoint that takes many questions at once; each verb tries once and raises a ModelError."""

    def line(self, key: str, request: ChatRequest) -> bytes:
        """A question as one line of the file, its line end included."""

    def upload(self, name: str, content: bytes) -> str:
        """Hand a file over; returns the endpoint's name for it. Orders nothing."""

    def create(self, file_id: str, labels: Mapping[str, str]) -> Remote:
        """Order a batch of an uploaded file. Not to be tried again blindly: it may have been made."""

    def listed(self) -> Iterator[Remote]:
        """Every batch that the endpoint knows of."""

    def look(self, remote_id: str) -> Remote:
        """How far a batch is."""

    def cancel(self, remote_id: str) -> Remote:
        """Ask the endpoint to stop a batch; what it has answered by then is kept."""

    def download(self, file_id: str) -> bytes:
        """A file of replies or errors."""

    def reply(self, body: Mapping[str, Any]) -> ChatReply:
        """The reply in the body of one line.

        Raises:
            ModelUnavailable: there is none.
        """


class Register(Protocol):
    """Where parcels are kept; each verb returns only when it is safe."""

    def seal(self, parcel: Parcel, lines: Sequence[Line]) -> None:
        """Keep a parcel with its lines before anything is sent.

        Raises:
            Incomplete: one of the questions is under way in another parcel.
        """

    def leaving(self, parcel_id: str) -> None:
        """Log that the words of its questions leave, one line of the egress log for each."""

    def uploaded(self, parcel_id: str, file_id: str) -> Parcel:
        """Its file is at the endpoint; from here on a batch may be ordered."""

    def touch(self, parcel_id: str) -> None:
        """An order is about to be tried."""

    def sent(self, parcel_id: str, remote: Remote) -> Parcel:
        """The endpoint took the order."""

    def told(self, parcel_id: str, status: str) -> None:
        """The endpoint's latest word."""

    def open(self, model: str, endpoint: str) -> list[Parcel]:
        """Those that are not closed, the first first."""

    def lines(self, parcel_id: str, *, waiting: bool = False) -> list[Line]:
        """Questions of an open parcel in their order; with `waiting`, those without a fate."""

    def keys(self, parcel_id: str) -> set[str]:
        """Keys of its questions, whatever their fate."""

    def keep(
        self, parcel_id: str, entries: Sequence[tuple[LedgerEntry, ChatRequest]], fates: Mapping[str, Fate]
    ) -> None:
        """Put replies into the ledger and note fates, in one transaction; lines that have a fate stay as they are.

        An entry's attempt is set here, behind those that the ledger holds.
        """

    def close(self, parcel_id: str, status: str, rest: Fate, errors: Iterable[str], strays: Sequence[Stray]) -> None:
        """Give what still waits this fate, keep what could not be read, forget the words of the questions."""

    def answered(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have a reply in the ledger."""

    def returned(self, model: str) -> dict[str, list[Fate]]:
        """Fates of questions to a model that closed parcels brought back without a reply, by key."""

    def of_run(self, run_id: str) -> list[Parcel]:
        """A run's parcels, the first first."""
