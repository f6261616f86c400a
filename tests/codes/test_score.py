"""All codes weighed at once: letters, scales, and what scores are worth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from belonging_llm.adapters.fakes import FakeChat
from belonging_llm.asking import Asker
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import OpenSegment, doubtful, fits, scale, score, shifts_of
from belonging_llm.codes.score import USUAL
from belonging_llm.errors import ReplyError
from belonging_llm.llm import ChatRequest, tells_likelihoods
from belonging_llm.prompts import load
from belonging_llm.segments import Segment
from belonging_llm.store import Store

BOOK = Framework(id="b", name="B", codes=(Code(id="kin", name="Kin", definition="Family."), Code(id="sea", name="Sea")))


def segment(text: str) -> Segment:
    return Segment(
        id=text[:8], transcript_id="t", document="d", participant="p", turn=1, part=1, start=0, end=len(text), text=text
    )


def asker(tmp_path: Path, answer: object) -> tuple[Asker, FakeChat]:
    model = FakeChat(answer)  # type: ignore[arg-type]
    return Asker(model, Store(f"sqlite:///{tmp_path / 'ledger.sqlite'}").ledger, "run"), model


def by_words(request: ChatRequest) -> str:
    """Likelihoods of a model that reads: kin for mothers, sea for boats."""
    told = {"A": -5.0, "B": -5.0, "C": -1.0}
    told["A"] += 4 * ("mother" in request.user)
    told["B"] += 4 * ("boat" in request.user)
    return json.dumps(told)


def test_a_segment_is_weighed_in_one_question_by_letters(tmp_path: Path) -> None:
    who, model = asker(tmp_path, by_words)
    items = [OpenSegment(segment(text), (), "") for text in ("my mother called", "a boat came in", "nothing at all")]
    found = score(items, BOOK, asker=who, prompt=load("choose_code.v1"))
    # Told are -1, -5 and -1 for "none of these": log of e^-1 + e^-5 + e^-1 is -0.2977, so -0.7023 and -4.7023.
    # Where nothing fits: log of 2 e^-5 + e^-1 is -0.9640, so -4.0360 for either code.
    assert {k: v.round(4).tolist() for k, v in found.items() if not isinstance(v, Exception)} == {
        "my mothe": [-0.7023, -4.7023],
        "a boat c": [-4.7023, -0.7023],
        "nothing ": [-4.036, -4.036],
    }
    assert [request.options for request in model.asked] == [("A", "B", "C")] * 3
    assert "A. Kin: Family." in model.asked[0].system
    score(items, BOOK, asker=who, prompt=load("choose_code.v1"))
    assert len(model.asked) == 3, "the ledger answers what was asked before"


@pytest.mark.parametrize(
    "reply", ['{"A": 1, "B": 1}', '{"A": 1, "B": 1, "C": "x"}', '{"A": 1, "B": 1, "Z": 1}', "A", ""]
)
def test_what_is_no_likelihood_fails_and_is_never_a_score(tmp_path: Path, reply: str) -> None:
    who, _ = asker(tmp_path, lambda _: reply)
    found = score([OpenSegment(segment("my mother"), (), "")], BOOK, asker=who, prompt=load("choose_code.v1"))
    assert isinstance(found["my mothe"], ReplyError)


def test_only_models_that_say_so_are_asked_for_likelihoods() -> None:
    model = FakeChat()
    assert not tells_likelihoods(model)
    model.scores = True  # type: ignore[attr-defined]
    assert tells_likelihoods(model)


def test_a_codebook_with_more_codes_than_letters_does_not_fit() -> None:
    many = Framework(id="m", name="M", codes=tuple(Code(id=f"c{i}", name=f"C{i}") for i in range(26)))
    assert fits(BOOK)
    assert not fits(many)


def test_the_most_doubtful_segments_come_first() -> None:
    # p(1 - p) summed: .25 + .25; .09 + .09; .0099 + .25.
    chance = np.array([[0.5, 0.5], [0.1, 0.9], [0.01, 0.5]])
    assert doubtful(chance, 1.0) == [0, 2, 1]
    assert doubtful(chance, 0.34) == [0]
    assert doubtful(chance, 0.0) == []


def test_scores_are_worth_what_they_showed() -> None:
    draw = np.random.default_rng(0)
    truth = (draw.random((300, 2)) < 0.3).astype(float)
    chance = np.full(truth.shape, 0.3)
    telling = scale(truth + draw.normal(0, 0.3, truth.shape), chance, truth)
    noise = scale(draw.normal(size=truth.shape), chance, truth)
    against = scale(-truth + draw.normal(0, 0.3, truth.shape), chance, truth)
    assert telling.slope > 1.5
    assert noise.slope < 0.2
    assert against.slope == 0, "a model that is wrong is not turned round: it is not believed"
    assert telling.heard == 600


def test_without_people_a_score_moves_little_and_with_few_segments_nothing() -> None:
    scores = np.random.default_rng(1).normal(size=(50, 2))
    assert scale(scores, np.full((50, 2), 0.3), None).slope == USUAL
    assert scale(scores[:10], np.full((10, 2), 0.3), None).slope == 0


def test_a_letter_that_is_liked_everywhere_moves_nothing() -> None:
    scores = np.random.default_rng(2).normal(size=(100, 2)) + np.array([5.0, 0.0])
    found = scale(scores, np.full((100, 2), 0.3), None)
    moved = shifts_of({"x": np.array([5.0, 0.0]), "bad": ReplyError("no")}, found)
    assert np.abs(moved["x"]).max() < 0.1
    assert isinstance(moved["bad"], ReplyError)
    # Nothing moves by more than three spreads.
    assert shifts_of({"x": np.array([99.0, 0.0])}, found)["x"][0] == pytest.approx(3 * found.slope)
