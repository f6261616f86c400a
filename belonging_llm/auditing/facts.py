"""What a record knows, in the words that checklists ask for."""

from __future__ import annotations

from collections.abc import Iterator

from belonging_llm import __version__
from belonging_llm.auditing.checklists import Facts
from belonging_llm.auditing.record import Audit
from belonging_llm.auditing.steadiness import CHANGES
from belonging_llm.auditing.words import span
from belonging_llm.llm import is_loopback
from belonging_llm.study import Study


def facts(record: Audit, study: Study, *, quotes: bool) -> Facts:
    """The facts of an audit.

    Args:
        quotes: The report shows disagreements verbatim.
    """
    made = record.provenance
    model = "" if made.run_id is None or made.without_model else made.model
    versions = {"belonging-llm": __version__} | dict(made.versions)
    return Facts(
        study=record.study,
        participants=len({s.participant for s in study.store.corpus.segments()}),
        part=record.split,
        segments=record.flow.audited,
        split={part: len(people) for part, people in made.split.items()},
        coders=record.ceiling.ratings.coders,
        adjudicated=any(c.role == "adjudicator" for c in made.coders),
        codebook=made.codebook,
        codebook_digest=made.codebook_digest,
        synthetic=record.synthetic,
        quotes_shown=quotes,
        versions=", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        model=model,
        encoder=made.encoder,
        prompts=made.prompts if model else (),
        framework_sources=tuple(source.citation for source in study.framework().sources),
        settings=", ".join(f"{name} {value}" for name, value in sorted(made.settings.items())),
        human_alpha=span([code.alpha for code in record.ceiling.codes.values()]),
        model_kappa=span([one.with_model for one in record.against]),
        stability=_stability(record),
        remote=_remote(study),
    )


def _stability(record: Audit) -> str:
    same = [one.same for one in record.repeats.by_code.values() if one.same is not None]
    runs = f"{min(same):.2f} to {max(same):.2f} of repeated judgements came out the same" if same else ""
    return "; ".join(filter(None, (runs, *_varied(record))))


def _varied(record: Audit) -> Iterator[str]:
    """By kind of variation, the share of outcomes that held, from the lowest code to the highest."""
    for kind in record.steadiness.kinds if record.steadiness else ():
        rates = [one.outcomes.rate.value for one in kind.codes.values()]
        same = [1 - rate for rate in rates if rate is not None]
        if same:
            yield f"{CHANGES[kind.kind]}: {min(same):.2f} to {max(same):.2f} of outcomes the same"


def _remote(study: Study) -> str:
    sent = {where: n for where, n in study.store.ledger.endpoints().items() if not is_loopback(where)}
    if not sent:
        return "no text left this machine"
    return "text was sent to " + ", ".join(f"{where} ({n} requests)" for where, n in sent.items())
