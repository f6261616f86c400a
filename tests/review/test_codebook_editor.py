"""A code is edited in a browser: what changes and what that voids is seen first; who comes too late loses nothing."""

from __future__ import annotations

import re

from browsing import Browsing
from serving import Served

from belonging_llm.store import Role
from belonging_llm.study import Study


def fields(opened: Study, code_id: str, **typed: str) -> dict[str, str]:
    """What the form of a code sends."""
    framework = opened.framework()
    code = framework.code(code_id)
    as_it_is = {
        "do": "put",
        "code": code.id,
        "base": framework.digest,
        "name": code.name,
        "kind": code.kind,
        "parent": code.parent or "",
        "assignable": "yes",
        "definition": code.definition,
        "include": code.include,
        "exclude": code.exclude,
        "examples": "\n".join(code.examples),
        "absent_examples": "\n".join(code.absent_examples),
    }
    return as_it_is | typed


def test_a_code_is_edited_compared_and_brought_back(served: Served, browsing: Browsing) -> None:
    code = served.world.ids["code"]
    first = served.study.framework()
    window = browsing.window(served)
    page = window.page
    window.sign_in("mia")
    window.goto(f"/codebook/code?code={code}")
    page.fill("#name", "Being <b>close</b>")
    page.fill("#definition", first.code(code).definition + " And it lasts.")
    page.click("text=Look at what changes")
    assert page.locator("ins").all_inner_texts()[-1].strip() == "And it lasts."
    assert served.study.framework() == first, "looking saves nothing"
    page.click("text=Go on writing")
    assert page.input_value("#name") == "Being <b>close</b>"
    page.click("text=Look at what changes")
    page.fill("#reason", "It was too narrow")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/codebook/history")
    rows = page.locator("tbody tr").all_inner_texts()
    assert len(rows) == 2
    assert "mia" in rows[0]
    assert "It was too narrow" in rows[0]
    page.click("button:has-text('Compare')")
    assert "Being <b>close</b>" in page.inner_text("main")
    page.click("text=Bring version 1 back")
    page.fill("#reason", "It was right")
    page.click("text=Save as version 3")
    page.wait_for_url("**/codebook/history")
    assert served.study.framework() == first
    assert [v.by for v in served.study.store.codebooks.versions()][1:] == ["mia", "mia"]
    assert (window.outside, window.dialogs, window.errors, window.stopped()) == ([], [], [], [])
    window.close()


def test_who_comes_too_late_keeps_what_they_wrote(served: Served) -> None:
    code, mia = served.world.ids["code"], served.client("mia")
    late = fields(served.study, code, definition="What the late one wrote", reason="mine")
    early = fields(served.study, code, definition="What the early one wrote", reason="first")
    assert mia.post("/codebook/save", early).status_code == 303
    refused = mia.post("/codebook/save", late)
    assert refused.status_code == 409
    assert "mia changed" in refused.text
    assert ">What the late one wrote</textarea>" in refused.text
    assert served.study.framework().code(code).definition == "What the early one wrote"
    base = re.search(r'name="base" value="([0-9a-f]+)"', refused.text)
    assert base
    assert mia.post("/codebook/save", late | {"base": base[1]}).status_code == 303, "told what happened, they decide"


def test_an_edit_beside_somebody_elses_keeps_both(served: Served) -> None:
    one, other = (code.id for code in served.study.framework().assignable[1:3])
    mia = served.client("mia")
    second = fields(served.study, other, definition="The second", reason="why")
    assert (
        mia.post("/codebook/save", fields(served.study, one, definition="The first", reason="why")).status_code == 303
    )
    assert mia.post("/codebook/save", second).status_code == 303
    framework = served.study.framework()
    assert (framework.code(one).definition, framework.code(other).definition) == ("The first", "The second")


def test_a_code_with_codings_is_retired_only_when_it_is_said_what_becomes_of_them(served: Served) -> None:
    from belonging_llm.codes import Coding, Outcome

    code, mia = served.world.ids["code"], served.client("mia")
    given = Coding(segment_id=served.world.ids["segment"], code=code, coder="Zoe", outcome=Outcome.ASSIGNED)
    served.study.store.findings.add_codings([given])
    wanted = {"do": "retire", "code": code, "base": served.study.framework().digest, "reason": "not needed"}
    assert "Zoe 1" in mia.post("/codebook/preview", wanted).text
    refused = mia.post("/codebook/save", wanted)
    assert refused.status_code == 422
    assert "say what becomes of these codings" in refused.text
    assert mia.post("/codebook/save", wanted | {"keep": code}).status_code == 303
    assert code not in {c.id for c in served.study.framework().codes}
    assert given in served.study.store.findings.codings()
    assert f'<span class="quiet id">{code}</span></th>' in mia.get("/codebook").text


def test_a_new_code_gets_an_id_that_no_code_ever_had(served: Served) -> None:
    mia = served.client("mia")
    gone = served.world.ids["code"]
    form = {"do": "put", "code": "", "base": served.study.framework().digest, "name": gone, "assignable": "yes"}
    assert mia.post("/codebook/save", form | {"reason": "anew"}).status_code == 303
    assert f"{gone}-2" in {c.id for c in served.study.framework().codes}


def test_coders_see_none_of_it(served: Served) -> None:
    clients = served.by_role()
    for path in ("/codebook", "/codebook/history", "/codebook/compare"):
        assert clients[Role.CODER].get(path).status_code == 403
        assert clients[Role.ADJUDICATOR].get(path).status_code == 200
    assert clients[Role.ADJUDICATOR].get("/codebook/code").status_code == 403
