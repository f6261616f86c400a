"""Judgements lined up by unit: what was judged, what was not, and whose it is."""

from __future__ import annotations

import numpy as np
import pytest

from belonging_llm import evaluation as ev


def study() -> ev.Ratings:
    return ev.ratings(
        {"bob": ["u2", "u1"], "ann": ["u1", "u3"]},
        [("u1", "bob", "b"), ("u3", "ann", "a"), ("u2", "cyd", "a")],
        codes=("b", "a", "never"),
        clusters={"u1": "p2", "u2": "p1", "u3": "p2", "elsewhere": "p9"},
        clustered_by="participant_id",
        withheld=[("u1", "ann", "a"), ("u9", "ann", "a"), ("u1", "nobody", "a"), ("u1", "bob", "unknown")],
    )


def test_marks_are_assigned_judged_or_missing() -> None:
    found = study()
    assert (found.units, found.coders, found.codes) == (("u1", "u2", "u3"), ("ann", "bob", "cyd"), ("b", "a", "never"))
    # Ann abstained on a in u1; Cyd judged u2 by assigning a code to it.
    assert found.coder("ann").tolist() == [[0, -1, 0], [-1, -1, -1], [0, 1, 0]]
    assert found.coder("bob").tolist() == [[1, 0, 0], [0, 0, 0], [-1, -1, -1]]
    assert found.coder("cyd").tolist() == [[-1, -1, -1], [0, 1, 0], [-1, -1, -1]]
    assert found.pairs == [(0, 1), (0, 2), (1, 2)]


def test_units_know_their_participant() -> None:
    found = study()
    assert (found.cluster_names, found.n_clusters, found.clustered_by) == (("p1", "p2"), 2, "participant_id")
    assert found.clusters.tolist() == [1, 0, 1]
    alone = ev.ratings({"x": ["u", "v"]}, [], codes=("k",), clustered_by="participant_id")
    # Nothing said whose units these are.
    assert (alone.cluster_names, alone.clustered_by) == (("u", "v"), None)


def test_some_coders_codes_and_units() -> None:
    found = study()
    assert found.by(["cyd", "ann"]).coders == ("cyd", "ann")
    assert np.array_equal(found.by(["cyd", "ann"]).marks, found.marks[[2, 0]])
    assert np.array_equal(found.on(["a"]).marks, found.marks[:, :, [1]])
    for rows in (np.array([True, False, True]), np.array([0, 2])):
        some = found.among(rows)
        assert (some.units, some.cluster_names, some.clusters.tolist()) == (("u1", "u3"), ("p2",), [0, 0])
        assert np.array_equal(some.marks, found.marks[:, [0, 2]])


def test_one_more_coder_joins() -> None:
    found = study()
    more = found.joined("model", np.ones((3, 3), np.int8))
    assert more.coders == ("ann", "bob", "cyd", "model")
    assert (more.coder("model") == 1).all()
    assert np.array_equal(more.marks[:3], found.marks)
    with pytest.raises(ValueError, match="coders × units × codes"):
        ev.Ratings(("u",), ("x",), ("k",), np.zeros((1, 2, 1), np.int8), np.zeros(1, np.intp), ("p",))


def test_codes_are_those_assigned_unless_they_are_named() -> None:
    assert ev.ratings({"x": ["u"]}, [("u", "x", "b"), ("u", "x", "a")]).codes == ("a", "b")
    with pytest.raises(ValueError, match="not in the codebook: c, d"):
        ev.ratings({}, [("u", "x", "d"), ("u", "x", "c")], codes=("a",))


def test_a_unit_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="units without a participant or document: v"):
        ev.ratings({"x": ["u", "v"]}, [], clusters={"u": "p"})
    with pytest.raises(ValueError, match="not in tuple"):
        study().coder("dee")


def test_units_weigh_one_unless_weights_are_given() -> None:
    assert study().weights.tolist() == [1, 1, 1]
    marks = np.zeros((1, 2, 1), np.int8)
    # One weight for two units would otherwise go unnoticed.
    with pytest.raises(ValueError, match="2 units have 1 weights"):
        ev.Ratings(("u", "v"), ("x",), ("k",), marks, np.arange(2), ("u", "v"), None, np.ones(1))
