"""Where the model errs: scores, confusions, and disagreements as they were said."""

from __future__ import annotations

from dataclasses import dataclass

from belonging_llm.auditing.record import Audit, Disagreement, Unanimity
from belonging_llm.evaluation import Scores
from belonging_llm.report.audit.figures import Drawing, bars
from belonging_llm.report.audit.sections.names import NONE, name_of, side
from belonging_llm.report.audit.tables import Cell, Row, Table, alone, count, row, share, table, words
from belonging_llm.report.audit.words import joined, of_total

CAP = 10
NO_SUCH = "There are no such segments."


@dataclass(frozen=True)
class Shown:
    """A disagreement as the page says it.

    Attributes:
        people: What people said; `model` what the model did.
        confidence: As a share in words; empty when the model stated none.
    """

    given: Disagreement
    people: str
    model: str
    confidence: str


@dataclass(frozen=True)
class Listed:
    """One code's disagreements: the first of them, and how many there are."""

    name: str
    shown: tuple[Shown, ...]
    total: int
    missing: int
    extra: int


@dataclass(frozen=True)
class Mistakes:
    """The section."""

    scores: Table
    pooled: Table
    confusion: Table | None
    unanimity: Table
    listed: tuple[Listed, ...]
    total: int
    cap: int
    quotes: Table
    places: Drawing | None
    places_table: Table | None


def present(audit: Audit) -> Mistakes:
    """What the section shows."""
    found = audit.errors
    return Mistakes(
        scores=_scores(audit),
        pooled=_pooled(audit),
        confusion=_confusion(audit) if found.confused else None,
        unanimity=_unanimity(audit),
        listed=_listed(audit),
        total=len(found.disagreements),
        cap=CAP,
        quotes=_quotes(audit),
        places=_places(audit),
        places_table=_places_table(audit),
    )


def _scores(audit: Audit) -> Table:
    head = ("Code", "Precision", "Recall", "F1", "Both", "Missing", "Extra", "Neither")
    caption = "Against what people settled on. The last four columns are the segments that the scores rest on."
    return table("scores", caption, head, [row(name_of(audit, k), *_score(s)) for k, s in audit.errors.scores.items()])


def _score(given: Scores) -> tuple[Cell, ...]:
    counts = (given.true_positive, given.false_negative, given.false_positive, given.true_negative)
    return alone(given.precision), alone(given.recall), alone(given.f1), *(count(n) for n in counts)


def _pooled(audit: Audit) -> Table:
    found = audit.errors
    return table(
        "pooled",
        "All codes together. Read them with the table above: one figure for all codes hides the rare ones.",
        ("How", "Precision", "Recall", "F1"),
        [
            row(
                "Every code counts the same (macro)",
                alone(found.macro_precision),
                alone(found.macro_recall),
                alone(found.macro_f1),
            ),
            row(
                "Every segment counts the same (micro)",
                alone(found.micro.precision),
                alone(found.micro.recall),
                alone(found.micro.f1),
            ),
        ],
    )


def _confusion(audit: Audit) -> Table:
    """People's code by the model's, with what is missing and what is extra; columns go by number."""
    counts = {(a, b): n for a, b, n in audit.errors.confused}
    order = [*audit.code_names, *(c for pair in counts for c in pair if c not in audit.code_names and c != NONE)]
    sides = [c for c in dict.fromkeys([*order, NONE]) if any(c in pair for pair in counts)]
    numbers = {c: str(k) for k, c in enumerate((c for c in sides if c != NONE), 1)}
    most = max(counts.values())
    return table(
        "confusion",
        "Down: the code that people have and the model lacks. Across, by number: the code that the model has and "
        "people lack. “No code” across: the model only missed one. “No code” down: the model only added one.",
        ("People’s code", *(numbers.get(c, "No code") for c in sides)),
        [
            Row(_numbered(audit, a, numbers), tuple(_confused(counts.get((a, b)), a == b, most) for b in sides))
            for a in sides
        ],
        kind="matrix",
    )


def _numbered(audit: Audit, code: str, numbers: dict[str, str]) -> str:
    return f"{numbers[code]} {side(audit, code)}" if code in numbers else "No code"


def _confused(n: int | None, same: bool, most: int) -> Cell:
    if same:
        return Cell("–")
    return Cell(f"{n:,}", kind="num", level=1 + min(3, 4 * (n - 1) // most)) if n else Cell("0", kind="num", level=0)


def _unanimity(audit: Audit) -> Table:
    head = ("Code", "People agreed", "Model wrong there", "People were split", "Model wrong there")
    caption = "Errors where people agreed with each other, and where they did not."
    rows = [row(name_of(audit, one.code), *_split(one)) for one in audit.errors.unanimity]
    return table("unanimity", caption, head, rows)


def _split(one: Unanimity) -> tuple[Cell, ...]:
    found: list[Cell] = []
    for n, wrong in ((one.unanimous, one.unanimous_wrong), (one.split, one.split_wrong)):
        shown = Cell(of_total(wrong, n), kind="num") if n else share(None, NO_SUCH)
        found += [count(n), shown]
    return tuple(found)


def _listed(audit: Audit) -> tuple[Listed, ...]:
    by_code: dict[str, list[Disagreement]] = {}
    for one in audit.errors.disagreements:
        by_code.setdefault(one.code, []).append(one)
    return tuple(
        Listed(
            name=name_of(audit, code),
            shown=tuple(_shown(one) for one in found[:CAP]),
            total=len(found),
            missing=sum(one.kind == "missing" for one in found),
            extra=sum(one.kind == "extra" for one in found),
        )
        for code, found in by_code.items()
    )


def _shown(given: Disagreement) -> Shown:
    return Shown(
        given=given,
        people=_people(given),
        model="Did not assign it." if given.kind == "missing" else "Assigned it.",
        confidence="" if given.confidence is None else f"{given.confidence:.2f}",
    )


def _people(given: Disagreement) -> str:
    against = [person for person in given.judged_by if person not in given.assigned_by]
    parts = [f"{joined(given.assigned_by)} assigned it"] if given.assigned_by else []
    if against:
        parts.append(f"{joined(against)} did not" + ("" if parts else " assign it"))
    alike = " All agreed." if given.unanimous and len(given.judged_by) > 1 else ""
    return f"{'; '.join(parts) or 'Nobody judged it'}.{alike}"


def _quotes(audit: Audit) -> Table:
    found = audit.evidence
    return table(
        "quotes",
        "The model’s quotes. A quote is checked word for word against its segment.",
        ("What", "Number"),
        [
            row("Codes that the model assigned", count(found.assigned)),
            row("of them with a quote", Cell(of_total(found.quoted, found.assigned), kind="num")),
            row("of those, quotes that stand in the segment", Cell(of_total(found.verbatim, found.quoted), kind="num")),
            row("of those, quotes given nearly and put right from the segment", count(found.repaired)),
            row("Quotes dropped because they stand nowhere", _recorded(found.dropped)),
            row("Codes left to people because such a quote was all that spoke for them", _recorded(found.demoted)),
        ],
    )


def _recorded(number: int | None) -> Cell:
    return words("not recorded") if number is None else count(number)


def _tenths(audit: Audit) -> list[str]:
    n = len(audit.evidence.places)
    return [str(k) for k in range(1, n + 1)]


def _places(audit: Audit) -> Drawing | None:
    counts = audit.evidence.places
    if not sum(counts):
        return None
    first = of_total(counts[0], sum(counts))
    says = f"Where in the interviews the model’s quotes begin, by tenth. In the first tenth: {first} quotes."
    return bars("fig-places", says, _tenths(audit), counts, "tenth of the interview")


def _places_table(audit: Audit) -> Table | None:
    counts = audit.evidence.places
    if not sum(counts):
        return None
    rows = [row("Quotes", *(count(n) for n in counts))]
    return table("places", "Quotes by tenth of the interview.", ("Tenth", *_tenths(audit)), rows)
