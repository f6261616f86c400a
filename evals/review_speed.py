"""The review application on a study of 100,000 segments: how long the server takes, and the first page in a browser.

    python evals/review_speed.py [--segments 100000] [--requests 200]

Times are taken at the server (from the request's arrival to the reply's last byte leaving the application) and, for the
first page, in headless Chromium. Writes `review_speed.json` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests"), str(HERE.parent / "tests" / "review")]

import numpy as np  # noqa: E402
from browsing import CHROMIUM, Browsing  # noqa: E402
from serving import Client, Served  # noqa: E402
from world import World, set_password  # noqa: E402

from belonging_llm import study as studies  # noqa: E402
from belonging_llm.clusters import Belongs  # noqa: E402
from belonging_llm.codes import Coding, EvidenceSpan, Outcome, Polarity  # noqa: E402
from belonging_llm.provenance import digest  # noqa: E402
from belonging_llm.review import accounts  # noqa: E402
from belonging_llm.review.passwords import hashed  # noqa: E402
from belonging_llm.segments import Segment  # noqa: E402
from belonging_llm.store import Role  # noqa: E402
from belonging_llm.study import Study  # noqa: E402
from belonging_llm.themes import Quote, Theme, ThemeMember  # noqa: E402
from belonging_llm.transcripts import Transcript, Turn, parse_text  # noqa: E402

EACH = 100
THEMES = 40
CODERS = ("anna", "ben")
WORDS = "the group was always awake when I was and somebody would answer me before I had finished my question".split()


def make(folder: Path, segments: int) -> Study:
    """Interviews of a hundred segments each, with a model's outcomes, and two coders with all of it."""
    made, draw = studies.create(folder), np.random.default_rng(0)
    codes = made.framework().assignable
    run = made.store.runs.start("inputs", {"llm": {"model": "pretend"}, "seed": 0})
    for n in range(segments // EACH):
        who = f"P{n:04}"
        turns = (f"Interviewer: And then?\n\n{who}: {who} {k} {' '.join(draw.choice(WORDS, 40))}." for k in range(EACH))
        talk = parse_text("\n\n".join(turns) + "\n", name=who, place=who)
        made.store.corpus.add(talk)
        cut = [_segment(talk, turn) for turn in talk.turns if turn.participant]
        made.store.corpus.add_segments(talk.id, cut, "x")
        codings = [
            Coding(
                segment_id=s.id,
                code=code.id,
                coder="model:pretend",
                outcome=Outcome.ASSIGNED if draw.random() < 0.15 else Outcome.NOT_ASSIGNED,
                polarity=Polarity.EXPERIENCED,
                confidence=float(draw.random()),
                evidence=(EvidenceSpan(start=0, end=4),),
                rationale="because",
            )
            for s in cut
            for code in codes[:1]
        ]
        made.store.findings.add_codings(codings, run.id)
    made.store.themes.add(run.id, list(_themes([s.id for s in made.store.corpus.segments()], draw)))
    made.store.runs.finish(run.id, "complete")
    kept = hashed("four words nobody guesses")
    for name, role in {**dict.fromkeys(CODERS, Role.CODER), "dora": Role.ADJUDICATOR}.items():
        accounts.add(made, name, role)
        if role is Role.CODER:
            accounts.assign(made, name, seed=len(name))
        set_password(made, name, kept=kept)
    return made


def _themes(ids: list[str], draw: np.random.Generator) -> Iterator[Theme]:
    """Forty themes of 96 in a hundred segments, half of each at its core."""
    order = draw.permutation(len(ids))[: len(ids) * 96 // 100]
    for n, part in enumerate(np.array_split(order, THEMES), 1):
        own = [ids[i] for i in part]
        core = len(own) // 2
        members = [
            ThemeMember(i, 1 - k / len(own), Belongs.CORE if k < core else Belongs.NEAR) for k, i in enumerate(own)
        ]
        quote = Quote(segment_id=own[0], start=0, end=4)
        yield Theme(id=f"T{n}", ordinal=n, name=f"Theme {n}", definition="d", members=tuple(members), quotes=(quote,))


def _segment(talk: Transcript, turn: Turn) -> Segment:
    return Segment(
        id=digest(talk.id, turn.start, turn.end)[:16],
        transcript_id=talk.id,
        document=talk.name,
        participant=str(turn.participant),
        turn=turn.ordinal,
        part=1,
        start=turn.start,
        end=turn.end,
        text=talk.said(turn),
    )


class Timed:
    """The application with two clocks: seconds of each request, by kind, and seconds of computing in them.

    One request is under way at a time, and who asks for it waits: the process computes for the server alone.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.took: dict[str, list[tuple[float, float]]] = defaultdict(list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, and note how long it took."""
        begun, computed = time.perf_counter(), time.process_time()
        await self.app(scope, receive, send)
        if scope["type"] == "http":
            took = time.perf_counter() - begun, time.process_time() - computed
            kind = _kind(scope["method"], scope["path"])
            self.took[kind].append(took)


def _kind(method: str, path: str) -> str:
    first = path.split("/")[1]
    if first == "code":
        return "draft" if path.endswith("/draft") else "submit" if method == "POST" else "code"
    if first == "themes":
        return "themes list" if path == "/themes" else "theme"
    return {"queue": "list", "audit": "audit filter", "transcript": "transcript"}.get(first, "other")


def audit_filters(served: Served) -> Iterator[str]:
    """Addresses of the model audit with filters of every kind."""
    run, code = served.study.store.runs.latest(), served.study.framework().assignable[0].id
    for wanted in (
        {},
        {"beside": "different"},
        {"code": code, "outcome": "assigned"},
        {"low": "0.2", "high": "0.85", "order": "least sure"},
        {"outcome": "not_assigned", "audited": "no", "order": "least sure"},
        {"theme": "none", "code": code},
        {"outcome": "failed"},
    ):
        yield f"/audit?{urlencode(wanted | {'run': run.id if run else ''})}"


def ask(served: Served, requests: int) -> None:
    """A day's work: lists, segments, drafts, submissions, transcripts, filters."""
    clients = [served.client(name) for name in CODERS]
    tokens = [client.token() for client in clients]
    auditor = served.client("dora")
    queues = {name: served.study.store.queues.page(name, limit=requests) for name in CODERS[:2]}
    code = served.study.framework().assignable[0].id
    filters = list(audit_filters(served))
    for n in range(requests):
        client, token, item = clients[n % 2], tokens[n % 2], queues[CODERS[n % 2]][n]
        client.get(f"/queue?kind=pending&after={n * 400}")
        client.get(f"/code/{item.segment_id}")
        form = {"csrf": token, "key": uuid4().hex, "code": code, "memo": "as I see it"}
        _post(client, f"/code/{item.segment_id}/draft", form)
        _post(client, f"/code/{item.segment_id}", form)
        client.get(f"/transcript/{item.segment_id}")
        auditor.get(filters[n % len(filters)])
        auditor.get("/themes")
        auditor.get(f"/themes/T{n % THEMES + 1}")


def _post(client: Client, path: str, form: dict[str, str]) -> None:
    reply = client.http.post(path, data=form, headers={"Origin": client.base})
    assert reply.status_code in {204, 303}, reply.text  # noqa: S101


def first_page(served: Served) -> float | None:
    """Seconds until the first segment stands there after somebody signed in, in a browser that knew nothing before."""
    if not CHROMIUM:
        return None
    took = []
    with Browsing() as browsing:
        for _ in range(5):
            window = browsing.window(served)
            window.goto("/sign-in")
            window.page.fill("#name", CODERS[0])
            window.page.fill("#password", "four words nobody guesses")
            window.page.keyboard.press("Enter")
            window.page.wait_for_selector("#segment")
            window.context.clear_cookies(name="none")
            begun = time.perf_counter()
            window.goto("/code")
            window.page.wait_for_selector("#segment")
            took.append(time.perf_counter() - begun)
            window.close()
    return round(float(np.median(took)), 3)


def _warm(served: Served) -> dict[str, float]:
    """Wait until the server has read what pages about a run need, as it does when nobody asks for anything."""
    app: Any = served._server.config.loaded_app
    begun, computed = time.perf_counter(), time.process_time()
    app.inner.router.lifespan_context.done.wait()
    return {
        "wall": round(time.perf_counter() - begun, 2),
        "computing": round(time.process_time() - computed, 2),
    }


def _figures(times: list[tuple[float, float]], clock: int) -> dict[str, float]:
    milliseconds = [1000 * one[clock] for one in times]
    return {"median": round(float(np.median(milliseconds)), 1), "p95": round(float(np.quantile(milliseconds, 0.95)), 1)}


def main() -> None:
    """Run it and keep the result."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--segments", type=int, default=100_000)
    asked.add_argument("--requests", type=int, default=200)
    given = asked.parse_args()
    folder = Path(tempfile.mkdtemp()) / "study"
    try:
        made = make(folder, given.segments)
        total = len(made.store.corpus.segments())
        made.store.close()
        with Served(World(folder)) as served:
            reading = _warm(served)
            timed = served._server.config.loaded_app = Timed(served._server.config.loaded_app)
            ask(served, given.requests)
            took = {kind: times for kind, times in timed.took.items() if kind != "other"}
            browser = first_page(served)
    finally:
        shutil.rmtree(folder.parent)
    found = {
        "segments": total,
        "milliseconds_at_the_server": {
            kind: {
                "n": len(times),
                "wall": _figures(times, 0),
                "computing": _figures(times, 1),
                "first": {"wall": round(1000 * times[0][0], 1), "computing": round(1000 * times[0][1], 1)},
            }
            for kind, times in sorted(took.items())
        },
        "seconds_to_read_the_run_when_the_server_starts": reading,
        "seconds_to_first_page_in_the_browser": browser,
        "processors": os.cpu_count(),
        "load_meanwhile": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }
    (HERE / "review_speed.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
