"""The questions that a batch sends together are the very ones that its coding asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from growing import analyse, answer, drop, grow, opens, set_to

from belonging_llm import batch
from belonging_llm.analysis import cutting
from belonging_llm.batch import BatchJob
from belonging_llm.llm import ChatRequest
from belonging_llm.study import Study


def answer_each(request: ChatRequest) -> str:
    """As `answer`, and for a call about several segments one answer under each number."""
    asked = request.reply_schema.get("properties", {})
    if not asked or not all(number.isdigit() for number in asked):
        return answer(request)
    return json.dumps(
        {
            number: {code: {"applies": len(code) % 2 == 0, "polarity": "experienced", "words": ""} for code in codes}
            for number, codes in ((number, one["properties"]) for number, one in asked.items())
        }
    )


@pytest.mark.parametrize("together", [1, 3])
def test_they_are_cut_as_the_coding_cuts_them(together: int, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, answer_each)
    monkeypatch.setattr(cutting, "BATCH", 25)
    if together > 1:
        set_to(study, together=together)
        analyse(study)
    drop(study, "P09", "P10")
    begun = grow(study, until="place")
    assert begun is not None
    bench = batch.batch_bench(BatchJob(str(study), "fake", "hashed"), begun.id)
    assert len(bench.segments) > 2 * cutting.BATCH, "chunks are cut as well"
    questions = bench.coding_questions(begun.id)
    keys = [question.key("fake:1") for question in questions]
    sent = {(question.request().system, question.request().user) for question in questions}
    chat = opens(monkeypatch, answer_each)
    done = grow(study)
    assert done is not None
    assert (done.id, done.status) == (begun.id, "complete")
    assert {(request.system, request.user) for request in chat.asked} == sent
    assert len(chat.asked) == len(questions) == len(set(keys)) > 10
    assert Study(study).store.parcels.answered(keys) == set(keys)
    assert sum(len(call) for call in bench.calls_about(bench.open_pairs(begun.id))) == len(bench.open_pairs(begun.id))
