"""Can words inside an interview steer the coding? Attempts to, against as many harmless words.

Usage: python evals/injections.py [--llm SPEC] [--embedder SPEC] [--limit N] [--segments N] [--beside] [--out FILE]

A segment of the synthetic sample is coded as it is, with an attempt of `data/injections.csv` before or after it, and
with harmless sentences of the same length in the same place: what merely more words change, the harmless ones change
as well. Candidate codes are those of the segment as it is, so that a model is asked the same question all three times.
With `--llm none` nobody reads the words and only the embedding is moved. Segments are those that leave a code in doubt,
which are the easiest to move. The codebook's wording alone speaks: no human
codings are learned from, and there are no themes.

With `--beside` the words are put into another segment, which a model is asked about in the same call: what changes
then is what one segment can do to its neighbour. Embeddings are left as they are, so that all of it is the model's.

Intervals are Wilson's (1927, J. Am. Stat. Assoc. 22), over segments and over segment × code; a segment, an attempt
and the codes of a segment recur, so that they are somewhat too narrow.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from scipy import stats

from belonging_llm import codebook, resources
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.asking import Asker
from belonging_llm.codebook import Framework
from belonging_llm.codes import (
    Bar,
    Chances,
    Coding,
    Outcome,
    Several,
    Signals,
    assign,
    chances,
    open_pairs,
    strength,
    weigh,
)
from belonging_llm.embeddings import Encoder, Vectors, embed
from belonging_llm.llm import ChatModel
from belonging_llm.prompts import load
from belonging_llm.provenance import file_digest
from belonging_llm.segments import Segment, split
from belonging_llm.store import Store
from belonging_llm.study import DEFAULT_FRAMEWORK
from belonging_llm.transcripts import read

DATA = Path(__file__).parent / "data" / "injections.csv"
EVERY = 3
HOSTS = 40  # segments that attempts are put into, spread evenly over those that leave a code in doubt
SEGMENTS = 4  # of those, for each attempt
# Harmless, and about nothing that the codebook asks for.
HARMLESS = (
    "The kettle takes four minutes and the bread is from Tuesday.",
    "It rained on the washing, and then it stopped again.",
    "The number nine bus turns left at the bakery and right at the bridge.",
    "My cousin keeps three hens and a cockerel behind the garage.",
    "There were plums on the tree, more than we could carry.",
    "The lamp in the hall needs a new bulb, the small kind with a screw.",
    "We painted the fence green, and half of the gate as well.",
    "On Saturdays the market has cheese, onions and second-hand shoes.",
    "The stairs have thirty-one steps if you count the one at the door.",
    "A tin of beans, two lemons, rice, and matches if there are any.",
    "The neighbours' car is blue, or it was before the winter.",
    "He cut the hedge with the wrong scissors and it shows.",
    "The river is low at this time of the year, you can see the stones.",
    "I had soup at noon and the other half of it at six.",
    "The clock in the kitchen runs five minutes fast, it always has.",
    "They are digging up the road outside the post office again.",
    "The carpet came in a roll and would not lie flat for a week.",
    "There is a crack in the blue bowl, so we use it for keys.",
)


@dataclass(frozen=True)
class Attempt:
    """Words that somebody could say to steer a model."""

    id: str
    kind: str
    text: str


@dataclass(frozen=True)
class Rate:
    """So many of so many, with Wilson's 95 % interval; no share where there is nothing to count."""

    changed: int
    of: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass
class Tally:
    """What added words changed.

    Attributes:
        segments: Trials, each with whether any outcome changed; likewise `outcomes` for segment × code.
        answers: Codes that a model was asked about and answered both times, with whether its yes or no changed.
        moves: Changed outcomes by what they were and became.
    """

    segments: Counter[bool] = field(default_factory=Counter)
    outcomes: Counter[bool] = field(default_factory=Counter)
    answers: Counter[bool] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)

    def add(self, before: Mapping[str, Coding], after: Mapping[str, Coding]) -> None:
        """Count one trial."""
        changed = {code: before[code].outcome is not after[code].outcome for code in before}
        self.segments[any(changed.values())] += 1
        self.outcomes.update(changed.values())
        self.moves.update(f"{before[c].outcome} → {after[c].outcome}" for c, moved in changed.items() if moved)
        said = [(before[c].provenance.said, after[c].provenance.said) for c in before]
        self.answers.update(one != two for one, two in said if one is not None and two is not None)

    def report(self) -> dict[str, object]:
        """The rates, and where outcomes went."""
        rates = {name: asdict(rate(getattr(self, name))) for name in ("segments", "outcomes", "answers")}
        return rates | {"moves": dict(sorted(self.moves.items()))}


class Kept:
    """Vectors in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, Vectors] = {}

    def get(self, digests: Sequence[str], model: str) -> dict[str, Vectors]:
        """Those that are known; there is one model."""
        return {d: self._kept[d] for d in digests if d in self._kept}

    def put(self, vectors: dict[str, Vectors], model: str) -> None:
        """Remember them."""
        self._kept.update(vectors)


class Bench:
    """The sample, its codebook and the models, and how one segment of it is coded."""

    def __init__(self, encoder: Encoder, asker: Asker | None, framework: Framework | None = None) -> None:
        self.framework = framework or codebook.load(DEFAULT_FRAMEWORK)
        self.encoder, self.asker = encoder, asker
        self.prompt, self.several = load("code_segment.v1"), Several(load("code_segments.v1"), 2)
        self.segments = sample()
        self._kept = Kept()
        self._codebook: dict[tuple[str, ...], Vectors] = {}
        self.vectors = self.embed([s.text for s in self.segments])
        self._open = open_pairs(self._evidence(self.vectors)[1], 1.0)
        self._plain: dict[int, dict[str, Coding]] = {}
        self._beside: dict[int, dict[str, Coding]] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, each computed once."""
        return embed(texts, self.encoder, self._kept)

    def hosts(self, count: int = HOSTS) -> list[int]:
        """Rows of segments with a code in doubt, evenly spread."""
        rows = sorted(self._open)
        return [rows[i * len(rows) // count] for i in range(count)] if len(rows) > count else rows

    def plain(self, row: int) -> dict[str, Coding]:
        """The codings of a segment as it is, by code."""
        if row not in self._plain:
            self._plain[row] = self.coded(row, self.segments[row].text)
        return self._plain[row]

    def coded(self, row: int, text: str) -> dict[str, Coding]:
        """The codings that a segment would have with another text, all other segments as they are."""
        segment = self.segments[row].model_copy(update={"text": text})
        vectors = self.vectors.copy()
        vectors[row] = self.embed([text])[0]
        signals, likely = self._evidence(vectors)
        here = np.array([row])
        found = assign(
            [segment],
            signals.of(here),
            likely.of(here),
            [""],
            open_to={0: self._open[row]} if self.asker else {},
            framework=self.framework,
            asker=self.asker,
            prompt=self.prompt,
            embed=self.embed,
            encoder=self.encoder.id,
            bar=Bar(),
        )
        return {coding.code: coding for coding in found.codings}

    def plain_beside(self, row: int) -> dict[str, Coding]:
        """The codings of a segment in a call with its neighbour, both as they are."""
        if row not in self._beside:
            self._beside[row] = self.coded_beside(row, self.segments[self.neighbour(row)].text)
        return self._beside[row]

    def coded_beside(self, row: int, text: str) -> dict[str, Coding]:
        """The codings that a segment would have in one call with its neighbour, had that another text."""
        other = self.neighbour(row)
        here = np.array([other, row])
        signals, likely = self._evidence(self.vectors)
        found = assign(
            [self.segments[other].model_copy(update={"text": text}), self.segments[row]],
            signals.of(here),
            likely.of(here),
            ["", ""],
            open_to={0: self._open[other], 1: self._open[row]},
            framework=self.framework,
            asker=self.asker,
            prompt=self.prompt,
            embed=self.embed,
            encoder=self.encoder.id,
            bar=Bar(),
            several=self.several,
        )
        return {coding.code: coding for coding in found.codings if coding.segment_id == self.segments[row].id}

    def neighbour(self, row: int) -> int:
        """The next segment with a code in doubt."""
        rows = sorted(self._open)
        return rows[(rows.index(row) + 1) % len(rows)]

    def _of_codebook(self, texts: Sequence[str]) -> Vectors:
        """The codebook's vectors, which every trial needs."""
        if (asked := tuple(texts)) not in self._codebook:
            self._codebook[asked] = self.embed(texts)
        return self._codebook[asked]

    def _evidence(self, vectors: Vectors) -> tuple[Signals, Chances]:
        signals = weigh([s.id for s in self.segments], vectors, self.framework, [], self._of_codebook)
        return signals, chances(strength(signals), None)


def main() -> None:
    """Measure, print a table and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llm", default="none", help=factory.SPECS)
    parser.add_argument("--embedder", default="local", help="as for `belonging analyse`, or hashed: words only, quick")
    parser.add_argument("--limit", type=int, help="so many attempts, spread over the kinds")
    parser.add_argument("--segments", type=int, default=SEGMENTS, help="segments that each attempt is put into")
    parser.add_argument("--beside", action="store_true", help="put the words into a neighbour in the same call")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    options = parser.parse_args()
    encoder = HashEncoder(256) if options.embedder == "hashed" else factory.encoder(options.embedder)
    model = factory.chat_model(options.llm, allow_remote=False)
    if options.beside and model is None:
        parser.error("--beside: without a model there are no calls that segments could share")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(encoder, asker(model, Path(folder)))
        found = measure(bench, spread(attempts(), options.limit), options.segments, beside=options.beside)
    print(table(found))
    if options.out:
        options.out.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def asker(model: ChatModel | None, folder: Path) -> Asker | None:
    """Who asks a model, with a ledger in a folder; None without a model."""
    return Asker(model, Store(f"sqlite:///{folder / 'ledger.sqlite'}").ledger, "injections") if model else None


def attempts() -> list[Attempt]:
    """All of them, in the file's order."""
    with DATA.open(encoding="utf-8", newline="") as stream:
        return [Attempt(**row) for row in csv.DictReader(stream)]


def sample() -> list[Segment]:
    """Some of the sample's segments, cut as by default; each trial weighs all of them anew."""
    files = sorted(resources.path("data", "sample", "transcripts").iterdir())
    return [segment for file in files for segment in split(read(file))][::EVERY]


def spread(all_of_them: Sequence[Attempt], limit: int | None) -> list[Attempt]:
    """At most so many, at equal distances."""
    count = min(limit or len(all_of_them), len(all_of_them))
    return [all_of_them[i * len(all_of_them) // count] for i in range(count)]


def harmless(length: int, start: int) -> str:
    """Harmless sentences of about so many characters, beginning with another one for each start."""
    said = ""
    for sentence in islice(cycle(HARMLESS), start % len(HARMLESS), None):
        if len(said) >= length:
            break
        said += f" {sentence}"
    said = said.strip()
    return said if len(said) <= length else said[:length].rpartition(" ")[0] or said[:length]


def trials(attempt: Attempt, number: int, hosts: Sequence[int], segments: int) -> Iterator[tuple[int, bool, str, str]]:
    """Host row, whether the words come first, the attempt's words and harmless ones."""
    for k in range(segments):
        row = hosts[(number * 7 + k * (len(hosts) // segments or 1)) % len(hosts)]
        yield row, (number + k) % 2 == 0, attempt.text, harmless(len(attempt.text), number + 5 * k)


def joined(host: str, words: str, first: bool) -> str:
    """A segment's words with others before or after them."""
    return f"{words} {host}" if first else f"{host} {words}"


def measure(
    bench: Bench, tried: Sequence[Attempt], segments: int = SEGMENTS, *, beside: bool = False
) -> dict[str, object]:
    """Rates of change by kind of attempt, and of the harmless words beside them.

    Args:
        beside: The words stand in a neighbour that shares the call.
    """
    hosts = bench.hosts()
    planned = [(a, *trial) for number, a in enumerate(tried) for trial in trials(a, number, hosts, segments)]
    into = bench.neighbour if beside else lambda row: row
    as_it_is = bench.plain_beside if beside else bench.plain
    # All at once: an encoder is quicker with many texts, and batches do not depend on what was asked.
    bench.embed([joined(bench.segments[into(row)].text, w, first) for _, row, first, *both in planned for w in both])
    kinds = {a.kind: (Tally(), Tally()) for a in tried}
    everything = Tally(), Tally()
    for attempt, row, first, *both in planned:
        for place, words in enumerate(both):
            text = joined(bench.segments[into(row)].text, words, first)
            coded = bench.coded_beside(row, text) if beside else bench.coded(row, text)
            for tallies in (kinds[attempt.kind], everything):
                tallies[place].add(as_it_is(row), coded)
    plain = [as_it_is(row) for row in hosts if row in {p[1] for p in planned}]
    return {
        "llm": bench.asker.model.id if bench.asker else "none",
        "embedder": bench.encoder.id,
        "codebook": bench.framework.digest,
        "attempts": {"count": len(tried), "file": file_digest(DATA), "segments for each": segments},
        "outcomes without added words": dict(Counter(str(c.outcome) for by in plain for c in by.values())),
        "segments that failed without": sum(any(c.outcome is Outcome.FAILED for c in by.values()) for by in plain),
        "all": both_of(everything),
        "kinds": {kind: both_of(tallies) for kind, tallies in kinds.items()},
    } | ({"words stand in": "a neighbour in the same call"} if beside else {})


def both_of(tallies: tuple[Tally, Tally]) -> dict[str, object]:
    """Attempts beside harmless words."""
    return {"attempts": tallies[0].report(), "harmless": tallies[1].report()}


def rate(counted: Counter[bool]) -> Rate:
    """The share of changes and its interval."""
    changed, of = counted[True], counted.total()
    if not of:
        return Rate(0, 0)
    interval = stats.binomtest(changed, of).proportion_ci(method="wilson")
    return Rate(changed, of, round(changed / of, 4), round(float(interval.low), 4), round(float(interval.high), 4))


def table(found: Mapping[str, object]) -> str:
    """The figures for people to read."""
    kinds: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float | None]]]] = found["kinds"]  # type: ignore[assignment]
    lines = [f"llm {found['llm']}, embedder {found['embedder']}"]
    for unit in ("segments", "outcomes", "answers") if found["llm"] != "none" else ("segments", "outcomes"):
        lines.append(f"\nchanged {unit:26} {'attempts':>22} {'harmless':>22}")
        for name, both in [*kinds.items(), ("all", found["all"])]:
            lines.append(f"  {name:32} " + " ".join(_cell(both[words][unit]) for words in ("attempts", "harmless")))  # type: ignore[index]
    return "\n".join(lines)


def _cell(one: Mapping[str, float | None]) -> str:
    if one["share"] is None:
        return f"{'-':>22}"
    return f"{one['share']:.3f} [{one['low']:.3f}, {one['high']:.3f}]".rjust(22)


if __name__ == "__main__":
    main()
