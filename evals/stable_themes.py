"""Do themes stay the same when interviews come in batches? The sample in four batches, against all at once.

Usage: python -P evals/stable_themes.py [--orders N] [--vectors FILE] [--seed N] [--out FILE]

In each order three of the twelve interviews come at a time. The first batch is grouped into themes; the segments of
the others are placed into those by nearest exemplars, and whenever it is due (`themes.due`), or at the very end, as
`belonging analyse` does it, everything is grouped anew and held against the themes that there were. A segment is in
matching themes where its theme is paired with its theme of all at once (optimal assignment, one to one), or where it
is in none in both. No language model is asked: names stay out of it.

FILE keeps the encoder's vectors from one call to the next (.npy, rows in the order of the segments' digests).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import stats
from scipy.optimize import linear_sum_assignment

from belonging_llm import clusters, themes
from belonging_llm.adapters import factory
from belonging_llm.clusters import Clustering
from belonging_llm.embeddings import Vectors
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.provenance import digest, versions
from belonging_llm.segments import Segment
from belonging_llm.study import create
from belonging_llm.themes import Fate, Place, Step, Theme, ThemeMember, theme_id
from belonging_llm.themes.due import why_due
from belonging_llm.themes.forming import Formed, form
from belonging_llm.themes.matching import Group
from belonging_llm.themes.settling import settle

BATCHES = 4
SHORTEST = 5
WANTED = 0.95
MEASURES = ("matching", "batches_alone", "placed_only", "same_id", "groupings")


@dataclass(frozen=True)
class State:
    """Themes at one moment: members, places, and the segments that were grouped or placed by then."""

    themes: tuple[Theme, ...]
    places: tuple[Place, ...]
    known: frozenset[str]

    @property
    def home(self) -> dict[str, str]:
        """Each segment's theme; "" for none."""
        found = dict.fromkeys(self.known, "")
        return found | {segment: theme.id for theme in self.themes for segment in theme.own}


@dataclass(frozen=True)
class Order:
    """What came of one order of arrival.

    Attributes:
        matching: Share of segments in matching themes after the last batch and the grouping at the end.
        batches_alone: The same after the last batch, grouped anew when due and not at the end.
        placed_only: The same where three quarters of the segments are placed and nothing is ever grouped anew.
        same_id: Share of segments whose theme has the same id after a grouping as before it (of those in a theme in
            both), over all groupings.
        groupings: How often everything was grouped anew.
        fates: Steps of the lineage at those.
        reused: Ids that were given to a second theme.
        untold: Themes whose beginning, end or going on the lineage does not tell.
    """

    matching: float
    batches_alone: float
    placed_only: float
    same_id: float
    groupings: int
    fates: dict[str, int]
    reused: int
    untold: int


class Sample:
    """The sample's segments with their vectors; clusterings of the same input are made once."""

    def __init__(self, segments: Sequence[Segment], vectors: Vectors) -> None:
        self.segments = list(segments)
        self.vectors = vectors
        self._made: dict[str, Clustering] = {}

    def rows(self, documents: Sequence[str]) -> list[int]:
        """Segments of some interviews, in canonical order."""
        return [i for i, s in enumerate(self.segments) if s.document in documents]

    def grouped(self, rows: Sequence[int]) -> Clustering:
        """Clusters of some segments."""
        key = digest([self.segments[i].id for i in rows])
        if key not in self._made:
            self._made[key] = clusters.find(self.vectors[rows], [self.segments[i].text_digest for i in rows])
        return self._made[key]


def main() -> None:
    """Feed, group, compare, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--vectors", type=Path, help="where the encoder's vectors are kept")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    options = parser.parse_args()
    sample, same_vectors = read(options.vectors)
    documents = sorted({s.document for s in sample.segments})
    rows = sample.rows(documents)
    whole = first(sample, rows)
    dice = np.random.default_rng(options.seed)
    found = []
    for number in range(options.orders):
        found.append(fed(sample, list(dice.permutation(documents)), whole))
        print(f"order {number + 1}: {found[-1]}", flush=True)
    report = summary(found) | {
        "segments": len(rows),
        "themes": len(whole.themes),
        "vectors_of_batches_equal_those_of_all_at_once": same_vectors,
        "versions": versions(),
    }
    print(json.dumps(report, indent=2))
    if options.out:
        report["orders"] = [asdict(order) for order in found]
        options.out.write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read(kept: Path | None) -> tuple[Sample, bool | None]:
    """The sample's segments that are grouped; and whether they have the same vectors however they come in."""
    with TemporaryDirectory() as folder:
        study = create(Path(folder) / "sample", sample=True)
        import_paths(study, [study.folder / "transcripts"])
        split_transcripts(study)
        everything = sorted(study.store.corpus.segments(), key=lambda s: (s.text_digest, s.id))
        study.store.close()
    segments = [s for s in everything if len(s.text.split()) >= SHORTEST]
    if kept and kept.exists():
        return Sample(segments, np.load(kept)), None
    encoder = factory.encoder("local")
    vectors = encoder.encode([s.text for s in segments])
    if kept:
        np.save(kept, vectors)
    apart = np.empty_like(vectors)
    for part in np.array_split(np.arange(len(segments)), BATCHES):
        apart[part] = encoder.encode([segments[i].text for i in part])
    return Sample(segments, vectors), bool((apart == vectors).all())


def first(sample: Sample, rows: Sequence[int]) -> State:
    """Themes of a first grouping."""
    found = sample.grouped(rows)
    ids: list[str] = []
    for cluster in found.clusters:
        ids.append(theme_id([sample.segments[rows[r]].id for r in cluster.core], ids))
    return state(sample, rows, Formed(found, tuple(ids), {}))


def state(sample: Sample, rows: Sequence[int], formed: Formed) -> State:
    """Themes and places of a grouping."""
    keys = [sample.segments[i].id for i in rows]
    made, places = [], []
    for n, (ident, cluster) in enumerate(zip(formed.ids, formed.clustering.clusters, strict=True), 1):
        members = tuple(
            ThemeMember(segment_id=keys[m.index], strength=m.strength, belongs=m.belongs) for m in cluster.members
        )
        made.append(Theme(id=ident, ordinal=n, name=ident, definition="", members=members))
        core = cluster.core
        places.append(themes.locate(ident, [keys[r] for r in core], sample.vectors[[rows[r] for r in core]]))
    return State(tuple(made), tuple(places), frozenset(keys))


def placed(sample: Sample, before: State, rows: Sequence[int]) -> State:
    """The same themes with new segments."""
    keys = [sample.segments[i].id for i in rows]
    came = themes.arrive(keys, sample.vectors[rows], before.places).members
    grown = tuple(t.model_copy(update={"members": (*t.members, *came.get(t.id, ()))}) for t in before.themes)
    return State(grown, before.places, before.known | set(keys))


def regrouped(sample: Sample, before: State, rows: Sequence[int], taken: set[str]) -> tuple[State, tuple[Step, ...]]:
    """Everything grouped anew, under the ids of the themes that go on."""
    keys = [sample.segments[i].id for i in rows]
    found = sample.grouped(rows)
    old = {p.theme: p.centre for p in before.places}
    groups = {t.id: Group(t.id, frozenset(t.own), old[t.id]) for t in before.themes}
    new = [Group(str(n), frozenset(keys[r] for r in c.home), c.centroid) for n, c in enumerate(found.clusters)]
    settled = settle(before.themes, groups, new, edits=(), known=before.known, kept=set(keys), taken=taken)
    return state(sample, rows, form(found, settled, keys, sample.vectors[rows], before.known)), settled.steps


def fed(sample: Sample, documents: Sequence[str], whole: State) -> Order:
    """One order of arrival."""
    parts = [sample.rows(list(part)) for part in np.array_split(np.array(documents), BATCHES)]
    now = only = first(sample, parts[0])
    history, grouped, taken = [], len(parts[0]), {theme.id for theme in now.themes}
    for end in range(2, BATCHES + 1):
        now, only = placed(sample, now, parts[end - 1]), placed(sample, only, parts[end - 1])
        if why_due(grouped, len(now.known) - grouped):
            rows = sorted(row for part in parts[:end] for row in part)
            history.append((now, *regrouped(sample, now, rows, taken)))
            now, grouped = history[-1][1], len(rows)
            taken |= {theme.id for theme in now.themes}
    alone = matching(now.home, whole.home)
    if grouped < len(now.known):
        history.append((now, *regrouped(sample, now, sample.rows(documents), taken)))
    steps = [step for *_, told in history for step in told]
    kept = [b.home[s] == a.home[s] for b, a, _ in history for s in b.known if b.home[s] and a.home[s]]
    return Order(
        matching=matching(history[-1][1].home, whole.home),
        batches_alone=alone,
        placed_only=matching(only.home, whole.home),
        same_id=float(np.mean(kept)),
        groupings=len(history),
        fates={fate.value: n for fate in Fate if (n := sum(step.fate is fate for step in steps))},
        reused=reused(history),
        untold=sum(untold(before, after, told) for before, after, told in history),
    )


def matching(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """Share of segments in matching themes."""
    rows, columns = (sorted({theme for theme in home.values() if theme}) for home in (one, other))
    table = np.zeros((len(rows), len(columns)))
    for segment, theme in one.items():
        if theme and other[segment]:
            table[rows.index(theme), columns.index(other[segment])] += 1
    i, j = linear_sum_assignment(table, maximize=True)
    nowhere = sum(not theme and not other[segment] for segment, theme in one.items())
    return float((table[i, j].sum() + nowhere) / len(one))


def reused(history: Sequence[tuple[State, State, tuple[Step, ...]]]) -> int:
    """Ids given to themes that begin though an earlier theme had them, and ids that two themes have at once."""
    had, again = {theme.id for theme in history[0][0].themes}, 0
    for _, after, told in history:
        fresh = [ident for step in told if step.fate in (Fate.BORN, Fate.SPLIT) for ident in step.after]
        ids = [theme.id for theme in after.themes]
        again += sum(ident in had for ident in fresh) + len(fresh) - len(set(fresh)) + len(ids) - len(set(ids))
        again += len(set(ids) - had - set(fresh))
        had.update(ids)
    return again


def untold(before: State, after: State, steps: Sequence[Step]) -> int:
    """Themes that ended, began or went on without the lineage saying so."""
    old, new = {t.id for t in before.themes}, {t.id for t in after.themes}
    said = {
        "ended": {i for s in steps if s.fate in (Fate.MERGED, Fate.RETIRED) for i in s.before},
        "began": {i for s in steps if s.fate in (Fate.BORN, Fate.SPLIT) for i in s.after},
        "went on": {i for s in steps if s.fate is Fate.CONTINUED for i in s.after},
    }
    truth = {"ended": old - new, "began": new - old, "went on": old & new}
    return sum(len(truth[what] ^ said[what]) for what in truth)


def summary(found: Sequence[Order]) -> dict[str, object]:
    """Means with 95 % intervals over orders of arrival (Student's t)."""
    figures = {name: interval([getattr(o, name) for o in found]) for name in MEASURES}
    fates = {fate.value: sum(o.fates.get(fate.value, 0) for o in found) for fate in Fate}
    return {
        "orders_of_arrival": len(found),
        "batches": BATCHES,
        "figures": figures,
        "lowest_matching": min(o.matching for o in found),
        "lowest_of_batches_alone": min(o.batches_alone for o in found),
        "wanted": WANTED,
        "holds": min(o.matching for o in found) >= WANTED,
        "ids_reused": sum(o.reused for o in found),
        "themes_untold": sum(o.untold for o in found),
        "lineage": {fate: n for fate, n in fates.items() if n},
    }


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and its interval."""
    mean, spread = float(np.mean(values)), float(stats.sem(values)) if len(values) > 1 else 0.0
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * spread if spread else 0.0
    return {"mean": round(mean, 4), "low": round(mean - reach, 4), "high": round(mean + reach, 4)}


if __name__ == "__main__":
    main()
