"""Files that come back with a batch, by hand and in every broken shape: each question has one fate at most."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.adapters.openai_batches import OpenAIBatches
from belonging_llm.adapters.openai_sdk import OpenAIChat
from belonging_llm.parcels import Fate, Found, read

POST = OpenAIBatches(OpenAIChat("m", "http://127.0.0.1:9/v1"))
ASKED = {"a", "b", "c"}


def line(key: Any, status: Any = 200, body: Any = None, error: Any = None) -> bytes:
    response = None if status is None else {"status_code": status, "request_id": "r", "body": body}
    return json.dumps({"id": "x", "custom_id": key, "response": response, "error": error}).encode()


def said(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message}], "usage": usage}


def found(output: bytes = b"", error: bytes = b"") -> Found:
    return read(output, error, ASKED, POST)


def test_replies_come_in_any_order_with_their_tokens() -> None:
    read_ = found(line("c", body=said("C")) + b"\n" + line("a", body=said("A")) + b"\n")
    assert {key: reply.text for key, reply in read_.replies.items()} == {"c": "C", "a": "A"}
    reply = read_.replies["a"]
    assert (reply.prompt_tokens, reply.completion_tokens, reply.finish_reason) == (7, 3, "stop")
    assert not read_.fates
    assert not read_.strays


def test_text_may_hold_every_separator_but_the_line_feed() -> None:
    text = "one\u2028two\u0085three\rfour\x0bfive"
    whole = json.dumps({"custom_id": "a", "response": {"status_code": 200, "body": said(text)}}, ensure_ascii=False)
    assert found(whole.encode() + b"\r\n").replies["a"].text == text


@pytest.mark.parametrize(
    ("status", "error", "fate"),
    [
        (400, None, Fate.REFUSED),
        (404, None, Fate.REFUSED),
        (422, None, Fate.REFUSED),
        (408, None, Fate.FAILED),
        (429, None, Fate.FAILED),
        (500, None, Fate.FAILED),
        (0, None, Fate.FAILED),
        (None, {"code": "batch_expired", "message": "late"}, Fate.EXPIRED),
        (None, {"code": "batch_cancelled"}, Fate.CANCELLED),
        (None, {"code": 17}, Fate.FAILED),
        (None, {"message": "?"}, Fate.FAILED),
        (None, None, Fate.FAILED),
    ],
)
def test_errors_by_what_they_say(status: int | None, error: Any, fate: Fate) -> None:
    for source in ({"error": line("a", status, {}, error)}, {"output": line("a", status, {}, error)}):
        assert found(**source).fates == {"a": fate}


@pytest.mark.parametrize(
    "body", [None, [], "text", 3, {}, {"choices": []}, {"choices": None}, {"choices": [{}]}, {"choices": [None]},
             {"choices": "x"}, {"choices": [{"message": None}]}, {"choices": [{"message": "x"}]}, {"choices": {"a": 1}},
             {"_fields_set": 1, "choices": []}]
)  # fmt: skip
def test_a_body_without_a_message_is_no_reply(body: Any) -> None:
    assert found(line("a", body=body)).fates == {"a": Fate.FAILED}


def test_a_reply_stands_before_an_error_and_the_first_before_later_ones() -> None:
    two = b"\n".join([line("a", body=said("first")), line("a", body=said("second")), line("b", 500), line("b", 429)])
    read_ = found(two, b"\n".join([line("a", 0), line("c", 0)]))
    assert read_.replies["a"].text == "first"
    assert read_.fates == {"b": Fate.FAILED, "c": Fate.FAILED}
    assert [(s.source, s.number, s.why) for s in read_.strays] == [
        ("output", 2, "duplicate"),
        ("output", 4, "duplicate"),
        ("error", 1, "duplicate"),
    ]
    late = found(b"\n".join([line("a", 500), line("a", body=said("after all"))]))
    assert late.replies["a"].text == "after all"
    assert not late.fates


@pytest.mark.parametrize(
    "raw", [b"{", b"null", b"[]", b"17", b"\xff", b'{"custom_id": 3}', b'{"custom_id": null}', b'{"response": {}}',
            b"<html>", b"[" * 100_000, b'{"custom_id": "a", "response": {"body": {}}}', b'{"custom_id": ["a"]}']
)  # fmt: skip
def test_what_is_no_line_is_kept_as_it_came(raw: bytes) -> None:
    (stray,) = found(b"\n" + raw + b"\n").strays
    assert (stray.why, stray.number, stray.content) == ("malformed", 2, raw)


KEYS = st.sampled_from(["a", "b", "c", "d", "", "\ud800"])
BODIES = st.one_of(st.just(said("x")), st.none(), st.text(), st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["choices", "message", "usage", "content", "x"]), inner), max_leaves=8))  # fmt: skip
LINES = st.one_of(
    st.binary(max_size=40),
    st.builds(
        line,
        KEYS,
        st.one_of(st.none(), st.sampled_from([200, 400, 500, 0]), st.text(max_size=2)),
        BODIES,
        st.one_of(st.none(), st.just({"code": "batch_expired"}), st.integers()),
    ),
)


@given(st.lists(LINES, max_size=12), st.lists(LINES, max_size=6))
def test_whatever_comes_back_each_question_has_one_fate_at_most(output: list[bytes], error: list[bytes]) -> None:
    read_ = found(b"\n".join(output), b"\n".join(error))
    assert not read_.replies.keys() & read_.fates.keys()
    assert read_.replies.keys() | read_.fates.keys() <= ASKED
    whole = [raw for content in (output, error) for part in content for raw in part.split(b"\n") if raw.strip()]
    spoken_for = len(read_.replies) + len(read_.fates)
    # A reply that came after an error took its place; every other line is a fate or a stray.
    assert spoken_for <= len(whole) - len(read_.strays) <= spoken_for + len(read_.replies)
    assert {stray.content for stray in read_.strays} <= set(whole)
