"""Whoever withdraws is gone from queues, records, drafts and the access log; replaced words take their spans along."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm import study as studies
from belonging_llm import withdrawal
from belonging_llm.codes import EvidenceSpan, Polarity
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.review import accounts
from belonging_llm.segments import Segment
from belonging_llm.store import Draft, JudgementKind, Mark, Reworded, Role, Said
from belonging_llm.study import Study

GROUP = """Interviewer: How did the group begin?

Ana: We wrote to each other every night, and somebody always answered me.

Ben: I never read the secret marmalade letters that the others sent around.

Ana: Not everybody read them, and that was fine with us, as it should be.

Ben: It was not fine with my marmalade cat, who walked away from it all.
"""
BENS = "secret marmalade letters that the others sent around"


@pytest.fixture
def study(tmp_path: Path, either_store: str) -> Study:
    made = studies.create(tmp_path / "study")
    (made.folder / "transcripts" / "group.txt").write_text(GROUP, "utf-8")
    assert not import_paths(made, [made.folder / "transcripts"])[0].problem
    split_transcripts(made)
    accounts.add(made, "ann", Role.CODER)
    accounts.assign(made, "ann", seed=1)
    for segment in made.store.corpus.segments():
        made.store.judgements.submit(said(made, segment, memo=f"Ben said: {BENS}" if segment.turn == 2 else "a memo"))
        draft = Draft(memo=BENS if segment.turn == 4 else "", marks=marks(made))
        assert made.store.queues.keep_draft("ann", segment.id, draft, flagged=False, key="another form")
        made.store.viewings.note("ann", "code-segment", [(segment.transcript_id, segment.id)])
    return made


def marks(study: Study) -> tuple[Mark, ...]:
    code = study.framework().assignable[0].id
    return (Mark(code=code, polarity=Polarity.ABSENT, spans=(EvidenceSpan(start=3, end=8),)),)


def said(study: Study, segment: Segment, *, memo: str) -> Said:
    return Said(
        key=f"form of {segment.id}",
        kind=JudgementKind.BLIND,
        segment_id=segment.id,
        reviewer="ann",
        coder="ann",
        marks=marks(study),
        memo=memo,
        codebook_digest=study.framework().digest,
    )


def test_whoever_withdraws_is_gone_from_the_review(study: Study) -> None:
    store = study.store
    bens = [s.id for s in store.corpus.segments() if s.participant == "Ben"]
    withdrawal.withdraw(study, "Ben", "me")
    records = store.judgements.current()
    assert len(records) == 2
    assert [record.memo for record in records] == ["", "a memo"]
    assert all(record.marks == marks(study) for record in records)
    assert [store.queues.item("ann", one) for one in bens] == [None, None]
    items = store.queues.page("ann")
    assert [item.draft.memo for item in items if item.draft] == ["", ""]
    views = store.viewings.latest()
    assert {view.segment_id for view in views} == {record.segment_id for record in records}
    assert {view.transcript_id for view in views} == set(store.corpus.transcript_ids())
    assert store.rewording.holding(lambda text: "marmalade" in text) == {}


def test_what_is_submitted_of_somebody_who_withdrew_is_refused(study: Study) -> None:
    bens = next(s for s in study.store.corpus.segments() if s.participant == "Ben")
    late = said(study, bens, memo="too late").model_copy(update={"key": "another form"})
    withdrawal.withdraw(study, "Ben", "me")
    with pytest.raises(Exception, match="withdrawn"):
        study.store.judgements.submit(late)
    assert study.store.rewording.holding(lambda text: "too late" in text) == {}


def test_replaced_words_take_spans_of_records_and_drafts_along(study: Study) -> None:
    store = study.store
    (talk,) = [store.corpus.transcript(one) for one in store.corpus.transcript_ids()]
    # "every" (5 code points) becomes "each single" (11) in Ana's first turn: what stands behind moves by six.
    at = talk.text.index("every night")
    text = talk.text.replace("every night", "each single night")

    def moved(place: int) -> int:
        return place + 6 if place > at else place

    turns = tuple(t.model_copy(update={"start": moved(t.start), "end": moved(t.end)}) for t in talk.turns)
    new = talk.model_copy(update={"text": text, "turns": turns})
    new = type(talk).model_validate(new.model_dump())
    cut = tuple(
        s.model_copy(
            update={
                "transcript_id": new.id,
                "start": moved(s.start),
                "end": moved(s.end),
                "text": text[moved(s.start) : moved(s.end)],
            }
        )
        for s in store.corpus.every_segment()
    )
    store.rewording.apply(
        [Reworded(talk.id, new, cut, lambda a, b: (moved(a), moved(b)), lambda a, b, o: (a + 1, b + 1))],
        lambda words: words.replace("memo", "note"),
    )
    records = store.judgements.current()
    assert {(m.spans[0].start, m.spans[0].end) for r in records for m in r.marks} == {(4, 9)}
    assert sorted(record.memo for record in records)[-1] == "a note"
    drafts = [item.draft for item in store.queues.page("ann")]
    assert {(m.spans[0].start, m.spans[0].end) for d in drafts if d for m in d.marks} == {(4, 9)}
    assert {view.transcript_id for view in store.viewings.latest()} == {new.id}
