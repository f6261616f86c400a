"""The sealed test split: opened once, logged, and void when anything pinned has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from belonging_llm.auditing.gold import Candidate
from belonging_llm.auditing.record import Opening, Standing
from belonging_llm.auditing.splits import Part, split_digest
from belonging_llm.provenance import digest
from belonging_llm.store import Run, Unsealing
from belonging_llm.study import PROMPTS, Study


def pinned(study: Study, judged: Candidate, locked: Mapping[str, str]) -> dict[str, str]:
    """Digests of everything that must stay as it is once the test split is open, by name.

    A run pins what it was made with; the study as it lies there must say the same, or the figures would be
    of something else than what a reader finds.
    """
    now = {
        "codebook": study.framework().digest,
        "demands": digest(study.settings.audit.model_dump(mode="json")),
        "split": split_digest(locked),
    }
    prompts = {f"prompt {name}": study.prompt(name).digest for name in PROMPTS}
    return now | prompts | (_of_run(judged.run) if judged.run else {})


def _of_run(run: Run) -> dict[str, str]:
    settings = run.settings
    return {
        "model": str(settings.get("llm")),
        "embedder": str(settings.get("embedder")),
        "settings": digest(settings.get("settings")),
    }


def changes(then: Unsealing, now: Mapping[str, str]) -> tuple[str, ...]:
    """What differs from what an opening pinned, by name."""
    names = sorted(then.pinned.keys() | now.keys())
    return tuple(name for name in names if then.pinned.get(name) != now.get(name))


def openings(unsealings: Sequence[Unsealing], now: Mapping[str, str]) -> tuple[Opening, ...]:
    """Every opening of the test split with what has changed since."""
    return tuple(Opening(u.at, u.who, u.candidate, changes(u, now)) for u in unsealings)


def standing(part: Part, judged: Candidate, opened: Sequence[Opening], stale: Sequence[str]) -> Standing:
    """How far the verdicts may be relied on.

    Args:
        opened: Openings of the test split, this one included.
        stale: What the judged run was made with and the study now says otherwise.
    """
    if part is not Part.TEST:
        told = (
            f"made on the {part} split, which prompts and codebook may have been tuned on; only the test split counts"
        )
        return Standing("provisional", (told,))
    reasons = [
        f"the test split was opened on {o.at} by {o.who} for {o.candidate}, and since then changed: "
        + ", ".join(o.changed_since)
        for o in opened
        if o.changed_since
    ]
    if stale:
        reasons.append("the judged run was made with other inputs than the study now has: " + ", ".join(stale))
    if reasons:
        return Standing("void", tuple(reasons))
    return Standing("final", (_first(opened, judged),))


def _first(opened: Sequence[Opening], judged: Candidate) -> str:
    times = f"{len(opened)} times, each for the same inputs" if len(opened) > 1 else "once"
    return f"the test split was opened {times}, first on {opened[0].at} by {opened[0].who} for {judged.key}"


def stale(study: Study, judged: Candidate) -> tuple[str, ...]:
    """What the judged run was made with and the study now says otherwise."""
    if judged.run is None:
        return ()
    settings = judged.run.settings
    found = [f"prompt {n}" for n in PROMPTS if settings.get("prompts", {}).get(n) != study.prompt(n).digest]
    if settings.get("codebook", {}).get("digest") != study.framework().digest:
        found.append("codebook")
    return tuple(found)
