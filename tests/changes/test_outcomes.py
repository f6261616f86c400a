"""Pairs on which two runs differ."""

from __future__ import annotations

from belonging_llm.changes import OutcomeChange, differing, differs_in, kinds
from belonging_llm.codes import Coding, Outcome, Polarity, Provenance
from belonging_llm.store import Gist

YES = Gist(Outcome.ASSIGNED, Polarity.EXPERIENCED, 0.8)
YES_ABSENT = Gist(Outcome.ASSIGNED, Polarity.ABSENT, 0.8)
NO = Gist(Outcome.NOT_ASSIGNED, None, 0.9)


def test_outcomes_and_polarities_differ_confidence_alone_does_not() -> None:
    before = {("s1", "home"): YES, ("s2", "home"): YES, ("s3", "home"): NO, ("gone", "home"): NO}
    surer = NO._replace(confidence=0.95)
    after = {("s1", "home"): NO, ("s2", "home"): YES_ABSENT, ("s3", "home"): surer, ("new", "home"): YES}
    found = differing(before, after)
    assert found == (OutcomeChange("s1", "home", YES, NO), OutcomeChange("s2", "home", YES, YES_ABSENT))
    assert kinds(found) == {("home", "assigned", "not_assigned"): 1, ("home", "assigned", "assigned"): 1}


def coding(**provenance: object) -> Coding:
    made = Provenance.model_validate(provenance)
    return Coding(segment_id="s", code="home", coder="model:m", outcome=Outcome.ASSIGNED, provenance=made)


def test_what_two_codings_rest_on_differently_is_said() -> None:
    old = coding(model="m", prompt_digest="p1", asked=True, said=True, similarity=1.0)
    new = coding(model="m", prompt_digest="p2", asked=True, said=False, similarity=1.0)
    assert differs_in(old, new) == ("the prompt", "what the model answered")
    assert differs_in(old, old) == ()
