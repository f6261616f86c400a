"""Names must hold their own: distinct, not vague, and nearest to their own theme's centre."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from belonging_llm.adapters.fakes import FakeChat, HashEncoder
from belonging_llm.asking import Asker
from belonging_llm.clusters import Belongs, Cluster, Clustering, Member
from belonging_llm.llm import ChatRequest
from belonging_llm.prompts import load
from belonging_llm.segments import Segment
from belonging_llm.store import Store
from belonging_llm.themes import Labelled, label

ENCODER = HashEncoder(256)
SAID = {
    "group": [
        "our midnight group chat never sleeps at all",
        "the midnight group chat saved me twice",
        "that group chat at midnight again",
    ],
    "post": [
        "my letters to the office stay unanswered for weeks",
        "the office leaves letters unanswered as ever",
        "unanswered letters from the same office",
    ],
}
GOOD = {"group": "Meeting in the midnight group chat", "post": "Waiting for unanswered office letters"}


def segment(number: int, text: str) -> Segment:
    return Segment(
        id=f"s{number}", transcript_id="t", document="P1", participant="P1", turn=number, part=1, start=0,
        end=len(text), text=text,
    )  # fmt: skip


SEGMENTS = [segment(i, text) for i, text in enumerate([t for texts in SAID.values() for t in texts])]
VECTORS = ENCODER.encode([s.text for s in SEGMENTS])


def cluster(rows: list[int]) -> Cluster:
    centre = VECTORS[rows].mean(axis=0)
    return Cluster(tuple(Member(r, 1.0, Belongs.CORE) for r in rows), centre / np.linalg.norm(centre))


CLUSTERING = Clustering((cluster([0, 1, 2]), cluster([3, 4, 5])), (), "by hand")


def theme_of(request: ChatRequest) -> str:
    return "group" if "group chat" in request.user else "post"


def reply(request: ChatRequest, name: str, words: str | None = None) -> str:
    first = re.search(r'^1\. (".*")$', request.user, re.MULTILINE)
    assert first
    quote = words or json.loads(first[1])
    return json.dumps(
        {"definition": f"They speak of it: {name}.", "name": name, "quotes": [{"segment": 1, "words": quote}]}
    )


def named(tmp_path: Path, model: FakeChat | None) -> Labelled:
    store = Store(f"sqlite:///{tmp_path / 'study.sqlite'}")
    asker = Asker(model, store.ledger, "run") if model else None
    prompt, again = load("label_theme.v1"), load("rename_theme.v1")
    return label(CLUSTERING, SEGMENTS, VECTORS, asker=asker, prompt=prompt, again=again, embed=ENCODER.encode)


def test_good_names_stand(tmp_path: Path) -> None:
    found = named(tmp_path, FakeChat(lambda r: reply(r, GOOD[theme_of(r)])))
    assert [t.name for t in found.themes] == list(GOOD.values())
    assert (found.renamed, found.in_vivo, found.unlocated) == (0, 0, 0)
    quote = found.themes[0].quotes[0]
    assert SEGMENTS[int(quote.segment_id[1:])].text[quote.start : quote.end] in SAID["group"]


@pytest.mark.parametrize("first", ["Online learning experience", "Needing needing midnight chat", GOOD["post"]])
def test_a_vague_or_misplaced_name_is_sent_back_once_with_the_clash(tmp_path: Path, first: str) -> None:
    def answer(request: ChatRequest) -> str:
        again = "cannot stand" in request.user
        return reply(request, first if theme_of(request) == "group" and not again else GOOD[theme_of(request)])

    model = FakeChat(answer)
    found = named(tmp_path, model)
    assert [t.name for t in found.themes] == list(GOOD.values())
    assert sum("cannot stand" in r.user for r in model.asked) == found.renamed >= 1
    assert found.themes[0].prompt == "rename_theme.v1", "a name records the prompt that it answers"


def test_a_name_that_never_fits_gives_way_to_participants_own_words(tmp_path: Path) -> None:
    found = named(tmp_path, FakeChat(lambda r: reply(r, "Online learning")))
    assert found.in_vivo == 2
    for theme, texts in zip(found.themes, SAID.values(), strict=True):
        assert any(theme.name.strip("“”") in text for text in texts)


def test_words_that_nobody_said_are_dropped_and_counted(tmp_path: Path) -> None:
    found = named(tmp_path, FakeChat(lambda r: reply(r, GOOD[theme_of(r)], words="I adore every minute of it")))
    assert found.unlocated == 2
    assert all(not theme.quotes for theme in found.themes)


def test_replies_that_never_parse_leave_the_theme_with_its_own_words(tmp_path: Path) -> None:
    model = FakeChat(lambda _: "I would rather not")
    found = named(tmp_path, model)
    assert (found.failed, found.in_vivo) == (2, 2)
    assert len(model.asked) == 4  # two themes, one repair each


def test_without_a_model_nothing_is_asked(tmp_path: Path) -> None:
    assert named(tmp_path, None).themes[0].name.startswith("“")


def test_a_name_after_one_vivid_statement_is_sent_back(tmp_path: Path) -> None:
    # "saved me twice" stands in one of three statements; the definition alone is near the theme's centre.
    def answer(request: ChatRequest) -> str:
        if theme_of(request) == "post" or "cannot stand" in request.user:
            return reply(request, GOOD[theme_of(request)])
        given = json.loads(reply(request, "Being saved me twice"))
        return json.dumps(given | {"definition": "They speak of the midnight group chat that never sleeps."})

    model = FakeChat(answer)
    found = named(tmp_path, model)
    assert [t.name for t in found.themes] == list(GOOD.values())
    assert found.renamed == 1
    assert any("say what most of them share" in r.user for r in model.asked)
