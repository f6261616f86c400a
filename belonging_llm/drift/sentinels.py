"""Ask the model about the sentinels again, and see whether it says what it said.

They are asked about one by one, with all codes, in the prompt that shows no examples: what people code in the meantime
changes nothing in what is asked. A question's key holds the batch, so that the ledger answers for this batch alone.
Where a batch sends its questions together, these go along: the model is watched on the way by which it codes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from belonging_llm import codes, consent
from belonging_llm.analysis import Workbench
from belonging_llm.asking import Asker, Question, Sampling
from belonging_llm.codes import OpenSegment
from belonging_llm.drift.agreeing import agreement
from belonging_llm.drift.record import Endpoint, Figure, Sentinels, State, TurnedCode, figure, state_of
from belonging_llm.evaluation import OddOneOut, Watch, odd_one_out
from belonging_llm.llm import ChatModel
from belonging_llm.prompts import Prompt
from belonging_llm.provenance import digest
from belonging_llm.segments import Segment
from belonging_llm.store import SentinelAnswer

# Answers that a series begins with: among fewer, nobody can say which one is the odd one.
BEGINNING = 3
NO_MODEL = "the study has no language model"
NO_SENTINELS = "no sentinels are fixed; `belonging audit sentinels` fixes some once people have coded"
BEGINS = f"a series begins: every sentinel was asked about {BEGINNING} times"
TOO_FEW = "too few sentinels or too few earlier answers: even if all of them changed, no alarm could be raised"
NO_ANSWER = "the model gave no usable answer about any sentinel"

Answers = NDArray[np.int8]


@dataclass(frozen=True)
class Asked:
    """How the sentinels are asked about.

    Attributes:
        questions: By segment.
        digests: What names each question, and who answers it, by segment.
    """

    model: ChatModel
    questions: dict[str, Question[Any]]
    digests: dict[str, str]
    weighs: bool


def ask(bench: Workbench, run_id: str, wanted: Collection[str]) -> Sentinels | Asked:
    """Have the sentinels answered for a batch, unless they are; or say why that cannot be.

    Args:
        wanted: Ids of the runs whose answers the series consists of so far.

    Raises:
        Incomplete: the endpoint is gone, or the limit is reached; a rerun continues.
        ConsentError: words would leave this machine whose speaker did not agree to that.
    """
    fixed = bench.store.corpus.segments_with(bench.store.audits.sentinels())
    if bench.model is None or not fixed:
        return Sentinels(state=State.UNKNOWN, reason=NO_MODEL if bench.model is None else NO_SENTINELS)
    asked = _asked(bench, bench.model, fixed)
    for repetition in _due(bench, asked, run_id, wanted):
        bench.store.drift.add_answers(_answers(bench, asked, run_id, repetition))
    return asked


def due(bench: Workbench, run_id: str, wanted: Collection[str]) -> list[tuple[Question[Any], Sampling]]:
    """What `ask` would ask for a batch, each with what makes it a question of this batch's.

    Raises:
        ConsentError: words would leave this machine whose speaker did not agree to that.
    """
    fixed = bench.store.corpus.segments_with(bench.store.audits.sentinels())
    if bench.model is None or not fixed:
        return []
    asked = _asked(bench, bench.model, fixed)
    _demand_consent(bench, asked)
    times = _due(bench, asked, run_id, wanted)
    return [(question, sampling(run_id, time)) for time in times for question in asked.questions.values()]


def _due(bench: Workbench, asked: Asked, run_id: str, wanted: Collection[str]) -> list[int]:
    """How often they are asked about for a batch, less the times that are answered."""
    kept = bench.store.drift.answers()
    known = {(a.run_id, a.repetition) for a in kept if a.question in set(asked.digests.values())}
    begun = any(run in wanted and run != run_id for run, _ in known)
    return [time for time in range(1 if begun else BEGINNING) if (run_id, time) not in known]


def watched(bench: Workbench) -> list[Segment]:
    """Sentinels, as often as a batch may ask about them at most: what is told before anything is spent."""
    return bench.store.corpus.segments_with(bench.store.audits.sentinels()) * BEGINNING


def _asked(bench: Workbench, model: ChatModel, fixed: Sequence[Segment]) -> Asked:
    prompt: Prompt = bench.prompts["choose_code.v1" if bench.weighs else "code_segment.v1"]
    every = tuple(code.id for code in bench.framework.assignable)
    before = questions_before(bench, fixed)
    questions: dict[str, Question[Any]] = {}
    for s in fixed:
        item = OpenSegment(s, () if bench.weighs else every, before.get(s.id, ""))
        form = codes.weighing if bench.weighs else codes.question
        questions[s.id] = form(item, bench.framework, prompt)
    named = {ident: q.key(model.id) for ident, q in questions.items()}
    return Asked(model, questions, named, bench.weighs)


def questions_before(bench: Workbench, fixed: Iterable[Segment]) -> dict[str, str]:
    """What the interviewer asked before each segment, by segment id."""
    found, transcripts = {}, {}
    for s in fixed:
        if s.transcript_id not in transcripts:
            transcripts[s.transcript_id] = bench.store.corpus.transcript(s.transcript_id)
        turn = transcripts[s.transcript_id].questions.get(s.turn)
        found[s.id] = transcripts[s.transcript_id].said(turn) if turn else ""
    return found


def sampling(run_id: str, repetition: int) -> Sampling:
    """What makes the same question another one to the ledger; nothing of it reaches the model."""
    return Sampling(repetition=1 + int(digest("sentinels", run_id, repetition)[:12], 16))


def _demand_consent(bench: Workbench, asked: Asked) -> None:
    consent.demand(bench.study, asked.model.endpoint, {who for q in asked.questions.values() for who in q.about})


def _answers(bench: Workbench, asked: Asked, run_id: str, repetition: int) -> list[SentinelAnswer]:
    _demand_consent(bench, asked)
    asker = Asker(
        asked.model,
        bench.store.ledger,
        run_id,
        budget=bench.budget(run_id),
        sampling=sampling(run_id, repetition),
    )
    said = asker.ask_all(list(asked.questions.values()))
    ids = [code.id for code in bench.framework.assignable]
    return [
        SentinelAnswer(
            run_id=run_id, repetition=repetition, segment_id=ident, code=code, question=asked.digests[ident], said=value
        )
        for ident, one in zip(asked.questions, said, strict=True)
        for code, value in _values(one, ids, asked.weighs).items()
    ]


def _values(answer: Any, ids: Sequence[str], weighs: bool) -> dict[str, float | None]:
    if isinstance(answer, Exception):
        return dict.fromkeys(ids)
    if weighs:
        return dict(zip(ids, codes.scores_of(answer).tolist(), strict=True))
    return {code: float(answer.root[code].applies) for code in ids}


def judge(bench: Workbench, run_id: str, asked: Asked, wanted: Sequence[str], watch: Watch) -> Sentinels:
    """Compare this batch's answers with those of earlier ones.

    Args:
        wanted: Ids of the runs whose answers the series consists of, in their order; this one may be among them.
    """
    ids, every = list(asked.digests), [code.id for code in bench.framework.assignable]
    kept = [a for a in bench.store.drift.answers() if asked.digests.get(a.segment_id) == a.question]
    earlier = [run for run in wanted if run != run_id]
    times = sorted({(a.run_id, a.repetition) for a in kept if a.run_id in earlier}, key=_by_place(earlier))
    marks = _marks(kept, [*times, (run_id, 0)], ids, every)
    found = odd_one_out(marks, level=watch.level)
    endpoint = _endpoint(bench, asked, run_id, kept)
    beginning = _marks(kept, [times[0] if times else (run_id, 0)], ids, every)[0]
    answered = int((marks[-1] >= 0).all(1).sum())
    state, reason = _state(found, answered, first=not times, watch=watch)
    return Sentinels(
        state=state,
        reason=reason,
        model=asked.model.id,
        first=not times,
        sentinels=len(ids),
        answered=answered,
        calls=len({(a.repetition, a.segment_id) for a in kept if a.run_id == run_id}),
        times=found.times,
        changed=figure(found.changed) if times else Figure(reason=BEGINS),
        wavered=figure(found.wavered),
        p_value=found.p_value if times else None,
        enough=found.enough,
        agreement=agreement(bench.study, ids, every, marks[-1]),
        agreement_first=agreement(bench.study, ids, every, beginning),
        codes=_turned(found, every),
        endpoint=endpoint,
    )


def _state(found: OddOneOut, answered: int, *, first: bool, watch: Watch) -> tuple[State, str]:
    if not answered:
        return State.UNKNOWN, NO_ANSWER
    if first:
        return State.UNKNOWN, BEGINS
    state = state_of(found.p_value, watch.level, could=found.enough is not None)
    return state, TOO_FEW if state is State.UNKNOWN else ""


def _by_place(runs: Sequence[str]) -> Any:
    place = {run: i for i, run in enumerate(runs)}
    return lambda time: (place[time[0]], time[1])


def _marks(
    kept: Sequence[SentinelAnswer], times: Sequence[tuple[str, int]], ids: Sequence[str], every: Sequence[str]
) -> Answers:
    """Yes, no or no answer, shape (n_times, n_sentinels, n_codes).

    Log-probabilities become a yes where they lie above what the model said of that code at the series' beginning, on
    average over the sentinels.
    """
    when, row = {t: i for i, t in enumerate(times)}, {s: i for i, s in enumerate(ids)}
    column = {code: j for j, code in enumerate(every)}
    values = np.full((len(times), len(ids), len(every)), np.nan)
    for a in kept:
        if (a.run_id, a.repetition) in when and a.code in column and a.said is not None:
            values[when[a.run_id, a.repetition], row[a.segment_id], column[a.code]] = a.said
    there = ~np.isnan(values)
    counted = np.maximum(there[0].sum(0), 1)
    centre = np.where(there[0], values[0], 0).sum(0) / counted
    bar = np.where((values[there] < 0).any(), centre, 0.5)
    return np.where(there, values > bar, -1).astype(np.int8)


def _turned(found: OddOneOut, every: Sequence[str]) -> tuple[TurnedCode, ...]:
    return tuple(
        TurnedCode(code=code, to_yes=t.to_yes, to_no=t.to_no, steady=t.steady, p_value=t.p_value)
        for code, t in zip(every, found.by_code, strict=True)
        if t.to_yes or t.to_no
    )


def _endpoint(bench: Workbench, asked: Asked, run_id: str, kept: Sequence[SentinelAnswer]) -> Endpoint:
    """What the endpoint said of itself with this batch's answers, and what of it is new."""
    times = {(a.run_id, a.repetition) for a in kept}
    now = _said_of_itself(bench, asked, [t for t in times if t[0] == run_id])
    before = _said_of_itself(bench, asked, [t for t in times if t[0] != run_id])
    fresh = [sorted(now[k] - before[k]) if before[k] else [] for k in (0, 1)]
    return Endpoint(
        models=tuple(sorted(now[0])),
        fingerprints=tuple(sorted(now[1])),
        new_models=tuple(fresh[0]),
        new_fingerprints=tuple(fresh[1]),
    )


def _said_of_itself(bench: Workbench, asked: Asked, times: Sequence[tuple[str, int]]) -> tuple[set[str], set[str]]:
    models: set[str] = set()
    prints: set[str] = set()
    for run_id, repetition in times:
        how = sampling(run_id, repetition)
        for question in asked.questions.values():
            for entry in bench.store.ledger.replies(question.key(asked.model.id, how)):
                models.update(filter(None, [entry.reply.model]))
                prints.update(filter(None, [entry.reply.fingerprint]))
    return models, prints
