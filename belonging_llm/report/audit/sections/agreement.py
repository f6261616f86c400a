"""People among themselves, the model beside them, and every coefficient side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from belonging_llm.auditing.record import AgainstHumans, Audit
from belonging_llm.evaluation import CodeAgreement, Estimate, undefined
from belonging_llm.evaluation import Panel as Coefficients
from belonging_llm.report.audit.figures import Drawing, Lane, Panel, heatmap, interval_rows
from belonging_llm.report.audit.figures.canvas import BLUE, INK, VERMILLION
from belonging_llm.report.audit.sections.names import name_of
from belonging_llm.report.audit.tables import Cell, Group, Row, Table, alone, count, figure, row, table
from belonging_llm.report.audit.words import decimal, number, told

NEVER_PAIRED = undefined("these two people judged no segment in common")
PEOPLE = Lane("people with each other", BLUE, "o")
MODEL = Lane("model with people", VERMILLION, "s")
DEMANDED = "The dashed line is what the verdicts demand."
MARGIN = "A diamond whose whole line lies to the right of the margin, the left dashed line, is good enough."
GAP = Lane("difference", INK, "D")


@dataclass(frozen=True)
class Ceiling:
    """How far people agree with each other; there are no pairs with one person.

    Attributes:
        hint: How to read the line in the drawing of alphas; empty without one.
    """

    heat: tuple[Drawing, ...]
    pairs: Table | None
    alphas: tuple[Drawing, ...]
    hint: str
    table: Table


@dataclass(frozen=True)
class Against:
    """The model beside people.

    Attributes:
        hint: How to read the dashed lines of the forest.
    """

    forest: tuple[Drawing, ...]
    hint: str
    kappas: Table
    each: Table
    scores: Table


def ceiling(audit: Audit) -> Ceiling:
    """What the section on people's agreement shows."""
    codes = {name_of(audit, code): found for code, found in audit.ceiling.codes.items()}
    pairs = list(dict.fromkeys(pair for found in codes.values() for pair in found.pairs))
    kappas = {name: [_kappa(found, pair) for pair in pairs] for name, found in codes.items()}
    labels = [pair.replace("|", " – ") for pair in pairs]
    return Ceiling(
        heat=_heat(kappas, labels) if pairs and codes else (),
        pairs=_pairs(kappas, labels) if pairs and codes else None,
        alphas=_alphas({name: found.alpha for name, found in codes.items()}, audit),
        hint="" if demanded(audit, "alpha_floor") is None else DEMANDED,
        table=_together(codes, audit.ceiling.ratings.coders),
    )


def _kappa(found: CodeAgreement, pair: str) -> Estimate:
    return found.pairs[pair].kappa if pair in found.pairs else NEVER_PAIRED


def _heat(kappas: Mapping[str, Sequence[Estimate]], labels: Sequence[str]) -> tuple[Drawing, ...]:
    says = f"Cohen’s kappa of every pair of people, by code. {_range([k for found in kappas.values() for k in found])}"
    return heatmap("fig-ceiling-pairs", says, list(kappas), labels, list(kappas.values()))


def _pairs(kappas: Mapping[str, Sequence[Estimate]], labels: Sequence[str]) -> Table:
    rows = [Row(name, tuple(figure(k) for k in found)) for name, found in kappas.items()]
    return table("ceiling-pairs", "Kappa of every pair of people, with intervals.", ("Code", *labels), rows)


def _alphas(alphas: Mapping[str, Estimate], audit: Audit) -> tuple[Drawing, ...]:
    says = "Krippendorff’s alpha among people, by code, with intervals."
    floor = demanded(audit, "alpha_floor")
    panel = Panel(
        axis="Krippendorff’s alpha among people",
        lanes=(PEOPLE,),
        rows=[[found] for found in alphas.values()],
        at=(floor,) if floor is not None else (),
    )
    return interval_rows("fig-ceiling-alpha", says, in_words(alphas), [panel])


def _together(codes: Mapping[str, CodeAgreement], coders: Sequence[str]) -> Table:
    caption = "Agreement among all people together. How often each gave the code is in the last columns."
    rows = [
        Row(
            name,
            (
                figure(found.alpha),
                alone(found.fleiss_kappa),
                count(found.n_judged),
                *(count(found.n_positive[c]) for c in coders),
            ),
        )
        for name, found in codes.items()
    ]
    return table("ceiling", caption, ("Code", "Alpha", "Fleiss’ kappa", "Segments judged", *coders), rows)


def against(audit: Audit) -> Against:
    """What the section on the model beside people shows."""
    rows = {name_of(audit, found.code): found for found in audit.against}
    return Against(
        forest=_forest(rows, audit),
        hint="" if demanded(audit, "kappa_margin") is None else MARGIN,
        kappas=_compared("against", "Mean kappa, by code.", rows, ("among_humans", "with_model", "difference")),
        each=_each_person(rows),
        scores=_scores(rows),
    )


def _forest(rows: Mapping[str, AgainstHumans], audit: Audit) -> tuple[Drawing, ...]:
    margin = demanded(audit, "kappa_margin")
    says = "Kappa of people with each other, of the model with people, and the difference, by code. The differences:"
    left = Panel(
        axis="kappa",
        lanes=(PEOPLE, MODEL),
        rows=[[found.among_humans, found.with_model] for found in rows.values()],
        at=(0.0,),
    )
    right = Panel(
        axis="model less people",
        lanes=(GAP,),
        rows=[[found.difference] for found in rows.values()],
        at=(0.0,) if margin is None else (-margin, 0.0),
        span=(-0.2, 0.1),
    )
    return interval_rows(
        "fig-against", says, in_words({name: found.difference for name, found in rows.items()}), [left, right]
    )


def _compared(key: str, caption: str, rows: Mapping[str, AgainstHumans], names: Sequence[str]) -> Table:
    found = [Row(name, tuple(figure(getattr(one, n)) for n in names)) for name, one in rows.items()]
    return table(key, caption, ("Code", "People with each other", "Model with people", "Model less people"), found)


def _each_person(rows: Mapping[str, AgainstHumans]) -> Table:
    people = list(dict.fromkeys(person for found in rows.values() for person in found.each))
    never = undefined("this person and the model judged no segment in common")
    found = [Row(name, tuple(figure(one.each.get(p, never)) for p in people)) for name, one in rows.items()]
    return table("against-each", "Kappa of the model with each person.", ("Code", *people), found)


def _scores(rows: Mapping[str, AgainstHumans]) -> Table:
    found = []
    for what in ("recall", "precision"):
        names = [f"{what}_{end}" for end in ("humans", "model", "difference")]
        part = tuple(Row(name, tuple(figure(getattr(one, n)) for n in names)) for name, one in rows.items())
        found.append(Group(what.capitalize(), part))
    caption = "Each person, and the model, measured against what the other people said; means over people."
    return Table("against-scores", caption, ("Code", "People", "Model", "Model less people"), tuple(found))


def paradox(audit: Audit) -> Table:
    """Every coefficient for the model and for two coders who read nothing."""
    groups = []
    for found in audit.paradox:
        rows = (
            Row("Model", (alone(found.model.kappa), alone(found.alpha), *_side_by_side(found.model))),
            *(
                Row(name, (alone(panel.kappa), Cell("–"), *_side_by_side(panel)))
                for name, panel in (("Never assigns", found.never), ("Always assigns", found.always))
            ),
        )
        groups.append(Group(name_of(audit, found.code), rows))
    head = ("Who", "Kappa", "Alpha", "AC1", "PABAK", "PI", "BI", "p+", "p−", "Same", "Segments")
    caption = "Against what people settled on. Alpha is computed for the model alone."
    return Table("paradox", caption, head, tuple(groups))


def _side_by_side(given: Coefficients) -> tuple[Cell, ...]:
    return (
        alone(given.ac1),
        alone(given.pabak),
        alone(given.prevalence_index),
        alone(given.bias_index),
        alone(given.positive_agreement),
        alone(given.negative_agreement),
        alone(given.percent_agreement),
        Cell(number(given.n), kind="num"),
    )


def paradox_intervals(audit: Audit) -> Table:
    """Intervals of the model's kappa and alpha, which would not fit beside nine other columns."""
    rows = [row(name_of(audit, p.code), figure(p.model.kappa), figure(p.alpha)) for p in audit.paradox]
    caption = "Intervals of the model’s kappa and alpha against what people settled on."
    return table("paradox-intervals", caption, ("Code", "Kappa", "Alpha"), rows)


def demanded(audit: Audit, name: str) -> float | None:
    """A margin that the verdicts demand; None where the record has none of the name."""
    found = audit.provenance.demanded.get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _range(found: Sequence[Estimate]) -> str:
    values = [one.value for one in found if one.value is not None]
    lost = len(found) - len(values)
    gone = f" {lost} of {len(found)} are undefined." if lost else ""
    return (
        f"They range from {decimal(min(values))} to {decimal(max(values))}.{gone}" if values else "All are undefined."
    )


def in_words(found: Mapping[str, Estimate], *, share: bool = False) -> dict[str, str]:
    """Estimates as a drawing's alternative text says them."""
    return {name: told(one, share=share) for name, one in found.items()}
