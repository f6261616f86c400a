"""The whole errand: go on with what is under way, send what is due, wait, collect, and say what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

from belonging_llm.asking import Asker, LedgerEntry, Question
from belonging_llm.budget import billed
from belonging_llm.errors import BudgetReached, Incomplete, ModelRefused, ModelUnavailable, RequestRefused
from belonging_llm.llm import ChatReply
from belonging_llm.parcels.collect import Found, read
from belonging_llm.parcels.dispatch import SETTLES, Dispatcher, patiently
from belonging_llm.parcels.parcel import Fate, Line, Parcel, Post, Register, Remote, State
from belonging_llm.prices import dollars
from belonging_llm.provenance import now

# Replies that are committed at a time.
CHUNK = 500
# What the endpoint says when too much of ours is queued already: later, or in smaller pieces, it may be taken.
QUEUE_FULL = "token_limit_exceeded"
_REST = {
    "completed": Fate.MISSING,
    "expired": Fate.EXPIRED,
    "cancelled": Fate.CANCELLED,
    "failed": Fate.UNASKED,
}


@dataclass(frozen=True)
class Mode:
    """What may be done.

    Attributes:
        send: Send what is due and wait for it; else only what is under way is looked after.
        recall: Have batches that are under way cancelled, and give up those that cannot be had.
    """

    send: bool = False
    recall: bool = False


@dataclass(frozen=True)
class Terms:
    """What goes into one parcel, and how often a question goes out.

    Attributes:
        requests: The most questions in a file; `bytes` its largest size.
        times: Parcels that a question goes out in; when none brings a reply it is asked by itself.
        few: So few questions that came back without a reply are asked by themselves rather than waited for again.
    """

    requests: int = 50_000
    bytes: int = 200_000_000
    times: int = 2
    few: int = 20


@dataclass(frozen=True)
class Patience:
    """How long to wait for batches; all in seconds.

    Attributes:
        most: Then the errand ends incomplete; None waits for as long as it takes.
        first: Before the second look; pauses grow up to `longest`.
        faults: Looks in a row that find the endpoint gone before that ends the errand.
    """

    most: float | None = None
    first: float = 5.0
    longest: float = 60.0
    faults: int = 10
    settles: float = SETTLES
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass
class Errand:
    """Has questions answered in parcels on behalf of one run, and puts the replies into its ledger.

    Attributes:
        done: Told how many questions have an answer or an error at the endpoint, of how many.
    """

    asker: Asker
    post: Post
    register: Register
    mode: Mode
    patience: Patience = field(default_factory=Patience)
    terms: Terms = field(default_factory=Terms)
    done: Callable[[int, int], None] = lambda *_: None
    _wanted: frozenset[str] = frozenset()
    _size: int = 0
    _one_by_one: bool = False
    _limited: bool = False
    _ended: list[tuple[Parcel, Remote]] = field(default_factory=list)
    _faults: int = 0

    def run(self, questions: Sequence[Question[Any]]) -> None:
        """Return once no question is under way and none is due: what has no reply then is asked by itself.

        Raises:
            Incomplete: batches are under way, or were cancelled at the endpoint, or it is gone; a rerun continues.
            BudgetReached: what is left may cost more than may be spent.
            ModelRefused, RequestRefused: the endpoint takes no batches, or not these.
        """
        lines = self._lines(questions)
        self._wanted, self._size = frozenset(lines), self.terms.requests
        try:
            self._resume()
            while self._round(lines):
                pass
        except ModelUnavailable as error:
            raise Incomplete(
                f"the batches at {self.asker.model.endpoint} cannot be seen to ({error}); what was sent is known: "
                "rerun to continue"
            ) from error

    @property
    def parcels(self) -> list[Parcel]:
        """The run's parcels so far, with what became of their questions."""
        return self.register.of_run(self.asker.run_id)

    def _round(self, lines: dict[str, Line]) -> bool:
        """Send what is due, then wait for all that is under way; whether there may be a next round."""
        sending = self.mode.send and not self.mode.recall
        if sending and (due := self._due(lines)):
            self._send(due[: self._affordable(due)])
        if not self._open():
            return False
        self._ended.clear()
        self._wait()
        if sending:
            self._conclude()
        return sending and bool(self._ended)

    def _lines(self, questions: Sequence[Question[Any]]) -> dict[str, Line]:
        found = {}
        for question in questions:
            key, asked = question.key(self.asker.model.id), question.prompt
            found[key] = Line(key=key, prompt=asked.name, prompt_digest=asked.digest, request=question.request())
        return found

    # What an earlier process left behind

    def _resume(self) -> None:
        for parcel in self._open():
            if parcel.state is not State.SENT:
                self._reclaim(parcel)
        if self.mode.recall:
            for parcel in self._open():
                self._recall(parcel)

    def _reclaim(self, parcel: Parcel) -> None:
        """Unpack what was not ordered: what of it is still due goes out anew, if there is money for it."""
        if parcel.state is State.SEALED or not self._dispatcher.found(parcel):
            self.register.close(parcel.id, "not ordered", Fate.UNASKED, (), ())

    def _recall(self, parcel: Parcel) -> None:
        remote_id = str(parcel.remote_id)
        try:
            remote = patiently(self.asker.retry, lambda: self.post.look(remote_id))
            if not remote.ended and remote.status != "cancelling":
                self._cancel(remote_id)
        except ModelRefused:
            self.register.close(parcel.id, "given up", Fate.MISSING, (), ())

    def _cancel(self, remote_id: str) -> None:
        try:
            patiently(self.asker.retry, lambda: self.post.cancel(remote_id))
        except (RequestRefused, ModelUnavailable):
            # What has ended in the meantime cannot be cancelled.
            if not patiently(self.asker.retry, lambda: self.post.look(remote_id)).ended:
                raise

    # Waiting

    def _wait(self) -> None:
        """Until every parcel with a wanted question is closed.

        Raises:
            Incomplete: patience is over before.
        """
        started, pause = self.patience.clock(), self.patience.first
        while waiting := self._look():
            left = self._patience_left(started)
            if left <= 0:
                raise Incomplete(self._under_way(waiting))
            self.patience.sleep(min(pause, left))
            pause = min(pause * 1.5, self.patience.longest)

    def _patience_left(self, started: float) -> float:
        if not (self.mode.send or self.mode.recall):
            return 0.0
        if self.patience.most is None:
            return self.patience.longest
        return started + self.patience.most - self.patience.clock()

    def _look(self) -> list[Remote | None]:
        """One look at every open parcel, collecting those that ended; the others that are wanted.

        None stands for one that could not be looked at.
        """
        under_way: list[Remote | None] = []
        for parcel in self._open():
            wanted = self.mode.recall or not self._wanted.isdisjoint(self.register.keys(parcel.id))
            try:
                remote = self._seen(parcel)
                if remote and remote.ended:
                    self._collect(parcel, remote)
                    continue
            except ModelRefused as refused:
                # An old one that nobody needs may be unknown there by now; it keeps nobody from working.
                if wanted:
                    raise ModelRefused(f"batch {parcel.remote_id} cannot be had: {refused}. {_GIVE_UP}") from refused
                continue
            if wanted:
                under_way.append(remote)
        known = [remote for remote in (*under_way, *(ended for _, ended in self._ended)) if remote]
        self.done(sum(r.done for r in known), sum(r.total for r in known))
        return under_way

    def _seen(self, parcel: Parcel) -> Remote | None:
        try:
            remote = self.post.look(str(parcel.remote_id))
        except ModelUnavailable:
            self._faults += 1
            if self._faults >= self.patience.faults:
                raise
            return None
        self._faults = 0
        if remote.status != parcel.status:
            self.register.told(parcel.id, remote.status)
        return remote

    def _under_way(self, waiting: Sequence[Remote | None]) -> str:
        known = [r for r in waiting if r]
        told = ", ".join(f"{r.id}: {r.status}, {r.done} of {r.total} done" for r in known)
        hint = "rerun the same command to collect the replies"
        if not self.mode.send and not self.mode.recall:
            hint = "add --batch to wait for the replies, or --recall to cancel it and go on without"
        return f"a batch is under way at {self.asker.model.endpoint} ({told or 'it does not answer'}); {hint}"

    # Collecting

    def _collect(self, parcel: Parcel, remote: Remote) -> None:
        lines = {line.key: line for line in self.register.lines(parcel.id, waiting=True)}
        found = self._found(parcel, remote, self.register.keys(parcel.id))
        for keys in _chunks(sorted(lines.keys() & (found.replies.keys() | found.fates.keys())), CHUNK):
            self._keep(parcel, [lines[key] for key in keys], found)
        rest = _REST[remote.status]
        self.register.close(parcel.id, remote.status, rest, remote.errors, found.strays)
        self._ended.append((parcel, remote))

    def _found(self, parcel: Parcel, remote: Remote, asked: set[str]) -> Found:
        """What came back.

        Raises:
            Incomplete: the files hold less than the batch tells of, and nothing of use: a page of somebody else's.
            ModelRefused: the endpoint does not hand them out.
        """
        try:
            output, error = self._file(remote.output_file), self._file(remote.error_file)
        except ModelRefused:
            if self.mode.recall:
                return Found()
            raise
        found = read(output, error, asked, self.post)
        if found.empty and len(found.strays) < remote.done and not self.mode.recall:
            raise Incomplete(f"the files of batch {remote.id} hold no reply to what was asked; rerun. {_GIVE_UP}")
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

    # After a round

    def _conclude(self) -> None:
        """What the parcels that just ended mean for the next.

        Raises:
            ModelRefused, Incomplete, BudgetReached: there is to be no next.
        """
        refused = [(p, r) for p, r in self._ended if r.status == "failed"]
        for parcel, remote in refused:
            if QUEUE_FULL not in remote.errors:
                codes = ", ".join(remote.errors) or "no reason given"
                raise ModelRefused(
                    f"the endpoint did not take a batch of {parcel.requests} questions ({codes}); nothing of it was "
                    "answered. Leave out --batch to ask one by one"
                )
        if any(remote.status == "cancelled" for _, remote in self._ended):
            raise Incomplete(
                "a batch was cancelled at the endpoint; its replies are kept: rerun to send the rest again"
            )
        if refused:
            self._send_less(max(p.requests for p, _ in refused), moved=len(refused) < len(self._ended))
        if self._limited:
            raise BudgetReached(f"what may be spent was enough for a part of the questions; {_MORE}")

    def _send_less(self, tried: int, *, moved: bool) -> None:
        """One parcel at a time from now on, and smaller ones if none got through."""
        self._one_by_one = True
        self._size = min(self._size, tried if moved else tried // 2)
        if not self._size:
            raise Incomplete("the endpoint's queue is full of batches; rerun when some of them are done")

    def _due(self, lines: dict[str, Line]) -> list[Line]:
        settled = self.register.answered(sorted(lines)).union(*(self.register.keys(p.id) for p in self._open()))
        returned = self.register.returned(self.asker.model.id)
        left = [line for key, line in lines.items() if key not in settled and self._again(returned.get(key, []))]
        asked_before = [line for line in left if _tries(returned.get(line.key, []))]
        return [] if len(left) <= self.terms.few and len(asked_before) == len(left) else left

    def _again(self, fates: Sequence[Fate]) -> bool:
        return Fate.REFUSED not in fates and _tries(fates) < self.terms.times

    # Sending

    def _affordable(self, due: Sequence[Line]) -> int:
        """How many may be sent beside what is under way, each charged at the most it can cost.

        Raises:
            BudgetReached: none, and nothing is under way.
        """
        budget = self.asker.budget
        mine = [p.id for p in self._open() if p.run_id == self.asker.run_id]
        under_way = [line for parcel_id in mine for line in self.register.lines(parcel_id, waiting=True)]
        most = [billed(line.request, None, batch=True) for line in (*under_way, *due)]
        fits = max(0, budget.fits(most) - len(under_way))
        self._limited = fits < len(due)
        if not fits and not mine:
            spent = f"{dollars(budget.usd)} spent in " if budget.usd is not None else ""
            left = f"{len(due)} questions are left for a batch, {spent}{budget.spent.replies} calls"
            raise BudgetReached(f"not one more question surely fits into the limit ({left}); {_MORE}")
        return fits

    def _send(self, due: Sequence[Line]) -> None:
        for part in self._parts(due):
            self._dispatcher.send(self._sealed(part))
            if self._one_by_one:
                return

    def _parts(self, due: Sequence[Line]) -> Iterator[list[Line]]:
        """Cut so that no file is too long or too large."""
        part: list[Line] = []
        size = 0
        for line in due:
            more = len(self.post.line(line.key, line.request))
            if part and (len(part) == self._size or size + more > self.terms.bytes):
                yield part
                part, size = [], 0
            part.append(line)
            size += more
        if part:
            yield part

    def _sealed(self, lines: Sequence[Line]) -> Parcel:
        content, size = sha256(), 0
        for line in lines:
            raw = self.post.line(line.key, line.request)
            content.update(raw)
            size += len(raw)
        model, at = self.asker.model, now()
        parcel = Parcel(
            id=uuid4().hex,
            run_id=self.asker.run_id,
            model=model.id,
            endpoint=str(model.endpoint),
            digest=content.hexdigest(),
            requests=len(lines),
            bytes=size,
            made_at=at,
            touched_at=at,
        )
        self.register.seal(parcel, lines)
        return parcel

    def _open(self) -> list[Parcel]:
        return self.register.open(self.asker.model.id, str(self.asker.model.endpoint))

    @property
    def _dispatcher(self) -> Dispatcher:
        return Dispatcher(self.post, self.register, self.asker.retry, self.patience.settles)


_GIVE_UP = "Or give it up with --recall, and what it holds is asked again"
_MORE = "what is done is kept: rerun with a higher --budget or --calls to continue"


def _tries(fates: Sequence[Fate]) -> int:
    """How often a question really went out."""
    return sum(fate is not Fate.UNASKED for fate in fates)


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
