"""The whole errand: go on with what is under way, send what is due, wait, collect, and say what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from belonging_llm.asking import Asker, Question, Sampling
from belonging_llm.budget import billed
from belonging_llm.errors import BudgetReached, Incomplete, ModelRefused, ModelUnavailable, RequestRefused, UnderWay
from belonging_llm.parcels.collect import GIVE_UP, Collector
from belonging_llm.parcels.dispatch import Dispatcher, patiently
from belonging_llm.parcels.pack import cut, seal
from belonging_llm.parcels.parcel import Fate, Line, Parcel, Post, Register, Remote, State
from belonging_llm.parcels.terms import Mode, Patience, Terms
from belonging_llm.prices import dollars

# What the endpoint says when too much of ours is queued already: later, or in smaller pieces, it may be taken.
QUEUE_FULL = "token_limit_exceeded"


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

    def run(self, questions: Sequence[Question[Any]], beside: Sequence[tuple[Question[Any], Sampling]] = ()) -> None:
        """Return once no question is under way and none is due: what has no reply then is asked by itself.

        Args:
            beside: Questions that are asked in another way than the asker does.

        Raises:
            UnderWay: batches are under way; a rerun collects them.
            Incomplete: batches were cancelled at the endpoint, or it is gone; a rerun continues.
            BudgetReached: what is left may cost more than may be spent.
            ModelRefused, RequestRefused: the endpoint takes no batches, or not these.
        """
        lines = self._lines([*((question, self.asker.sampling) for question in questions), *beside])
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

    def _lines(self, asked: Iterable[tuple[Question[Any], Sampling]]) -> dict[str, Line]:
        found = {}
        for question, how in asked:
            key, prompt = question.key(self.asker.model.id, how), question.prompt
            named = {"key": key, "prompt": prompt.name, "prompt_digest": prompt.digest}
            found[key] = Line(**named, request=question.request(how), about=question.about)
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
            UnderWay: patience is over before.
        """
        started, pause = self.patience.clock(), self.patience.first
        while waiting := self._look():
            left = self._patience_left(started)
            if left <= 0:
                raise UnderWay(self._under_way(waiting))
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
                    self._collector.collect(parcel, remote)
                    self._ended.append((parcel, remote))
                    continue
            except (ModelRefused, Incomplete) as problem:
                # An old one that nobody needs may be unknown there by now; it keeps nobody from working.
                if wanted and isinstance(problem, ModelRefused):
                    raise ModelRefused(f"batch {parcel.remote_id} cannot be had: {problem}. {GIVE_UP}") from problem
                if wanted:
                    raise
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
            hint = "add --batch-api to wait for the replies, or --recall to cancel it and go on without"
        return f"a batch is under way at {self.asker.model.endpoint} ({told or 'it does not answer'}); {hint}"

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
                    "answered. Leave out --batch-api to ask one by one"
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
        for part in cut(due, self.post, replace(self.terms, requests=self._size)):
            parcel = seal(part, self.asker, self.post)
            self.register.seal(parcel, part)
            self._dispatcher.send(parcel)
            if self._one_by_one:
                return

    def _open(self) -> list[Parcel]:
        return self.register.open(self.asker.model.id, str(self.asker.model.endpoint))

    @property
    def _dispatcher(self) -> Dispatcher:
        return Dispatcher(self.post, self.register, self.asker.retry, self.patience.settles)

    @property
    def _collector(self) -> Collector:
        return Collector(self.post, self.register, self.asker, giving_up=self.mode.recall)


_MORE = "what is done is kept: rerun with a higher --budget or --calls to continue"


def _tries(fates: Sequence[Fate]) -> int:
    """How often a question really went out."""
    return sum(fate is not Fate.UNASKED for fate in fates)
