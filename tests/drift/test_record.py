"""What the three findings say together."""

from __future__ import annotations

import pytest

from belonging_llm.drift import drift_lines, section
from belonging_llm.drift.record import (
    CodeShare,
    Distribution,
    Drift,
    Endpoint,
    Figure,
    Kind,
    Novelty,
    Sentinels,
    State,
    state_of,
)


def found(novelty: State, sentinels: State, distribution: State) -> Drift:
    share = CodeShare(code="c<1>", state=distribution, segments=30, assigned=9, p_value=0.0001)
    return Drift(
        run_id="r" * 32,
        error=0.05,
        batches=52,
        novelty=Novelty(state=novelty, base="b", segments=30, participants=1, misfits=20),
        sentinels=Sentinels(state=sentinels, model="m", answered=30, reason="no model" * (sentinels is State.UNKNOWN)),
        distribution=Distribution(state=distribution, codes=(share,)),
    )


@pytest.mark.parametrize(
    ("states", "says"),
    [
        ((State.STEADY, State.ALARM, State.STEADY), "the model answers the same questions otherwise than before"),
        ((State.STEADY, State.ALARM, State.ALARM), "whether the interviews changed too cannot be told"),
        ((State.STEADY, State.STEADY, State.ALARM), "the interviews changed; the model answers"),
        ((State.ALARM, State.STEADY, State.STEADY), "the interviews changed; the model answers"),
        ((State.ALARM, State.UNKNOWN, State.STEADY), "whether model or interviews cannot be told: no model"),
        ((State.STEADY, State.STEADY, State.LOOK), "nothing beyond what is to be expected"),
        ((State.UNKNOWN, State.UNKNOWN, State.UNKNOWN), "cannot be told yet"),
    ],
)
def test_changed_models_and_changed_interviews_are_told_apart(states: tuple[State, State, State], says: str) -> None:
    assert says in found(*states).verdict


def test_alarms_hold_figures_and_no_more() -> None:
    raised = list(found(State.ALARM, State.ALARM, State.ALARM).alarms())
    assert [(kind, subject) for kind, subject, _ in raised] == [
        (Kind.NOVELTY, "b"),
        (Kind.SENTINELS, "m"),
        (Kind.DISTRIBUTION, "c<1>"),
    ]
    assert list(found(State.LOOK, State.STEADY, State.UNKNOWN).alarms()) == []


def test_another_name_of_the_model_is_an_alarm_and_another_fingerprint_is_told() -> None:
    said = Sentinels(state=State.STEADY, model="m", endpoint=Endpoint(new_models=("m-2",), new_fingerprints=("fp",)))
    whole = found(State.STEADY, State.STEADY, State.STEADY).model_copy(update={"sentinels": said})
    assert [(kind, figures) for kind, _, figures in whole.alarms()] == [(Kind.ENDPOINT, {"new_models": ["m-2"]})]
    lines = list(drift_lines(whole))
    assert any("m-2" in line for line in lines)
    assert any("another fingerprint: fp" in line for line in lines)


@pytest.mark.parametrize(
    ("states", "says"),
    [
        ((State.STEADY, State.STEADY, State.STEADY), "before; else nothing beyond what is to be expected"),
        ((State.STEADY, State.STEADY, State.ALARM), "before; the interviews changed; the model answers"),
        ((State.STEADY, State.ALARM, State.STEADY), "before; the model answers the same questions otherwise"),
    ],
)
def test_another_name_of_the_model_is_in_the_verdict(states: tuple[State, State, State], says: str) -> None:
    whole = found(*states)
    said = whole.sentinels.model_copy(update={"endpoint": Endpoint(new_models=("m-2",))})
    verdict = whole.model_copy(update={"sentinels": said}).verdict
    assert verdict.startswith("the endpoint names another model than before")
    assert says in verdict


def test_the_section_escapes_what_it_shows() -> None:
    page = section(found(State.ALARM, State.STEADY, State.ALARM))
    assert "c&lt;1&gt;" in page
    assert "c<1>" not in page
    assert "these 2 alarms" in page
    assert "<script" not in page


def test_a_p_value_says_alarm_look_steady_or_nothing() -> None:
    level = 0.001
    assert [state_of(p, level, could=True) for p in (0.001, 0.05, 0.06, None)] == [
        State.ALARM,
        State.LOOK,
        State.STEADY,
        State.UNKNOWN,
    ]
    assert state_of(0.5, level, could=False) is State.UNKNOWN


def test_a_figure_without_a_value_is_told_with_its_reason() -> None:
    whole = found(State.STEADY, State.STEADY, State.STEADY)
    assert any("not known" in line for line in drift_lines(whole))
    assert Figure(reason="why").value is None
