"""What a batch brought and changed, in figures and names, without a word of anybody's: for the change report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from belonging_llm.batch.summing import tally
from belonging_llm.budget import bill
from belonging_llm.codes import Coding, Outcome
from belonging_llm.evaluation import Estimate, bootstrap, undefined
from belonging_llm.evaluation.estimate import estimate, ratio
from belonging_llm.parcels import Fate, State
from belonging_llm.report.batch import CodeChange, FileLine, Share, Sums, ThemeChange, Told
from belonging_llm.store import Arrival, Run, Store, Tally
from belonging_llm.store.arrivals import Outcome as Came
from belonging_llm.store.runs import WHOLE
from belonging_llm.study import Study
from belonging_llm.theme_board import due
from belonging_llm.themes import Theme

NOBODY = "fewer than two participants in this batch, so that it cannot be said how far chance moves the share"


def tell(study: Study, run: Run, drift: str = "") -> Told:
    """What there is to tell of a batch.

    Args:
        drift: The part of the report about drift, as HTML; empty where nobody watched.
    """
    store, counts = study.store, run.counts
    own = _own(store, run)
    after, before = _after(store, run, own), _before(store, run)
    under_way = [parcel for parcel in store.parcels.of_run(run.id) if parcel.state is not State.CLOSED]
    spending = store.ledger.spending(run.id)
    usage = store.ledger.usage(run.id)
    inbox = counts.get("inbox", {})
    return Told(
        study=study.settings.name,
        synthetic=study.settings.synthetic,
        batch_id=run.id,
        base_id=run.base_id or run.id,
        ordinal=run.ordinal,
        status=run.status,
        started_at=run.started_at,
        finished_at=run.finished_at or "",
        files=tuple(_line(one) for one in store.arrivals.of_run(run.id)),
        left=tuple(FileLine(name=name, outcome=str(Came.LEFT), reason=why) for name, why in inbox.get("left", [])),
        kept_out=inbox.get("kept_out", 0),
        before=_sums(before),
        after=_sums(after),
        tried_again=len(store.batches.retried(run.id)),
        fits=counts.get("placed", 0),
        fits_nowhere=len(counts.get("outliers", ())),
        too_short=len(counts.get("too_short", ())),
        codes=tuple(_codes(study, own, before, after)),
        themes=tuple(_themes(store, run, own)),
        outcomes=dict(Counter(str(c.outcome) for c in own)),
        failed=tuple(counts.get("failed", ())),
        calls=usage["calls"],
        model_seconds=usage["seconds"],
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        cost=str(bill(spending)),
        model=str(run.settings.get("llm", "")),
        embedder=str(run.settings.get("embedder", "")),
        coder=str(counts.get("coder", "")),
        taught_since=bool(counts.get("taught_since")),
        withdrawn=bool(counts.get("withdrawn")),
        waiting=sum(parcel.fates.get(Fate.WAITING, 0) for parcel in under_way),
        waiting_since=min((parcel.made_at for parcel in under_way), default=""),
        recoded=run.kind == WHOLE,
        due=due(study) if run.kind != WHOLE and store.themes.last() == run.id else "",
        drift=drift,
    )


def _own(store: Store, run: Run) -> list[Coding]:
    """Codings of what is new; when everything was coded anew, of what came in with that."""
    if run.kind != WHOLE:
        return store.batches.codings(run.id)
    digests = {one.digest for one in store.arrivals.of_run(run.id) if one.outcome is Came.IMPORTED}
    texts = {ident for digest in digests for ident in store.batches.came_from(digest)}
    fresh = {s.id for s in store.corpus.segments_of(sorted(texts))}
    return [c for c in store.findings.codings(run.id) if c.segment_id in fresh]


def _after(store: Store, run: Run, own: Sequence[Coding]) -> Tally:
    """The sums as of a run; of a batch that waits, with what came in and as far as it is coded."""
    known = store.coders.tally(run.id)
    if known is None and run.status == "running" and run.kind != WHOLE:
        return tally(store, run.id, own)
    return known or store.coders.count(run.id)


def _before(store: Store, run: Run) -> Tally:
    """The sums of the state that this one follows; nothing before a first run."""
    if run.kind == WHOLE:
        earlier = [one for one in store.runs.finished() if (one.finished_at or "") < (run.finished_at or "")]
        last = earlier[-1].id if earlier else None
    else:
        last = store.batches.chain(run.id)[-2]
    return Tally() if last is None else store.coders.tally(last) or store.coders.count(last)


def _line(found: Arrival) -> FileLine:
    return FileLine(
        name=found.name, outcome=str(found.outcome), reason=found.reason, kind=found.kind, added=found.added
    )


def _sums(numbers: Tally) -> Sums:
    outcomes = numbers.outcomes()
    return Sums(
        transcripts=numbers.transcripts,
        participants=numbers.participants,
        segments=numbers.segments,
        placed=numbers.placed,
        assigned=outcomes[Outcome.ASSIGNED],
        abstained=outcomes[Outcome.ABSTAINED],
        failed=outcomes[Outcome.FAILED],
    )


def _codes(study: Study, own: Sequence[Coding], before: Tally, after: Tally) -> list[CodeChange]:
    whose = {s.id: s.participant for s in study.store.corpus.segments_with(sorted({c.segment_id for c in own}))}
    return [
        CodeChange(
            code=code.id,
            name=code.name,
            before=_share(before, code.id),
            after=_share(after, code.id),
            new=_new_share([c for c in own if c.code == code.id], whose),
            waits=sum(c.code == code.id and c.outcome is Outcome.ABSTAINED for c in own),
        )
        for code in study.framework().assignable
    ]


def _share(numbers: Tally, code: str) -> Share:
    """A count of everything that there is: no estimate, so without an interval."""
    by = numbers.codes.get(code, {})
    return _shown(by.get(Outcome.ASSIGNED, 0), sum(by.values()), undefined("a count of everything"))


def _new_share(own: Sequence[Coding], whose: dict[str, str]) -> Share:
    """The share among new segments, with how far another draw of such participants might move it."""
    people = sorted({whose[c.segment_id] for c in own})
    row = {who: i for i, who in enumerate(people)}
    tallies = np.zeros((len(people), 2))
    for coding in own:
        tallies[row[whose[coding.segment_id]]] += (coding.outcome is Outcome.ASSIGNED, 1)
    count, of = (int(n) for n in tallies.sum(axis=0))
    if len(people) < 2:
        return _shown(count, of, undefined(NOBODY))
    found = bootstrap(tallies, lambda sums: ratio(sums[:, 0], sums[:, 1]))
    return _shown(count, of, found.around(estimate(float(found.point), NOBODY)))


def _shown(count: int, of: int, found: Estimate) -> Share:
    inside = found.interval
    return Share(
        count=count,
        of=of,
        low=inside.low if inside else None,
        high=inside.high if inside else None,
        reason=found.reason,
    )


def _themes(store: Store, run: Run, own: Sequence[Coding]) -> list[ThemeChange]:
    """The themes as people left them, with how many new segments are in each."""
    new = {c.segment_id for c in own}
    if run.kind == WHOLE:
        found: Sequence[Theme] = store.findings.themes(run.id)
    else:
        found = store.themes.seen_with(run.id, sorted(new - set(store.batches.retried(run.id))))
    return [
        ThemeChange(theme=t.id, name=t.name, new=len(new.intersection(m.segment_id for m in t.members))) for t in found
    ]
