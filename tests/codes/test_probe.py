"""The probe on made-up segments whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.codes import NO_LESSONS, Learned, Lessons, Signals, chances, features, learn, learn_polarity
from belonging_llm.codes.probe import FEWEST, FEWEST_POLAR, MIDDLE, SURFACE, _held_out
from belonging_llm.codes.ridge import STRENGTH
from belonging_llm.codes.surface import NAMES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Segments of ten participants, the chance of each code, and what coders said of them."""

    seen: Array
    chance: Array
    shares: Array
    groups: NDArray[np.intp]

    def lessons(self, rows: NDArray[np.intp]) -> Lessons:
        return Lessons(rows, self.shares[rows], self.groups[rows])

    def of(self, *participants: int) -> NDArray[np.intp]:
        return np.flatnonzero(np.isin(self.groups, participants))


def world(n: int = 400, coders: int = 3, slope: float = 1.5, base: tuple[float, ...] = (-1.0, -2.0)) -> World:
    """Each code hangs on a feature of its own, among twenty; coders draw independently with the same chance."""
    random = np.random.default_rng(3)
    seen = random.normal(size=(n, 20))
    chance = expit(np.array(base) + slope * seen[:, : len(base)])
    return World(seen, chance, random.binomial(coders, chance) / coders, np.arange(n) % 10)


def unlike(count: int) -> Array:
    return np.random.default_rng(11).normal(size=(count, 4))


def ece(chance: Array, truth: Array) -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al. 2015)."""
    place = np.minimum((chance * 10).astype(int), 9)
    full = [place == k for k in range(10) if (place == k).any()]
    return float(sum(abs(chance[one].mean() - truth[one].mean()) * one.mean() for one in full))


def test_a_planted_code_is_found_in_people_it_never_saw() -> None:
    made = world(slope=6.0)
    learned = learn(made.seen, made.lessons(made.of(0, 1, 2, 3, 4)))
    others = made.of(5, 6, 7, 8, 9)
    for k in range(2):
        truth = made.shares[others, k] >= 0.5
        # The truth itself, with its coders' noise, separates with .97 and more.
        assert roc_auc_score(truth, learned.scores[others, k]) > 0.9
        assert roc_auc_score(truth, learned.chances[others, k]) > 0.9
    assert learned.taught.all()


def test_chances_are_calibrated_though_coders_disagree() -> None:
    """Half of 2,000 segments teach; on the others, whatever is said with .3 is given by three coders of ten."""
    made = world(n=2000)
    learned = learn(made.seen, made.lessons(made.of(0, 1, 2, 3, 4)))
    others = made.of(5, 6, 7, 8, 9)
    assert np.isin(made.shares, (1 / 3, 2 / 3)).mean() > 0.3, "coders disagree"
    for k in range(2):
        assert ece(learned.chances[others, k], made.shares[others, k]) < 0.04
        assert abs(learned.chances[others, k] - made.chance[others, k]).mean() < 0.06


def test_noise_is_not_taken_for_knowledge() -> None:
    """Where nothing can be learned, all chances lie near the code's own rate, rather than near 0 and 1."""
    made = world(n=1000, slope=0.0)
    learned = learn(made.seen, made.lessons(made.of(0, 1, 2, 3, 4)))
    # 1 / (1 + e) = .269 and 1 / (1 + e^2) = .119.
    assert learned.chances.mean(0) == pytest.approx([0.269, 0.119], abs=0.05)
    assert (learned.chances.std(0) < 0.08).all()


@pytest.mark.parametrize("yes", [True, False])
def test_fewer_than_three_examples_teach_nothing(yes: bool) -> None:
    assert FEWEST == 3
    seen = unlike(60)
    shares = np.full((60, 3), float(not yes))
    # Two examples; three; two with a third that half of the coders (or just more) hold for one.
    shares[:2, 0] = shares[:3, 1] = shares[:2, 2] = float(yes)
    shares[2, 2] = 0.5 if yes else 0.49
    learned = learn(seen, Lessons(np.arange(60), shares, np.arange(60) % 6))
    assert learned.taught.tolist() == [False, True, True]
    assert np.isnan(learned.chances[:, 0]).all()
    assert np.isnan(learned.scores[:, 0]).all()


def test_no_lessons_teach_nothing() -> None:
    learned = learn(unlike(5), NO_LESSONS)
    assert (learned.scores.shape, learned.chances.shape, learned.taught.shape) == ((5, 0), (5, 0), (0,))


def test_examples_that_leave_nothing_to_calibrate_on_are_no_lesson() -> None:
    """Four examples, two a participant: held out by participant, two are left, which is too few to learn from."""
    shares = np.zeros((40, 1))
    shares[:4] = 1
    learned = learn(unlike(40), Lessons(np.arange(40), shares, np.arange(40) % 2))
    assert learned.taught.tolist() == [False]
    assert np.isnan(learned.chances).all()
    likely = chances(np.zeros((40, 1)), learned)
    assert np.isfinite(likely.chance).all()
    assert np.isfinite(likely.leaning).all()


def test_the_order_of_segments_changes_nothing() -> None:
    made = world(n=120)
    rows = made.of(0, 1, 2, 3, 4)
    first = learn(made.seen, made.lessons(rows), made.lessons(made.of(5, 6)))
    order = np.random.default_rng(5).permutation(120)
    moved = World(made.seen[order], made.chance[order], made.shares[order], made.groups[order])
    again = learn(moved.seen, moved.lessons(moved.of(0, 1, 2, 3, 4)), moved.lessons(moved.of(5, 6)))
    np.testing.assert_allclose(again.scores, first.scores[order], atol=1e-3)
    np.testing.assert_allclose(again.chances, first.chances[order], atol=1e-3)


def test_the_order_of_lessons_changes_nothing() -> None:
    made = world(n=120)
    rows = made.of(0, 1, 2, 3, 4)
    first, again = (learn(made.seen, made.lessons(r)) for r in (rows, rows[::-1]))
    np.testing.assert_allclose(again.scores, first.scores, atol=1e-3)
    np.testing.assert_allclose(again.chances, first.chances, atol=1e-3)


def test_a_share_is_as_many_segments_as_coders_said_so() -> None:
    """Two coders' shares equal each segment twice, once a coder, at half the weight: scikit-learn is the oracle."""
    made = world(n=80, coders=2)
    rows = np.arange(80)
    learned = learn(made.seen, made.lessons(rows))
    for k in range(2):
        share = made.shares[:, k]
        said = np.concatenate([share > 0, share == 1])
        # Twice as many rows weigh twice as much, so that C is halved; `balanced` makes yes and no weigh the same.
        oracle = LogisticRegression(C=STRENGTH / 2, class_weight="balanced", max_iter=1000)
        oracle.fit(np.tile(made.seen, (2, 1)), said)
        np.testing.assert_allclose(learned.scores[:, k], oracle.decision_function(made.seen), atol=2e-3)


def test_segments_that_nobody_judged_count_for_nothing() -> None:
    made = world(n=120)
    rows = np.arange(120)
    shares = made.shares.copy()
    shares[60:, 0] = np.nan
    gaps = learn(made.seen, Lessons(rows, shares, made.groups))
    half = learn(made.seen, Lessons(rows[:60], shares[:60], made.groups[:60]))
    np.testing.assert_allclose(gaps.scores[:, 0], half.scores[:, 0], atol=1e-3)
    assert learn(made.seen, Lessons(rows, np.full((120, 1), np.nan), made.groups)).taught.tolist() == [False]


def test_one_code_is_learned_without_the_others() -> None:
    made = world(n=120)
    both = learn(made.seen, made.lessons(np.arange(120)))
    alone = learn(made.seen, Lessons(np.arange(120), made.shares[:, 1:], made.groups))
    np.testing.assert_allclose(both.scores[:, 1], alone.scores[:, 0])


@pytest.mark.parametrize("people", [2, 5, 7, 10])
def test_held_out_scores_never_come_from_a_probe_that_saw_the_participant(people: int) -> None:
    """Whatever is said of a participant, their own held-out scores stay what they are."""
    made = world(n=200)
    groups = np.arange(200) % people
    share = made.shares[:, 0]
    before = _held_out(made.seen, share, groups)
    assert not np.isnan(before).any()
    for who in range(people):
        theirs = groups == who
        turned = _held_out(made.seen, np.where(theirs, 1 - share, share), groups)
        assert np.array_equal(turned[theirs], before[theirs])
        assert not np.allclose(turned[~theirs], before[~theirs])


def test_of_a_single_participant_segments_are_held_out() -> None:
    made = world(n=60)
    share, alone = made.shares[:, 0], np.zeros(60, np.intp)
    before = _held_out(made.seen, share, alone)
    for row in (0, 17, 59):
        turned = share.copy()
        turned[row] = 1 - turned[row]
        assert _held_out(made.seen, turned, alone)[row] == before[row]


def test_the_codebooks_own_voice_is_heard_where_little_was_taught() -> None:
    """Nine of sixty taught segments have the code; the codebook's evidence tells more of it than they teach."""
    draw = np.random.default_rng(8)
    has = draw.random(600) < 0.15
    seen = draw.normal(size=(600, 60))
    seen[:, 0] += has
    unaided = (2.0 * has + draw.normal(size=600))[:, None]
    rows = np.arange(60)
    lessons = Lessons(rows, has[rows, None].astype(float), rows % 10)
    alone, both = learn(seen, lessons), learn(seen, lessons, unaided=unaided)
    left, right = (roc_auc_score(has[60:], found.chances[60:, 0]) for found in (alone, both))
    assert np.array_equal(alone.scores, both.scores)
    assert right > left + 0.1


def test_calibration_uses_the_calibration_split_when_there_is_one() -> None:
    """There the codes are much more frequent: chances follow, scores do not."""
    made = world(n=1000)
    often = made.shares.copy()
    checks = made.of(5, 6)
    often[checks] = np.random.default_rng(2).binomial(3, expit(1 + 1.5 * made.seen[checks, :2])) / 3
    lessons = made.lessons(made.of(0, 1, 2, 3, 4))
    without = learn(made.seen, lessons)
    given = learn(made.seen, lessons, Lessons(checks, often[checks], made.groups[checks]))
    assert np.array_equal(given.scores, without.scores)
    assert given.chances[checks].mean(0) == pytest.approx(often[checks].mean(0), abs=0.03)
    assert without.chances[checks].mean(0) == pytest.approx(made.shares[checks].mean(0), abs=0.05)
    assert (given.chances.mean(0) - without.chances.mean(0) > 0.2).all()


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(3, 40))
def test_whatever_people_said_chances_are_chances_that_rise_with_scores(seed: int, people: int, count: int) -> None:
    random = np.random.default_rng(seed)
    seen, shares = random.normal(size=(50, 3)), random.integers(0, 3, size=(count, 4)) / 2 * random.integers(0, 2, 4)
    learned = learn(seen, Lessons(np.arange(count), shares, random.integers(0, people, count)))
    assert np.array_equal(np.isnan(learned.chances).any(0), ~learned.taught)
    for k in np.flatnonzero(learned.taught):
        order = np.argsort(learned.scores[:, k])
        assert (np.diff(learned.chances[order, k]) >= 0).all()
        assert learned.chances[:, k].min() >= 0
        assert learned.chances[:, k].max() <= 1


def polar(made: World, rows: NDArray[np.intp]) -> Array | None:
    return learn_polarity(made.seen, rows, np.round(made.shares[rows, 0]))


def test_polarity_is_learned_from_twenty_codings_of_both_kinds() -> None:
    made = world(base=(0.0,), slope=6.0)
    assert FEWEST_POLAR == 20
    assert polar(made, np.arange(19)) is None
    assert learn_polarity(made.seen, np.empty(0, np.intp), np.empty(0)) is None
    assert learn_polarity(made.seen, np.arange(40), np.ones(40)) is None
    assert learn_polarity(made.seen, np.arange(40), np.zeros(40)) is None
    found = polar(made, np.arange(100))
    assert found is not None
    assert found.shape == (400,)
    assert roc_auc_score(made.chance[100:, 0] >= 0.5, found[100:]) > 0.85


def test_a_mixed_polarity_speaks_for_neither() -> None:
    seen = np.zeros((40, 1))
    seen[:20] = 1.0
    said = np.concatenate([np.full(20, 0.5), np.tile([0.0, 1.0], 10)])
    found = learn_polarity(seen, np.arange(40), said)
    assert found == pytest.approx(np.full(40, 0.5), abs=1e-6)


TEXTS = ("I felt alone.", "We met at 9:30!", "", "Why did nobody answer?", "We met at 9:30!")


def evidence(count: int) -> Signals:
    random = np.random.default_rng(4)
    nothing = np.zeros((count, 3))
    return Signals(
        similarity=random.normal(size=(count, 3)),
        theme=random.random((count, 3)),
        leaning=np.full((count, 3), np.nan),
        quoted=nothing,
        manner=nothing,
        rest=np.zeros(3, bool),
    )


def test_features_are_meaning_manner_and_evidence() -> None:
    vectors = HashEncoder(16).encode(TEXTS)
    found = features(vectors, TEXTS, evidence(5))
    assert found.shape == (5, 16 + len(NAMES) + 3 + 3 + 3)
    assert np.isfinite(found).all(), "leaning is not always known, and no feature"
    assert found[:, : 16 + len(NAMES)].mean(0) == pytest.approx(np.zeros(16 + len(NAMES)), abs=1e-6)
    assert found[:, 16 : 16 + len(NAMES)].std(0) == pytest.approx(
        [SURFACE * (len(set(column)) > 1) for column in found[:, 16 : 16 + len(NAMES)].T]
    )
    assert found[:, -9:-6] == pytest.approx(0.5 * evidence(5).similarity)
    assert found[:, -6:-3] == pytest.approx(0.5 * evidence(5).theme)
    assert not found[:, -3:].any(), "nothing quoted was found"
    assert np.array_equal(found[1, :16], found[4, :16])


def test_inner_layers_count_as_a_whole_whatever_their_scale() -> None:
    vectors = HashEncoder(16).encode(TEXTS)
    inner = np.random.default_rng(5).normal(size=(5, 24)).astype(np.float32)
    plain, more = features(vectors, TEXTS, evidence(5)), features(vectors, TEXTS, evidence(5), inner)
    assert np.array_equal(more[:, : plain.shape[1]], plain)
    added = more[:, plain.shape[1] :]
    # Each of 24 dimensions has a standard deviation of 7 / sqrt(24): together a segment lies 7 from the middle.
    assert np.sqrt((added**2).sum(1).mean()) == pytest.approx(MIDDLE, rel=1e-5)
    loud = inner * np.geomspace(1, 1e4, 24, dtype=np.float32)
    assert features(vectors, TEXTS, evidence(5), loud) == pytest.approx(more, abs=1e-3)


def test_features_move_with_their_segments() -> None:
    order = [3, 1, 4, 0, 2]
    vectors, given = HashEncoder(16).encode(TEXTS), evidence(5)
    first = features(vectors, TEXTS, given)
    turned = given.of(order)
    again = features(vectors[order], [TEXTS[i] for i in order], turned)
    np.testing.assert_allclose(again, first[order], atol=1e-5)


def test_a_single_segment_has_features() -> None:
    assert np.isfinite(features(HashEncoder(16).encode(TEXTS[:1]), TEXTS[:1], evidence(1))).all()


def test_what_was_not_learned_says_so() -> None:
    assert not Learned(np.empty((0, 0)), np.empty((0, 0))).taught.any()
