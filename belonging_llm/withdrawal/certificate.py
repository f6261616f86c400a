"""What a withdrawal did and could not do, for the person who withdrew and the ethics board.

It stands for the participant with a reference drawn at random: nothing here leads back to them, and whoever is in
charge of the study writes the reference into the file that knows who they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileLine(_Row):
    """A file of the study's folder; `place` has the reference where it named the participant."""

    place: str
    fate: str
    sha256: str


class ProviderLine(_Row):
    """An endpoint that was sent their words.

    Attributes:
        away: It is not on this machine.
        sure: The log says whose words each request held; earlier ones may have held theirs.
        digests: Of the requests.
    """

    endpoint: str
    model: str
    away: bool
    sure: bool
    requests: int
    first: str
    last: str
    digests: tuple[str, ...]


class Certificate(_Row):
    """A withdrawal.

    Attributes:
        reference: Stands for the participant.
        rows: What was taken out of the database, by what it was.
        elsewhere: Places that stay and hold words in a row that only they said, or name them.
        compacted: The database was rebuilt: nothing of what was removed is left in its own files.
        on_server: It is kept by a server, which has files of other kinds.
        beyond: What could not be reached, in words.
    """

    reference: str
    study: str
    by: str
    begun_at: str
    finished_at: str
    rows: dict[str, int]
    files: tuple[FileLine, ...]
    elsewhere: tuple[str, ...]
    compacted: bool
    on_server: bool = False
    prefect: str
    providers: tuple[ProviderLine, ...]
    beyond: tuple[str, ...]


def lines(made: Certificate) -> Iterator[str]:
    """The certificate as text."""
    yield f"Withdrawal {made.reference} from the study {made.study}"
    yield f"begun {made.begun_at}, finished {made.finished_at}, by {made.by or 'nobody named'}"
    yield ""
    yield "Taken out of the database"
    yield from (f"  {count}  {what}" for what, count in made.rows.items() if count)
    yield f"  {_rebuilt(made)}"
    yield f"  Prefect's records: {made.prefect}"
    yield ""
    yield "Files in the study's folder (with the sha256 that they had)"
    yield from (f"  {one.fate}: {one.place}  {one.sha256}" for one in made.files)
    if not made.files:
        yield "  none held anything of theirs"
    yield ""
    yield "Stays, and needs a person's eye (words that only they said, or their name)"
    yield from (f"  {place}" for place in made.elsewhere)
    if not made.elsewhere:
        yield "  nothing was found"
    yield ""
    yield "Copies that requests left with model providers"
    for one in made.providers:
        where = "" if one.away else " (a server on this machine)"
        sure = "" if one.sure else ", sent before the log named participants: some may have held their words"
        yield f"  {one.endpoint}{where}, {one.model}: {one.requests} requests, {one.first} to {one.last}{sure}"
    if not made.providers:
        yield "  none: no request of theirs left this process"
    yield ""
    yield "Out of reach"
    yield from (f"  {line}" for line in made.beyond)


def _rebuilt(made: Certificate) -> str:
    if made.on_server:
        return "database: every table and its statistics written anew; of the server's other files see the end"
    kept = "rebuilt, freed pages overwritten, journal cut to nothing" if made.compacted else "not rebuilt"
    return f"database file: {kept}"


class Step(StrEnum):
    """Keys of what a withdrawal notes of itself."""

    FILES = "files"
    ELSEWHERE = "elsewhere"
    PROVIDERS = "providers"
    ROWS = "rows"
