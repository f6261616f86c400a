"""Ten thousand malformed replies: none crashes, none is lost, none codes what nobody coded.

Every kind is a way to spoil (or merely to dress up) a right reply. Whatever comes, the reply stands in the
study's ledger as it came, every segment × code has an outcome, and a segment without a usable reply is
*failed*: what the evidence alone would have said of it does not take the place of the answer.
"""

from __future__ import annotations

import json
import random
import re
import string
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.asking import Asker, Departure, LedgerEntry, Question, Retry, parse
from belonging_llm.clusters import Belongs, Cluster, Clustering, Member
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import Assigned, Bar, Chances, OpenSegment, Outcome, Signals, assign, chances, score
from belonging_llm.codes.judge import Judgements
from belonging_llm.errors import ReplyError
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.prompts import load
from belonging_llm.segments import Segment, split
from belonging_llm.store import Store
from belonging_llm.themes import Theme, label, map_themes
from belonging_llm.transcripts import Transcript, parse_text

ENCODER = HashEncoder(64)
FRAMEWORK = Framework(
    id="f",
    name="F",
    codes=(
        Code(id="top", name="Top", assignable=False),
        Code(id="tutors", name="Tutors", definition="The tutor knew my name"),
        Code(id="friends", name="Friends", definition="Friends who met at night"),
        Code(id="place", name="Place", definition="Kitchen table and desk"),
    ),
)
CODES = [code.id for code in FRAMEWORK.assignable]
# Likeness in standard deviations: two codes in doubt, which are asked about, and one that is sure by itself.
OPEN, SURE = 2.4, 6.0
HEALTHY_EVERY = 10
Dice = random.Random
Value = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One way to answer badly.

    Attributes:
        spoil: A reply made from the right answer.
        usable: Whether it still says, beyond doubt, what was asked for.
        times: Replies of this kind in the coding path.
    """

    spoil: Callable[[Dice, Value], str | ChatReply]
    usable: bool = False
    times: int = 310


def cut_off(reason: str) -> Callable[[Dice, Value], ChatReply]:
    def spoil(dice: Dice, good: Value) -> ChatReply:
        text = json.dumps(good)
        return ChatReply(text=text[: dice.randrange(1, len(text))], finish_reason=reason)

    return spoil


def leaves(value: Any, put: Callable[[], object]) -> Any:
    """The same shape with other values."""
    if isinstance(value, dict):
        return {key: leaves(each, put) for key, each in value.items()}
    return [leaves(each, put) for each in value] if isinstance(value, list) else put()


def renamed_keys(dice: Dice, good: Value) -> str:
    top = dice.random() < 0.5
    word = dice.choice(["label", "Tutors ", "codes_", "answer", "1", ""])
    if top:
        return json.dumps({word + key: value for key, value in good.items()} | {word or "x": 1})
    return json.dumps({key: {word or "y": value} for key, value in good.items()})


def not_numbers(dice: Dice, good: Value) -> str:
    text = json.dumps(leaves(good, lambda: "@"))
    return text.replace('"@"', dice.choice(["NaN", "Infinity", "-Infinity", "1e999", "-1e999"]))


def duplicated(dice: Dice, good: Value) -> str:
    """A key twice, with values that contradict each other; at times the second is spelt with an escape."""
    first = next(iter(good))
    again = "".join(f"\\u{ord(c):04x}" for c in first) if dice.random() < 0.3 else first
    other = json.dumps(leaves(good[first], lambda: dice.choice([True, False, "", "absent"])))
    pairs = [f'"{first}": {json.dumps(good[first])}', f'"{again}": {other}']
    dice.shuffle(pairs)
    rest = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in good.items() if key != first]
    return "{" + ", ".join(pairs + rest) + "}"


STRANGERS = ["no-such-code", "top", "Tutors", "tutors ", "tut\u043ers", "t\u200butors", "\u202esrotut", "\x1b[2J", "\0"]


def strange_code(dice: Dice, good: Value) -> str:
    stranger = dice.choice([*STRANGERS, *("".join(dice.choices(string.printable, k=dice.randint(1, 90))),) * 3])
    if good.get("codes"):
        return json.dumps(good | {"codes": [{"code": stranger, "rationale": "r"}]}, ensure_ascii=dice.random() < 0.5)
    if dice.random() < 0.5 or "quotes" in good:
        return json.dumps({stranger: dice.choice([next(iter(good.values())), {"applies": 7}, None])} | good)
    return json.dumps({stranger if i == 0 else key: value for i, (key, value) in enumerate(good.items())})


def one_less(dice: Dice, good: Value) -> str:
    gone = dice.choice(list(good))
    return json.dumps({key: value for key, value in good.items() if key != gone})


def deep(dice: Dice, good: Value) -> str:
    depth = 10_000 + dice.randrange(1000)
    nest = dice.choice(["[" * depth + "]" * depth, "[" * depth, '{"a":' * depth + "1" + "}" * depth])
    key = next(iter(good))
    return nest if dice.random() < 0.5 else json.dumps(good | {key: "@"}).replace('"@"', nest)


def megabyte(dice: Dice, good: Value) -> str:
    text = json.dumps(good)
    filler = dice.choice([" ", "\n", "blah ", "[", "\u00e9", '{"a": 1}'])
    padding = filler * (1_000_000 // len(filler))
    return dice.choice([text[:-1] + padding + "}", padding + text, text + padding, padding])


def with_surrogates(dice: Dice, good: Value) -> str:
    text, lone = json.dumps(good), chr(dice.randrange(0xD800, 0xE000))
    escaped = f"\\u{ord(lone):04x}"
    place = text.index('"') + 1
    last = text.rindex('"')
    return dice.choice(
        [lone, text + lone, *(text[:at] + odd + text[at:] for at in (place, last) for odd in (lone, escaped))]
    )


def with_nuls(dice: Dice, good: Value) -> str:
    text = json.dumps(good)
    place = dice.randrange(len(text))
    return dice.choice(["\0" * dice.randint(1, 99), text[:place] + "\0" + text[place:], text + "\0"])


def escaped_nuls(_: Dice, good: Value) -> str:
    """Right by the schema: what the NULs spoil is only the quote, which is then not found."""

    def spoil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: spoil(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [spoil(each) for each in value]
        return f"\0{value[:40]}\0 \x1b[31m" if key in {"words", "rationale"} else value

    return json.dumps(spoil(good))


FOREIGN = (
    "Entschuldigung, dazu kann ich nichts sagen.", "Le segment parle de la tutrice.", "Это относится к преподавателям.",
    "この発言は友人について述べています。", "هذا المقطع عن الأصدقاء", "यह खंड शिक्षक के बारे में है।",
    '{"gilt": wahr, "Richtung": "erlebt"}', '{"tutores": {"aplica": "sí"}}', "א ב ג", "答：適用",
)  # fmt: skip
REFUSALS = (
    "I'm sorry, but I can't help with that.", "As a language model I cannot judge people.", "I cannot comply.",
    '{"error": "content_filter"}', "This content may violate our usage policies.", "null", "N/A", "[REDACTED]",
)  # fmt: skip
PAGES = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>",
    "<html><body>Please sign in to the campus network</body></html>", "upstream connect error or disconnect",
    '<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>', "<script>alert(1)</script>",
)  # fmt: skip
PROSE = (
    "Anything else?",
    "I chose this since it fits.",
    "```",
    "}",
    "// done",
    "<|im_end|>",
    '{"a": 1}',
    "\n\nNote: ok",
)


def variant(texts: Sequence[str]) -> Callable[[Dice, Value], str]:
    return lambda dice, _: dice.choice(texts) + dice.choice(["", " ", "\n", "."]) * dice.randrange(9)


def garbage(dice: Dice, _: Value) -> str:
    return "".join(chr(dice.randrange(0x110000)) for _ in range(dice.randrange(1, 200)))


def fenced(dice: Dice, good: Value) -> str:
    head, end = dice.choice(["```json\n", "```\n", "```json \r\n", " \n```json\n\n"]), dice.choice(["```", "\n```\n "])
    return head + json.dumps(good, indent=dice.choice([None, 2])) + "\n" + end


def half_fenced(dice: Dice, good: Value) -> str:
    text = json.dumps(good)
    return dice.choice(
        [f"```json\n{text}", f"{text}\n```", f"Here it is:\n```json\n{text}\n```", f"```{text}```",
         f"```json\n{text}\n```\n```json\n{text}\n```", f"~~~\n{text}\n~~~", f"```yaml\n{text}\n```"]
    )  # fmt: skip


def fence_before_nothing(dice: Dice, _: Value) -> str:
    """What a model that got stuck writes; a careless pattern needs minutes for it."""
    return dice.choice(["```", "```json", " ```"]) + dice.choice(["\n", "\n ", "\r\n", " \n"]) * dice.randint(
        9000, 19000
    )


def too_long_words(dice: Dice, good: Value) -> str:
    return json.dumps(leaves(good, lambda: "w" * dice.randint(200, 900)))


def invented(dice: Dice, good: Value) -> str:
    """The schema is kept; the words stand nowhere."""
    text = json.dumps(good)
    return re.sub(r'"words": "[^"]*"', f'"words": "zylophonic {dice.randrange(10**6)} nowhere"', text)


KINDS: dict[str, Kind] = {
    "truncated, length": Kind(cut_off("length")),
    "truncated, stop": Kind(cut_off("stop")),
    "whole, but length": Kind(lambda _, good: ChatReply(text=json.dumps(good), finish_reason="length")),
    "fenced in Markdown": Kind(fenced, usable=True),
    "half a fence": Kind(half_fenced),
    "fence before line ends": Kind(fence_before_nothing, times=60),
    "wrong keys": Kind(renamed_keys),
    "a key too many": Kind(lambda dice, good: json.dumps(good | {f"why{dice.randrange(99)}": "because"})),
    "a key too few": Kind(one_less),
    "NaN and infinity": Kind(not_numbers),
    "a megabyte": Kind(megabyte, times=20),
    "duplicate keys": Kind(duplicated, times=400),
    "unknown code": Kind(strange_code, times=400),
    "lone surrogates": Kind(with_surrogates, times=400),
    "NUL bytes": Kind(with_nuls),
    "escaped NULs in words": Kind(escaped_nuls, usable=True),
    "another language": Kind(variant(FOREIGN)),
    "refusal": Kind(variant(REFUSALS)),
    "empty": Kind(lambda dice, _: dice.choice(["", " ", "\n", "\t", "\u200b", "\u00a0", "{}", '""']) * dice.randint(0, 1)),
    "HTML error page": Kind(variant(PAGES)),
    "deeply nested": Kind(deep, times=200),
    "numbers as strings": Kind(lambda dice, good: json.dumps(leaves(good, lambda: f"{dice.uniform(2, 9):.3f}"))),
    "bare numbers": Kind(lambda dice, good: json.dumps(leaves(good, lambda: dice.uniform(2, 9)))),
    "trailing prose": Kind(lambda dice, good: json.dumps(good) + dice.choice(["", " ", "\n"]) + dice.choice(PROSE)),
    "leading prose": Kind(lambda dice, good: dice.choice(PROSE) + "\n" + json.dumps(good)),
    "reasoning first": Kind(lambda dice, good: f"<think>{dice.choice(FOREIGN)}</think>{json.dumps(good)}"),
    "a list": Kind(lambda dice, good: json.dumps([good] * dice.randint(0, 3))),
    "a list of pairs": Kind(lambda dice, good: json.dumps(dice.sample([[k, v] for k, v in good.items()], len(good)))),
    "JSON in a string": Kind(lambda dice, good: json.dumps(dice.choice([json.dumps(good), f" {json.dumps(good)}\n"]))),
    "huge integers": Kind(lambda dice, good: json.dumps(leaves(good, lambda: "@")).replace('"@"', "9" * dice.choice([20, 400, 4299, 4301, 9000]))),
    "byte-order mark": Kind(lambda dice, good: "\ufeff" * dice.randint(1, 3) + json.dumps(good)),
    "Python, not JSON": Kind(lambda dice, good: dice.choice(["{}", "dict({})", "x = {}"]).format(str(good))),
    "garbage": Kind(garbage, times=400),
    "format strings": Kind(variant(["{why} {0} %s", "{{ codes }}", "%(x)s", "${HOME}", "{% raw %}", "\\N{BULLET}"])),
    "too long": Kind(too_long_words),
    "invented quotes": Kind(invented, usable=True),
}  # fmt: skip
REFUSED = [name for name, kind in KINDS.items() if not kind.usable]
EACH = pytest.mark.parametrize("name", KINDS)


@dataclass
class Spoilt:
    """A model that knows the right answer and spoils it, but for one segment in ten."""

    kind: Kind
    seed: str
    good: Callable[[str], Value]
    healthy: Callable[[str], bool] = lambda _: False
    sent: list[ChatReply] = field(default_factory=list)
    id: str = "spoilt:1"
    endpoint: str | None = None
    concurrency: int = 1

    def complete(self, request: ChatRequest) -> ChatReply:
        given: str | ChatReply = json.dumps(self.good(request.user))
        if not self.healthy(request.user):
            dice = random.Random(f"{self.seed} {len(self.sent)}")  # noqa: S311 - dice, not a secret
            given = self.kind.spoil(dice, self.good(request.user))
        self.sent.append(given if isinstance(given, ChatReply) else ChatReply(text=given, finish_reason="stop"))
        return self.sent[-1]


@dataclass
class Noted:
    """The study's ledger, with a note of what was recorded in which order."""

    store: Store
    keys: list[tuple[str, int]] = field(default_factory=list)

    def replies(self, key: str) -> Sequence[LedgerEntry]:
        return self.store.ledger.replies(key)

    def leaving(self, request: ChatRequest, departure: Departure) -> None:
        self.store.ledger.leaving(request, departure)

    def record(self, entry: LedgerEntry, request: ChatRequest) -> None:
        self.store.ledger.record(entry, request)
        self.keys.append((entry.key, entry.attempt))

    def kept(self) -> list[ChatReply]:
        """Replies as the database gives them back, in the order in which they came."""
        return [self.store.ledger.replies(key)[attempt - 1].reply for key, attempt in self.keys]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A study's database that does not wait for the disk: ten thousand careful commits would take a minute."""
    made = Store(f"sqlite:///{tmp_path / 'study.sqlite'}")
    sa.event.listen(made._engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    made._engine.dispose()
    yield made
    made.close()


def interview(turns: Iterable[str]) -> Transcript:
    return parse_text("\n\nInterviewer: And then?\n\n".join(f"P01: {said}" for said in turns), name="P01", place="P01")


def kept_in(store: Store, transcript: Transcript) -> list[Segment]:
    """The interview's segments, one a turn; store and memory hold the same."""
    segments = split(transcript)
    store.corpus.add(transcript)
    store.corpus.add_segments(transcript.id, segments, "whole turns")
    return segments


def talk(store: Store, count: int) -> list[Segment]:
    """So many segments, no two alike."""
    said = "The tutor knew my name. Friends met at night. I sat at the kitchen table. That is number"
    segments = kept_in(store, interview(f"{said} {n}." for n in range(count)))
    assert len(segments) == count
    return segments


def segment_in(user: str) -> str:
    found = re.search(r"^Segment: (\".*\")$", user, re.MULTILINE)
    assert found
    return str(json.loads(found[1]))


def number_in(user: str) -> int:
    return int(segment_in(user).rstrip(".").rsplit(" ", 1)[1])


def judgements(user: str) -> Value:
    """The right answer: it is about tutors, and not about friends."""
    assert "Candidate codes: tutors, friends" in user
    return {
        "tutors": {"applies": True, "polarity": "experienced", "words": "tutor knew my name"},
        "friends": {"applies": False, "polarity": "absent", "words": ""},
    }


def code(segments: Sequence[Segment], model: Spoilt, ledger: Noted) -> Assigned:
    likeness = np.tile([OPEN, OPEN, SURE], (len(segments), 1))
    nothing = np.zeros_like(likeness)
    signals = Signals(likeness, nothing, np.full_like(likeness, np.nan), nothing, nothing, np.zeros(3, bool))
    return assign(
        segments,
        signals,
        chances(likeness, None),
        [""] * len(segments),
        open_to={row: [0, 1] for row in range(len(segments))},
        framework=FRAMEWORK,
        asker=Asker(model, ledger, "run-1", Retry(sleep=lambda _: None)),
        prompt=load("code_segment.v1"),
        embed=ENCODER.encode,
        encoder=ENCODER.id,
        bar=Bar(),
    )


def whole(found: Assigned, segments: Sequence[Segment]) -> None:
    """One outcome for each segment and code of the codebook; evidence stands in its segment."""
    assert [(c.segment_id, c.code) for c in found.codings] == [(s.id, name) for s in segments for name in CODES]
    texts = {s.id: s.text for s in segments}
    for coding in found.codings:
        assert bool(coding.evidence) == (coding.outcome is Outcome.ASSIGNED)
        assert coding.rationale.isprintable()
        for span in coding.evidence:
            assert 0 <= span.start < span.end <= len(texts[coding.segment_id])
            assert texts[coding.segment_id][span.start : span.end].strip()


def outcomes(found: Assigned, segment: Segment) -> list[str]:
    return [c.outcome.value for c in found.codings if c.segment_id == segment.id]


def test_there_are_ten_thousand() -> None:
    assert sum(kind.times for kind in KINDS.values()) >= 10_000
    assert len(KINDS) >= 14


@EACH
def test_coding_bears_every_kind(name: str, store: Store) -> None:
    kind = KINDS[name]
    # A usable reply settles a segment; of the others each gets two.
    spoilt = kind.times if kind.usable else kind.times // 2
    segments = talk(store, spoilt + -(-spoilt // (HEALTHY_EVERY - 1)))
    model = Spoilt(kind, name, judgements, lambda user: number_in(user) % HEALTHY_EVERY == 0)
    ledger = Noted(store)

    found = code(segments, model, ledger)
    whole(found, segments)
    healthy = [s for n, s in enumerate(segments) if n % HEALTHY_EVERY == 0]
    assert len(model.sent) - len(healthy) == kind.times
    assert ledger.kept() == model.sent, "what came is kept as it came"
    assert store.ledger.usage()["calls"] == len(model.sent)

    store.findings.add_codings(found.codings, "run-1")
    kept = {(c.segment_id, c.code): c for c in store.findings.codings("run-1")}
    assert kept == {(c.segment_id, c.code): c for c in found.codings}
    assert found.failed == (0 if kind.usable else spoilt)
    right = outcomes(found, healthy[0])
    assert right[0] == "assigned"
    by_segment = {s.id: [kept[s.id, c] for c in CODES] for s in segments}
    for number, segment in enumerate(segments):
        codings = by_segment[segment.id]
        if kind.usable or number % HEALTHY_EVERY == 0:
            assert [c.outcome.value for c in codings] == right, "spoilt neighbours change nothing"
        else:
            # Without a model the third code would be assigned; without an answer nobody knows what it would change.
            assert [c.outcome for c in codings] == [Outcome.FAILED] * len(CODES)
            assert all(c.confidence is None and not c.evidence and c.provenance.said is None for c in codings)


def letters(_: str) -> Value:
    """The right answer of a model that weighs all codes at once: log-probabilities of three codes and of none."""
    return {"A": -0.2, "B": -2.5, "C": -4.0, "D": -1.1}


# Kinds that spoil words or quotes leave numbers as they are.
NUMBERS_SURVIVE = {"escaped NULs in words", "invented quotes", "fenced in Markdown"}


@EACH
def test_weighing_bears_every_kind(name: str, store: Store) -> None:
    kind = KINDS[name]
    spoilt = min(kind.times, 100)
    segments = talk(store, spoilt + -(-spoilt // (HEALTHY_EVERY - 1)))
    model = Spoilt(kind, f"letters {name}", letters, lambda user: number_in(user) % HEALTHY_EVERY == 0)
    ledger = Noted(store)
    asker = Asker(model, ledger, "run-1", Retry(sleep=lambda _: None))
    asked = [OpenSegment(segment, (), "") for segment in segments]

    said = score(asked, FRAMEWORK, asker=asker, prompt=load("choose_code.v1"))
    assert list(said) == [s.id for s in segments], "every segment has scores or an error"
    assert ledger.kept() == model.sent
    survives = name in NUMBERS_SURVIVE
    for number, one in enumerate(said.values()):
        if survives or number % HEALTHY_EVERY == 0:
            assert not isinstance(one, Exception), one
            # e^-.2 + e^-2.5 + e^-4 + e^-1.1 is 1.252003, its logarithm .224744.
            assert one.round(6).tolist() == [-0.424744, -2.724744, -4.224744], "as shares of all letters"
        else:
            assert isinstance(one, ReplyError)
    found = assign(
        segments, *weighed(len(segments)), [""] * len(segments), open_to={}, framework=FRAMEWORK, asker=asker,
        prompt=load("choose_code.v1"), embed=ENCODER.encode, encoder=ENCODER.id, bar=Bar(), scored=said,
    )  # fmt: skip
    whole(found, segments)
    failed = [s for s in segments if outcomes(found, s) == ["failed"] * len(CODES)]
    assert found.failed == len(failed) == sum(isinstance(one, Exception) for one in said.values())


def weighed(count: int) -> tuple[Signals, Chances]:
    likeness = np.tile([OPEN, OPEN, SURE], (count, 1))
    nothing = np.zeros_like(likeness)
    signals = Signals(likeness, nothing, np.full_like(likeness, np.nan), nothing, nothing, np.zeros(3, bool))
    return signals, chances(likeness, None)


def test_letters_that_were_cut_off_are_no_weights(store: Store) -> None:
    """Adapters say *stop* of a single token that was asked for; whoever says *length* has lost some of the weights."""
    segments = talk(store, 3)
    model = Spoilt(KINDS["whole, but length"], "cut", letters)
    said = score(
        [OpenSegment(s, (), "") for s in segments], FRAMEWORK, asker=Asker(model, Noted(store), "run-1"),
        prompt=load("choose_code.v1"),
    )  # fmt: skip
    assert all(isinstance(one, ReplyError) and "cut off" in str(one) for one in said.values())
    assert store.ledger.usage()["calls"] == 2 * len(segments)


def test_a_study_on_disk_keeps_them_as_well(tmp_path: Path) -> None:
    """Every kind once, twice over, closed and opened again."""
    url = f"sqlite:///{tmp_path / 'study.sqlite'}"
    store = Store(url)
    names = [name for name in KINDS if name != "a megabyte"] + ["a megabyte"]
    segments = talk(store, len(names))

    def spoil(dice: Dice, good: Value) -> str | ChatReply:
        return KINDS[dice.choice(names)].spoil(dice, good)

    model, ledger = Spoilt(Kind(spoil), "disk", judgements), Noted(store)
    whole(code(segments, model, ledger), segments)
    store.close()
    reopened = Store(url)
    ledger.store = reopened
    assert ledger.kept() == model.sent
    assert reopened.ledger.usage("run-1")["calls"] == len(model.sent) >= len(names)
    reopened.close()


@pytest.mark.parametrize("name", REFUSED)
def test_a_second_reply_that_is_right_mends_it(name: str, store: Store) -> None:
    segments = talk(store, 3)
    asked: list[str] = []

    def healthy(user: str) -> bool:
        asked.append(user)
        return "Your last reply could not be used" in user

    model = Spoilt(KINDS[name], f"mended {name}", judgements, healthy)
    found = code(segments, model, Noted(store))
    assert found.failed == 0
    assert len(model.sent) == 2 * len(segments)
    repairs = [user.partition("\n\nYour last reply could not be used: ")[2] for user in asked]
    assert all(len(said) < 400 and said.replace("\n", "").isprintable() for said in repairs), "no reply is echoed"


@pytest.mark.parametrize("again", ["tutors", "t\\u0075tors"])
def test_duplicate_keys_choose_nothing(again: str) -> None:
    """Refused: JSON readers keep the last of two equal keys, and which of two contradicting answers came last
    says nothing about which is meant. The model is asked once more instead."""
    yes, no = (f'{{"applies": {word}, "polarity": "mixed", "words": ""}}' for word in ("true", "false"))
    asked = Question(load("code_segment.v1").render(codes=(), candidates=[], question="", segment=""), Judgements)
    for one, other in ((yes, no), (no, yes), (yes, yes)):
        reply = ChatReply(text=f'{{"tutors": {one}, "{again}": {other}}}', finish_reason="stop")
        with pytest.raises(ReplyError, match="twice"):
            parse(reply, asked)


@pytest.mark.parametrize("text", ["```" + "\n" * 99_990, "```json" + " \n" * 49_990, "```\n" + "``` " * 24_990])
def test_no_reply_takes_long_to_refuse(text: str) -> None:
    asked = Question(load("code_segment.v1").render(codes=(), candidates=[], question="", segment=""), Judgements)
    started = time.monotonic()
    with pytest.raises(ReplyError):
        parse(ChatReply(text=text, finish_reason="stop"), asked)
    assert time.monotonic() - started < 2


def test_a_finish_reason_may_be_anything(store: Store) -> None:
    """Endpoints have words of their own for it."""
    segments = talk(store, 20)

    def spoil(dice: Dice, good: Value) -> ChatReply:
        return ChatReply(text=json.dumps(good), finish_reason=dice.choice(["\ud800", "\0", "", "STOP"]))

    ledger, model = Noted(store), Spoilt(Kind(spoil), "finish", judgements)
    assert code(segments, model, ledger).failed == 0
    assert ledger.kept() == model.sent
    assert store.ledger.usage()["calls"] == len(segments)


SAID = {
    "group": ["our midnight group chat never sleeps", "the midnight group chat saved me", "that group chat again"],
    "post": ["my letters to the office stay unanswered", "the office leaves letters unanswered", "unanswered letters"],
}
GROUP_TALK = interview(text for texts in SAID.values() for text in texts)
GROUPED = split(GROUP_TALK)
VECTORS = ENCODER.encode([s.text for s in GROUPED])
TEXTS = {s.id: s.text for s in GROUPED}


def clustering() -> Clustering:
    centres = [VECTORS[rows].mean(axis=0) for rows in ([0, 1, 2], [3, 4, 5])]
    members = [tuple(Member(row, 1.0, Belongs.CORE) for row in rows) for rows in ([0, 1, 2], [3, 4, 5])]
    found = [Cluster(m, c / np.linalg.norm(c)) for m, c in zip(members, centres, strict=True)]
    return Clustering(tuple(found), (), "by hand")


def theme_name(user: str) -> Value:
    group = "group chat" in user
    name = "Meeting in the midnight group chat" if group else "Waiting for unanswered office letters"
    words = "group chat" if group else "unanswered"
    return {"definition": f"They speak of it: {name}.", "name": name, "quotes": [{"segment": 1, "words": words}]}


def theme_mapping(_: str) -> Value:
    return {"codes": [{"code": "friends", "rationale": "they meet at night"}], "outside": False}


def named(model: Spoilt, ledger: Noted) -> tuple[Sequence[Theme], int]:
    found = label(
        clustering(), GROUPED, VECTORS, asker=Asker(model, ledger, "run-1", Retry(sleep=lambda _: None)),
        prompt=load("label_theme.v1"), again=load("rename_theme.v1"), embed=ENCODER.encode,
    )  # fmt: skip
    return found.themes, found.failed


@EACH
def test_themes_bear_every_kind(name: str, store: Store) -> None:
    kind = KINDS[name]
    ledger, run = Noted(store), store.runs.start("inputs", {})
    namer, mapper = (Spoilt(kind, f"theme {name}", good) for good in (theme_name, theme_mapping))
    themes, failed = named(namer, ledger)
    assert failed == (0 if kind.usable else 2)
    assert all(theme.name and (theme.by == namer.id) == kind.usable for theme in themes)
    quotes = [q for theme in themes for q in theme.quotes]
    assert all(0 <= q.start < q.end <= len(TEXTS[q.segment_id]) for q in quotes)

    asker = Asker(mapper, ledger, run.id, Retry(sleep=lambda _: None))
    mapped = map_themes(themes, FRAMEWORK, TEXTS, asker=asker, prompt=load("map_theme.v1"))
    assert all(code.code in CODES for theme in mapped for code in theme.mapping.codes)
    # A theme without a usable reply is unmapped, which is neither a code nor "outside the framework".
    assert all(bool(t.mapping.by) == bool(t.mapping.codes) == kind.usable and not t.mapping.outside for t in mapped)
    assert ledger.kept() == namer.sent + mapper.sent

    kept_in(store, GROUP_TALK)
    store.findings.add_themes(run.id, mapped)
    assert store.findings.themes(run.id) == mapped
    store.close()
