"""The codebook: read as a tree, changed one code at a time, with what a change voids said before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from belonging_llm import codebook, revising
from belonging_llm.codebook import KINDS, Code, Framework
from belonging_llm.errors import CodebookError, InputError, StaleError
from belonging_llm.review.page import ADJUDICATORS, ADMINS, Page
from belonging_llm.review.visit import Visit

_LISTS = ("examples", "absent_examples")
_TEXTS = ("name", "definition", "include", "exclude")


@dataclass(frozen=True)
class Wish:
    """What somebody wants to do to the codebook, as the forms carry it.

    Attributes:
        do: `put` a code as it is written, `retire` it, `merge` it into another, or `restore` a version.
        code: Id of the code; empty for a new one.
        into: Id of the code that it is merged into.
        base: Digest of the codebook that they looked at.
        written: The form's fields of a code, as typed.
    """

    do: str
    code: str
    base: str
    version: str = ""
    same_meaning: bool = False
    written: Mapping[str, str] = field(default_factory=dict)
    into: str = ""

    @property
    def same(self) -> tuple[str, ...]:
        """Codes that are said to mean what they meant."""
        return (self.code,) if self.same_meaning and self.code else ()


def show(visit: Visit) -> Response:
    """The codebook in use, as a tree."""
    uses: dict[str, int] = {}
    framework = visit.study.framework()
    for use in visit.store.codebook_use.by_people(absorbed=framework.absorbed):
        uses[use.code] = uses.get(use.code, 0) + use.assigned
    versions = visit.store.codebooks.versions()
    return visit.render(
        "codebook.html.j2",
        framework=framework,
        tree=_nested(framework),
        uses=uses,
        retired=revising.retired(visit.study),
        last=versions[-1] if versions else None,
    )


def edit(visit: Visit) -> Response:
    """The form for one code, or for a new one."""
    framework, wanted = visit.study.framework(), visit.asked("code")
    if wanted and wanted not in {code.id for code in framework.codes}:
        raise visit.missing(f"the code {wanted}")
    code = framework.code(wanted) if wanted else Code(id="", name="", parent=visit.asked("parent") or None)
    return _form(visit, framework, Wish("put", wanted, framework.digest, written=_as_typed(code)))


def go_on(visit: Visit) -> Response:
    """The form again, as it was typed."""
    return _form(visit, visit.study.framework(), _wish(visit))


def preview(visit: Visit) -> Response:
    """What a change consists of and what it voids; nothing is saved yet."""
    wish = _wish(visit)
    try:
        after = _wanted(visit, wish)
        proposal = revising.propose(visit.study, after, wish.same)
        if not proposal.difference:
            raise InputError("Nothing is different from the codebook in use.")
    except InputError as error:
        return _refused(visit, wish, error)
    return _preview(visit, wish, proposal)


def save(visit: Visit) -> Response:
    """Save a new version; refused, everything typed is still there."""
    wish = _wish(visit)
    try:
        after = _wanted(visit, wish)
        revising.save(
            visit.study,
            after,
            by=visit.reviewer.name,
            reason=visit.field("reason"),
            base=wish.base if wish.do == "restore" else None,
            keep=visit.all_fields("keep"),
            same_meaning=wish.same,
        )
    except StaleError as error:
        return _refused(visit, wish, error)
    except InputError as error:
        try:
            proposal = revising.propose(visit.study, _wanted(visit, wish), wish.same)
        except InputError as again:
            return _refused(visit, wish, again)
        return _preview(visit, wish, proposal, problem=str(error))
    return visit.redirect(visit.rendering.url("codebook-history"))


def history(visit: Visit) -> Response:
    """Every version with who made it and why."""
    versions = visit.store.codebooks.versions()
    books = {v.digest: visit.store.codebooks.get(v.digest) for v in versions}
    earlier = [None, *versions]
    rows = [
        (
            version,
            codebook.differ(books[before.digest], books[version.digest]) if before else None,
            books[version.digest],
        )
        for before, version in zip(earlier, versions, strict=False)
    ]
    return visit.render("codebook_history.html.j2", rows=rows[::-1])


def compare(visit: Visit) -> Response:
    """Any two versions side by side."""
    versions = visit.store.codebooks.versions()
    numbers = [str(v.number) for v in versions]
    after = visit.asked("after") or numbers[-1]
    before = visit.asked("before") or numbers[max(0, len(numbers) - 2)]
    first, second = (revising.asked_for(visit.study, wanted) for wanted in (before, after))
    books = visit.store.codebooks
    later = books.get(second.digest)
    found = codebook.differ(books.get(first.digest), later)
    return visit.render(
        "codebook_compare.html.j2",
        versions=versions,
        before=first,
        after=second,
        found=found,
        absorbed=later.absorbed,
    )


def _wish(visit: Visit) -> Wish:
    do = visit.field("do", "put")
    if do not in {"put", "retire", "merge", "restore"}:
        raise InputError("This form asks for something that a codebook cannot do.")
    names = (*_TEXTS, *_LISTS, "kind", "parent", "assignable")
    typed = {name: visit.field(name).replace("\r\n", "\n").strip() for name in names}
    return Wish(
        do=do,
        code=visit.field("code"),
        base=visit.field("base"),
        version=visit.field("version"),
        same_meaning=visit.field("same_meaning") == "yes",
        written=typed,
        into=visit.field("into"),
    )


def _wanted(visit: Visit, wish: Wish) -> Framework:
    """The codebook as it would be."""
    if wish.do == "restore":
        return visit.store.codebooks.get(revising.asked_for(visit.study, wish.version).digest)
    if wish.do == "retire":
        return revising.without_code(visit.study, wish.code, wish.base)
    if wish.do == "merge":
        return revising.with_merged(visit.study, wish.code, wish.into, wish.base)
    return revising.with_code(visit.study, _code(visit, wish), wish.base)


def _code(visit: Visit, wish: Wish) -> Code:
    """A code as it was written; a new one gets an id that none ever had."""
    typed = wish.written
    if not typed["name"]:
        raise InputError("A code needs a name.")
    there = {code.id: code for code in visit.study.framework().codes}
    taken = there.keys() | {gone.code.id for gone in revising.retired(visit.study)}
    fields: dict[str, Any] = {
        name: tuple(line.strip() for line in typed[name].split("\n") if line.strip()) for name in _LISTS
    }
    fields |= {name: typed[name] for name in _TEXTS}
    try:
        return Code(
            id=wish.code or codebook.fresh_id(typed["name"], taken),
            kind=typed["kind"] or "code",
            parent=typed["parent"] or None,
            assignable=typed["assignable"] == "yes",
            absorbs=there[wish.code].absorbs if wish.code in there else (),
            **fields,
        )
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise CodebookError(said) from error


def _as_typed(code: Code) -> dict[str, str]:
    lists = {name: "\n".join(getattr(code, name)) for name in _LISTS}
    texts = {name: str(getattr(code, name)) for name in _TEXTS}
    return (
        lists | texts | {"kind": code.kind, "parent": code.parent or "", "assignable": "yes" if code.assignable else ""}
    )


def _form(visit: Visit, framework: Framework, wish: Wish, *, problem: str = "", status: int = 200) -> Response:
    below = _below(framework, wish.code)
    parents = [(depth, code) for depth, code in framework.tree if code.id not in below]
    return visit.render(
        "codebook_code.html.j2",
        status=status,
        wish=wish,
        parents=parents,
        kinds=KINDS,
        targets=_targets(framework, wish.code),
        problem=problem,
    )


def _targets(framework: Framework, code_id: str) -> list[Code]:
    """Codes that this one can be merged into; none where it is new or a heading."""
    codes = {code.id: code for code in framework.assignable}
    return [code for code in codes.values() if code.id != code_id] if code_id in codes else []


def _preview(visit: Visit, wish: Wish, proposal: revising.Proposal, *, problem: str = "") -> Response:
    return visit.render(
        "codebook_preview.html.j2",
        status=422 if problem else 200,
        wish=wish,
        proposal=proposal,
        number=visit.store.codebooks.versions()[-1].number + 1,
        reason=visit.field("reason"),
        kept=visit.all_fields("keep"),
        problem=problem,
    )


def _refused(visit: Visit, wish: Wish, error: InputError) -> Response:
    """The form again, with what was typed, and why it could not be."""
    stale = isinstance(error, StaleError)
    status = 409 if stale else 422
    if wish.do != "put":
        return visit.render("refused.html.j2", status=status, code=status, why=str(error))
    framework = visit.study.framework()
    # Whoever sends it again has been told what happened, and decides for what stands in the form.
    fresh = Wish("put", wish.code, framework.digest if stale else wish.base, "", wish.same_meaning, wish.written)
    return _form(visit, framework, fresh, problem=str(error), status=status)


def _below(framework: Framework, code_id: str) -> set[str]:
    """A code and all that stands below it: none of these can stand above it."""
    found = {code_id} if code_id else set[str]()
    for _, code in framework.tree:
        if code.parent in found:
            found.add(code.id)
    return found


def _nested(framework: Framework) -> list[tuple[Code, list[object]]]:
    """The tree as lists in lists."""
    top: list[tuple[Code, list[object]]] = []
    children: dict[str, list[object]] = {}
    for depth, code in framework.tree:
        children[code.id] = []
        node = (code, children[code.id])
        if depth and code.parent:
            children[code.parent].append(node)
        else:
            top.append(node)
    return top


_CODE_FORM = {"do": "put", "code": "{code}", "base": "{codebook}", "name": "Another name", "assignable": "yes"}

PAGES = (
    Page("codebook", "/codebook", show, ADJUDICATORS, menu="Codebook"),
    Page("codebook-code", "/codebook/code", edit, ADMINS, examples=("/codebook/code?code={code}", "/codebook/code")),
    Page("codebook-edit", "/codebook/code", go_on, ADMINS, method="POST", form=_CODE_FORM),
    Page("codebook-preview", "/codebook/preview", preview, ADMINS, method="POST", form=_CODE_FORM),
    Page("codebook-save", "/codebook/save", save, ADMINS, method="POST", form=_CODE_FORM),
    Page("codebook-history", "/codebook/history", history, ADJUDICATORS),
    Page(
        "codebook-compare",
        "/codebook/compare",
        compare,
        ADJUDICATORS,
        examples=("/codebook/compare", "/codebook/compare?before=first&after=last"),
    ),
)
