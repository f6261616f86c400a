"""The alternative annotator test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from belonging_llm.auditing.record import Audit
from belonging_llm.evaluation import AltTest
from belonging_llm.evaluation.alt_test import Passing
from belonging_llm.report.audit.figures import Drawing, epsilon_curves
from belonging_llm.report.audit.sections.names import name_of
from belonging_llm.report.audit.tables import (
    Cell,
    Group,
    Row,
    Table,
    alone,
    count,
    gone,
    plain_number,
    share,
    table,
    words,
)
from belonging_llm.report.audit.words import decimal

BASELINES = {"majority": "always gives the more frequent answer"}
NO_CLUSTERS = "Participants of the segments are not known, or there is only one."


@dataclass(frozen=True)
class Alternative:
    """The section; there is no curve where no code was tested.

    Attributes:
        refused: Reasons for giving no verdict, each with the codes that it holds for.
    """

    curves: tuple[Drawing, ...]
    table: Table
    baselines: Table
    people: Table
    points: Table
    refused: tuple[tuple[str, tuple[str, ...]], ...]


def present(audit: Audit) -> Alternative:
    """What the section shows."""
    tests = {name_of(audit, code): test for code, test in audit.alternative.items()}
    return Alternative(
        curves=_curves(tests) if any(test.model for test in tests.values()) else (),
        table=_answers(tests),
        baselines=_baselines(tests),
        people=_people(tests),
        points=_points(tests),
        refused=_refused(tests),
    )


def why(test: AltTest) -> str:
    """Why there is no verdict, in a sentence."""
    if test.trivial:
        names = "; ".join(BASELINES.get(one, one) for one in test.trivial)
        return f"A coder who reads nothing also passes ({names}), so passing means nothing here."
    return test.refused


def _refused(tests: Mapping[str, AltTest]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, list[str]] = {}
    for name, test in tests.items():
        if test.refused:
            found.setdefault(why(test), []).append(name)
    return tuple((reason, tuple(names)) for reason, names in found.items())


def _curves(tests: Mapping[str, AltTest]) -> tuple[Drawing, ...]:
    says = "Share of people over whom the model wins, by the margin allowed, one plot a code."
    return epsilon_curves("fig-alternative", says, {name: _outcome(test) for name, test in tests.items()}, tests)


def _outcome(test: AltTest) -> str:
    if test.model is None:
        return "not tested"
    rate = test.model.at.winning_rate_clustered
    told = "undefined" if rate is None else decimal(rate)
    return f"{told} at margin {test.epsilon:g}{', no verdict' if test.refused else ''}"


def _answers(tests: Mapping[str, AltTest]) -> Table:
    rows = [Row(name, _answer(test)) for name, test in tests.items()]
    head = ("Code", "Answer", "ω by participant", "ω naive", "ρ", "Margin ε")
    return table("alternative", "The model’s answer at the margin that was fixed beforehand.", head, rows)


def _answer(test: AltTest) -> tuple[Cell, ...]:
    margin = Cell(f"{test.epsilon:g}", kind="num")
    if test.model is None:
        return (Cell("not tested", (why(test),)), *(gone(why(test)),) * 3, margin)
    answer = Cell("no verdict", (why(test),)) if test.refused else words("passes" if test.passes else "does not pass")
    at = test.model.at
    return (
        answer,
        plain_number(at.winning_rate_clustered, NO_CLUSTERS),
        plain_number(at.winning_rate, NO_CLUSTERS),
        alone(test.model.advantage),
        margin,
    )


def _baselines(tests: Mapping[str, AltTest]) -> Table:
    groups = [Group(name, tuple(_baseline(test))) for name, test in tests.items() if test.baselines]
    head = ("Who reads nothing", "ω by participant", "ω naive", "ρ", "Passes")
    return Table("baselines", "The same test for coders who read nothing, at the same margin.", head, tuple(groups))


def _baseline(test: AltTest) -> list[Row]:
    return [
        Row(
            one.name.capitalize() if one.name != "majority" else "Always the more frequent answer",
            (
                plain_number(one.at.winning_rate_clustered, NO_CLUSTERS),
                plain_number(one.at.winning_rate, NO_CLUSTERS),
                alone(one.advantage),
                words("yes" if one.name in test.trivial else "no"),
            ),
        )
        for one in test.baselines
    ]


def _people(tests: Mapping[str, AltTest]) -> Table:
    groups = []
    for name, test in tests.items():
        rows = tuple(
            Row(
                one.coder,
                (
                    count(one.n),
                    count(one.clusters),
                    share(one.rho, ""),
                    plain_number(one.difference, ""),
                    plain_number(one.p_clustered, NO_CLUSTERS, 3),
                    plain_number(one.p_value, "", 3),
                    words("t test" if one.method == "t" else "Wilcoxon"),
                ),
            )
            for one in (test.model.left_out if test.model else ())
        )
        if rows:
            groups.append(Group(name, rows))
    head = (
        "Person left out",
        "Segments",
        "Participants",
        "ρ",
        "Difference",
        "p by participant",
        "p naive",
        "Naive test",
    )
    return Table("left-out", "Each person left out in turn; p before correction.", head, tuple(groups))


def _points(tests: Mapping[str, AltTest]) -> Table:
    """Every point of the curves."""
    groups = []
    margins = list(dict.fromkeys(at.epsilon for t in tests.values() if t.model for at in t.model.curve))
    for name, test in tests.items():
        if test.model:
            curves = [("Model, by participant", test.model, True), ("Model, naive", test.model, False)]
            curves += [(f"{one.name.capitalize()}, by participant", one, True) for one in test.baselines]
            groups.append(Group(name, tuple(_curve(label, one.curve, by) for label, one, by in curves)))
    head = ("ω of", *(f"ε {margin:g}" for margin in margins))
    return Table("curve", "Every point of the curves.", head, tuple(groups))


def _curve(label: str, curve: Sequence[Passing], by_participant: bool) -> Row:
    rates = [at.winning_rate_clustered if by_participant else at.winning_rate for at in curve]
    return Row(label, tuple(plain_number(rate, NO_CLUSTERS) for rate in rates))
