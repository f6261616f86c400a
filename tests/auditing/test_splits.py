"""Participants are parted once, evenly, and never move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from audited import EACH, ident, people_code, who

from belonging_llm.auditing import splits
from belonging_llm.auditing.splits import Part, draw, parts, split_digest
from belonging_llm.errors import StudyError
from belonging_llm.evaluation.estimate import Floats
from belonging_llm.study import Study

SHARES = (0.4, 0.2, 0.4)


def people(n: int, seed: int = 0) -> dict[str, Floats]:
    """Participants with an amount of segments and of three codes."""
    amounts = np.random.default_rng(seed).poisson([40, 10, 3, 1], (n, 4)).astype(float)
    return {who(i): amounts[i] for i in range(n)}


def unevenness(features: dict[str, Floats], drawn: dict[str, Part]) -> float:
    """How far parts' means lie from everybody's, in standard deviations, squared and summed."""
    values = np.stack([features[name] for name in sorted(features)])
    values = (values - values.mean(0)) / values.std(0)
    where = np.array([drawn[name] for name in sorted(features)])
    return float(sum((values[where == part].mean(0) ** 2).sum() for part in Part))


def code(folder: Path, *participants: int) -> None:
    people_code(folder, segments=[ident(p, s) for p in participants for s in range(EACH)])


def split_of(folder: Path) -> dict[str, Part]:
    opened = Study(folder)
    found = parts(opened)
    opened.store.close()
    return found


@pytest.mark.parametrize("shares", [SHARES, (0.6, 0.1, 0.3), (1 / 3, 1 / 3, 1 / 3)])
def test_everybody_is_in_one_part_and_shares_hold_within_one(
    shares: tuple[float, float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits, "TRIES", 2)
    for n in range(3, 61):
        drawn = draw(people(n), {}, shares, n)
        assert set(drawn) == {who(i) for i in range(n)}
        counts = [list(drawn.values()).count(part) for part in Part]
        assert sum(counts) == n
        assert all(abs(count - share * n) <= 1 for count, share in zip(counts, shares, strict=True))


def test_the_same_seed_draws_the_same_parts() -> None:
    assert draw(people(20), {}, SHARES, 7) == draw(people(20), {}, SHARES, 7)
    assert len({split_digest(draw(people(20), {}, SHARES, seed)) for seed in range(5)}) > 1


@pytest.mark.parametrize("seed", range(3))
def test_parts_are_more_even_than_chance_makes_them(seed: int) -> None:
    features = people(20, seed)
    found = draw(features, {}, SHARES, seed)
    random = np.random.default_rng(99)
    seats = [found[name] for name in sorted(features)]
    chance = [
        unevenness(features, dict(zip(sorted(features), random.permutation(seats), strict=True))) for _ in range(400)
    ]
    # The best of 2,000: far below the median of chance.
    assert unevenness(features, found) < np.quantile(chance, 0.05) < np.median(chance)


def test_who_is_locked_stays_and_the_others_fill_the_shares() -> None:
    locked = {who(i): Part.TEST for i in range(6)}
    drawn = draw(people(20), locked, SHARES, 0)
    assert {name: drawn[name] for name in locked} == locked
    assert [list(drawn.values()).count(part) for part in Part] == [8, 4, 8]


def test_a_part_that_is_overfull_gets_nobody_else() -> None:
    locked = {who(i): Part.TEST for i in range(6)}
    drawn = draw(people(8), locked, SHARES, 0)
    assert list(drawn.values()).count(Part.TEST) == 6
    assert len(drawn) == 8


def test_new_participants_join_and_nobody_moves(talks: Path) -> None:
    code(talks, 0, 1, 2, 3, 4)
    first = split_of(talks)
    assert split_of(talks) == first
    assert set(first) == {who(p) for p in range(5)}
    code(talks, *range(5, 12))
    second = split_of(talks)
    assert {name: second[name] for name in first} == first
    assert [list(second.values()).count(part) for part in Part] == [5, 2, 5]
    assert split_digest(first) != split_digest(second)


def test_fewer_than_three_participants_are_refused(talks: Path) -> None:
    with pytest.raises(StudyError, match="no human codings"):
        split_of(talks)
    code(talks, 0, 1)
    with pytest.raises(StudyError, match="2 coded participants"):
        split_of(talks)
    assert Study(talks).store.audits.parts() == {}


def test_the_sample_is_parted_evenly_over_codes(sample: Path) -> None:
    opened = Study(sample)
    locked = parts(opened)
    participant = {s.id: s.participant for s in opened.store.corpus.segments()}
    found = [c for c in opened.store.findings.codings() if c.coder == opened.settings.audit.adjudicator]
    in_test = sum(locked[participant[c.segment_id]] is Part.TEST for c in found)
    # 5 of 12 participants; with them between a third and half of the codings.
    assert list(locked.values()).count(Part.TEST) == 5
    assert 1 / 3 < in_test / len(found) < 1 / 2
