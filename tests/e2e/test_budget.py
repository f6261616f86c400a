"""A run never begins a call that it may not pay for, and what it counts is what the server answered."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import studies
from chat_server import Body, ChatServer, Fault, Plan, body_digest
from click.testing import CliRunner, Result
from studies import DEAR, EACH

from belonging_llm import cli
from belonging_llm.adapters import factory
from belonging_llm.adapters.openai_sdk import OpenAIChat
from belonging_llm.asking import Asker, Question, Retry
from belonging_llm.budget import Budget, Limit, Spending, bill
from belonging_llm.codes.judge import Judgements
from belonging_llm.errors import BudgetReached, ModelUnavailable, ReplyError
from belonging_llm.prompts import Rendered
from belonging_llm.store import Store
from belonging_llm.study import Study

AT_A_TIME = 20


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studies.make(tmp_path_factory.mktemp("budget") / "study", studies.sample("P01", "P02"))


@pytest.fixture
def store(study: Path) -> Iterator[Store]:
    opened = Study(study)
    yield opened.store
    opened.store.close()


def questions(count: int) -> list[Question[Judgements]]:
    text = 'Segment: "I felt at home, number {}, in the library of the college."\nCandidate codes: a, b'
    return [Question(Rendered(name="c", digest="0", system="s", user=text.format(n)), Judgements) for n in range(count)]


def asker(server: ChatServer, store: Store, limit: Limit, *, timeout: float = 300, retry: Retry | None = None) -> Asker:
    model = OpenAIChat("pretend", server.url, concurrency=AT_A_TIME, timeout=timeout)
    spent = next(iter(store.ledger.spending("run")), Spending(model.id))
    return Asker(model, store.ledger, "run", retry or Retry(sleep=lambda _: None), Budget(limit, DEAR, spent))


def spent(store: Store) -> float:
    usd = bill(store.ledger.spending("run")).usd
    assert usd is not None
    return usd


@pytest.mark.usefixtures("dear")
@pytest.mark.parametrize("replies", [1, 37, 100])
def test_money_is_overspent_by_the_calls_in_flight_at_most(replies: int, server: ChatServer, store: Store) -> None:
    limit = replies * EACH
    server.before_reply = lambda asked: time.sleep(0.002 * (asked.number % 7))
    with pytest.raises(BudgetReached):
        asker(server, store, Limit(usd=limit)).ask_all(questions(160))
    assert spent(store) == pytest.approx(len(server.replies) * EACH), "the ledger has what the server answered"
    assert limit <= spent(store) + 1e-9 <= limit + (AT_A_TIME - 1) * EACH + 1e-6
    assert len(server.log) == len(server.replies)


def test_calls_are_never_more_than_allowed(server: ChatServer, store: Store) -> None:
    server.before_reply = lambda asked: time.sleep(0.002 * (asked.number % 7))
    with pytest.raises(BudgetReached, match="limit of 37 calls"):
        asker(server, store, Limit(calls=37)).ask_all(questions(160))
    assert len(server.log) == len(server.replies) == 37


@pytest.mark.usefixtures("dear")
def test_the_overshoot_can_be_as_large_as_that_and_no_larger(server: ChatServer, store: Store) -> None:
    """Twenty calls are let in before the first reply says what a call costs."""
    everybody = threading.Barrier(AT_A_TIME)
    server.before_reply = lambda _: everybody.wait(timeout=20) and None
    with pytest.raises(BudgetReached):
        asker(server, store, Limit(usd=EACH)).ask_all(questions(60))
    assert len(server.log) == AT_A_TIME
    assert spent(store) - EACH == pytest.approx((AT_A_TIME - 1) * EACH)


@pytest.mark.usefixtures("dear")
def test_a_higher_budget_continues_and_asks_nothing_twice(server: ChatServer, store: Store) -> None:
    asked = questions(160)
    with pytest.raises(BudgetReached):
        asker(server, store, Limit(usd=50 * EACH)).ask_all(asked)
    with pytest.raises(BudgetReached):
        asker(server, store, Limit(usd=50 * EACH)).ask_all(asked)
    so_far = len(server.replies)
    assert 50 <= so_far <= 50 + AT_A_TIME - 1, "the same budget again buys nothing"
    answers = asker(server, store, Limit(usd=1000 * EACH)).ask_all(asked)
    assert not [a for a in answers if isinstance(a, Exception)]
    assert len(server.log) == 160
    assert set(server.counts.values()) == {1}
    assert spent(store) == pytest.approx(160 * EACH)


@pytest.mark.usefixtures("dear")
def test_replies_in_the_ledger_cost_nothing(server: ChatServer, store: Store) -> None:
    asked = questions(20)
    asker(server, store, Limit()).ask_all(asked)
    again = asker(server, store, Limit(usd=0.0))
    assert not [a for a in again.ask_all(asked) if isinstance(a, Exception)]
    assert len(server.log) == 20


@pytest.mark.usefixtures("dear")
@pytest.mark.parametrize("fault", [Fault.MALFORMED, Fault.TRUNCATED])
def test_a_reply_that_cannot_be_used_is_paid_for_all_the_same(fault: Fault, server: ChatServer, store: Store) -> None:
    server.faults = lambda _number, body: fault if body["seed"] == 0 else None
    one = asker(server, store, Limit())
    one.ask_all(questions(5))
    assert len(server.replies) == 10
    assert one.budget.usd == pytest.approx(10 * EACH)
    assert spent(store) == pytest.approx(10 * EACH)


@pytest.mark.usefixtures("dear")
def test_a_truncated_reply_is_an_error_and_not_an_answer(server: ChatServer, store: Store) -> None:
    """The stand-in's truncated replies are whole and would parse: only the finish reason tells."""
    server.faults = lambda *_: Fault.TRUNCATED
    found = asker(server, store, Limit()).ask_all(questions(3))
    assert all(isinstance(answer, ReplyError) and "cut off" in str(answer) for answer in found)


@pytest.mark.usefixtures("dear")
@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.HANG_UP])
def test_a_try_without_a_reply_costs_nothing(fault: Fault, server: ChatServer, store: Store) -> None:
    server.faults = lambda number, _: fault if number % 2 else None
    one = asker(server, store, Limit(calls=30))
    with pytest.raises(BudgetReached):
        one.ask_all(questions(60))
    assert len(server.replies) <= 30 < len(server.log)
    assert one.budget.usd == pytest.approx(len(server.replies) * EACH) == spent(store)


# Of 100 requests 30 meet a fault; those that cost a whole timeout are rarer.
FAULTS = (
    [Fault.RATE_LIMITED] * 8 + [Fault.SERVER_ERROR] * 7 + [Fault.RESET] * 4 + [Fault.HANG_UP] * 4
    + [Fault.DRIP] * 4 + [Fault.SILENCE, Fault.ENDLESS, Fault.NO_CHOICES]
)  # fmt: skip
TIMEOUT = 1.5


def faulty(server: ChatServer) -> Plan:
    """Faults by what is asked and how often it was asked before: whoever comes first, the same ones."""

    def plan(_: int, body: Body) -> Fault | None:
        asked = body_digest(body)
        dice = int(hashlib.sha256(f"{asked} {server.counts[asked]}".encode()).hexdigest()[:8], 16) % 100
        return FAULTS[dice] if dice < len(FAULTS) else None

    return plan


@pytest.mark.slow
@pytest.mark.usefixtures("dear")
def test_a_thousand_calls_of_which_three_in_ten_meet_a_fault(server: ChatServer, store: Store) -> None:
    assert len(FAULTS) == 30
    server.faults, server.retry_after = faulty(server), 0.05
    asked = questions(1000)
    patient = Retry(first_wait=0.01)
    answers = asker(server, store, Limit(), timeout=TIMEOUT, retry=patient).ask_all(asked)

    # Some meet a fault at each of four tries: .28 (a drip is only slow) to the fourth of 1,000 are 6.
    failed = [q for q, a in zip(asked, answers, strict=True) if isinstance(a, Exception)]
    assert all(isinstance(a, Judgements | ModelUnavailable) for a in answers)
    assert 0 < len(failed) < 25
    tries = Counter(a.user for a in server.log)
    assert max(tries.values()) == patient.tries
    assert all(tries[q.prompt.user] == patient.tries for q in failed)
    assert 1.2 < len(server.log) / len(asked) < 1.6
    assert studied(store) == sent(server), "the ledger holds what the server sent, once each"
    assert len(server.replies) == len(asked) - len(failed)
    assert spent(store) == pytest.approx(len(server.replies) * EACH)
    assert len(server.rests) > 50

    server.faults = None
    before = len(server.log)
    again = asker(server, store, Limit(), timeout=TIMEOUT).ask_all(asked)
    assert not [a for a in again if isinstance(a, Exception)]
    assert sorted(a.user for a in server.log[before:]) == sorted(q.prompt.user for q in failed), "only those again"
    assert spent(store) == pytest.approx(1000 * EACH)


def test_when_one_is_told_to_wait_all_do(server: ChatServer, store: Store) -> None:
    """Requests that are under way may still come, at most one from every other thread; in a second 100 could."""
    server.faults = lambda number, _: Fault.RATE_LIMITED if number == 1 else None
    server.retry_after = 1.0
    answers = asker(server, store, Limit(), retry=Retry()).ask_all(questions(100))
    assert not [a for a in answers if isinstance(a, Exception)]
    (said,) = server.rests
    assert sum(said < a.at < said + server.retry_after for a in server.log) < AT_A_TIME
    assert len(server.log) == 101


def sent(server: ChatServer) -> Counter[str]:
    """What was asked in each request that got a whole reply."""
    return Counter(server.log[number - 1].user for number in server.replies)


def studied(store: Store) -> Counter[str]:
    """The same, of the ledger."""
    return Counter(json.loads(request)["user"] for request in store.ledger.requests("0").values())


@pytest.mark.usefixtures("dear")
def test_faults_do_not_widen_the_overshoot(server: ChatServer, store: Store) -> None:
    server.faults = faulty(server)
    with pytest.raises(BudgetReached):
        asker(server, store, Limit(usd=60 * EACH), timeout=TIMEOUT).ask_all(questions(300))
    assert spent(store) == pytest.approx(len(server.replies) * EACH)
    assert 60 <= len(server.replies) <= 60 + AT_A_TIME - 1


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.ENDLESS])
def test_nobody_waits_for_ever(fault: Fault, server: ChatServer, store: Store) -> None:
    """A server that sends a byte now and then never meets a timeout between two bytes."""
    server.faults = lambda *_: fault
    impatient = asker(server, store, Limit(), timeout=0.3)
    (answer,) = impatient.ask_all(questions(1))
    assert isinstance(answer, ModelUnavailable)
    assert len(server.log) == 4
    assert store.ledger.usage("run")["calls"] == 0


@pytest.mark.usefixtures("dear")
def test_an_endpoint_that_does_not_count_is_charged_at_the_most(server: ChatServer, store: Store) -> None:
    server.counts_tokens = False
    asker(server, store, Limit()).ask_all(questions(2))
    (found,) = store.ledger.spending("run")
    assert found.uncounted == 2
    assert found.completion_tokens == 2 * 300
    assert str(bill([found])).startswith("at most USD")


# The command


def plain(study: Path, server: ChatServer, *more: str, said: str = "") -> Result:
    called = ["analyse", str(study), "--llm", server.spec, *more]
    return CliRunner().invoke(cli.main, called, input=said)


@pytest.fixture
def many_at_a_time(monkeypatch: pytest.MonkeyPatch, server: ChatServer) -> None:
    model = OpenAIChat("pretend", server.url, concurrency=AT_A_TIME)
    monkeypatch.setattr(factory, "chat_model", lambda *_, **__: model)


@pytest.mark.usefixtures("belonging", "dear")
def test_without_a_terminal_somebody_has_to_have_agreed(server: ChatServer, study: Path) -> None:
    done = plain(study, server)
    assert done.exit_code == 1
    assert "--yes" in done.stderr
    assert "nothing was sent" in done.stderr
    assert server.log == []
    assert "interrupted" not in CliRunner().invoke(cli.main, ["status", str(study)]).stdout


@pytest.mark.usefixtures("belonging", "dear")
@pytest.mark.parametrize(("said", "code"), [("n\n", 1), ("\n", 1), ("", 130), ("y\n", 0)])
def test_on_a_terminal_somebody_is_asked(
    said: str, code: int, server: ChatServer, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.consent, "_somebody_is_there", lambda: True)
    done = plain(study, server, said=said)
    assert done.exit_code == code, done.output
    assert "Go ahead?" in done.stderr
    assert "Go ahead?" not in done.stdout
    assert bool(server.log) == (code == 0)


@pytest.mark.usefixtures("belonging", "dear")
def test_the_estimate_holds(server: ChatServer, study: Path) -> None:
    """Every bound is one: what was really asked is less, in questions and in tokens."""
    done = plain(study, server, "--yes", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["cost"]["usd"] == pytest.approx(len(server.replies) * EACH)
    said = {line.split(":")[0].strip(): line for line in done.stderr.splitlines()}
    assert "interview text goes to http://127.0.0.1" in done.stderr
    segments, themes = (int(word) for word in said["questions"].split() if word.isdigit())
    assert server.kinds["code"] <= segments
    assert 0 < server.kinds["label"] + server.kinds["rename"] + server.kinds["map"] <= themes
    tokens_in, tokens_out = (int(word.replace(",", "")) for word in said["tokens"].split() if word[0].isdigit())
    assert sum(len(json.dumps(a.body["messages"], ensure_ascii=False)) / 4 for a in server.log) < tokens_in
    assert sum(a.body["max_tokens"] for a in server.log) <= tokens_out
    assert "USD" in said["cost"]
    assert "A vendor" in said["cost"]
    assert "no limit" in said["stops at"]


@pytest.mark.usefixtures("belonging", "dear", "many_at_a_time")
def test_a_reached_budget_ends_incomplete_and_a_higher_one_continues(
    server: ChatServer, study: Path, template: Path, tmp_path: Path
) -> None:
    calm = studies.copied(template, tmp_path / "calm")
    assert plain(calm, server, "--yes").exit_code == 0
    expected, every = studies.tables(calm, server.spec), len(server.log)
    server.reset()
    server.before_reply = lambda asked: time.sleep(0.002 * (asked.number % 7))
    budget = (server_themes(expected) + 15) * EACH

    done = plain(study, server, "--yes", "--budget", f"{budget:.2f}")
    assert done.exit_code == 3, done.output
    assert "Traceback" not in done.output
    assert f"budget of USD {budget:.2f} is reached" in done.stderr
    assert "higher --budget" in done.stderr
    assert "Left: " in done.stderr
    first = len(server.replies)
    assert budget <= first * EACH + 1e-9 <= budget + (AT_A_TIME - 1) * EACH + 1e-6
    status = CliRunner().invoke(cli.main, ["status", str(study)]).stdout
    assert f"cost so far: USD {first * EACH:.2f}" in status

    assert plain(study, server, "--yes", "--budget", f"{budget:.2f}").exit_code == 3
    assert len(server.replies) == first, "the same budget again buys nothing"

    again = plain(study, server, "--yes", "--budget", "10000")
    assert again.exit_code == 0, again.output
    assert f"so far: {first} calls of this run, USD {first * EACH:.2f}" in again.stderr
    assert f"cost of this run: USD {every * EACH:.2f}\n" in again.stdout
    assert studies.tables(study, server.spec) == expected
    assert len(server.log) == every
    assert set(server.counts.values()) == {1}, "nothing is asked twice"


def server_themes(found: studies.Tables) -> int:
    """Fewest questions that themes take: each is named and mapped."""
    return 2 * len(found.themes)


@pytest.mark.usefixtures("belonging")
def test_calls_limit_a_model_on_this_machine_too(server: ChatServer, study: Path) -> None:
    done = plain(study, server, "--calls", "5")
    assert done.exit_code == 3, done.output
    assert "limit of 5 calls is reached" in done.stderr
    assert "names and places of themes" in done.stderr
    assert len(server.log) == 5
    assert plain(study, server).exit_code == 0
    assert set(server.counts.values()) == {1}


@pytest.mark.usefixtures("belonging")
def test_a_model_on_this_machine_costs_nothing_and_nobody_is_asked(server: ChatServer, study: Path) -> None:
    done = plain(study, server, "--budget", "0")
    assert done.exit_code == 0, done.output
    assert "cost of this run: nothing (runs here)" in done.stdout
    assert "estimate" not in done.stderr
    assert "tokens" not in done.stderr
    assert "cost so far: nothing (runs here)" in CliRunner().invoke(cli.main, ["status", str(study)]).stdout


@pytest.mark.usefixtures("belonging", "unpriced")
def test_without_a_price_money_cannot_be_limited(server: ChatServer, study: Path) -> None:
    done = plain(study, server, "--yes", "--budget", "1")
    assert done.exit_code == 1
    assert "unknown price" in done.stderr
    assert "--calls" in done.stderr
    assert server.log == []
    done = plain(study, server, "--yes", "--calls", "400")
    assert done.exit_code == 0, done.output
    assert "cost: unknown price" in done.stderr
    assert f"cost of this run: unknown price ({server.spec})" in done.stdout
    found: dict[str, Any] = json.loads(CliRunner().invoke(cli.main, ["status", str(study), "--json"]).stdout)
    assert (found["cost"]["usd"], found["cost"]["unpriced"]) == (None, [server.spec])


@pytest.mark.usefixtures("belonging", "dear")
def test_an_unchanged_study_is_not_asked_about(server: ChatServer, study: Path) -> None:
    assert plain(study, server, "--yes").exit_code == 0
    server.reset()
    done = plain(study, server)
    assert done.exit_code == 0, done.output
    assert "nothing changed" in done.stdout
    assert server.log == []


def test_the_flow_passes_limits_on(server: ChatServer, study: Path) -> None:
    """As a process with Prefect: the flow's own tasks reach the limit, and its error keeps message and exit code."""
    done = studies.command("analyse", study, "--llm", server.spec, "--calls", "7")
    assert done.returncode == 3, done.stderr
    assert "limit of 7 calls is reached" in done.stderr
    assert "Left: " in done.stderr
    assert "Traceback" not in done.stderr
    assert len(server.log) == 7


@pytest.mark.parametrize("wrong", [["--budget", "-1"], ["--calls", "-1"], ["--budget", "much"], ["--calls", "1.5"]])
def test_limits_that_are_none_are_wrong_usage(wrong: list[str], study: Path) -> None:
    assert CliRunner().invoke(cli.main, ["analyse", str(study), *wrong]).exit_code == 2
