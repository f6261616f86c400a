"""Codes are merged in a form; coders then see what they gave as what it counts as, with nothing rewritten."""

from __future__ import annotations

import html
import re

import world
from serving import Client, Served

from belonging_llm.codes import EvidenceSpan, Polarity
from belonging_llm.review.marks import marks_now
from belonging_llm.store import Mark


def code_it(served: Served, client: Client, segment: str, codes: list[str], key: str) -> None:
    fields = {"code": codes, "key": key, "supersedes": "0", "codebook": served.study.framework().digest}
    fields |= {f"polarity {codes[0]}": "experienced"}
    assert client.post(f"/code/{segment}", fields).status_code == 303


def pressed(page: str) -> set[str]:
    """Codes that the coding page shows as chosen."""
    return set(re.findall(r'name="code" value="([^"]+)"[^>]* checked', html.unescape(page)))


def test_codes_are_merged_in_a_form_and_come_back_with_the_version_before(served: Served) -> None:
    gone, stays = (code.id for code in served.study.framework().assignable[3:5])
    segment = served.world.ids["segment"]
    ann, mia = served.client(world.CODER), served.client(world.ADMIN)
    code_it(served, ann, segment, [gone], "before merging")
    assert pressed(ann.get(f"/code/{segment}").text) == {gone}
    base = served.study.framework().digest
    assert f'<option value="{stays}">' in mia.get(f"/codebook/code?code={gone}").text
    wanted = {"do": "merge", "code": gone, "into": stays, "base": base}
    before = mia.post("/codebook/preview", wanted).text
    assert "<b>Merged:</b>" in before
    assert f"{gone}: 1 coding (ann 1) count as {stays} from now on" in before
    assert served.study.framework().digest == base
    assert mia.post("/codebook/save", wanted | {"reason": "the same"}).status_code == 303
    assert served.study.framework().absorbed == {gone: stays}
    assert f"merged into {stays}" in mia.get("/codebook").text
    assert "1 merged, 1 changed" in mia.get("/codebook/history").text
    assert '<span class="badge">merged</span>' in mia.get("/codebook/compare").text
    assert pressed(ann.get(f"/code/{segment}").text) == {stays}
    # Who edits the code that stays edits its words alone.
    code = served.study.framework().code(stays)
    form = {"do": "put", "code": stays, "base": served.study.framework().digest, "name": code.name}
    form |= {"assignable": "yes", "parent": code.parent or "", "kind": code.kind, "definition": "Both."}
    assert mia.post("/codebook/save", form | {"reason": "for both"}).status_code == 303
    assert served.study.framework().absorbed == {gone: stays}
    back = {"do": "restore", "version": "1", "base": served.study.framework().digest, "reason": "they differ"}
    assert mia.post("/codebook/save", back).status_code == 303
    assert pressed(ann.get(f"/code/{segment}").text) == {gone}


def test_who_is_no_admin_merges_nothing_and_nonsense_is_refused(served: Served) -> None:
    one, other = (code.id for code in served.study.framework().assignable[3:5])
    wanted = {"do": "merge", "code": one, "into": other, "base": served.study.framework().digest, "reason": "why"}
    for name in (world.CODER, world.ADJUDICATOR):
        assert served.client(name).post("/codebook/save", wanted).status_code == 403
    mia = served.client(world.ADMIN)
    for into in ("", one, "no-such-code"):
        assert mia.post("/codebook/save", wanted | {"into": into}).status_code == 422
    stale = mia.post("/codebook/save", wanted | {"base": "0" * 64})
    assert stale.status_code == 409
    assert served.study.framework().absorbed == {}


def test_marks_of_both_are_one() -> None:
    def mark(code: str, polarity: Polarity | None, *spans: tuple[int, int]) -> Mark:
        return Mark(code=code, polarity=polarity, spans=tuple(EvidenceSpan(start=a, end=b) for a, b in spans))

    both = [mark("a", Polarity.ABSENT, (3, 5)), mark("b", None, (0, 2), (3, 5)), mark("c", None)]
    assert marks_now(both, {"a": "b"}) == (mark("b", Polarity.ABSENT, (0, 2), (3, 5)), mark("c", None))
    assert marks_now(both, {}) == tuple(both)
