"""Settle what people disagree about: a record under the study's adjudicator, beside everybody's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import uuid4

from belonging_llm.codes import EvidenceSpan
from belonging_llm.deliberation.anchoring import seen_beside_model
from belonging_llm.deliberation.people import People
from belonging_llm.deliberation.word import Opinion, Word, together
from belonging_llm.errors import InputError
from belonging_llm.store import JudgementKind, JudgementRecord, Mark, Said
from belonging_llm.store.reviewing.hearing import heard as heard_as
from belonging_llm.study import Study

AGREED = "taken over: everybody who coded the segment says so"


def refuse_own(study: Study, coder: str, words: Iterable[Word]) -> None:
    """See that nobody settles what they coded themselves, unless the study allows it.

    Args:
        coder: The name under which whoever wants to decide codes.

    Raises:
        InputError: they coded the segment.
    """
    if not study.settings.review.adjudicate_own and coder in {word.coder for word in words}:
        raise InputError(
            f"{coder} coded this segment and cannot settle it: leave it to another adjudicator, or let study.toml say "
            "adjudicate_own = true under [review]"
        )


def decide(
    study: Study,
    people: People,
    segment_id: str,
    marks: Sequence[Mark],
    *,
    reviewer: str,
    coder: str,
    reason: str,
    key: str,
    supersedes: int,
    heard: str = "",
    book: str = "",
    seconds: float = 0.0,
) -> JudgementRecord:
    """Keep a decision on one segment.

    It is about the codes that at least one of its coders was asked about, and about those that it gives.

    Args:
        marks: Codes that apply; none says that none of the codebook does.
        coder: The name under which whoever decides codes, if they do.
        supersedes: The decision that was shown along with the segment; 0 for none.
        heard: Names the words that were shown (`heard_of`); empty for those that stand now.
        book: Digest of the codebook that was shown; empty for the one in use.

    Raises:
        InputError: no reason, a code that cannot be assigned, nobody coded the segment, or it is their own.
        Overtaken: somebody decided meanwhile, or a coder changed what they say.
    """
    words = people.raw(segment_id)
    if not words:
        raise InputError(f"segment {segment_id}: nobody has coded it, so there is nothing to settle")
    refuse_own(study, coder, words)
    if not reason.strip():
        raise InputError("say in a few words why; whoever reads the decision later has nothing else to go by")
    known = {code.id for code in study.framework().assignable}
    if strange := sorted({mark.code for mark in marks} - known):
        raise InputError(f"{', '.join(strange)}: not a code of the codebook in use")
    said = _said(study, segment_id, words, reviewer, marks, reason.strip(), _asked_of_some(words) or book)
    said = said.model_copy(update={"key": key, "supersedes": supersedes, "seconds": seconds})
    return study.store.judgements.submit(_marked_if_seen(study, [said])[0], heard=heard or heard_of(words))


def take_over(
    study: Study, people: People, segments: Sequence[str], *, reviewer: str, coder: str
) -> list[JudgementRecord]:
    """Settle segments on which everybody agrees, each by a record of its own, all of them or none.

    Segments that whoever takes over coded themselves are left out, unless the study allows it. Codes that came after
    somebody judged are no part of what is agreed; a segment is left out where no codebook can be named that says so.

    Raises:
        Overtaken: one of them was decided meanwhile, or a coder changed what they say.
    """
    said, heard = [], {}
    for segment in segments:
        words = people.raw(segment)
        own = coder in {word.coder for word in words} and not study.settings.review.adjudicate_own
        book = _asked_of_all(words)
        if len(words) > 1 and people.decision(segment) is None and not own and book is not None:
            silent = frozenset[str]().union(*(word.not_asked for word in words))
            marks = _marks({code: one for code, one in together(words).items() if code not in silent})
            head = study.store.judgements.head(segment, people.adjudicator)
            made = _said(study, segment, words, reviewer, marks, AGREED, book, agreed="yes")
            heard[segment] = heard_of(words)
            said.append(made.model_copy(update={"supersedes": head.id if head else 0}))
    return study.store.judgements.submit_all(_marked_if_seen(study, said), heard) if said else []


def heard_of(words: Iterable[Word]) -> str:
    """Names the words that somebody has before them."""
    return heard_as((word.coder, word.at) for word in words)


def _marked_if_seen(study: Study, said: Sequence[Said]) -> list[Said]:
    """The same, with a note on what is settled by somebody who had looked at the model's word on it.

    It settles the segment, and is no independent word: figures go by what the coders said.
    """
    seen = {
        (reviewer, segment)
        for reviewer in {one.reviewer for one in said}
        for segment in seen_beside_model(study, reviewer, [one.segment_id for one in said])
    }
    return [
        one.model_copy(update={"details": one.details | {"seen_model": "yes"}, "saw_model": True})
        if (one.reviewer, one.segment_id) in seen
        else one
        for one in said
    ]


def _asked_of_all(words: Sequence[Word]) -> str | None:
    """Digest of a codebook without the codes that somebody was not asked about; empty for the one in use."""
    silent = frozenset[str]().union(*(word.not_asked for word in words))
    return next((word.codebook for word in words if word.not_asked == silent), None) if silent else ""


def _asked_of_some(words: Sequence[Word]) -> str:
    """Digest of a codebook without the codes that nobody was asked about; empty for the one in use."""
    most = min(words, key=lambda word: len(word.not_asked))
    return most.codebook if frozenset.intersection(*(word.not_asked for word in words)) else ""


def _said(
    study: Study,
    segment_id: str,
    words: Sequence[Word],
    reviewer: str,
    marks: Sequence[Mark],
    reason: str,
    book: str,
    agreed: str = "",
) -> Said:
    return Said(
        key=uuid4().hex,
        kind=JudgementKind.ADJUDICATION,
        segment_id=segment_id,
        reviewer=reviewer,
        coder=study.settings.audit.adjudicator,
        marks=tuple(marks),
        memo=reason,
        none_fits=not marks,
        codebook_digest=book or study.framework().digest,
        details={"over": ", ".join(word.coder for word in words), "agreed": agreed},
    )


def _marks(given: Mapping[str, Opinion]) -> list[Mark]:
    return [
        Mark(
            code=code,
            polarity=said.polarity,
            spans=tuple(EvidenceSpan(start=s.start, end=s.end) for s in said.spans),
        )
        for code, said in given.items()
    ]
