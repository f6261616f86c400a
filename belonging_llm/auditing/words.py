"""What may be said of an audit in a paper, and what may not."""

from __future__ import annotations

from collections.abc import Sequence

from belonging_llm.auditing.record import AgainstHumans, CodeVerdict, Flow, Provenance, Standing
from belonging_llm.evaluation import Agreement, Estimate

SCOPE = (
    "This is codebook thematic analysis with coding reliability, with people in charge of codes and themes. It is not "
    "reflexive thematic analysis, for which agreement between coders is no measure of quality. Agreement says that the "
    "model codes as these coders do with this codebook on interviews like these; it does not say that the codes are "
    "the right ones, nor that the model would agree on other participants, languages or topics."
)


def methods(
    provenance: Provenance,
    flow: Flow,
    ceiling: Agreement,
    against: Sequence[AgainstHumans],
    standing: Standing,
    verdicts: Sequence[CodeVerdict],
    part: str,
) -> str:
    """A paragraph for a methods section, with every figure that reviewers ask for."""
    here = next(p for p in flow.parts if p.part == part)
    coders = [c for c in provenance.coders if c.role == "coder" and c.judged > c.saw_model]
    settled = [c.name for c in provenance.coders if c.role == "adjudicator" and c.judged > c.saw_model]
    prompts = ", ".join(f"{p.name} (sha256 {p.digest[:12]})" for p in provenance.prompts)
    resolved = f"disagreements were settled by {settled[0]}" if settled else "a majority of them settled each code"
    lines = [
        f"{flow.audited} segments from {here.participants} participants were coded with the codebook "
        f"“{provenance.codebook}” (sha256 {provenance.codebook_digest[:12]}) by {len(coders)} people independently; "
        f"{resolved}.",
        f"Agreement among people was alpha {span([a.alpha for a in ceiling.codes.values()])} over "
        f"{len(ceiling.codes)} codes.",
        f"The same segments were coded by {provenance.candidate}"
        + (f" with the prompts {prompts}" if prompts else "")
        + (f" and the embedding model {provenance.encoder}" if provenance.encoder else "")
        + ".",
        f"Mean Cohen's kappa of the model with each person was {span([a.with_model for a in against])} by code, "
        f"and {span([a.among_humans for a in against])} among people.",
        f"Intervals resample participants ({ceiling.resampling.draws} times, seed {ceiling.resampling.seed}, "
        f"{ceiling.resampling.method}, {ceiling.resampling.level:.0%}).",
        f"Participants had been parted into {_parts(provenance)} beforehand; these figures are from the {part} split, "
        f"and the number of versions of the coding prompt that had been tried is {provenance.prompts_tried}.",
        _decided(verdicts, standing),
    ]
    return " ".join(lines)


def _parts(provenance: Provenance) -> str:
    return ", ".join(f"{len(people)} for {part}" for part, people in provenance.split.items())


def _decided(verdicts: Sequence[CodeVerdict], standing: Standing) -> str:
    if standing.kind != "final":
        return f"The verdicts are {standing.kind} and claim nothing."
    kinds = {v.verdict for v in verdicts}
    told = [f"{kind} for {', '.join(v.name for v in verdicts if v.verdict == kind)}" for kind in sorted(kinds)]
    return f"By criteria fixed beforehand, the verdict was {'; '.join(told)}."


def span(found: Sequence[Estimate]) -> str:
    """From the least to the largest, and for how many it is undefined."""
    values = sorted(e.value for e in found if e.value is not None)
    lost = len(found) - len(values)
    more = f" (undefined for {lost})" if lost else ""
    if not values:
        return "undefined"
    ends = f"{values[0]:.2f} to {values[-1]:.2f}" if len(values) > 1 else f"{values[0]:.2f}"
    return (ends + more).replace("-", "−")
