"""Bring the replies of a batch that ended into the ledger, so that a crash in the middle loses and doubles nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from belonging_llm.asking import Asker, LedgerEntry
from belonging_llm.budget import billed
from belonging_llm.errors import Incomplete, ModelRefused
from belonging_llm.llm import ChatReply
from belonging_llm.parcels.answers import Found, read
from belonging_llm.parcels.dispatch import patiently
from belonging_llm.parcels.parcel import Fate, Line, Parcel, Post, Register, Remote
from belonging_llm.provenance import now

# Replies that are committed at a time.
CHUNK = 500
GIVE_UP = "Or give it up with --recall, and what it holds is asked again"
_REST = {
    "completed": Fate.MISSING,
    "expired": Fate.EXPIRED,
    "cancelled": Fate.CANCELLED,
    "failed": Fate.UNASKED,
}


@dataclass(frozen=True)
class Collector:
    """Fetches and keeps what came back.

    Attributes:
        giving_up: What cannot be had is let go.
    """

    post: Post
    register: Register
    asker: Asker
    giving_up: bool

    def collect(self, parcel: Parcel, remote: Remote) -> None:
        """Give every question of a batch that ended its fate, and close the parcel.

        Raises:
            Incomplete: the files hold less than the batch tells of, and nothing of use: a page of somebody else's.
            ModelRefused, ModelUnavailable: the endpoint does not hand them out.
        """
        lines = {line.key: line for line in self.register.lines(parcel.id, waiting=True)}
        found = self._found(parcel, remote, self.register.keys(parcel.id))
        for keys in _chunks(sorted(lines.keys() & (found.replies.keys() | found.fates.keys())), CHUNK):
            self._keep(parcel, [lines[key] for key in keys], found)
        self.register.close(parcel.id, remote.status, _REST[remote.status], remote.errors, found.strays)

    def _found(self, parcel: Parcel, remote: Remote, asked: set[str]) -> Found:
        try:
            output, error = self._file(remote.output_file), self._file(remote.error_file)
        except ModelRefused:
            if self.giving_up:
                return Found()
            raise
        found = read(output, error, asked, self.post)
        if found.empty and len(found.strays) < remote.done and not self.giving_up:
            raise Incomplete(f"the files of batch {remote.id} hold no reply to what was asked; rerun. {GIVE_UP}")
        return found

    def _file(self, file_id: str | None) -> bytes:
        return patiently(self.asker.retry, lambda: self.post.download(file_id)) if file_id else b""

    def _keep(self, parcel: Parcel, lines: Sequence[Line], found: Found) -> None:
        replied = [line for line in lines if line.key in found.replies]
        entries = [(_entry(parcel, line, found.replies[line.key]), line.request) for line in replied]
        fates = {line.key: found.fates.get(line.key, Fate.REPLIED) for line in lines}
        self.register.keep(parcel.id, entries, fates)
        if parcel.run_id == self.asker.run_id:
            self.asker.brought([billed(line.request, found.replies[line.key], batch=True) for line in replied])


def _entry(parcel: Parcel, line: Line, reply: ChatReply) -> LedgerEntry:
    return LedgerEntry(
        key=line.key,
        attempt=1,
        run_id=parcel.run_id,
        model=parcel.model,
        prompt=line.prompt,
        prompt_digest=line.prompt_digest,
        reply=reply,
        seconds=0.0,
        at=now(),
        parcel=parcel.id,
    )


def _chunks(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
