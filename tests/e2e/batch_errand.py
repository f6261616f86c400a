"""Questions in batches without a study around them: `batch_errand.py DATABASE URL [DIE_AT]`; prints the answers.

DIE_AT is `VERB:N:WHEN`: SIGKILL at the Nth call of a verb of the register, `before` it does anything or `after` it is
committed. Light, so that it can be killed often.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from belonging_llm.adapters.openai_batches import OpenAIBatches
from belonging_llm.adapters.openai_sdk import OpenAIChat
from belonging_llm.asking import Asker, Question, Retry
from belonging_llm.codes.judge import Judgements
from belonging_llm.parcels import Errand, Mode, Patience, Terms, collect
from belonging_llm.prompts import Rendered
from belonging_llm.store import Store
from belonging_llm.store.parcels import StoredParcels

COUNT, EACH = 23, 10
SETTLES = 0.3


def questions(count: int = COUNT) -> list[Question[Judgements]]:
    """Questions of the kind that coding asks."""
    text = 'Segment: "I felt at home, number {}, in the library of the college."\nCandidate codes: a, b'
    return [Question(Rendered(name="c", digest="0", system="s", user=text.format(n)), Judgements) for n in range(count)]


def arm(verb: str, number: str, when: str) -> None:
    """Die at one moment of the register's work."""
    real, calls = getattr(StoredParcels, verb), []

    def deadly(*given: Any, **named: Any) -> Any:
        calls.append(verb)
        if len(calls) == int(number) and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(*given, **named)
        if len(calls) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(StoredParcels, verb, deadly)


def main(database: str, url: str, die_at: str = "") -> None:
    """Send, wait, collect, ask what is left."""
    collect.CHUNK = 4
    if die_at:
        arm(*die_at.split(":"))
    store, model = Store(f"sqlite:///{database}"), OpenAIChat("pretend", url)
    asker = Asker(model, store.ledger, "run", Retry(first_wait=0.01))
    patience = Patience(first=0.01, longest=0.02, settles=SETTLES)
    terms = Terms(requests=EACH)
    Errand(asker, OpenAIBatches(model), store.parcels, Mode(send=True), patience, terms).run(questions())
    sys.stdout.write(json.dumps([str(answer) for answer in asker.ask_all(questions())]))


if __name__ == "__main__":
    main(*sys.argv[1:])
