"""A disagreement as the form to settle it shows it: code by code, everybody's word, and whose words may be taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from belonging_llm.codebook import Code
from belonging_llm.codes import EvidenceSpan, Outcome, Polarity
from belonging_llm.deliberation import NOT_ASKED, About, Contested, Opinion, Word, together
from belonging_llm.errors import InputError
from belonging_llm.review.visit import Visit
from belonging_llm.segments import Span
from belonging_llm.store import Mark

ABOUT_IN_WORDS = {About.CODE: "whether it applies", About.POLARITY: "polarity", About.SPAN: "where in the text"}
NOT_GIVEN = "no"


@dataclass(frozen=True)
class Choice:
    """One way to settle a code's evidence: `spans` as the form sends them, `words` as they stand in the text."""

    label: str
    spans: str
    words: str


@dataclass(frozen=True)
class Row:
    """A code that somebody gave, or that was decided.

    Attributes:
        about: What is contested, in words.
        said: What each coder said of it, by name.
        chosen: The decision that is filled in, as the form sends it; empty where it has to be made.
        evidence: Whose words may be taken; `evidence_chosen` is filled in.
    """

    code: str
    name: str
    definition: str
    about: tuple[str, ...]
    said: tuple[tuple[str, Opinion], ...]
    chosen: str
    evidence: tuple[Choice, ...]
    evidence_chosen: str


def rows(
    codebook: Sequence[Code], found: Sequence[Contested], text: str, words: Sequence[Word], ruling: Word | None
) -> list[Row]:
    """Codes that somebody spoke of, the contested ones first, else in the codebook's order."""
    about = {one.code: one.about for one in found}
    spoken = {code for word in words for code in word.marks} | set(ruling.marks if ruling else ())
    shown = sorted((code for code in codebook if code.id in spoken), key=lambda code: code.id not in about)
    return [_row(code, about.get(code.id, ()), text, words, ruling) for code in shown]


def value(said: Opinion) -> str:
    """What somebody says of a code, as the form sends it."""
    return f"yes {said.polarity or ''}".strip() if said.assigned else NOT_GIVEN


def written(spans: Sequence[Span]) -> str:
    """Places in a text, as the form sends them."""
    return " ".join(f"{span.start}-{span.end}" for span in spans)


def marks(visit: Visit) -> list[Mark]:
    """What the form says: for each code in question a decision; and codes that were added.

    Raises:
        InputError: a code is left undecided, or places are no places.
    """
    made = list(_decided(visit))
    added = visit.field("added")
    if added and added not in {mark.code for mark in made}:
        made.append(Mark(code=added, polarity=_polarity(visit.field("added polarity"))))
    return made


def _row(code: Code, about: Sequence[About], text: str, words: Sequence[Word], ruling: Word | None) -> Row:
    gave = [word for word in words if word.on(code.id).assigned]
    uncontested = together(gave).get(code.id, Opinion(Outcome.NOT_ASSIGNED))
    ruled = ruling.on(code.id) if ruling is not None else NOT_ASKED
    settled = ruled if ruled.asked else None if about else uncontested
    choices = _choices(code.id, text, words, ruling)
    return Row(
        code=code.id,
        name=code.name,
        definition=code.definition,
        about=tuple(ABOUT_IN_WORDS[one] for one in about),
        said=tuple((word.coder, word.on(code.id)) for word in words),
        chosen=value(settled) if settled else "",
        evidence=choices,
        evidence_chosen=written(settled.spans) if settled and settled.assigned else choices[0].spans,
    )


def _choices(code: str, text: str, words: Sequence[Word], ruling: Word | None) -> tuple[Choice, ...]:
    """Whose words may be taken: what all marked, then each coder's own, the decision's that stands, or none."""
    unique = {
        written(spans): Choice(label, written(spans), _quote(text, spans))
        for label, spans in _marked(code, words, ruling)
    }
    return (*(choice for choice in unique.values() if choice.spans), Choice("the segment as a whole", "", ""))


def _marked(code: str, words: Sequence[Word], ruling: Word | None) -> Iterator[tuple[str, Sequence[Span]]]:
    gave = [word for word in words if word.on(code).assigned and word.on(code).spans]
    if len(gave) > 1:
        yield "what all who marked have in common", together(gave)[code].spans
    yield from ((f"what {word.coder} marked", word.on(code).spans) for word in gave)
    if ruling is not None:
        yield "what was decided before", ruling.on(code).spans


def _quote(text: str, spans: Sequence[Span]) -> str:
    return " … ".join(text[span.start : span.end] for span in spans)


def _decided(visit: Visit) -> Iterator[Mark]:
    for code in dict.fromkeys(visit.all_fields("judged")):
        decided = visit.field(f"decision {code}")
        if not decided:
            raise InputError(f"{code}: decide whether it applies; nothing was kept")
        applies, _, polarity = decided.partition(" ")
        if applies == "yes":
            yield Mark(code=code, polarity=_polarity(polarity), spans=_read(visit.field(f"spans {code}")))


def _polarity(name: str) -> Polarity | None:
    return Polarity(name) if name in set(Polarity) else None


def _read(places: str) -> tuple[EvidenceSpan, ...]:
    try:
        ends = [one.split("-") for one in places.split()]
        return tuple(EvidenceSpan(start=int(start), end=int(end)) for start, end in ends)
    except ValueError as error:
        raise InputError(f"{places!r} are no places in a text") from error
