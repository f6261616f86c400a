"""How fast pages of the model audit are answered, on a real server, for a small study and a large one.

Usage: python evals/audit_speed.py [SEGMENTS] [--out FILE]

Makes two studies with ten codes, a finished run, and two people who coded every tenth segment, serves each on this
machine, signs in, and asks for pages of every kind of filter, one after another, each page following the one before.
Milliseconds are from sending a request to having the whole page, the access log's write included. Figures depend on the
machine and on what else it does: compare within a run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx2
import numpy as np

from belonging_llm import study as studies
from belonging_llm.clusters import Belongs
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import Coding, EvidenceSpan, Judgement, Outcome, Polarity
from belonging_llm.review import accounts
from belonging_llm.review.passwords import hashed
from belonging_llm.review.server import Where, listen, server
from belonging_llm.review.tokens import token_digest
from belonging_llm.segments import Segment
from belonging_llm.store import Role
from belonging_llm.study import Study
from belonging_llm.themes import Theme, ThemeMember
from belonging_llm.transcripts import Transcript

SMALL, LARGE, CODES, EACH, ROUNDS = 1_000, 100_000, 10, 50, 12
FILTERS = {
    "everything": "",
    "code and outcome": "code=c3&outcome=assigned",
    "confidence, least sure first": "low=0.2&high=0.4&order=least sure",
    "missed or extra": "beside=different",
    "theme": "theme=T3&outcome=abstained",
    "participants": "attribute=shift=night&code=c1",
    "not audited": "audited=no&outcome=assigned&order=least sure",
    "nothing found": "outcome=failed&code=c1",
}
PASSWORD = "a benchmark's own password"  # noqa: S105 - of a study that is thrown away
_MORE = re.compile(r'id="more" href="([^"]+)"')
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


def main() -> None:
    """Measure and print, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("segments", type=int, nargs="?", default=LARGE)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    figures = json.dumps(measure(options.segments, ROUNDS), indent=2)
    print(figures)
    if options.out:
        options.out.write_text(figures + "\n", encoding="utf-8")


def measure(segments: int, rounds: int) -> dict[str, object]:
    """Percentiles for both sizes, and how they compare."""
    small, large = (timed(size, rounds) for size in (min(SMALL, segments), segments))
    return {
        "codes": CODES,
        "pages of each filter": rounds,
        "small": small,
        "large": large,
        "p95 large over small": round(large["p95 ms"] / small["p95 ms"], 2),
        "p95 wanted ms": 100,
        "processors": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 1),
    }


def timed(size: int, rounds: int) -> dict[str, float]:
    """Milliseconds of pages of one study."""
    with tempfile.TemporaryDirectory() as folder:
        opened = made(Path(folder) / "study", size)
        with signed_in(opened) as client:
            start = time.perf_counter()
            client.get("/audit").raise_for_status()
            first = time.perf_counter() - start
            every = np.array([ms for query in FILTERS.values() for ms in pages(client, query, rounds)])
        opened.store.close()
    return {
        "segments": size,
        "first page, which reads the run, ms": round(1000 * first),
        "median ms": round(float(np.median(every)), 1),
        "p95 ms": round(float(np.percentile(every, 95)), 1),
        "most ms": round(float(every.max()), 1),
    }


def pages(client: httpx2.Client, query: str, rounds: int) -> Iterator[float]:
    """Milliseconds of each page of a search, one following the other; from the first again behind the last."""
    path = f"/audit?{query}"
    for _ in range(rounds):
        start = time.perf_counter()
        reply = client.get(path)
        yield 1000 * (time.perf_counter() - start)
        reply.raise_for_status()
        more = _MORE.search(reply.text)
        path = unescape(more[1]) if more else f"/audit?{query}"


@contextmanager
def signed_in(opened: Study) -> Iterator[httpx2.Client]:
    """A served study, and an adjudicator's client of it."""
    accounts.add(opened, "dora", Role.ADJUDICATOR)
    token = accounts.invite(opened, "dora")
    opened.store.reviewers.set_password(token_digest(token), hashed(PASSWORD))
    socket = listen(Where(port=0))
    port = socket.getsockname()[1]
    running = server(opened, Where(port=port), port)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    base = f"http://127.0.0.1:{port}"
    with httpx2.Client(base_url=base, timeout=600, headers={"Origin": base}) as client:
        form = _TOKEN.search(client.get("/sign-in").text)
        assert form is not None  # noqa: S101 - the page has a form
        client.post("/sign-in", data={"csrf": form[1], "name": "dora", "password": PASSWORD})
        yield client
    running.should_exit = True
    thread.join(20)
    socket.close()


def made(folder: Path, size: int) -> Study:
    """A study of so many segments, analysed and partly coded."""
    opened = studies.create(folder)
    codes = tuple(Code(id=f"c{k}", name=f"Code {k}", definition="Made up.") for k in range(CODES))
    opened.store.codebooks.use(Framework(id="b", name="B", codes=codes), reason="benchmark")
    segments = list(_segments(opened, size))
    people = sorted({s.participant for s in segments})
    opened.store.corpus.set_participants({who: {"shift": "night" if i % 3 else "day"} for i, who in enumerate(people)})
    opened.store.audits.lock({who: "test" if i % 5 == 0 else "development" for i, who in enumerate(people)}, {})
    _run(opened, segments)
    for coder in ("A", "B"):
        dice = np.random.default_rng(ord(coder))
        judged = segments[::10]
        opened.store.findings.add_judged([Judgement(segment_id=s.id, coder=coder) for s in judged])
        opened.store.findings.add_codings(
            [
                Coding(segment_id=s.id, code=f"c{dice.integers(CODES)}", coder=coder, outcome=Outcome.ASSIGNED)
                for s in judged
            ]
        )
    return opened


def _segments(opened: Study, size: int) -> Iterator[Segment]:
    for n in range(0, size, EACH):
        words = [f"In interview {n} I said thing {k} about the group and how it felt to be there." for k in range(EACH)]
        talk = Transcript(name=f"d{n:06}", kind="segments", text="\n".join(words), turns=())
        cut, at = [], 0
        for k, said in enumerate(words):
            ends = at + len(said)
            cut.append(
                Segment(
                    id=f"s{n + k:07}",
                    transcript_id=talk.id,
                    document=talk.name,
                    participant=f"P{n // EACH:05}",
                    turn=k,
                    part=1,
                    start=at,
                    end=ends,
                    text=said,
                )
            )
            at = ends + 1
        opened.store.corpus.add(talk, cut)
        yield from cut


def _run(opened: Study, segments: list[Segment]) -> None:
    dice = np.random.default_rng(0)
    run = opened.store.runs.start("benchmark", {"llm": "made up"})
    outcomes = (Outcome.ASSIGNED, Outcome.NOT_ASSIGNED, Outcome.ABSTAINED)
    for start in range(0, len(segments), 2000):
        batch = segments[start : start + 2000]
        drawn = dice.choice(3, p=(0.1, 0.7, 0.2), size=(len(batch), CODES))
        sure = dice.random((len(batch), CODES)).round(3)
        opened.store.findings.add_codings(
            [
                Coding(
                    segment_id=s.id,
                    code=f"c{k}",
                    coder="model:made up",
                    outcome=outcomes[drawn[i, k]],
                    polarity=Polarity.EXPERIENCED if drawn[i, k] == 0 else None,
                    confidence=float(sure[i, k]),
                    evidence=(EvidenceSpan(start=0, end=12),) if drawn[i, k] == 0 else (),
                    rationale="likeness to the code",
                )
                for i, s in enumerate(batch)
                for k in range(CODES)
            ],
            run.id,
        )
    themes = [
        Theme(
            id=f"T{t}",
            ordinal=t,
            name=f"Theme {t}",
            definition="",
            members=tuple(ThemeMember(segment_id=s.id, strength=0.5, belongs=Belongs.CORE) for s in segments[t::20]),
        )
        for t in range(20)
    ]
    opened.store.findings.add_themes(run.id, themes)
    opened.store.runs.finish(run.id, "complete")


if __name__ == "__main__":
    main()
