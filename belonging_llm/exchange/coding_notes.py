"""What a coding's note says: polarity, evidence, confidence, reason and where a machine's coding comes from."""

from __future__ import annotations

from collections.abc import Iterable

from belonging_llm.codes import Coding, Polarity
from belonging_llm.exchange import labelled
from belonging_llm.store import Run

_POLARITY, _REASON = "Polarity", "Reason"
LABELS = (
    *(_POLARITY, "Confidence", "Evidence", _REASON, "Model", "Model's answer", "Encoder", "Prompt", "Prompt digest"),
    *("Codebook digest", "Likeness", "Theme strength", "Learned from people", "Chance", "Run", "Finished"),
)


def write(coding: Coding, text: str, run: Run | None = None) -> str:
    """A note for a coding of a segment with this text; empty when there is nothing to say."""
    known = coding.provenance
    fields = {
        _POLARITY: str(coding.polarity or ""),
        "Confidence": _number(coding.confidence),
        "Evidence": "\n".join(f"{e.start}-{e.end}: {' '.join(text[e.start : e.end].split())}" for e in coding.evidence),
        _REASON: coding.rationale,
    }
    if run is not None:
        fields |= {
            "Model": known.model,
            "Model's answer": "" if known.said is None else "yes" if known.said else "no",
            "Encoder": known.encoder,
            "Prompt": known.prompt,
            "Prompt digest": known.prompt_digest,
            "Codebook digest": known.codebook_digest,
            "Likeness": _number(known.similarity),
            "Theme strength": _number(known.theme),
            "Learned from people": "yes" if known.taught else "no",
            "Chance": _number(known.chance),
            "Run": run.id,
            "Finished": run.finished_at or "",
        }
    return labelled.write("", fields, LABELS)


def read(texts: Iterable[str]) -> tuple[Polarity | None, str]:
    """Polarity and reason that a coding's notes name; a note without labels is the reason."""
    polarity, reasons = None, []
    for text in texts:
        lead, fields = labelled.read(text, LABELS)
        said = fields.get(_POLARITY, "")
        polarity = Polarity(said) if said in set(Polarity) else polarity
        reasons += [part for part in (lead, fields.get(_REASON, "")) if part]
    return polarity, "\n".join(reasons)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
