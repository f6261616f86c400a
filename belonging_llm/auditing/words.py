"""What may be said of an audit in a paper, and what may not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    settled = any(c.role == "adjudicator" and c.judged > c.saw_model for c in provenance.coders)
    resolved = "disagreements were settled by an adjudicator" if settled else "a majority of them settled each code"
    open_pairs, pairs = sum(a.left_open for a in against), flow.audited * len(against)
    lines = [
        f"{flow.audited} segments from {here.participants} participants were coded with the codebook "
        f"“{provenance.codebook}” (sha256 {provenance.codebook_digest[:12]}) by {len(coders)} people independently; "
        f"{resolved}.",
        f"Agreement among people was alpha {span([a.alpha for a in ceiling.codes.values()])} over "
        f"{len(ceiling.codes)} codes.",
        *_coded(provenance, part),
        f"Mean Cohen's kappa of the model with each person was {span([a.with_model for a in against])} by code, "
        f"over the pairs that the model decided (of {pairs} segment × code pairs it left {open_pairs} open: it "
        f"abstained, failed or said nothing), and {span([a.among_humans for a in against])} among people.",
        f"Intervals resample participants ({ceiling.resampling.draws} times, seed {ceiling.resampling.seed}, "
        f"{ceiling.resampling.method}, {ceiling.resampling.level:.0%}).",
        f"Participants had been parted into {_parts(provenance)} beforehand; these figures are from the {part} split, "
        f"and the number of versions of {_tried(provenance)}.",
        _decided(verdicts, standing),
    ]
    return " ".join(lines)


def _coded(provenance: Provenance, part: str) -> Iterator[str]:
    """By whom, with what, and from whose codings it had learned."""
    prompts = ", ".join(f"{p.name} (sha256 {p.digest[:12]})" for p in provenance.prompts)
    vectors = f"the embedding model {provenance.encoder}" if provenance.encoder else ""
    if provenance.without_model:
        how = f", with {vectors}" if vectors else ""
        yield (
            "The same segments were coded without a language model and without prompts: by this program "
            f"(belonging-llm), from the wording of the codebook{how}."
        )
    else:
        means = " and ".join(filter(None, (f"the prompts {prompts}" if prompts else "", vectors)))
        yield f"The same segments were coded by {provenance.candidate}" + (f" with {means}." if means else ".")
    if provenance.run_id is not None and provenance.taught is not None:
        yield _learned(provenance, part)


def _learned(provenance: Provenance, part: str) -> str:
    """Whose codings the coder knew, and whether they are the ones that it is compared with."""
    if not provenance.taught:
        return "Nothing was learned from people's codings."
    if not provenance.settings.get("hold_out", True):
        return (
            "For codes with enough examples it had also learned from all of people's codings, those of the audited "
            "segments among them: agreement with them says nothing about other segments."
        )
    learned = (
        "For codes with enough examples it had also learned from people's codings of the development split; its "
        "chances were calibrated on people's codings of the calibration split and on development participants held out "
        "in turn"
    )
    return f"{learned}. {_KNOWN[part]}"


_KNOWN = {
    "development": (
        "The audited segments are of the development split, and what it finally learned from was all of that split: it "
        "had seen the codings that it is compared with here, and agreement on other participants may be lower."
    ),
    "calibration": (
        "The audited segments are of the calibration split: it had been calibrated on the codings that it is compared "
        "with here."
    ),
    "test": "Of the test split it had seen no coding.",
}


def _tried(provenance: Provenance) -> str:
    if provenance.without_model:
        return f"the codebook that had been tried is {provenance.codebooks_tried}"
    return f"the coding prompt that had been tried is {provenance.prompts_tried}"


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
