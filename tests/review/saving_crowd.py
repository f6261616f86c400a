"""Coders who save at the same time, over and over, some of them twice: what was acknowledged, and what is there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx2
from serving import Client, Served
from world import set_password

from belonging_llm import study as studies
from belonging_llm.review import accounts
from belonging_llm.review.passwords import hashed
from belonging_llm.segments import split
from belonging_llm.store import Role
from belonging_llm.study import Study
from belonging_llm.transcripts import parse_text

# Each so many-eth save is sent twice, as a browser that heard nothing would.
TWICE_EVERY = 5


@dataclass
class Crowd:
    """What coders sent and were told.

    Attributes:
        told: (coder, segment) pairs whose save was acknowledged, with the form's key.
        refused: Replies that were none, and errors.
        twice: Saves that were sent twice.
    """

    told: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    twice: int = 0


def make(folder: object, coders: Sequence[str], segments: int) -> Study:
    """A study of one long interview, and coders who have all of it before them."""
    from pathlib import Path

    made = studies.create(Path(str(folder)))
    said = "\n\n".join(f"P01: This is what I said as number {n}, in words of my own." for n in range(segments))
    talk = parse_text(said + "\n", name="long", place="long")
    made.store.corpus.add(talk)
    made.store.corpus.add_segments(talk.id, split(talk, min_words=1), "x")
    kept = hashed("four words nobody guesses")
    for name in coders:
        accounts.add(made, name, Role.CODER)
        accounts.assign(made, name)
        set_password(made, name, kept=kept)
    return made


def save_all(served: Served, coders: Sequence[str], *, patience: float = 60) -> Crowd:
    """Have every coder submit every segment of their queue, all of them at once, until done or until the server is gone."""
    crowd, lock = Crowd(), threading.Lock()
    code = served.study.framework().assignable[0].id
    ready = threading.Barrier(len(coders))

    def work(name: str) -> None:
        client = served.client(name)
        client.http.timeout = patience
        token = client.token()
        order = [item.segment_id for item in served.study.store.queues.page(name, limit=1_000_000)]
        ready.wait()
        for n, segment in enumerate(order):
            form = {"csrf": token, "key": f"{name} {segment}", "code": code, "memo": f"{name} of {n}"}
            for again in range(2 if n % TWICE_EVERY == 0 else 1):
                told = _send(client, segment, form)
                with lock:
                    crowd.twice += again
                    if told == "303":
                        crowd.told[name, segment] = form["key"]
                    else:
                        crowd.refused.append(told)
                if told == "gone":
                    return

    threads = [threading.Thread(target=work, args=(name,)) for name in coders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return crowd


def _send(client: Client, segment: str, form: dict[str, str]) -> str:
    try:
        reply = client.http.post(f"/code/{segment}", data=form, headers={"Origin": client.base})
    except httpx2.TransportError:
        return "gone"
    return str(reply.status_code)


def lost_and_doubled(study: Study, crowd: Crowd) -> tuple[int, int]:
    """How many acknowledged saves are not there, and how many are there more than once."""
    records = study.store.judgements.current()
    everything = [r for s in {r.segment_id for r in records} for r in study.store.judgements.of(s)]
    kept = {(r.coder, r.segment_id) for r in records}
    projected = {(j.coder, j.segment_id) for j in study.store.findings.judgements()}
    lost = [pair for pair in crowd.told if pair not in kept or pair not in projected]
    return len(lost), len(everything) - len(kept)
