"""Whoever settles after looking at the model's word is told that it counts as no gold, and so is everybody else."""

from __future__ import annotations

import world
from serving import Served


def test_what_is_settled_after_looking_is_said_to_be_no_gold(served: Served) -> None:
    ids = served.world.ids
    client = served.client(world.ADJUDICATOR)
    pair = f"/audit/pair?run={ids['run']}&segment={ids['contested']}&pair_code={ids['code']}"
    before = [client.get(path).text for path in (pair, "/agreement", "/adjudication")]
    assert not any("seen the model’s word" in page or 'id="anchored"' in page for page in before)
    form = client.get(f"/adjudication/segment?segment={ids['contested']}").text
    assert "It counts as no independent gold" in form
    codes = served.study.framework().assignable[:3]
    fields = {f"decision {code.id}": "no" for code in codes} | {"judged": [code.id for code in codes]}
    fields |= {"segment": ids["contested"], "reason": "neither", "key": "looked-before", "supersedes": "0"}
    assert client.post("/adjudication/keep", fields).status_code == 303
    shown = client.get(pair).text
    assert "Settled as no by somebody who had seen the model’s word" in shown
    assert "what most say" in shown or "not settled" in shown
    assert "nowhere here; it settles a segment, where" in client.get("/agreement").text
    assert "1 segment was settled by somebody who had looked" in client.get("/adjudication").text
    again = client.get(f"/adjudication/segment?segment={ids['contested']}").text
    assert "How it is settled now counts as no independent gold" in again
