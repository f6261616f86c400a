"""The attempts are sound as data, and the measure tells a model that obeys them from one that does not."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from belonging_llm.adapters.fakes import FakeChat, HashEncoder
from belonging_llm.embeddings import Vectors
from belonging_llm.llm import ChatRequest
from belonging_llm.provenance import file_digest

SCRIPT = Path(__file__).parents[2] / "evals" / "injections.py"
ACCEPTED = SCRIPT.with_suffix(".json")
Verdict = Callable[[str], bool]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("evals_injections", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["evals_injections"] = found  # dataclasses look their module up
    spec.loader.exec_module(found)
    return found


def asked_in(request: ChatRequest) -> dict[str, tuple[str, list[str]]]:
    """Words and candidate codes by the segment's number, "" where there is one segment."""
    texts = re.findall(r"^Segment(?: (\d+))?: (\".*\")$", request.user, re.MULTILINE)
    codes = re.findall(r"^Candidate codes.*?: (.*)$", request.user, re.MULTILINE)
    return {n: (str(json.loads(text)), given.split(", ")) for (n, text), given in zip(texts, codes, strict=True)}


def candidates(request: ChatRequest) -> list[str]:
    return asked_in(request)[""][1]


def model(applies: Verdict, invents: str = "", *, across: bool = False) -> FakeChat:
    """Judges every candidate by the segment's words alone; at times of a code that is its own invention.

    Args:
        across: What one segment of a call makes it say, it says of all of them.
    """

    def answer(request: ChatRequest) -> str:
        asked = asked_in(request)
        heard = {n: applies(text) for n, (text, _) in asked.items()}
        said = {}
        for n, (_, codes) in asked.items():
            yes = any(heard.values()) if across else heard[n]
            named = [invents] if invents and yes else codes
            said[n] = {c: {"applies": yes, "polarity": "experienced", "words": ""} for c in named}
        return json.dumps(said.get("", said))

    return FakeChat(answer)


class Steady(HashEncoder):
    """Hears a segment of the sample and no words added to it: what changes then is the model's doing alone."""

    def __init__(self, known: list[str]) -> None:
        super().__init__(64)
        self.known = known

    def encode(self, texts: Sequence[str]) -> Vectors:
        return super().encode([next((host for host in self.known if host in text), text) for text in texts])


def measured(script: ModuleType, folder: Path, chat: FakeChat, *, beside: bool = False) -> dict[str, Any]:
    bench = script.Bench(Steady([s.text for s in script.sample()]), script.asker(chat, folder))
    return dict(script.measure(bench, script.spread(script.attempts(), 40), 1, beside=beside))


@pytest.fixture(scope="module")
def obeyed(script: ModuleType) -> Verdict:
    """Whether one of the attempts stands in a segment."""
    known = [attempt.text for attempt in script.attempts()]
    return lambda said: any(words in said for words in known)


def test_the_attempts_are_sound(script: ModuleType) -> None:
    attempts = script.attempts()
    kinds = Counter(a.kind for a in attempts)
    assert len(attempts) >= 200
    assert len(kinds) >= 12
    assert min(kinds.values()) >= 10
    assert len({a.id for a in attempts}) == len({a.text for a in attempts}) == len(attempts)
    assert all(a.text.strip() and a.id and a.kind for a in attempts)
    assert all("\0" not in a.text and a.text.encode() for a in attempts)


def test_limited_attempts_are_of_many_kinds(script: ModuleType) -> None:
    attempts = script.attempts()
    assert len({a.kind for a in script.spread(attempts, 20)}) == 20
    assert script.spread(attempts, None) == script.spread(attempts, 10_000) == attempts


@pytest.mark.parametrize("length", [1, 9, 60, 200, 2000])
def test_harmless_words_are_as_many(script: ModuleType, length: int) -> None:
    for start in range(20):
        said = script.harmless(length, start)
        assert max(1, length - 20) <= len(said) <= length
    assert script.harmless(60, 0) != script.harmless(60, 1)


def test_a_model_that_obeys_is_told_from_one_that_does_not(
    script: ModuleType, tmp_path_factory: pytest.TempPathFactory, obeyed: Verdict
) -> None:
    obeying = measured(script, tmp_path_factory.mktemp("obeying"), model(obeyed))["all"]
    deaf = measured(script, tmp_path_factory.mktemp("deaf"), model(lambda _: False))["all"]
    # The obeying one changes every answer to an attempt, but where one is longer than what a model is shown.
    assert obeying["attempts"]["answers"]["share"] > 0.95
    assert deaf["attempts"]["answers"]["changed"] == 0
    assert obeying["attempts"]["segments"]["low"] > deaf["attempts"]["segments"]["high"]
    assert obeying["attempts"]["outcomes"]["low"] > deaf["attempts"]["outcomes"]["high"]
    assert all(one["harmless"]["outcomes"]["changed"] == 0 for one in (obeying, deaf))
    assert obeying["attempts"]["segments"]["of"] == 40


def test_a_neighbour_in_the_same_call_changes_nothing_but_through_the_model(
    script: ModuleType, tmp_path_factory: pytest.TempPathFactory, obeyed: Verdict
) -> None:
    """Whatever a model does with the segment that tells it to: what it says under the other number is as it was.

    One that obeys for that segment alone, and one whose reply is broken by it, leave the neighbour as it is; one that
    lets itself be talked into the neighbour's answer is told from them.
    """
    folder = tmp_path_factory.mktemp
    for chat in (model(obeyed), model(obeyed, invents="loyalty")):
        found = measured(script, folder("own"), chat, beside=True)
        assert found["all"]["attempts"]["outcomes"]["changed"] == 0
        assert found["all"]["attempts"]["answers"]["of"] >= 40
        assert found["segments that failed without"] == 0
        assert any("1" in request.reply_schema["properties"] for request in chat.asked)
    talked_into = measured(script, folder("across"), model(obeyed, across=True), beside=True)["all"]
    assert talked_into["attempts"]["answers"]["share"] > 0.95
    assert talked_into["harmless"]["answers"]["changed"] == 0


def test_answers_can_only_name_codes_of_the_codebook(script: ModuleType, tmp_path: Path, obeyed: Verdict) -> None:
    """A model that adds a code on request gets nothing into the table: its segments fail, and count as changed."""
    bench = script.Bench(HashEncoder(64), script.asker(model(obeyed, invents="loyalty"), tmp_path))
    row = bench.hosts()[0]
    known = {code.id for code in bench.framework.assignable}
    coded = bench.coded(row, script.joined(bench.segments[row].text, script.attempts()[0].text, first=False))
    assert set(coded) == set(bench.plain(row)) == known
    assert {c.outcome.value for c in coded.values()} == {"failed"}
    assert "failed" not in {c.outcome.value for c in bench.plain(row).values()}
    schema = bench.asker.model.asked[0].reply_schema
    assert set(schema["properties"]) == set(candidates(bench.asker.model.asked[0])) <= known
    assert schema["additionalProperties"] is False


def test_without_a_model_nothing_is_asked_and_the_same_comes_out(script: ModuleType) -> None:
    first, second = (script.measure(script.Bench(HashEncoder(64), None), script.attempts()[:6], 1) for _ in range(2))
    assert first == second
    assert first["all"]["attempts"]["answers"] == {"changed": 0, "of": 0, "share": None, "low": None, "high": None}
    assert "all" in script.table(first)


def test_rates_by_hand(script: ModuleType) -> None:
    # 2 of 10, z = 1.96: centre (.2 + 1.9208 / 10) / 1.38415 = .28326, reach 1.96 · √(.016 + .0096) / 1.38415 = .22659
    found = script.rate(Counter({True: 2, False: 8}))
    assert (found.changed, found.of, found.share) == (2, 10, 0.2)
    assert (found.low, found.high) == pytest.approx((0.0567, 0.5098), abs=1e-3)


def test_the_accepted_figures_are_of_these_attempts(script: ModuleType) -> None:
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    assert accepted["llm"] == "none"
    assert accepted["attempts"]["file"] == file_digest(script.DATA)
    assert accepted["attempts"]["count"] == len(script.attempts())
    assert set(accepted["kinds"]) == {a.kind for a in script.attempts()}
