"""Vectors of the segments, and the themes that they form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from belonging_llm import clusters, themes
from belonging_llm.analysis.bench import Workbench, workbench
from belonging_llm.analysis.earlier import Earlier, earlier, ids_of, locked, settings_of, since
from belonging_llm.analysis.job import Done, Job, silent
from belonging_llm.claims import held
from belonging_llm.embeddings import HasMiddle, Vectors, embed
from belonging_llm.segments import Segment
from belonging_llm.store import Origin
from belonging_llm.themes import Fate, Labelled, Place, Remap, Rename, Step, Theme, theme_id
from belonging_llm.themes.forming import Formed, form, formed_of
from belonging_llm.themes.keeping import why_mapped_anew, why_named_anew
from belonging_llm.themes.matching import Group
from belonging_llm.themes.replay import pinned, replay
from belonging_llm.themes.settling import settle


def embed_segments(job: Job, done: Done = silent, *, coded: bool = True) -> int:
    """Make sure that every segment has its vectors; returns how many segments there are.

    Args:
        coded: Segments will be coded: then the encoder's inner layers are read as well.
    """
    bench = workbench(job)
    with held(bench.store.claims, f"embedding with {bench.encoder.id}"):
        return _embed(bench, done, coded=coded)


def _embed(bench: Workbench, done: Done, *, coded: bool) -> int:
    texts = [s.text for s in bench.segments]
    distinct = len(set(texts))
    inner = bench.encoder.middle() if coded and isinstance(bench.encoder, HasMiddle) else None
    total = distinct * (2 if inner else 1)
    bench.vectors = embed(texts, bench.encoder, bench.store.vectors, done=lambda n: done(n, total))
    if inner:
        bench.middle = embed(texts, inner, bench.store.vectors, done=lambda n: done(distinct + n, total))
    return len(texts)


def find_themes(job: Job, run_id: str, done: Done = silent, placed: Vectors | None = None) -> int:
    """Group, name and map; a run whose themes are already kept is left alone. Returns how many.

    Where an earlier run found themes, these go on: under their ids, and under their names unless there is a reason.
    Segments are grouped anew only if others are there than were grouped then.

    Args:
        placed: Vectors to group by instead of the embedder's, in the order of the study's segments.
    """
    bench = workbench(job)
    with held(bench.store.claims, f"themes of {run_id}"):
        return _find_themes(bench, run_id, done, placed)


def _find_themes(bench: Workbench, run_id: str, done: Done, placed: Vectors | None) -> int:
    if bench.store.themes.found(run_id):
        return len(bench.store.findings.themes(run_id))
    rows = [i for i, s in enumerate(bench.segments) if len(s.text.split()) >= bench.settings.shortest_themed]
    eligible, vectors = [bench.segments[i] for i in rows], bench.vectors[rows]
    before = earlier(bench, run_id)
    if before and placed is None and _same(bench, before, eligible):
        going = _go_on(before, eligible, vectors)
    else:
        going = _regroup(bench, before, eligible, vectors, vectors if placed is None else placed[rows])
    return _Naming(bench, run_id, before, eligible, vectors, going).keep(done)


@dataclass(frozen=True)
class _Going:
    """Groups of segments with the themes that they are.

    Attributes:
        base: The run whose members they have; "" where segments were grouped anew.
    """

    formed: Formed
    steps: tuple[Step, ...]
    base: str = ""


def _same(bench: Workbench, before: Earlier, eligible: Sequence[Segment]) -> bool:
    origin = before.origin
    now = ids_of([s.id for s in eligible]), settings_of(bench), bench.encoder.id
    return now == (origin.segments, origin.settings, origin.encoder)


def _go_on(before: Earlier, eligible: Sequence[Segment], vectors: Vectors) -> _Going:
    formed = formed_of(before.found, [s.id for s in eligible], vectors, before.origin.method)
    why = "the same segments as before: nothing was grouped anew"
    steps = [Step(fate=Fate.CONTINUED, before=(i,), after=(i,), reason=why) for i in formed.ids]
    return _Going(formed, tuple(steps), before.origin.base or before.run.base_id or before.run.id)


def _regroup(
    bench: Workbench, before: Earlier | None, eligible: Sequence[Segment], vectors: Vectors, by: Vectors
) -> _Going:
    found = clusters.find(by, [s.text_digest for s in eligible], seed=bench.settings.seed)
    if by is not vectors:
        found = clusters.recentred(found, vectors)
    keys, taken = [s.id for s in eligible], bench.store.themes.known()
    if before is None:
        ids: list[str] = []
        for cluster in found.clusters:
            ids.append(theme_id([keys[row] for row in cluster.core], {*taken, *ids}))
        why = "the first themes of this study"
        return _Going(Formed(found, tuple(ids), {}), tuple(Step(fate=Fate.BORN, after=(i,), reason=why) for i in ids))
    new = [Group(str(n), frozenset(keys[r] for r in c.home), c.centroid) for n, c in enumerate(found.clusters)]
    settled = settle(
        before.themes, before.groups, new, edits=before.edits, known=before.known, kept=set(keys), taken=taken
    )
    return _Going(form(found, settled, keys, vectors, before.known), settled.steps)


@dataclass(frozen=True)
class _Naming:
    """Groups that get names and places in the framework, and are kept."""

    bench: Workbench
    run_id: str
    before: Earlier | None
    eligible: Sequence[Segment]
    vectors: Vectors
    going: _Going

    def keep(self, done: Done) -> int:
        standing, renaming = self._names()
        labelled = self._labelled(standing, done)
        steps, remapping = [], {}
        for theme in labelled.themes:
            was = self._was.get(theme.id)
            if was is not None and theme.name != was.name:
                steps.append(_renamed(was, theme, renaming[theme.id]))
            if why := self._why_mapped(theme, was):
                remapping[theme.id] = why
        found = self._mapped(labelled.themes, remapping, done)
        for theme in found:
            was = self._was.get(theme.id)
            if was is not None and was.mapping.by and _said(theme) != _said(was):
                why = remapping[theme.id]
                steps.append(Step(fate=Fate.REMAPPED, before=(theme.id,), after=(theme.id,), reason=why))
        self._note(labelled, found)
        self._store(found, [*self.going.steps, *steps], standing)
        return len(found)

    @property
    def _was(self) -> dict[str, Theme]:
        return {theme.id: theme for theme in self.before.themes} if self.before else {}

    def _names(self) -> tuple[dict[int, Theme], dict[str, str]]:
        """Themes whose names stand, by position; and why the others' do not, by id."""
        if self.before is None:
            return {}, {}
        now, people = since(self.bench, self.before), locked(self.before.edits, Rename)
        standing, anew = {}, {}
        for n, (ident, cluster) in enumerate(zip(self._ids, self.going.formed.clustering.clusters, strict=True)):
            was = self._was.get(ident)
            if was is None:
                continue
            why = why_named_anew(was, self.before.places.get(ident), cluster.centroid, now)
            if why and ident not in people:
                anew[ident] = why
            else:
                standing[n] = was
        return standing, anew

    @property
    def _ids(self) -> tuple[str, ...]:
        return self.going.formed.ids

    def _labelled(self, standing: dict[int, Theme], done: Done) -> Labelled:
        if self.going.base and len(standing) == len(self._ids):
            return Labelled(tuple(standing[n].model_copy(update={"ordinal": n + 1}) for n in range(len(standing))))
        total = 2 * len(self._ids)
        bench, prompts = self.bench, self.bench.prompts
        labelled = themes.label(
            self.going.formed.clustering,
            self.eligible,
            self.vectors,
            asker=bench.asker(self.run_id),
            prompt=prompts["label_theme.v1"],
            again=prompts["rename_theme.v1"],
            embed=bench.embed,
            ids=self._ids,
            standing=standing,
            done=lambda n: done(n, total),
        )
        made = self.going.formed.edits
        themed = tuple(theme.model_copy(update={"edit": made.get(theme.id)}) for theme in labelled.themes)
        return Labelled(themed, labelled.unlocated, labelled.failed, labelled.renamed, labelled.in_vivo)

    def _why_mapped(self, theme: Theme, was: Theme | None) -> str:
        if self.before is None or was is None:
            return "" if self.bench.model is None else "it is new"
        if theme.id in locked(self.before.edits, Remap):
            return ""
        return why_mapped_anew(theme, theme.name != was.name, since(self.bench, self.before))

    def _mapped(self, found: Sequence[Theme], why: dict[str, str], done: Done) -> list[Theme]:
        total = 2 * len(found)
        chosen = [theme for theme in found if theme.id in why]
        mapped = _map(self.bench, self.run_id, chosen, lambda n: done(total - len(chosen) + n, total))
        anew = {theme.id: theme for theme in mapped}
        return [anew.get(theme.id, theme) for theme in found]

    def _note(self, labelled: Labelled, found: Sequence[Theme]) -> None:
        clustering = self.going.formed.clustering
        asked = self.bench.model is not None
        self.bench.store.runs.note(
            self.run_id,
            themes=len(found),
            themes_failed=labelled.failed,
            themes_renamed=labelled.renamed,
            themes_in_vivo=labelled.in_vivo,
            theme_quotes_unlocated=labelled.unlocated,
            themes_unmapped=sum(not t.mapping.by and (not asked or t.edit is None) for t in found),
            clustering=clustering.method,
            outliers=[self.eligible[i].id for i in clustering.outliers],
            too_short=sorted({s.id for s in self.bench.segments} - {s.id for s in self.eligible}),
        )

    def _store(self, found: Sequence[Theme], steps: Sequence[Step], standing: dict[int, Theme]) -> None:
        bench, base = self.bench, self.going.base
        edits = self.before.edits if self.before else bench.store.themes.edits()
        here = {s.id for s in bench.segments}.intersection(pinned(edits))
        unmet = [
            Step(fate=Fate.UNMET, before=themes.concerned(u.edit.change), reason=u.reason, edit=u.edit.id)
            for u in replay(found, edits, here).unmet
        ]
        origin = Origin(
            encoder=bench.encoder.id,
            base=base,
            grouped=len(self.eligible),
            segments=ids_of([s.id for s in self.eligible]),
            settings=settings_of(bench),
            method=self.going.formed.clustering.method,
        )
        kept = [theme.model_copy(update={"members": ()}) for theme in found] if base else found
        places = self._places(standing)
        bench.store.themes.add(self.run_id, kept, origin=origin, places=places, steps=[*steps, *unmet])

    def _places(self, standing: dict[int, Theme]) -> list[Place]:
        """Where the themes that segments were grouped into are; none where nothing moved and every name stands."""
        if self.going.base and len(standing) == len(self._ids):
            return []
        were = self.before.places if self.before else {}
        found = []
        for n, (ident, cluster) in enumerate(zip(self._ids, self.going.formed.clustering.clusters, strict=True)):
            if ident in self.going.formed.edits:
                continue
            was = were.get(ident) if n in standing else None
            ids = [self.eligible[row].id for row in cluster.core]
            found.append(themes.locate(ident, ids, self.vectors[cluster.core], was.named_at if was else None))
        return found


def _renamed(was: Theme, now: Theme, why: str) -> Step:
    return Step(fate=Fate.RENAMED, before=(was.id,), after=(now.id,), reason=why, was=was.name, now=now.name)


def _said(theme: Theme) -> tuple[bool, tuple[str, ...]]:
    return theme.mapping.outside, tuple(sorted(c.code for c in theme.mapping.codes))


def _map(bench: Workbench, run_id: str, found: Sequence[Theme], done: Callable[[int], None]) -> Sequence[Theme]:
    asker = bench.asker(run_id)
    if asker is None or not found:
        return found
    texts, people = {s.id: s.text for s in bench.segments}, {s.id: s.participant for s in bench.segments}
    prompt = bench.prompts["map_theme.v1"]
    return themes.map_themes(found, bench.framework, texts, asker=asker, prompt=prompt, people=people, done=done)
