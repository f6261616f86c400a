"""Propose a change of the codebook, and save it: with a reason, against the version that was looked at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from belonging_llm.auditing import leaks
from belonging_llm.auditing.guarding import sealed_segments
from belonging_llm.codebook import Code, Difference, Framework, differ, merge, put, retire
from belonging_llm.errors import CodebookError, InputError, StaleError
from belonging_llm.revising.voids import Voids, voided
from belonging_llm.store import Version
from belonging_llm.study import Study


@dataclass(frozen=True)
class Proposal:
    """A change that nobody has saved yet.

    Attributes:
        leaks: Words of the sealed test split in it: it cannot be saved so.
    """

    before: Framework
    after: Framework
    difference: Difference
    voids: Voids
    leaks: tuple[leaks.Leak, ...]

    @property
    def undecided(self) -> tuple[str, ...]:
        """Codes that would go although people coded with them."""
        return tuple(dict.fromkeys(use.code for use in self.voids.retired))


def propose(study: Study, after: Framework, same_meaning: Collection[str] = ()) -> Proposal:
    """What a change consists of, and what it voids."""
    before = study.framework()
    difference = differ(before, after)
    return Proposal(
        before=before,
        after=after,
        difference=difference,
        voids=voided(study, before, after, difference, same_meaning),
        leaks=tuple(leaks.in_codebook(leaks.Guard(sealed_segments(study)), after)),
    )


def save(
    study: Study,
    after: Framework,
    *,
    by: str,
    reason: str,
    base: str | None = None,
    keep: Collection[str] = (),
    same_meaning: Collection[str] = (),
) -> Version:
    """Bring a codebook into use as a new version.

    Args:
        base: Digest of the codebook that the author looked at.
        keep: Codes that go, of which the author knows that people's codings stay under them, retired.
        same_meaning: Codes whose words change and whose meaning does not.

    Raises:
        InputError: no author or no reason, or nothing changed.
        CodebookError: a code would go that people coded with, and nobody said what becomes of the codings.
        LeakError: it holds words of the sealed test split.
        StaleError: somebody saved another version meanwhile.
    """
    if not by.strip() or not reason.strip():
        raise InputError("a new version of the codebook needs its author and a reason")
    proposal = propose(study, after, same_meaning)
    if not proposal.difference:
        raise InputError("nothing changed: this is the codebook in use")
    leaks.refuse(proposal.leaks)
    if open_ := [code for code in proposal.undecided if code not in keep]:
        raise CodebookError(
            f"people coded with {', '.join(open_)}: say what becomes of these codings. They can be kept under the "
            "retired code, where they count no more"
        )
    reworded = {change.code.id for change in proposal.difference.changed if change.means_otherwise}
    study.store.codebooks.use(
        after,
        by=by.strip(),
        reason=reason.strip(),
        base=proposal.before.digest if base is None else base,
        same_meaning=sorted(reworded.intersection(same_meaning)),
    )
    return study.store.codebooks.versions()[-1]


def with_code(study: Study, code: Code, base: str) -> Framework:
    """The codebook in use with one code as somebody wrote it; what others changed elsewhere meanwhile stays.

    Args:
        base: Digest of the codebook that the author looked at.

    Raises:
        StaleError: somebody changed the same code meanwhile.
        CodebookError: the codebook would make no sense.
    """
    current = study.framework()
    _unchanged(study, current, code.id, base)
    return put(current, code)


def without_code(study: Study, code_id: str, base: str) -> Framework:
    """The codebook in use without a code.

    Raises:
        StaleError: somebody changed this code meanwhile.
        CodebookError: it is not there, or nothing could be assigned any more.
    """
    current = study.framework()
    _unchanged(study, current, code_id, base)
    return retire(current, code_id)


def with_merged(study: Study, code_id: str, into: str, base: str) -> Framework:
    """The codebook in use with one code merged into another.

    Raises:
        StaleError: somebody changed one of them meanwhile.
        CodebookError: one is not there or a heading, or they are the same.
    """
    current = study.framework()
    for one in (code_id, into):
        _unchanged(study, current, one, base)
    return merge(current, code_id, into)


def _unchanged(study: Study, current: Framework, code_id: str, base: str) -> None:
    if current.digest == base:
        return
    try:
        seen = study.store.codebooks.get(base)
    except KeyError:
        raise StaleError("the codebook that this was made from is not the study's any more; begin again") from None
    was, now = ({code.id: code for code in one.codes}.get(code_id) for one in (seen, current))
    if was == now:
        return
    last = study.store.codebooks.versions()[-1]
    who = last.by or "somebody"
    if now is None:
        raise StaleError(f"{who} retired {code_id} meanwhile ({last.reason or 'no reason given'})")
    changed = next((c for c in differ(seen, current).changed if c.code.id == code_id), None)
    what = ", ".join(field.field for field in changed.fields) if changed else "it is new"
    raise StaleError(f"{who} changed {code_id} meanwhile: {what} ({last.reason or 'no reason given'})")
