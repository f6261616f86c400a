"""The embedded model: the same reply whatever was asked before, and a study against a real llama.cpp server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import studies

from belonging_llm import model_files
from belonging_llm.adapters.factory import LOCAL_CHAT
from belonging_llm.adapters.llamacpp import LlamaCpp
from belonging_llm.errors import ModelFileError
from belonging_llm.llm import ChatRequest

pytestmark = [pytest.mark.models, pytest.mark.slow]

SCHEMA = {
    "type": "object",
    "properties": {"feeling": {"type": "string", "maxLength": 40}},
    "required": ["feeling"],
    "additionalProperties": False,
}
SYSTEM = 'You say in two or three words what a student feels. Reply with one JSON object: {"feeling": "…"}'
SAID = [
    "I felt I was on the outside looking in.",
    "It was fine. It was all right. It was fine, really.",
    "My tutor knew my name, which I had not expected.",
]

INTERVIEW = [
    (
        "How did it start?",
        "I joined the evening course from home, with a laptop on the ironing board and no idea who else",
    ),
    (
        "And then?",
        "Nobody turned a camera on for the first month, so I talked to grey squares and felt quite alone there",
    ),
    (
        "Did that change?",
        "There was one woman who wrote to me after a seminar, and from then on I felt somebody had seen me",
    ),
    (
        "What about tutors?",
        "My tutor answered on the same day, always with my name at the top, and that made me feel I mattered",
    ),
    (
        "And the forum?",
        "The forum was a place where people performed, and I never wrote anything true about myself in there",
    ),
    (
        "Were there groups?",
        "We made a group of five outside the platform and we still write to each other every single evening",
    ),
    (
        "What did you do there?",
        "We read each other's drafts, we complained about the deadlines, and we laughed about our families",
    ),
    (
        "And the technology?",
        "The platform logged me out every twenty minutes, so half of every lecture was me typing a password",
    ),
    (
        "How did that feel?",
        "It felt like knocking on the door of a house where I was supposed to live with all the others",
    ),
    (
        "Was anything missing?",
        "I missed walking out of a room together with people, those two minutes in a corridor afterwards",
    ),
    (
        "Do you feel you belong?",
        "I belong to my five people, I do not think that I ever belonged to the university as a whole",
    ),
    (
        "What would help?",
        "If somebody had asked me in the first week how I was, I think that would have helped me to stay",
    ),
]
# Three codes keep the prompts short: on two cores every hundred words of them cost seconds.
CODEBOOK = """code,name,definition
noticed,Being noticed,Somebody notices the speaker or nobody does
place,A place of one's own,The speaker has a place among others or stands outside
help,Help,The speaker gets help or lacks it
"""


@pytest.fixture(scope="module")
def model_file() -> Path:
    pytest.importorskip("xllamacpp", reason="the embedded model's library is not installed: pip install .[local]")
    try:
        return model_files.locate(LOCAL_CHAT)
    except ModelFileError as error:
        pytest.skip(f"the embedded model's file is not here: {error}")


def test_replies_do_not_depend_on_what_was_asked_before(model_file: Path) -> None:
    asked = [ChatRequest(system=SYSTEM, user=said, reply_schema=SCHEMA, max_tokens=24) for said in SAID]
    other = ChatRequest(system=SYSTEM + " Be brief.", user=" ".join(SAID), reply_schema=SCHEMA, max_tokens=12)
    model = LlamaCpp(model_file, sha256=model_files.catalogue()[LOCAL_CHAT].sha256)
    first = [model.complete(request) for request in asked]
    assert len({reply.text for reply in first}) > 1, "different questions get different replies"
    assert [model.complete(asked[i]) for i in (2, 0)] == [first[2], first[0]]
    model.complete(other)
    assert model.complete(asked[1]) == first[1]

    del model
    fresh = LlamaCpp(model_file, sha256=model_files.catalogue()[LOCAL_CHAT].sha256)
    fresh.complete(other)
    assert [fresh.complete(request) for request in asked[::-1]] == first[::-1]


SERVE = """
import os, sys, xllamacpp
options = xllamacpp.CommonParams()
options.model.path, options.n_ctx, options.n_parallel, options.verbosity = sys.argv[1], 8192, 1, -1
options.cpuparams.n_threads = options.cpuparams_batch.n_threads = os.cpu_count() or 1
server = xllamacpp.Server(options)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def address(model_file: Path) -> Iterator[str]:
    """A server process of llama.cpp's own; it ends when its input closes."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(model_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def test_a_study_against_a_real_server(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert address.startswith("http://127.0.0.1:")
    interview = tmp_path / "P50.txt"
    turns = [f"Interviewer: {question}\n\nP50: {said}.\n" for question, said in INTERVIEW]
    interview.write_text("\n".join(turns), encoding="utf-8")
    codebook = tmp_path / "codebook.csv"
    codebook.write_text(CODEBOOK, encoding="utf-8")
    folder = studies.make(tmp_path / "study", [codebook, interview], ask_share=0.1)
    belonging = studies.in_process(monkeypatch)
    spec = f"{address}/v1#qwen"
    done = belonging.analyse(folder, spec, "--json")
    # A model this small may give a reply that is of no use: that is failed, said, and tried again.
    assert done.exit_code == (0 if _complete(done.stdout) else 3), done.output
    figures = json.loads(done.stdout)
    assert figures["calls"] >= 2
    assert figures["themes"]
    assert sum(figures["outcomes"].values()) == figures["segments"] * 3
    texts, found = studies.segments(folder), studies.tables(folder, spec)
    assert len(texts) == len(INTERVIEW)
    for segment_id, start, end in studies.quoted_places(found):
        assert texts[segment_id][start:end].strip()
    if figures["complete"]:
        assert "model calls: 0\n" in belonging.analyse(folder, spec).stdout


def _complete(output: str) -> bool:
    return bool(json.loads(output)["complete"])
