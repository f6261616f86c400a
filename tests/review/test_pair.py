"""The page of one outcome shows of a call about several segments what belongs to the one that is looked at."""

from __future__ import annotations

import html
import json

import pytest
import world
from serving import Served

from belonging_llm.adapters.fakes import FakeChat
from belonging_llm.asking import Asker, Retry
from belonging_llm.codes import Coding, OpenSegment, Outcome, Provenance
from belonging_llm.codes.together import question
from belonging_llm.prompts import load

PROMPT = load("code_segments.v1")
WORD = {"applies": True, "polarity": "mixed"}


@pytest.fixture(scope="module")
def shared_call(served: Served) -> dict[str, str]:
    """A run in which four segments of three participants shared a call; returns the others' words by id."""
    store, book = served.study.store, served.study.framework()
    mine = served.world.ids["segment"]
    segments = store.corpus.segments()
    people = {s.participant: s for s in segments if s.id != mine}
    asked = [*people.values(), next(s for s in segments if s.id == mine)]
    code = book.assignable[0].id
    run = store.runs.start("shared call", {"llm": {"model": "pretend"}, "seed": 0})
    quotes = {s.id: s.text[:30] for s in asked}
    reply = json.dumps({str(n): {code: WORD | {"words": quotes[s.id]}} for n, s in enumerate(asked, 1)})
    asker = Asker(FakeChat([reply]), store.ledger, run.id, retry=Retry(first_wait=0))
    assert asker.ask_or_none(question([OpenSegment(s, (code,), "") for s in asked], book, PROMPT))
    made = Provenance(model="fake:1", prompt=PROMPT.name, prompt_digest=PROMPT.digest, asked=True)
    store.findings.add_codings(
        [
            Coding(segment_id=s.id, code=code, coder="model:fake:1", outcome=Outcome.ASSIGNED, provenance=made)
            for s in asked
        ],
        run.id,
    )
    store.runs.finish(run.id, "complete")
    return {"run": run.id, "code": code} | {s.id: s.text for s in asked}


def test_neighbours_words_are_not_in_the_page(served: Served, shared_call: dict[str, str]) -> None:
    mine = served.world.ids["segment"]
    client = served.client(world.ADMIN)
    reply = client.get(f"/audit/pair?run={shared_call['run']}&segment={mine}&pair_code={shared_call['code']}")
    assert reply.status_code == 200
    told = html.unescape(reply.text)
    others = {i: text for i, text in shared_call.items() if i not in {"run", "code", mine}}
    assert len(others) == 3
    for text in others.values():
        # What stands around the segment in its own turn is its own.
        if text not in told.split("What was asked, and what came back")[0]:
            assert text[:30] not in told
    asked = told.split("What was asked, and what came back")[1]
    assert "[3 other segments of the same call are not shown]" in asked
    assert json.dumps(shared_call[mine], ensure_ascii=False) in asked
    assert f'"words": "{shared_call[mine][:30]}"' in asked
    assert all(text[:30] not in asked for text in others.values())
