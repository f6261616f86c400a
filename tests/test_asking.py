"""Nothing is lost, nothing is paid twice, and no reply however odd is more than a ReplyError."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from belonging_llm.asking import MAX_REPLY, Asker, Departure, LedgerEntry, Question, Retry, Sampling, parse
from belonging_llm.budget import Budget, Limit
from belonging_llm.errors import Incomplete, ModelRefused, ModelUnavailable, ReplyError, RequestRefused
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.prompts import Rendered
from belonging_llm.provenance import digest

GOOD = '{"code": "a", "sure": true}'
BAD = '{"code": "a"}'


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(max_length=20)
    sure: bool


class Several(BaseModel):
    answers: tuple[Answer, ...]


class Titled(BaseModel):
    title: str
    description: str


class Chat:
    """Replays replies and errors in order; the last one for ever."""

    id = "chat:1"
    endpoint: str | None = None
    concurrency = 1

    def __init__(self, *replies: str | ChatReply | Exception) -> None:
        self.replies = list(replies)
        self.asked: list[ChatRequest] = []

    def complete(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        given = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, ChatReply) else ChatReply(text=given, finish_reason="stop")


class Memory:
    """A ledger in memory, as strict as the stored one: what it keeps is text, and each attempt is kept once."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.entries: list[LedgerEntry] = []
        self.departures: list[tuple[ChatRequest, Departure]] = []
        self.before = before

    def replies(self, key: str) -> list[LedgerEntry]:
        return sorted((e for e in self.entries if e.key == key), key=lambda e: e.attempt)

    def leaving(self, request: ChatRequest, departure: Departure) -> None:
        self.departures.append((request, departure))

    def record(self, entry: LedgerEntry, request: ChatRequest) -> None:
        self.before()
        request.model_dump_json()
        if any((e.key, e.attempt) == (entry.key, entry.attempt) for e in self.entries):
            raise KeyError("this attempt is already in the ledger")
        self.entries.append(entry)


def question(user: str = "Which code?", **more: Any) -> Question[Answer]:
    return Question(Rendered(name="ask.v1", digest="d" * 64, system="Be brief.", user=user), Answer, **more)


def asker(model: Any, ledger: Memory | None = None, run_id: str = "run-1", **retry: Any) -> Asker:
    noted, now = retry.pop("sleep", lambda _: None), [0.0]

    def sleep(seconds: float) -> None:
        noted(seconds)
        now[0] += seconds

    patience = Retry(**{"sleep": sleep, "clock": lambda: now[0], **retry})
    return Asker(model, ledger if ledger is not None else Memory(), run_id, patience)


def test_a_good_reply_is_the_answer() -> None:
    chat, ledger = Chat(GOOD), Memory()
    assert asker(chat, ledger).ask(question()) == Answer(code="a", sure=True)
    (entry,) = ledger.entries
    assert (entry.attempt, entry.run_id, entry.model, entry.prompt) == (1, "run-1", "chat:1", "ask.v1")
    assert entry.reply.text == GOOD
    assert (chat.asked[0].system, chat.asked[0].user, chat.asked[0].seed) == ("Be brief.", "Which code?", 0)


def test_a_reply_is_stored_before_it_is_used() -> None:
    def full() -> None:
        raise OSError("disk full")

    used: list[Answer] = []
    with pytest.raises(OSError, match="disk full"):
        asker(Chat(GOOD), Memory(full)).ask(question(check=used.append))
    assert used == []


def test_a_malformed_reply_is_stored_too() -> None:
    ledger = Memory()
    with pytest.raises(ReplyError):
        asker(Chat("no", "still no"), ledger).ask(question())
    assert [(e.attempt, e.reply.text) for e in ledger.entries] == [(1, "no"), (2, "still no")]


def test_an_answered_question_is_never_asked_again() -> None:
    ledger, again = Memory(), Chat(ModelRefused("not to be called"))
    asker(Chat(GOOD), ledger).ask(question())
    later = asker(again, ledger, "run-2")
    assert later.ask(question()) == Answer(code="a", sure=True)
    assert (again.asked, later.calls) == ([], 0)


@pytest.mark.parametrize(
    "other",
    [question("Another?"), question(max_tokens=10), question(choices={"code": ["a"]}),
     Question(Rendered(name="ask.v1", digest="e" * 64, system="Be brief.", user="Which code?"), Answer)],
)  # fmt: skip
def test_what_differs_in_anything_is_another_question(other: Question[Answer]) -> None:
    ledger = Memory()
    asker(Chat(GOOD), ledger).ask(question())
    asker(Chat(GOOD), ledger).ask(other)
    assert len({e.key for e in ledger.entries}) == 2


def test_another_model_is_another_question() -> None:
    ledger, other = Memory(), Chat(GOOD)
    other.id = "chat:2"
    asker(Chat(GOOD), ledger).ask(question())
    asker(other, ledger).ask(question())
    assert len({e.key for e in ledger.entries}) == 2


def test_a_malformed_reply_is_repaired_once() -> None:
    chat = Chat(BAD, GOOD)
    one = asker(chat)
    assert one.ask(question()).sure
    assert one.calls == 2
    first, second = chat.asked
    assert second.user.startswith(first.user)
    assert "sure: Field required" in second.user
    assert (first.seed, second.seed) == (0, 1)
    assert one.failures == {}


def test_two_malformed_replies_are_a_reply_error_that_says_why() -> None:
    chat = Chat(BAD)
    one = asker(chat)
    with pytest.raises(ReplyError, match="sure: Field required"):
        one.ask(question())
    assert len(chat.asked) == 2
    assert one.failures == {"ReplyError": 1}


def test_a_check_counts_as_malformed() -> None:
    def never_a(answer: Answer) -> None:
        if answer.code == "a":
            raise ReplyError("a was not asked about")

    chat = Chat(GOOD, GOOD.replace('"a"', '"b"'))
    assert asker(chat).ask(question(check=never_a)).code == "b"
    assert "a was not asked about" in chat.asked[1].user


def test_attempts_of_an_earlier_run_do_not_use_up_this_ones() -> None:
    ledger = Memory()
    with pytest.raises(ReplyError):
        asker(Chat(BAD), ledger, "run-1").ask(question())
    chat = Chat(BAD, GOOD)
    assert asker(chat, ledger, "run-2").ask(question()).sure
    assert [(e.run_id, e.attempt) for e in ledger.entries] == [("run-1", 1), ("run-1", 2), ("run-2", 3), ("run-2", 4)]
    assert [request.seed for request in chat.asked] == [2, 3]


def test_attempts_before_a_crash_are_this_runs_own() -> None:
    ledger = Memory()
    with pytest.raises(ReplyError):
        asker(Chat(BAD), ledger, replies=1).ask(question())
    chat = Chat(BAD)
    with pytest.raises(ReplyError):
        asker(chat, ledger).ask(question())
    assert len(chat.asked) == 1
    with pytest.raises(ReplyError, match="sure: Field required"):
        asker(chat, ledger).ask(question())
    assert len(chat.asked) == 1


def test_a_reply_found_wrong_once_may_pass_a_later_check() -> None:
    ledger = Memory()

    def refuse(_: Answer) -> None:
        raise ReplyError("no")

    with pytest.raises(ReplyError):
        asker(Chat(GOOD), ledger).ask(question(check=refuse))
    chat = Chat(GOOD)
    assert asker(chat, ledger).ask(question()).sure
    assert chat.asked == []


def test_the_endpoints_own_waiting_time_is_honoured() -> None:
    waits: list[float] = []
    chat = Chat(ModelUnavailable("429", retry_after=7.0), ModelUnavailable("503"), GOOD)
    assert asker(chat, sleep=waits.append).ask(question()).sure
    # First as long as asked for; then the layer's own 0.5 s, doubled once.
    assert waits == [7.0, 1.0]


def test_one_who_is_told_to_wait_speaks_for_all() -> None:
    waits: list[float] = []
    chat = Chat(ModelUnavailable("429", retry_after=9.0), GOOD)
    chat.concurrency = 4
    one = asker(chat, sleep=waits.append)
    assert one.ask(question("first")).sure
    assert (waits, one.pace.width) == ([9.0], 2)
    one.pace.slow_down(3.0)
    assert one.ask(question("second")).sure
    assert waits == [9.0, 3.0], "never refused itself, it rests with the others"


@pytest.mark.parametrize("error", [ModelUnavailable("500"), ModelUnavailable("timeout")])
def test_a_fault_of_one_request_is_nobody_elses(error: ModelUnavailable) -> None:
    waits: list[float] = []
    one = asker(Chat(error, GOOD), sleep=waits.append)
    assert one.ask(question("first")).sure
    assert one.ask(question("second")).sure
    assert waits == [0.5]


def test_waits_double_and_have_an_upper_bound() -> None:
    waits: list[float] = []
    busy = [ModelUnavailable("busy")] * 6
    chat = Chat(*busy, ModelUnavailable("429", retry_after=3600.0), GOOD)
    asker(chat, sleep=waits.append, tries=8, longest_wait=5.0).ask(question())
    assert waits == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


def test_tries_are_bounded_and_the_item_fails() -> None:
    waits: list[float] = []
    chat, ledger = Chat(ModelUnavailable("gone")), Memory()
    one = asker(chat, ledger, sleep=waits.append)
    with pytest.raises(ModelUnavailable, match="gone"):
        one.ask(question())
    assert (len(chat.asked), len(waits), ledger.entries, one.calls) == (4, 3, [], 0)
    assert one.failures == {"ModelUnavailable": 1}


def test_many_failures_in_a_row_end_the_run_as_incomplete() -> None:
    one = asker(Chat(ModelUnavailable("gone")), give_up_after=3)
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            one.ask(question())
    with pytest.raises(Incomplete, match=r"chat:1.*3 questions in a row.*rerun"):
        one.ask(question())


def test_a_reply_in_between_starts_the_count_anew() -> None:
    gone = ModelUnavailable("gone")
    one = asker(Chat(gone, gone, GOOD, gone, gone, GOOD), give_up_after=3, tries=1)
    outcomes = one.ask_all([question(f"Question {i}?") for i in range(6)])
    assert [type(o).__name__ for o in outcomes] == ["ModelUnavailable", "ModelUnavailable", "Answer"] * 2


def test_a_refusal_in_between_shows_that_the_endpoint_is_there() -> None:
    gone, refused = ModelUnavailable("gone"), RequestRefused("too long")
    one = asker(Chat(gone, refused, gone, refused, gone, refused), give_up_after=3, tries=1)
    outcomes = one.ask_all([question(f"Question {i}?") for i in range(6)])
    assert [type(o).__name__ for o in outcomes] == ["ModelUnavailable", "RequestRefused"] * 3


def test_incomplete_leaves_ask_all_at_once() -> None:
    chat = Chat(ModelUnavailable("gone"))
    with pytest.raises(Incomplete):
        asker(chat, give_up_after=2, tries=1).ask_all([question(f"Question {i}?") for i in range(50)])
    assert len(chat.asked) < 50


def test_a_refused_request_fails_its_item_only() -> None:
    chat = Chat(RequestRefused("too long"), GOOD)
    one = asker(chat)
    refused, answered = one.ask_all([question("Long?"), question("Short?")])
    assert isinstance(refused, RequestRefused)
    assert answered == Answer(code="a", sure=True)
    assert len(chat.asked) == 2
    assert one.failures == {"RequestRefused": 1}


def test_a_refusing_endpoint_stops_everything() -> None:
    chat = Chat(ModelRefused("no such key"))
    with pytest.raises(ModelRefused, match="no such key"):
        asker(chat).ask_all([question(f"Question {i}?") for i in range(50)])
    assert len(chat.asked) < 50


def test_answers_come_in_the_order_of_the_questions() -> None:
    class Echo(Chat):
        concurrency = 4

        def complete(self, request: ChatRequest) -> ChatReply:
            return ChatReply(text=f'{{"code": "{request.user}", "sure": true}}', finish_reason="stop")

    answers = asker(Echo(GOOD)).ask_all([question(f"q{i}") for i in range(20)])
    assert answers == [Answer(code=f"q{i}", sure=True) for i in range(20)]


def test_a_limit_of_calls_stops_everything_and_keeps_what_is_done() -> None:
    chat, ledger = Chat(GOOD), Memory()
    limited = asker(chat, ledger)
    limited.budget = Budget(Limit(calls=3))
    with pytest.raises(Incomplete, match="limit of 3 calls"):
        limited.ask_all([question(f"Question {i}?") for i in range(10)])
    assert len(chat.asked) == len(ledger.entries) == 3
    assert limited.failures == {}


def test_a_reply_that_cannot_be_kept_leaves_no_call_in_flight() -> None:
    def full() -> None:
        raise OSError("disk full")

    limited = asker(Chat(GOOD), Memory(full))
    limited.budget = Budget(Limit(calls=1))
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            limited.ask(question())


def test_no_questions_have_no_answers() -> None:
    assert asker(Chat(GOOD)).ask_all([]) == []


def test_the_same_question_twice_at_a_time_is_paid_once() -> None:
    class Slow(Chat):
        concurrency = 2

        def __init__(self) -> None:
            super().__init__(GOOD)
            self.both = threading.Barrier(2)

        def complete(self, request: ChatRequest) -> ChatReply:
            # Nobody else comes when the second asker waits for the first one's reply.
            with suppress(threading.BrokenBarrierError):
                self.both.wait(timeout=0.2)
            return super().complete(request)

    chat = Slow()
    assert asker(chat).ask_all([question(), question()]) == [Answer(code="a", sure=True)] * 2
    assert len(chat.asked) == 1


MALFORMED = {
    "empty": "",
    "spaces": " \n ",
    "truncated": '{"code": "a", "su',
    "refusal": "I'm sorry, but I cannot help with that.",
    "another language": "Entschuldigung, das verstehe ich nicht.",
    "html": "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "prose around": f"Here you are: {GOOD} Anything else?",
    "two objects": GOOD + GOOD,
    "wrong keys": '{"label": "a", "sure": true}',
    "a key too many": '{"code": "a", "sure": true, "why": "x"}',
    "a key twice": '{"code": "a", "code": "b", "sure": true}',
    "wrong type": '{"code": ["a"], "sure": true}',
    "null": '{"code": null, "sure": true}',
    "NaN": '{"code": "a", "sure": NaN}',
    "infinity": '{"code": "a", "sure": -Infinity}',
    "too big": '{"code": "a", "sure": 1e999}',
    "5000 digits": '{"code": "a", "sure": ' + "9" * 5000 + "}",
    "too long a value": '{"code": "' + "a" * 21 + '", "sure": true}',
    "1 MB": '{"code": "a", "sure": true' + " " * 1_000_000 + "}",
    "array": f"[{GOOD}]",
    "string": '"a"',
    "bare null": "null",
    "open brackets": "[" * 100_000,
    "deep arrays": "[" * 50_000 + "]" * 50_000,
    "deep objects": '{"code":' * 10_000 + "1" + "}" * 10_000,
    "single quotes": "{'code': 'a', 'sure': true}",
    "Python": '{"code": "a", "sure": True}',
    "open fence": f"```json\n{GOOD}",
    "NUL": "\0" * 10,
    "byte-order mark": "\ufeff{",
    "raw surrogate": "\ud800",
    "escaped surrogate as a key": '{"\\ud800": 1}',
    "escaped surrogate beside": '{"code": "a", "sure": true, "\\udfff": 1}',
    "escaped surrogate as a value": '{"code": "\\ud800", "sure": true}',
    "format string": "{why} {0} %s",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_replies_are_reply_errors(text: str) -> None:
    chat, ledger = Chat(text), Memory()
    with pytest.raises(ReplyError) as caught:
        asker(chat, ledger).ask(question())
    assert len(str(caught.value)) <= 250
    assert len(chat.asked) == len(ledger.entries) == 2
    assert len(chat.asked[1].user) < 600


def test_a_lone_surrogate_is_refused_whatever_the_field() -> None:
    """Where no length is checked pydantic lets it through, and no database takes it."""
    titled = Question(question().prompt, Titled)
    with pytest.raises(ReplyError):
        parse(ChatReply(text='{"title": "\\ud800", "description": "x"}', finish_reason="stop"), titled)


@pytest.mark.parametrize("word", ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"])
def test_a_truncated_reply_is_refused_even_when_it_parses(word: str) -> None:
    chat = Chat(ChatReply(text=GOOD, finish_reason=word))
    one = asker(chat)
    with pytest.raises(ReplyError, match="token limit"):
        one.ask(question())
    assert len(chat.asked) == 2
    assert one.failures == {"ReplyError": 1}
    (found,) = one.ask_all([question("Another?")])
    assert isinstance(found, ReplyError), "an error, which is not an answer that says nothing"


@pytest.mark.parametrize(
    "text",
    [GOOD, f"  \n{GOOD}\n", f"```json\n{GOOD}\n```", f"```\n{GOOD}\n```", f"\n```json\r\n{GOOD}\r\n```\n",
     '{"sure": true,\n "code": "\\u0061"}'],
)  # fmt: skip
def test_replies_that_are_accepted(text: str) -> None:
    chat = Chat(text)
    assert asker(chat).ask(question()) == Answer(code="a", sure=True)
    assert len(chat.asked) == 1


def test_a_reply_as_long_as_allowed_is_read() -> None:
    longest = ChatReply(text=GOOD.ljust(MAX_REPLY), finish_reason="stop")
    assert parse(longest, question()).code == "a"
    with pytest.raises(ReplyError, match=str(MAX_REPLY + 1)):
        parse(longest.model_copy(update={"text": longest.text + " "}), question())


PIECES = ['{"code": ', '"a"', ', "sure": ', "true", "}", "[", "]", "```json\n", "\n```", "NaN", "1e9", "\\ud800", '"']
JSON_ISH = st.lists(st.sampled_from(PIECES)).map("".join)


@given(st.text() | JSON_ISH)
def test_any_reply_is_an_answer_or_a_reply_error(text: str) -> None:
    try:
        answer = parse(ChatReply(text=text, finish_reason="stop"), question())
    except ReplyError:
        return
    assert answer.model_dump_json()


def test_choices_limit_the_schemas_values_at_every_depth() -> None:
    shallow = question(choices={"code": ["a", "b"]}).request().reply_schema
    assert shallow["properties"]["code"] == {"type": "string", "enum": ["a", "b"]}
    assert shallow["properties"]["sure"] == {"type": "boolean"}
    deep = Question(question().prompt, Several, choices={"code": ["a"]}).request().reply_schema
    assert deep["$defs"]["Answer"]["properties"]["code"] == {"type": "string", "enum": ["a"]}


def test_without_choices_the_schema_is_the_models_own() -> None:
    schema = question().request().reply_schema
    assert schema["properties"] == {"code": {"type": "string", "maxLength": 20}, "sure": {"type": "boolean"}}
    assert (schema["required"], schema["additionalProperties"]) == (["code", "sure"], False)


def test_fields_called_title_or_description_stay_in_the_schema() -> None:
    schema = Question(question().prompt, Titled).request().reply_schema
    assert schema["properties"] == {"title": {"type": "string"}, "description": {"type": "string"}}


# The same question asked otherwise


def sampled(chat: Chat, ledger: Memory, **how: Any) -> Asker:
    return Asker(chat, ledger, "run", Retry(sleep=lambda _: None), sampling=Sampling(**how))


def test_seed_and_temperature_reach_the_model_and_make_another_question() -> None:
    chat, ledger = Chat(GOOD), Memory()
    for how in ({}, {"seed": 3, "temperature": 0.7}, {"seed": 4, "temperature": 0.7}):
        for _ in range(2):
            sampled(chat, ledger, **how).ask(question())
    assert [(r.seed, r.temperature) for r in chat.asked] == [(0, 0.0), (3, 0.7), (4, 0.7)]
    assert len({e.key for e in ledger.entries}) == 3


def test_a_repetition_asks_the_very_same_once_more_and_no_more() -> None:
    chat, ledger = Chat(GOOD), Memory()
    for repetition in (0, 1, 1, 2):
        sampled(chat, ledger, repetition=repetition).ask(question())
    assert len(chat.asked) == 3
    assert len({r.model_dump_json() for r in chat.asked}) == 1
    assert len({e.key for e in ledger.entries}) == 3


def test_usual_questions_keep_the_key_that_they_always_had() -> None:
    chat, ledger = Chat(GOOD), Memory()
    sampled(chat, ledger).ask(question())
    (entry,) = ledger.entries
    asked = chat.asked[0].model_dump(mode="json", exclude={"options"})
    assert entry.key == digest(chat.id, "d" * 64, asked)


def test_a_repair_moves_on_from_the_seed_that_was_wanted() -> None:
    chat = Chat(BAD, GOOD)
    sampled(chat, Memory(), seed=7, temperature=0.5).ask(question())
    assert [(r.seed, r.temperature) for r in chat.asked] == [(7, 0.5), (8, 0.5)]
