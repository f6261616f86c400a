"""What was learned, apart from what it was learned from: the same outcomes, whatever comes with a segment."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm import codes
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.codebook import Framework
from belonging_llm.codes import Coder, Lesson, Lessons, Material, Weighed, learn_coder
from belonging_llm.errors import StudyError
from belonging_llm.themes import Mapping, Theme, ThemeMember

ENCODER = HashEncoder(32)
SUBJECTS = ("friends lunch campus", "tutor feedback essay", "internet laptop camera", "forum group chat")
FRAMEWORK = Framework.model_validate(
    {
        "id": "tried",
        "name": "Tried",
        "codes": [
            {"id": "people", "name": "People", "definition": "friends, lunch", "examples": ["my friends at lunch"]},
            {
                "id": "tutors",
                "name": "Tutors",
                "definition": 'says "tutor" or feedback',
                "examples": ["the tutor gave feedback"],
                "absent_examples": ["nobody read my essay"],
            },
            {
                "id": "things",
                "name": "Things",
                "definition": "The speaker says what will be in future: internet, camera",
            },
        ],
    }
)


def texts(n: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    filler = "we you not was will feel think really then there somehow again".split()
    return [
        " ".join([SUBJECTS[draw.integers(4)], *draw.choice(filler, 6), f"no {draw.integers(10**6)}"]) for _ in range(n)
    ]


def material(said: list[str], first: int = 0) -> Material:
    return Material([f"s{first + i}" for i in range(len(said))], said, ENCODER.encode(said), ENCODER.encode(said) ** 3)


def lessons(said: list[str], rows: range) -> Lessons:
    words = ("friends", "tutor", "internet")
    shares = np.array([[float(word in said[row]) for word in words] for row in rows])
    return Lessons(np.array(rows), shares, np.array(rows) // 4)


def theme(ids: list[str]) -> Theme:
    members = tuple(ThemeMember(segment_id=i, strength=0.8, belongs="core") for i in ids)
    mapped = Mapping.model_validate({"codes": [{"code": "things", "rationale": ""}]})
    return Theme(id="T1", ordinal=1, name="Things", definition="", members=members, mapping=mapped)


@pytest.fixture(scope="module")
def base() -> tuple[Material, Coder, Weighed, list[Theme]]:
    said = texts(120, 0)
    found = material(said)
    polar = np.arange(40)
    taught = Lesson(lessons(said, range(60)), lessons(said, range(60, 90)), polar, (polar % 2).astype(float))
    themes = [theme(found.ids[:30])]
    coder, weighed = learn_coder(found, FRAMEWORK, themes, ENCODER.encode, taught, share=0.3)
    assert coder.probe is not None
    assert coder.probe.taught.any()
    assert coder.carried is not None
    assert coder.polarity is not None
    return found, coder, weighed, themes


def parts(found: Weighed) -> dict[str, np.ndarray]:
    signals = {
        f.name: getattr(found.signals, f.name) for f in fields(found.signals) if f.name not in ("measures", "rest")
    }
    assert found.absent is not None
    return signals | {"chance": found.likely.chance, "leaning": found.likely.leaning, "absent": found.absent}


def test_laid_on_what_it_was_learned_from_it_says_the_same_to_the_last_bit(
    base: tuple[Material, Coder, Weighed, list[Theme]],
) -> None:
    found, coder, weighed, themes = base
    again = codes.from_bytes(codes.to_bytes(coder)).weigh(found, FRAMEWORK, themes, ENCODER.encode)
    for name, values in parts(weighed).items():
        assert parts(again)[name].tobytes() == values.tobytes(), name
    assert (again.likely.taught == weighed.likely.taught).all()


def test_one_by_one_it_says_the_same_but_for_rounding(base: tuple[Material, Coder, Weighed, list[Theme]]) -> None:
    found, coder, weighed, themes = base
    each = coder.weigh_each(found, FRAMEWORK, themes, ENCODER.encode)
    for name, values in parts(weighed).items():
        assert parts(each)[name] == pytest.approx(values, abs=1e-4, nan_ok=True), name


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(1, 23), max_size=4, unique=True), turned=st.booleans())
def test_how_new_segments_are_parted_changes_nothing(
    base: tuple[Material, Coder, Weighed, list[Theme]], cuts: list[int], turned: bool
) -> None:
    _, coder, _, _ = base
    said = texts(24, 7)
    whole = coder.weigh_each(material(said), FRAMEWORK, [theme(["s3", "s20"])], ENCODER.encode)
    order = list(range(24))[::-1] if turned else list(range(24))
    ends = [0, *sorted(cuts), 24]
    for start, end in itertools.pairwise(ends):
        rows = order[start:end]
        some = Material(
            [f"s{r}" for r in rows],
            [said[r] for r in rows],
            ENCODER.encode([said[r] for r in rows]),
            ENCODER.encode([said[r] for r in rows]) ** 3,
        )
        found = coder.weigh_each(some, FRAMEWORK, [theme(["s3", "s20"])], ENCODER.encode)
        for name, values in parts(found).items():
            assert values.tobytes() == parts(whole)[name][rows].tobytes(), name


def test_the_same_coder_gives_the_same_bytes_and_they_hold_no_text(
    base: tuple[Material, Coder, Weighed, list[Theme]],
) -> None:
    _, coder, _, _ = base
    coder = replace(coder, scale=codes.Scale((0.0, 1.0, 2.0), (1.0, 1.0, 1.0), 0.5, 7))
    raw = codes.to_bytes(coder)
    assert raw == codes.to_bytes(codes.from_bytes(raw))
    with np.load(io.BytesIO(raw), allow_pickle=False) as kept:
        head = json.dumps(json.loads(kept["head"].tobytes()))
        assert all(kept[name].dtype.kind in "fiub" for name in kept.files)
    assert not [word for word in "friends laptop internet forum lunch feedback".split() if word in head]
    assert codes.from_bytes(raw).scale == coder.scale
    assert codes.from_bytes(raw).word == coder.word


def test_other_bytes_are_refused() -> None:
    with pytest.raises(StudyError, match="run `belonging analyse`"):
        codes.from_bytes(b"not what was kept")
    other = io.BytesIO()
    np.savez(other, head=np.frombuffer(b'{"part": "Unheard", "holds": {}}', np.uint8))
    with pytest.raises(StudyError, match="run `belonging analyse`"):
        codes.from_bytes(other.getvalue())


def test_too_few_segments_teach_nothing_and_can_be_laid_on_others() -> None:
    few = material(texts(10, 1))
    coder, weighed = learn_coder(few, FRAMEWORK, [], ENCODER.encode, Lesson(), share=0.5)
    assert (coder.carried, coder.probe, coder.polarity) == (None, None, None)
    again = codes.from_bytes(codes.to_bytes(coder)).weigh(few, FRAMEWORK, [], ENCODER.encode)
    assert again.likely.chance.tobytes() == weighed.likely.chance.tobytes()
    none = coder.weigh_each(Material([], [], np.empty((0, 32), np.float32)), FRAMEWORK, [], ENCODER.encode)
    assert none.likely.chance.shape == (0, 3)


def test_as_doubtful_segments_are_asked_about_as_in_the_base(
    base: tuple[Material, Coder, Weighed, list[Theme]],
) -> None:
    _, coder, weighed, _ = base
    asked = codes.open_pairs(weighed.likely, 0.3)
    within = codes.open_pairs_within(weighed.likely, coder.farthest)
    assert asked.keys() <= within.keys()
    assert {row: within[row] for row in asked} == asked
    # What lies just as far from even as the last one is asked about as well.
    nearest = np.abs(weighed.likely.chance - 0.5).min(axis=1)
    assert all(nearest[row] <= coder.farthest for row in within)
    beyond = codes.doubtful_beyond(weighed.likely.chance, coder.least)
    assert codes.doubtful(weighed.likely.chance, 0.3) == beyond[: len(codes.doubtful(weighed.likely.chance, 0.3))]


def test_a_base_that_asked_nobody_has_nobody_asked() -> None:
    few = material(texts(50, 1))
    coder, weighed = learn_coder(few, FRAMEWORK, [], ENCODER.encode, Lesson(), share=0.0)
    assert codes.open_pairs_within(weighed.likely, coder.farthest) == {}
    assert codes.doubtful_beyond(weighed.likely.chance, coder.least) == []
