"""The segments that stand for a cluster are its central ones, then others that add something."""

from __future__ import annotations

import numpy as np

from belonging_llm.clusters import Belongs, Cluster, Clustering, Member
from belonging_llm.embeddings import Vectors
from belonging_llm.themes.exemplars import choose, distinctive_terms


def at(*degrees: float) -> Vectors:
    """Unit vectors in the plane, at these angles."""
    turned = np.radians(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def cluster(core: list[int], vectors: Vectors, near: list[int] | None = None, centre: float = 0.0) -> Cluster:
    """Members as `clusters.find` gives them: strength is cut at 1, ties are broken by key (here: by row)."""
    centroid = at(centre)[0]
    closeness = vectors @ centroid
    strength = np.clip(closeness / np.median(closeness[core]), 0, 1)
    rows = sorted(core, key=lambda i: (-strength[i], i))
    members = [Member(i, float(strength[i]), Belongs.CORE) for i in rows]
    members += [Member(i, float(strength[i]), Belongs.NEAR) for i in near or []]
    return Cluster(tuple(members), centroid)


def test_the_first_half_are_nearest_to_the_centre() -> None:
    # Twelve rows from 60 down to 5 degrees off the centre: the last three are the most central.
    vectors = at(60, 55, 50, 45, 40, 35, 30, 25, 20, 15, 10, 5)
    assert set(choose(cluster(list(range(12)), vectors), [], vectors, count=6)[:3]) == {9, 10, 11}


def test_the_others_add_what_is_not_yet_shown() -> None:
    # First row 0. Then, by closeness less half of the likeness to row 0 (both are cos of the angle), row 1 at 10
    # degrees has 0.985 - 0.492 = 0.492, row 2 at -60 has 0.5 - 0.25 = 0.25.
    vectors = at(0, 10, -60)
    assert choose(cluster([0, 1, 2], vectors), [], vectors, count=2) == [0, 1]
    # With two central ones chosen, at 0 and 40: 50 has 0.643 - 0.492, and -40 has 0.766 - 0.383.
    vectors = at(0, 40, 50, -41)
    members = [Member(i, 1.0, Belongs.CORE) for i in range(4)]
    assert choose(Cluster(tuple(members), at(0)[0]), [], vectors, count=3) == [0, 1, 3]


def test_what_a_neighbour_might_claim_is_shown_late() -> None:
    vectors = at(0, 30, -31)
    members = tuple(Member(i, 1.0, Belongs.CORE) for i in range(3))
    ours, rival = Cluster(members, at(0)[0]), Cluster(members, at(60)[0])
    # Without a rival 30 degrees is (a little) nearer; the rival at 60 degrees makes it confusable.
    assert choose(ours, [], vectors, count=2) == [0, 1]
    assert choose(ours, [rival], vectors, count=2) == [0, 2]


def test_only_core_members_stand_for_a_cluster() -> None:
    vectors = at(0, 1, 2, 3)
    assert sorted(choose(cluster([2, 3], vectors, near=[0, 1]), [], vectors)) == [2, 3]


def test_no_row_is_chosen_twice_and_few_are_all_chosen() -> None:
    vectors = at(*range(20))
    for size in range(1, 20):
        chosen = choose(cluster(list(range(size)), vectors), [], vectors, count=6)
        assert len(set(chosen)) == len(chosen) == min(6, size)


def grouped(*groups: list[int]) -> Clustering:
    return Clustering(
        tuple(Cluster(tuple(Member(i, 1.0, Belongs.CORE) for i in g), at(0)[0]) for g in groups), (), "by hand"
    )


def test_words_that_set_clusters_apart() -> None:
    texts = ["tutor tutor course", "tutor course", "friends friends course", "friends online"]
    tutors, friends = distinctive_terms(grouped([0, 1], [2, 3]), texts)
    # tutor: 3 of 5 words; course: 2 of 5 and in both. friends: 3 of 5; online only here, but once, like course.
    assert tutors == ["tutor", "course"]
    assert friends == ["friends", "online", "course"]


def test_stop_words_numbers_and_short_words_are_no_terms() -> None:
    texts = ["the and 2026 of Zoom x9", "we were go Forum"]
    assert distinctive_terms(grouped([0], [1]), texts) == [["zoom"], ["forum"]]


def test_a_cluster_may_have_no_terms() -> None:
    assert distinctive_terms(grouped([0], [1]), ["the of and", "to be or not"]) == [[], []]
    assert distinctive_terms(grouped([0], [1]), ["the of and", "tutor"]) == [[], ["tutor"]]
    assert distinctive_terms(grouped(), []) == []


def test_at_most_so_many_terms() -> None:
    letters = "abcdefghijkl"
    text = " ".join(f"word{letter}" for letter in letters)
    assert [len(terms) for terms in distinctive_terms(grouped([0]), [text], count=5)] == [5]
