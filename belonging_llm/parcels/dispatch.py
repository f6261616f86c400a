"""Send a parcel so that a process that dies at any point does not send it twice.

A parcel is sealed (written down with an id of our own) before anything leaves, and noted as uploaded before a batch is
ordered. The order names the id. So whoever finds a parcel that was sealed knows that nothing was ordered; and whoever
finds one that was uploaded looks among the endpoint's batches for the id before ordering anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from belonging_llm.asking import Retry
from belonging_llm.errors import ModelUnavailable, RequestRefused
from belonging_llm.parcels.parcel import DIGEST, LABEL, Fate, Parcel, Post, Register, Remote

T = TypeVar("T")


@dataclass(frozen=True)
class Dispatcher:
    """Brings parcels from sealed to sent.

    Attributes:
        settles: See `Patience.settles`.
    """

    post: Post
    register: Register
    retry: Retry
    settles: float

    def send(self, parcel: Parcel) -> Parcel:
        """Upload a sealed parcel and order its batch.

        Raises:
            RequestRefused: the endpoint does not take this file; the parcel is closed.
            ModelUnavailable, ModelRefused: it stays as far as it is.
        """
        content = b"".join(self.post.line(line.key, line.request) for line in self.register.lines(parcel.id))
        # Logged first: should this process die on the way, the log says too much rather than too little.
        self.register.leaving(parcel.id)
        name = f"belonging-{parcel.id}.jsonl"
        file_id = self._or_close(parcel, lambda: patiently(self.retry, lambda: self.post.upload(name, content)))
        return self._order(self.register.uploaded(parcel.id, file_id))

    def found(self, parcel: Parcel) -> Parcel | None:
        """A parcel that an earlier process uploaded, as sent; None when no batch of it was ordered."""
        left = self.settles - _age(parcel)
        if left > 0:
            self.retry.sleep(left)
        remote = patiently(self.retry, lambda: self._find(parcel))
        return self.register.sent(parcel.id, remote) if remote else None

    def _order(self, parcel: Parcel) -> Parcel:
        labels = {LABEL: parcel.id, DIGEST: parcel.digest}
        file_id = str(parcel.file_id)
        wait = self.retry.first_wait
        for tries_left in range(self.retry.tries - 1, -1, -1):
            self.register.touch(parcel.id)
            try:
                remote = self._or_close(parcel, lambda: self.post.create(file_id, labels))
                return self.register.sent(parcel.id, remote)
            except ModelUnavailable as error:
                self.retry.sleep(_pause(self.retry, wait, error))
                wait *= 2
                # No answer does not mean no batch.
                if remote_after_all := patiently(self.retry, lambda: self._find(parcel)):
                    return self.register.sent(parcel.id, remote_after_all)
                if not tries_left:
                    raise
        raise AssertionError("unreachable")

    def _find(self, parcel: Parcel) -> Remote | None:
        return next((remote for remote in self.post.listed() if _is_of(remote, parcel)), None)

    def _or_close(self, parcel: Parcel, step: Callable[[], T]) -> T:
        """One step; a file that is refused for good is no parcel any more."""
        try:
            return step()
        except RequestRefused:
            self.register.close(parcel.id, "refused", Fate.UNASKED, (), ())
            raise


def patiently(retry: Retry, step: Callable[[], T]) -> T:
    """One step that may be done again without harm, tried as often as a question is.

    Raises:
        ModelUnavailable: every try found the endpoint gone.
    """
    wait = retry.first_wait
    for _ in range(retry.tries - 1):
        try:
            return step()
        except ModelUnavailable as error:
            retry.sleep(_pause(retry, wait, error))
            wait *= 2
    return step()


def _pause(retry: Retry, wait: float, error: ModelUnavailable) -> float:
    return min(wait if error.retry_after is None else error.retry_after, retry.longest_wait)


def _is_of(remote: Remote, parcel: Parcel) -> bool:
    """By our label; by the file too, for endpoints that do not keep labels."""
    return remote.labels.get(LABEL) == parcel.id or (parcel.file_id is not None and remote.file_id == parcel.file_id)


def _age(parcel: Parcel) -> float:
    """Seconds since an order was last tried."""
    return (datetime.now(UTC) - datetime.fromisoformat(parcel.touched_at)).total_seconds()
