"""Questions in batches, through the real SDK against a real server: whatever the endpoint does, every question is
answered or said to be left, none is ordered twice, and what is counted is what the server did.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from batch_errand import questions
from batch_server import BatchServer, Moment, Odd, ordered
from chat_server import Asked, Body, Fault

from belonging_llm import prices
from belonging_llm.adapters.openai_batches import OpenAIBatches
from belonging_llm.adapters.openai_sdk import OpenAIChat
from belonging_llm.asking import Asker, Question, Retry
from belonging_llm.budget import Budget, Limit, Spending, bill, billed
from belonging_llm.errors import BudgetReached, Incomplete, ModelRefused, RequestRefused
from belonging_llm.parcels import Errand, Mode, Patience, Terms
from belonging_llm.parcels.pack import seal
from belonging_llm.prices import HERE, Price
from belonging_llm.store import Store, ledger
from belonging_llm.store.schema import call, egress, parcel_line

# The server says 10 tokens in, 5 out for every reply: 10 × 0.01 + 5 × 0.02 = 0.20 dollars, and a half of it in a batch.
DEAR = Price(
    models=("http://127.0.0.1:*#pretend",), input=10_000, output=20_000, source="A vendor", date=None, batch=0.5
)
EACH = 0.20
SEND, LOOK, RECALL = Mode(send=True), Mode(), Mode(recall=True)


@pytest.fixture(scope="module")
def running() -> Iterator[BatchServer]:
    with BatchServer() as server:
        yield server


@pytest.fixture
def server(running: BatchServer) -> Iterator[BatchServer]:
    running.reset()
    yield running
    running.reset()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'study.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Store]:
    """Another database, for asking one by one."""
    opened = Store(f"sqlite:///{tmp_path / 'alone.sqlite'}")
    yield opened
    opened.close()


@dataclass
class Desk:
    """One process after the other on one database: each `send`, `look` or `recall` is a new errand.

    Attributes:
        slept: Seconds that anybody wanted to wait; nobody really waits.
        shown: What progress was told.
    """

    server: BatchServer
    store: Store
    run_id: str = "run"
    limit: Limit = field(default_factory=Limit)
    price: Price = HERE
    terms: Terms = field(default_factory=lambda: Terms(few=0))
    slept: list[float] = field(default_factory=list)
    shown: list[tuple[int, int]] = field(default_factory=list)
    _clock: float = 0.0

    def asker(self) -> Asker:
        model = OpenAIChat("pretend", self.server.url)
        spent = next(iter(self.store.ledger.spending(self.run_id)), Spending(model.id))
        budget = Budget(self.limit, self.price, spent)
        return Asker(model, self.store.ledger, self.run_id, Retry(sleep=self._sleep), budget)

    def go(self, mode: Mode, asked: list[Question[Any]], most: float | None = None) -> Asker:
        asker = self.asker()
        patience = Patience(most=most, settles=0, sleep=self._sleep, clock=lambda: self._clock)
        assert isinstance(asker.model, OpenAIChat)
        post = OpenAIBatches(asker.model)
        shown: Callable[[int, int], None] = lambda done, total: self.shown.append((done, total))  # noqa: E731
        Errand(asker, post, self.store.parcels, mode, patience, self.terms, shown).run(asked)
        return asker

    def send(self, count: int = 23, most: float | None = None) -> Asker:
        return self.go(SEND, list(questions(count)), most)

    def answers(self, count: int = 23) -> list[Any]:
        """What asking one by one finds then; it really asks what has no reply."""
        return self.asker().ask_all(list(questions(count)))

    def fates(self) -> Counter[str]:
        with self.store.parcels._engine.connect() as connection:
            return Counter(connection.execute(sa.select(parcel_line.c.fate)).scalars())

    def rows(self, query: sa.Select[Any]) -> list[Any]:
        with self.store.parcels._engine.connect() as connection:
            return list(connection.execute(query).all())

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._clock += seconds


@pytest.fixture
def desk(server: BatchServer, store: Store) -> Desk:
    return Desk(server, store)


@pytest.fixture
def dear(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The server on this machine passes for a hosted one with a price."""
    monkeypatch.setattr(prices, "table", lambda: (DEAR,))
    for module in (prices, ledger):
        monkeypatch.setattr(module, "is_loopback", lambda _: False)
    desk.price = DEAR
    return desk


def by_itself(server: BatchServer) -> list[Asked]:
    return [asked for asked in server.log if asked.number not in server.in_batches]


def all_well(answers: list[Any]) -> bool:
    return not [answer for answer in answers if isinstance(answer, Exception)]


def some(odd: Odd | Fault, every: int = 4) -> Callable[[str, Body], Odd | Fault | None]:
    """Every fourth question of a batch, by its content."""
    return lambda _, body: odd if int(body["messages"][-1]["content"].split("number ")[1].split(",")[0]) % every == 0 else None  # fmt: skip


# All is well


def test_batches_bring_what_asking_one_by_one_brings(server: BatchServer, desk: Desk, alone: Store) -> None:
    desk.terms = Terms(requests=10)
    assert desk.send().calls == 23
    found = desk.answers()
    assert all_well(found)
    assert by_itself(server) == []
    assert [b.total for b in server.batches] == [10, 10, 3]
    assert Counter(ordered(server)).most_common(1)[0][1] == 1
    assert desk.fates() == {"replied": 23}
    assert desk.rows(sa.select(sa.func.count()).where(call.c.parcel.is_(None))) == [(0,)]

    other = Desk(server, alone)
    assert other.answers() == found
    same = sa.select(call.c.key, call.c.request, call.c.reply, call.c.prompt_digest).order_by(call.c.key)
    assert other.rows(same) == desk.rows(same), "the ledger holds the same, however it was asked"


def test_a_line_asks_what_is_asked_one_by_one(server: BatchServer, desk: Desk, alone: Store) -> None:
    desk.send(3)
    in_batch = sorted(json.dumps(a.body, sort_keys=True) for a in server.log)
    server.reset()
    Desk(server, alone).answers(3)
    assert sorted(json.dumps(a.body, sort_keys=True) for a in server.log) == in_batch


def test_nothing_is_sent_when_everything_is_answered(server: BatchServer, desk: Desk) -> None:
    desk.answers()
    desk.send()
    assert server.events == []


def test_a_file_is_cut_where_it_would_be_too_large(server: BatchServer, desk: Desk) -> None:
    line = len(OpenAIBatches(OpenAIChat("pretend", server.url)).line("0" * 64, questions(1)[0].request()))
    desk.terms = Terms(bytes=5 * line + 10)
    desk.send()
    sizes = [len(server.files[b.file_id]) for b in server.batches]
    assert max(sizes) <= 5 * line + 10
    assert sum(b.total for b in server.batches) == 23


def test_progress_and_pauses(server: BatchServer, desk: Desk) -> None:
    server.hook = lambda m: setattr(server, "held", server.events.count("GET batch") < 9)
    desk.send()
    assert desk.shown[-1] == (23, 23)
    assert [total for _, total in desk.shown if total] == [23] * (len(desk.shown) - 1)
    pauses = desk.slept
    assert pauses[0] == 5.0
    assert pauses == sorted(pauses)
    assert max(pauses) <= 60.0


# What was sent and when


def test_what_leaves_is_logged_before_it_leaves(server: BatchServer, desk: Desk, alone: Store) -> None:
    logged: list[int] = []

    def look(moment: Moment) -> None:
        if moment == Moment("POST files", "came"):
            logged.append(len(desk.rows(sa.select(egress))))

    server.hook = look
    desk.send()
    assert logged == [23]
    rows = desk.rows(sa.select(egress.c.digest, egress.c.bytes, egress.c.endpoint, egress.c.model))
    assert len(rows) == 23, "collecting adds none"
    assert {row.endpoint for row in rows} == {server.url}
    other = Desk(server, alone)
    other.answers()
    told = sa.select(egress.c.digest, egress.c.bytes).order_by(egress.c.digest)
    assert other.rows(told) == desk.rows(told), "in the same words as asking one by one"


def test_words_of_questions_are_not_kept_twice(desk: Desk) -> None:
    desk.send()
    assert desk.rows(sa.select(parcel_line.c.request).distinct()) == [("",)]


# A rerun


def test_out_of_patience_it_leaves_and_a_rerun_collects(server: BatchServer, desk: Desk) -> None:
    server.held = True
    with pytest.raises(Incomplete, match=r"batch_000000: \w+, 0 of \d+ done.*rerun the same command"):
        desk.send(most=0)
    assert desk.slept == []
    with pytest.raises(Incomplete, match="in_progress, 0 of 23 done"):
        desk.send(most=100)
    assert sum(desk.slept) == pytest.approx(100)
    server.held = False
    desk.send()
    assert all_well(desk.answers())
    assert server.events.count("POST batches") == server.events.count("POST files") == 1
    assert by_itself(server) == []


def test_without_batch_it_collects_what_is_there_and_asks_nothing_that_is_under_way(
    server: BatchServer, desk: Desk
) -> None:
    server.held = True
    with pytest.raises(Incomplete):
        desk.send(most=0)
    with pytest.raises(Incomplete, match=r"add --batch-api to wait.*--recall"):
        desk.go(LOOK, list(questions(23)))
    server.held = False
    for _ in range(2):
        with pytest.raises(Incomplete):
            desk.go(LOOK, list(questions(23)))
    desk.go(LOOK, list(questions(23)))
    assert all_well(desk.answers())
    assert set(server.counts.values()) == {1}


def test_another_run_takes_what_an_earlier_one_sent(server: BatchServer, desk: Desk) -> None:
    server.held = True
    with pytest.raises(Incomplete):
        desk.send(20, most=0)
    server.held = False
    desk.run_id = "later"
    assert desk.send(23).calls == 3, "the others were paid for by the earlier run"
    assert all_well(desk.answers(23))
    assert Counter(ordered(server)).most_common(1)[0][1] == 1
    assert len(desk.store.parcels.of_run("later")) == 1
    assert {s.replies for s in desk.store.ledger.spending("later")} == {3}


def test_a_batch_that_nobody_needs_any_more_is_not_waited_for(server: BatchServer, desk: Desk) -> None:
    server.held = True
    with pytest.raises(Incomplete):
        desk.send(5, most=0)
    desk.go(SEND, [])
    server.held = False
    for _ in range(4):
        desk.go(SEND, [])
    assert desk.fates() == {"replied": 5}


# An order whose answer is lost


@pytest.mark.parametrize("status", [500, 429, 503])
def test_an_order_whose_answer_is_lost_is_looked_for_and_not_repeated(
    status: int, server: BatchServer, desk: Desk
) -> None:
    lost = iter([status])
    server.lost = lambda route: next(lost, None) if route == "POST batches" else None
    desk.send()
    assert server.events.count("POST batches") == len(server.batches) == 1
    assert all_well(desk.answers())


def test_an_order_that_was_not_taken_is_made_again(server: BatchServer, desk: Desk) -> None:
    busy = iter([503, 429])
    server.busy = lambda route: next(busy, None) if route == "POST batches" else None
    desk.send()
    assert server.events.count("POST batches") == 3
    assert server.events.count("POST files") == len(server.batches) == 1
    assert all_well(desk.answers())


def test_it_is_found_by_its_file_where_labels_are_not_kept(server: BatchServer, desk: Desk) -> None:
    lost = iter([500])
    server.keeps_labels = False
    server.lost = lambda route: next(lost, None) if route == "POST batches" else None
    desk.send()
    assert len(server.batches) == 1


def test_it_is_found_behind_many_others(server: BatchServer, desk: Desk) -> None:
    def others() -> None:
        for _ in range(7):
            server.add_batch({"input_file_id": server.add_file(b"{}"), "endpoint": "/v1/embeddings"})

    lost = iter([500])

    def lose(route: str) -> int | None:
        if route == "POST batches" and next(lost, None):
            others()
            return 500
        return None

    server.page, server.lost = 2, lose
    others()
    desk.send()
    assert len(server.batches) == 15
    assert server.events.count("POST batches") == 1
    assert server.events.count("GET list") == 4, "pages of two, until it is found"


@pytest.mark.parametrize("route", ["POST files", "GET batch", "GET content"])
@pytest.mark.parametrize("status", [429, 500])
def test_passing_faults_are_borne(route: str, status: int, server: BatchServer, desk: Desk) -> None:
    faults = iter([status] * 3)
    server.busy = lambda asked: next(faults, None) if asked == route else None
    desk.send()
    assert all_well(desk.answers())
    assert len(server.batches) == 1
    assert by_itself(server) == []


@pytest.mark.parametrize("route", ["POST files", "POST batches", "GET batch", "GET content"])
def test_an_endpoint_that_goes_away_ends_incomplete_and_a_rerun_continues(
    route: str, server: BatchServer, desk: Desk
) -> None:
    server.busy = lambda asked: 503 if asked == route else None
    with pytest.raises(Incomplete, match="rerun to continue"):
        desk.send()
    assert len(desk.slept) < 30
    server.busy = None
    desk.send()
    assert all_well(desk.answers())
    assert Counter(ordered(server)).most_common(1)[0][1] == 1
    assert len(server.batches) == 1


# Partial failures


@pytest.mark.parametrize("odd", list(Odd))
def test_every_odd_line_is_accounted_for_and_its_question_answered(odd: Odd, server: BatchServer, desk: Desk) -> None:
    """Six questions of 23 meet it the first time; the second batch is well."""
    server.odd = lambda key, body: some(odd)(key, body) if len(server.batches) == 1 else None
    desk.send()
    first = desk.store.parcels.of_run("run")[0]
    fates = {k: n for k, n in first.fates.items() if not k.startswith("stray")}
    strays = {s.why for s in desk.store.parcels.strays(first.id)}
    assert sum(fates.values()) == first.requests == 23
    lost = {Odd.HTTP_400: "refused", Odd.HTTP_429: "failed", Odd.STATUS_0: "failed", Odd.ERROR_IN_OUTPUT: "failed",
            Odd.NO_MESSAGE: "failed", Odd.BODY_IS_TEXT: "failed", Odd.MISSING: "missing", Odd.NOT_JSON: "missing",
            Odd.NOT_UTF8: "missing", Odd.UNKNOWN: "missing"}  # fmt: skip
    assert fates == ({"replied": 17, lost[odd]: 6} if odd in lost else {"replied": 23})
    kept = {Odd.NOT_JSON: "malformed", Odd.NOT_UTF8: "malformed", Odd.UNKNOWN: "unknown", Odd.TWICE: "duplicate",
            Odd.ERROR_AND_REPLY: "duplicate"}  # fmt: skip
    assert strays == ({kept[odd]} if odd in kept else set())
    again = {"refused": 0, "failed": 6, "missing": 6}.get(lost.get(odd, ""), 0)
    assert [b.total for b in server.batches] == ([23, again] if again else [23])
    assert all_well(desk.answers())
    # What the endpoint refused for good, and replies that cannot be used, are asked by themselves.
    assert len(by_itself(server)) == (6 if odd in {Odd.HTTP_400, Odd.SURROGATE} else 0)


def test_lines_that_cannot_be_read_are_kept_as_they_came(server: BatchServer, desk: Desk) -> None:
    server.odd = some(Odd.NOT_UTF8, every=100)
    desk.send()
    (stray,) = desk.store.parcels.strays(desk.store.parcels.of_run("run")[0].id)
    assert (stray.source, stray.why) == ("output", "malformed")
    assert stray.content in server.files[str(server.batches[0].output)].split(b"\n")


@pytest.mark.parametrize("fault", [Fault.MALFORMED, Fault.TRUNCATED, Fault.OFF_SCHEMA])
def test_replies_that_cannot_be_used_are_kept_and_repaired_by_themselves(
    fault: Fault, server: BatchServer, desk: Desk
) -> None:
    server.odd = some(fault)
    desk.send()
    assert desk.fates() == {"replied": 23}
    assert all_well(desk.answers())
    repairs = by_itself(server)
    assert len(repairs) == 6
    assert all("Your last reply could not be used" in asked.user for asked in repairs)
    assert Counter(n for (n,) in desk.rows(sa.select(call.c.attempt))) == {1: 23, 2: 6}


def test_repairs_are_bounded_as_usual(server: BatchServer, desk: Desk) -> None:
    server.odd, server.faults = some(Fault.MALFORMED), lambda *_: Fault.MALFORMED
    desk.send()
    for _ in range(2):
        assert sum(isinstance(answer, Exception) for answer in desk.answers()) == 6
    assert len(by_itself(server)) == 6


def test_an_expired_batch_gives_what_it_has_and_the_rest_goes_out_again(server: BatchServer, desk: Desk) -> None:
    server.ends, server.hook = "expired", lambda _: setattr(server, "ends", "expired" if len(server.batches) < 2 else "completed")  # fmt: skip
    desk.send()
    assert [(b.status, b.total) for b in server.batches] == [("expired", 23), ("completed", 12)]
    assert desk.fates() == {"replied": 23, "expired": 12}
    assert all_well(desk.answers())
    assert set(server.counts.values()) == {1}
    assert by_itself(server) == []


def test_a_question_goes_out_twice_at_most(server: BatchServer, desk: Desk) -> None:
    server.ends, server.share = "expired", 0.0
    desk.send()
    assert [b.total for b in server.batches] == [23, 23]
    assert desk.fates() == {"expired": 46}
    desk.send()
    assert len(server.batches) == 2
    assert all_well(desk.answers())
    assert len(by_itself(server)) == 23


def test_a_later_run_does_not_send_for_ever_either(server: BatchServer, desk: Desk) -> None:
    server.ends, server.share = "expired", 0.0
    desk.send()
    desk.run_id = "later"
    desk.send()
    assert len(server.batches) == 2


def test_few_that_came_back_are_asked_by_themselves(server: BatchServer, desk: Desk) -> None:
    desk.terms = Terms(few=6)
    server.odd = some(Odd.STATUS_0)
    desk.send()
    assert len(server.batches) == 1
    assert all_well(desk.answers())
    assert len(by_itself(server)) == 6


def test_a_batch_cancelled_at_the_endpoint_is_not_sent_again_unasked(server: BatchServer, desk: Desk) -> None:
    server.ends = "cancelled"
    with pytest.raises(Incomplete, match="was cancelled at the endpoint"):
        desk.send()
    assert desk.fates() == {"replied": 11, "cancelled": 12}
    server.ends = "completed"
    desk.send()
    assert [b.total for b in server.batches] == [23, 12]
    assert all_well(desk.answers())
    assert by_itself(server) == []


def test_a_recalled_batch_gives_what_it_has_and_the_rest_is_free(server: BatchServer, desk: Desk) -> None:
    server.held = True
    with pytest.raises(Incomplete):
        desk.send(most=60)
    desk.go(RECALL, list(questions(23)))
    assert server.events.count("POST cancel") == 1
    assert [b.status for b in server.batches] == ["cancelled"]
    assert desk.fates() == {"replied": 11, "cancelled": 12}
    assert all_well(desk.answers())
    assert len(by_itself(server)) == 12
    assert set(server.counts.values()) == {1}


def test_what_ended_before_it_could_be_cancelled_is_collected(server: BatchServer, desk: Desk) -> None:
    def end(moment: Moment) -> None:
        if moment == Moment("POST cancel", "came"):
            server.held = False
            while server.batches[0].status != "completed":
                server.look(server.batches[0])

    server.held = True
    with pytest.raises(Incomplete):
        desk.send(most=60)
    server.hook = end
    desk.go(RECALL, list(questions(23)))
    assert desk.fates() == {"replied": 23}
    assert all_well(desk.answers())
    assert by_itself(server) == []


# Refusals


def test_a_file_that_is_refused_at_once(server: BatchServer, desk: Desk) -> None:
    server.busy = lambda route: 400 if route == "POST files" else None
    with pytest.raises(RequestRefused, match="HTTP 400"):
        desk.send()
    assert desk.fates() == {"unasked": 23}
    assert server.batches == []


def test_an_endpoint_without_batches_says_so(server: BatchServer, desk: Desk) -> None:
    server.busy = lambda route: 404
    with pytest.raises(ModelRefused, match=r"takes no batches.*leave out --batch"):
        desk.send()
    server.busy = None
    desk.go(LOOK, list(questions(23)))
    assert all_well(desk.answers())


def test_a_file_that_fails_the_check_is_not_sent_for_ever(server: BatchServer, desk: Desk) -> None:
    server.refusal = "invalid_json_line"
    with pytest.raises(ModelRefused, match=r"batch of 23 questions \(invalid_json_line\)") as refused:
        desk.send()
    assert "at home" not in str(refused.value), "the endpoint's message repeats what was asked"
    assert len(server.batches) == 1
    assert desk.fates() == {"unasked": 23}
    server.refusal = None
    desk.send()
    assert all_well(desk.answers())
    assert set(server.counts.values()) == {1}


def test_a_full_queue_gets_smaller_pieces_one_at_a_time(server: BatchServer, desk: Desk) -> None:
    line = len(OpenAIBatches(OpenAIChat("pretend", server.url)).line("0" * 64, questions(1)[0].request()))
    server.queue = 8 * (line + 5)
    desk.send()
    assert all_well(desk.answers())
    assert by_itself(server) == []
    assert set(server.counts.values()) == {1}
    assert max(b.total for b in server.batches) <= 8
    assert len(server.batches) <= 8


def test_a_queue_that_stays_full_ends_incomplete(server: BatchServer, desk: Desk) -> None:
    server.queue = 0
    with pytest.raises(Incomplete, match="queue is full"):
        desk.send()
    assert [b.total for b in server.batches] == [0] * 5, "23, 11, 5, 2, 1"
    server.queue = None
    desk.send()
    assert all_well(desk.answers())


@pytest.mark.parametrize("route", ["GET batch", "GET content"])
def test_what_the_endpoint_does_not_know_is_not_taken_for_lost(route: str, server: BatchServer, desk: Desk) -> None:
    """Another key sees other batches: sending again would be paid for twice."""
    server.busy = lambda asked: 404 if asked == route else None
    for _ in range(2):
        with pytest.raises(ModelRefused, match=r"batch_000000 cannot be had.*--recall"):
            desk.send()
    assert len(server.batches) == 1
    desk.go(SEND, [])
    desk.go(LOOK, [])
    desk.go(RECALL, list(questions(23)))
    assert desk.fates() == {"missing": 23}
    server.busy = None
    assert all_well(desk.answers())


def test_a_page_in_place_of_the_replies_is_not_taken_for_them(server: BatchServer, desk: Desk) -> None:
    def sign_in(moment: Moment) -> None:
        if moment == Moment("GET content", "came"):
            server.files[str(server.batches[0].output)] = b"<html>Please sign in</html>"

    server.held = True
    with pytest.raises(Incomplete):
        desk.send(most=60)
    server.held, server.hook = False, sign_in
    with pytest.raises(Incomplete, match="hold no reply to what was asked"):
        desk.send()
    assert desk.fates() == {"waiting": 23}
    assert len(server.batches) == 1


def test_two_processes_do_not_send_the_same_questions(server: BatchServer, desk: Desk) -> None:
    """Where no lock of the file system holds them apart, the database does: the other one finds the lines taken."""
    refused: list[Incomplete] = []

    def other(moment: Moment) -> None:
        if moment == Moment("POST files", "came") and not refused:
            asked = desk.store.parcels.lines(desk.store.parcels.open()[0].id)
            asker = desk.asker()
            assert isinstance(asker.model, OpenAIChat)
            try:
                desk.store.parcels.seal(seal(asked, asker, OpenAIBatches(asker.model)), asked)
            except Incomplete as error:
                refused.append(error)

    server.hook = other
    desk.send()
    assert len(refused) == 1
    assert len(server.batches) == 1
    assert all_well(desk.answers())


# Money


def most(count: int) -> float:
    """What so many questions can cost in a batch."""
    spent = Spending("")
    for question in questions(count):
        spent = spent.plus(billed(question.request(), None, batch=True))
    usd = spent.at(DEAR)
    assert usd is not None
    return usd


def test_replies_of_a_batch_cost_less(dear: Desk) -> None:
    asker = dear.send()
    assert asker.budget.usd == pytest.approx(23 * EACH / 2)
    assert bill(dear.store.ledger.spending("run")).usd == pytest.approx(23 * EACH / 2)


def test_repairs_cost_the_full_price(server: BatchServer, dear: Desk) -> None:
    server.odd = some(Fault.MALFORMED)
    dear.send()
    dear.answers()
    assert bill(dear.store.ledger.spending("run")).usd == pytest.approx(23 * EACH / 2 + 6 * EACH)


@pytest.mark.parametrize("fits", [1, 7, 22])
def test_only_what_surely_fits_into_the_budget_is_sent(fits: int, server: BatchServer, dear: Desk) -> None:
    dear.limit = Limit(usd=most(fits))
    with pytest.raises(BudgetReached, match="higher --budget"):
        dear.send()
    assert [b.total for b in server.batches] == [fits]
    assert dear.fates() == {"replied": fits}, "what was sent is collected all the same"
    # Replies cost less than they could have: the same limit buys more, until nothing surely fits.
    for _ in range(40):
        try:
            dear.send()
            break
        except BudgetReached:
            continue
    paid = bill(dear.store.ledger.spending("run")).usd
    assert paid is not None
    assert paid == pytest.approx(sum(b.total for b in server.batches) * EACH / 2)
    assert paid <= dear.limit.usd  # type: ignore[operator]
    dear.limit = Limit()
    dear.send()
    assert all_well(dear.answers())
    assert set(server.counts.values()) == {1}


def test_nothing_is_sent_for_nothing(server: BatchServer, dear: Desk) -> None:
    dear.limit = Limit(usd=0.0)
    with pytest.raises(BudgetReached, match="23 questions are left for a batch"):
        dear.send()
    assert server.events == []
    assert dear.fates() == {}


def test_calls_are_limited_too(server: BatchServer, desk: Desk) -> None:
    desk.limit = Limit(calls=9)
    with pytest.raises(BudgetReached):
        desk.send()
    assert [b.total for b in server.batches] == [9]
    with pytest.raises(BudgetReached, match="9 calls"):
        desk.send()
    assert len(server.batches) == 1


def test_what_is_under_way_counts_as_spent(server: BatchServer, dear: Desk) -> None:
    dear.limit, server.held = Limit(usd=most(10)), True
    with pytest.raises(Incomplete):
        dear.send(8, most=0)
    with pytest.raises(Incomplete):
        dear.send(23, most=0)
    assert sum(len(server.files[b.file_id].splitlines()) for b in server.batches) <= 10
    server.held = False
    with pytest.raises(BudgetReached):
        dear.send(23)
    assert Counter(ordered(server)).most_common(1)[0][1] == 1
